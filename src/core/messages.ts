/**
 * State messages on a group's private topic `group:<uuid>`. Each carries the new state itself, so that
 * ten thousand tabs cost ten thousand sends and no query. A message is a hint over a versioned snapshot:
 * an older `rev` is dropped, a gap leads to one refetch. Arrays follow the order of `RESOURCES`.
 */
import type { LimitTuple, UsageTuple } from './catalogue.ts';
import type { SubscriptionStatus } from './entitlements.ts';

export const STATE_EVENTS = ['plan_changed', 'entitlements_changed', 'usage_changed'] as const;
export type StateEvent = (typeof STATE_EVENTS)[number];

/** Sent as `plan_changed` (another plan or status) and `entitlements_changed` (limits or modules of the same plan). */
export interface EntitlementsMessage {
  rev: number;
  /** Slug of the plan in force. */
  plan: string;
  /** Version of that plan; a version the catalogue in cache does not know leads to a refetch. */
  pv: number;
  status: SubscriptionStatus;
  warn: number;
  limits: LimitTuple;
  usage: UsageTuple;
  /**
   * Law: present when the group's modules are not exactly those of its plan version (an override, an add-on).
   * The list is then not in the catalogue, and the client reads it from the server.
   */
  own?: true;
  /** The change that is scheduled, if any. */
  pending?: { plan: string; effective_at: string };
  /** Instant of the commit's transaction, Unix milliseconds. */
  at: number;
  /** Added by `realtime.send`; lets a client drop a repeat. */
  id?: string;
}

/** Sent as `usage_changed`. */
export interface UsageMessage {
  rev: number;
  usage: UsageTuple;
  at: number;
  id?: string;
}
