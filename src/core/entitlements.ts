/**
 * The vocabulary of entitlements as the API speaks it. The database is the authority for every value
 * here; see `database/migrations/002_realtime_plan_system.sql` for the functions that return them.
 */
import type { Database } from '../../database/types.gen.ts';

/** Countable things a plan limits: the database's enum. `RESOURCE_INFO` says what each is called and how it is counted. */
export type Resource = Database['public']['Enums']['resource'];
/** In the order of the enum, which is that of every array of usage or limits. */
export const RESOURCES = ['schools', 'students', 'staff', 'storage'] as const satisfies readonly Resource[];

/** Where a group stands on one resource, whatever is being asked. */
export type DecisionState = 'ok' | 'warning' | 'blocked' | 'over_limit' | 'unlimited';

/** Why a decision came out as it did; stable codes, listed in docs/ERRORS.md. */
export type DecisionReason =
  | 'ok'
  | 'limit_reached'
  | 'requested_exceeds_limit'
  | 'feature_not_in_plan'
  | 'feature_not_found'
  | 'no_active_subscription'
  | 'subscription_past_due'
  | 'subscription_suspended'
  | 'trial_expired'
  | 'grace_expired'
  | 'budget_exceeded';

export type SubscriptionStatus =
  | 'trial'
  | 'active'
  | 'past_due'
  | 'grace'
  | 'suspended'
  | 'cancelled'
  | 'expired'
  | 'none';

/** The answer to “may this group add `requested` of `resource`?”, as SQL and the browser both compute it. */
export interface Decision {
  allowed: boolean;
  reason: DecisionReason;
  resource: Resource;
  /** Effective limit; `null` means unlimited. Bytes for storage. */
  limit: number | null;
  usage: number;
  requested: number;
  /** What may still be added, never negative; `null` when unlimited. */
  remaining: number | null;
  /** By how much usage stands above the limit, never negative. */
  overage: number;
  /** Usage in per cent of the limit, floored to one decimal, may pass 100; 100 for a limit of 0; `null` when unlimited. */
  percentage: number | null;
  unlimited: boolean;
  state: DecisionState;
  /** Share of the limit (0–1) from which a warning is due. */
  warn_at: number;
  /** Slug of the effective plan. */
  plan: string;
  plan_version: number;
  rev: number;
}

/** What `get_entitlements` returns: all that a screen needs to know of a group's rights, at one revision. */
export interface EntitlementSnapshot {
  school_group_id: string;
  /** Slug of the plan in force: the subscribed plan, or `gratuit` when the subscription gives none. */
  plan: string;
  plan_name: string;
  /** Slug of the plan subscribed to, whether or not it is in force; `null` without a subscription. */
  subscribed_plan: string | null;
  plan_version: number;
  status: SubscriptionStatus;
  /** Epoch of the platform: raised by a restore from a backup, after which revisions begin again. */
  e: number;
  rev: number;
  /** Instant of the computation, ISO 8601. */
  as_of: string;
  /** When time alone next changes what the group may do, Unix milliseconds; `null` when nothing is dated. */
  next_at: number | null;
  warn_at: number;
  restrictions: Record<Resource, Decision>;
  /** Slugs of the open modules, sorted. */
  modules: string[];
  /** Slugs of the open categories, sorted. */
  categories: string[];
  /**
   * Where each limit and each module of the group's own comes from. Absent once a message has moved the limits: it
   * carries their sum, not their parts, so whoever shows the parts reads the snapshot again.
   */
  sources?: EntitlementSources | undefined;
  pending_change: { plan: string; effective_at: string } | null;
  unread_notices: number;
  /** `version` of the catalogue in force when the snapshot was read; messages do not move it. */
  catalogue: string;
}

/** How a group came by an add-on. */
export type AddOnOrigin = 'purchase' | 'trial' | 'auto' | 'granted';

/** One part of a limit: the plan's amount first, then the override that replaces all or what adds to it. */
export interface LimitSource {
  source: 'plan' | 'override' | 'grant' | 'add_on';
  /** `null` is unlimited; bytes for storage. */
  amount: number | null;
  /** Of a plan: its slug and version. */
  plan?: string;
  version?: number;
  /** Of all but the plan. */
  id?: string;
  /** Of an override or a grant. */
  reason?: string;
  expires_at?: string;
  /** Of an add-on: its slug. */
  add_on?: string;
  origin?: AddOnOrigin;
}

export interface ModuleSource {
  source: 'addition' | 'removal' | 'add_on';
  id: string;
  /** Slug. */
  module: string;
  /** Of an addition or a removal. */
  reason?: string;
  expires_at?: string;
  /** Of an add-on: its slug. */
  add_on?: string;
  origin?: AddOnOrigin;
}

export interface EntitlementSources {
  limits: Record<Resource, LimitSource[]>;
  modules: ModuleSource[];
}

/** What `get_all_plan_restrictions` returns. */
export interface PlanRestrictions {
  school_group_id: string;
  plan: string;
  status: SubscriptionStatus;
  rev: number;
  as_of: string;
  restrictions: Record<Resource, Decision>;
}

/** One resource of a plan-change preview: present usage judged against the present and the target limit. */
export interface PreviewedResource {
  usage: number;
  current_limit: number | null;
  new_limit: number | null;
  /** How far usage would stand above the new limit; what would have to go to make it fit. */
  overage: number;
  state: DecisionState;
}

export interface NamedSlug {
  slug: string;
  name: string;
}

/** What `preview_plan_change` returns. */
export interface PlanChangePreview {
  school_group_id: string;
  from_plan: NamedSlug;
  to_plan: NamedSlug;
  rev: number;
  modules_before: number;
  modules_after: number;
  modules_gained: NamedSlug[];
  modules_lost: NamedSlug[];
  categories_before: number;
  categories_after: number;
  categories_gained: NamedSlug[];
  categories_lost: NamedSlug[];
  restrictions: Record<Resource, PreviewedResource>;
  /** Whether present usage fits within every new limit. */
  fits: boolean;
  /** Active accounts of the group, who will see the change at once. */
  affected_users: number;
}

/** What `change_plan` returns. */
export interface PlanChangeResult {
  school_group_id: string;
  from_plan: string;
  to_plan: string;
  rev: number;
  /** `applied` now, or `scheduled` for `effective_at`. */
  outcome: 'applied' | 'scheduled';
  effective_at: string;
}
