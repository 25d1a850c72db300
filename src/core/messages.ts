/**
 * State messages on a group's private topic `group:<uuid>`: their shape, and how they are read. Each carries
 * the new state itself, so that ten thousand tabs cost ten thousand sends and no query. A message is a hint
 * over a versioned snapshot; `group-state.ts` says what it changes. Arrays follow the order of `RESOURCES`.
 *
 * Instants (`at`, `next_at`, that of `pending`) are whole milliseconds since 1970 by the server's clock, the same number in
 * message, snapshot and console row.
 */
import type { LimitTuple, UsageTuple } from './catalogue.ts';
import { RESOURCES, type SubscriptionStatus } from './entitlements.ts';

const STATUSES = {
  trial: true,
  active: true,
  past_due: true,
  grace: true,
  suspended: true,
  cancelled: true,
  expired: true,
  none: true,
} satisfies Record<SubscriptionStatus, true>;

export const STATE_EVENTS = ['plan_changed', 'entitlements_changed', 'usage_changed'] as const;
export type StateEvent = (typeof STATE_EVENTS)[number];

/** Sent as `usage_changed`. */
export interface UsageMessage {
  /** Epoch of the platform: a restore from a backup raises it, and revisions begin again below it. */
  e: number;
  rev: number;
  usage: UsageTuple;
  /** Instant of the commit's transaction. */
  at: number;
  /** When time alone next changes what the group may do, if anything is dated; screens read again then. */
  next_at?: number;
  /** Added by `realtime.send`; lets a client drop a repeat. */
  id?: string;
}

/** Sent as `plan_changed` (another plan or status) and `entitlements_changed` (limits or modules of the same plan). */
export interface EntitlementsMessage extends UsageMessage {
  /** Slug of the plan in force. */
  plan: string;
  /** Version of that plan; a version the catalogue in cache does not know leads to a refetch. */
  pv: number;
  status: SubscriptionStatus;
  warn: number;
  limits: LimitTuple;
  /**
   * Law: present when the group's modules are not exactly those of its plan version (an override, an add-on).
   * The list is then not in the catalogue, and the client reads it from the server.
   */
  own?: true;
  /** The change that is scheduled, if any: the plan's slug, and when it comes. An array, for the 300 bytes of a message. */
  pending?: [plan: string, at: number];
}

export type StateMessage =
  | { event: 'plan_changed' | 'entitlements_changed'; message: EntitlementsMessage }
  | { event: 'usage_changed'; message: UsageMessage };

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;
const isLimit = (value: unknown): boolean => value === null || isCount(value);
const isStatus = (value: unknown): boolean => typeof value === 'string' && Object.hasOwn(STATUSES, value);

/** The instant becomes a date, which ends long before the counts do. */
const isPending = (value: unknown): boolean =>
  Array.isArray(value) &&
  value.length === 2 &&
  typeof value[0] === 'string' &&
  isCount(value[1]) &&
  !Number.isNaN(new Date(value[1] as number).getTime());

function isTuple(value: unknown, isItem: (item: unknown) => boolean): boolean {
  return Array.isArray(value) && value.length === RESOURCES.length && value.every(isItem);
}

function isUsageMessage(payload: Record<string, unknown>): boolean {
  return (
    isCount(payload['e']) &&
    isCount(payload['rev']) &&
    isTuple(payload['usage'], isCount) &&
    isCount(payload['at']) &&
    (payload['next_at'] === undefined || isCount(payload['next_at']))
  );
}

function isEntitlementsMessage(payload: Record<string, unknown>): boolean {
  return (
    isUsageMessage(payload) &&
    typeof payload['plan'] === 'string' &&
    isCount(payload['pv']) &&
    isStatus(payload['status']) &&
    typeof payload['warn'] === 'number' &&
    isTuple(payload['limits'], isLimit) &&
    (payload['pending'] === undefined || isPending(payload['pending']))
  );
}

/** Whether an event on a group's topic carries state (and not, say, a notification). */
export function isStateEvent(event: string): event is StateEvent {
  return (STATE_EVENTS as readonly string[]).includes(event);
}

/**
 * Reads what arrives on a group's topic. A payload comes from outside: nothing is believed unread.
 * @returns the message, or `null` when the payload is not what the event promises; the caller then refetches.
 */
export function parseStateMessage(event: StateEvent, payload: unknown): StateMessage | null {
  if (typeof payload !== 'object' || payload === null) return null;
  const record = payload as Record<string, unknown>;
  if (event === 'usage_changed') {
    return isUsageMessage(record) ? { event, message: payload as UsageMessage } : null;
  }
  return isEntitlementsMessage(record) ? { event, message: payload as EntitlementsMessage } : null;
}
