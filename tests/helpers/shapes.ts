/** Shapes of what the API returns, exact to the key, tied to the types of `src/core` by the compiler. */
import { z } from 'zod';
import type { Catalogue } from '../../src/core/catalogue.ts';
import type {
  Decision,
  EntitlementSnapshot,
  PlanChangePreview,
  PlanChangeResult,
  PlanRestrictions,
} from '../../src/core/entitlements.ts';
import type { EntitlementsMessage, UsageMessage } from '../../src/core/messages.ts';

const count = z.int().min(0);
const limit = count.nullable();
const epoch = z.int().min(1);
const instant = z.iso.datetime({ offset: true });
const resource = z.enum(['schools', 'students', 'staff', 'storage']);
const state = z.enum(['ok', 'warning', 'blocked', 'over_limit', 'unlimited']);
const status = z.enum(['trial', 'active', 'past_due', 'grace', 'suspended', 'cancelled', 'expired', 'none']);
const reason = z.enum([
  'ok',
  'limit_reached',
  'requested_exceeds_limit',
  'feature_not_in_plan',
  'feature_not_found',
  'no_active_subscription',
  'subscription_past_due',
  'subscription_suspended',
  'trial_expired',
  'grace_expired',
  'budget_exceeded',
]);
const named = z.strictObject({ slug: z.string(), name: z.string() });
const change = z.strictObject({ plan: z.string(), effective_at: instant });

export const decisionShape = z.strictObject({
  allowed: z.boolean(),
  reason,
  resource,
  limit,
  usage: count,
  requested: count,
  remaining: limit,
  overage: count,
  percentage: z.number().min(0).nullable(),
  unlimited: z.boolean(),
  state,
  warn_at: z.number(),
  plan: z.string(),
  plan_version: count,
  rev: count,
}) satisfies z.ZodType<Decision>;

const restrictions = z.strictObject({
  schools: decisionShape,
  students: decisionShape,
  staff: decisionShape,
  storage: decisionShape,
});

export const restrictionsShape = z.strictObject({
  school_group_id: z.uuid(),
  plan: z.string(),
  status,
  rev: count,
  as_of: instant,
  restrictions,
}) satisfies z.ZodType<PlanRestrictions>;

const exception = z.strictObject({
  id: z.uuid(),
  reason: z.string(),
  expires_at: instant.exactOptional(),
});
const planSource = z.strictObject({
  source: z.literal('plan'),
  plan: z.string(),
  version: count,
  amount: limit,
});
const addOn = z.strictObject({
  source: z.literal('add_on'),
  id: z.uuid(),
  add_on: z.string(),
  origin: z.enum(['purchase', 'trial', 'auto', 'granted']),
  expires_at: instant.exactOptional(),
});
/** The plan's amount first, then the override that replaces it, the grants and the add-ons that add to it. */
const sources = z.tuple(
  [planSource],
  z.union([
    exception.extend({ source: z.enum(['override', 'grant']), amount: limit }),
    addOn.extend({ amount: count }),
  ]),
);

export const snapshotShape = restrictionsShape.extend({
  e: epoch,
  next_at: z.int().nullable(),
  plan_name: z.string(),
  subscribed_plan: z.string().nullable(),
  plan_version: count,
  warn_at: z.number(),
  modules: z.array(z.string()),
  categories: z.array(z.string()),
  pending_change: change.nullable(),
  unread_notices: count,
  catalogue: z.string(),
  sources: z.strictObject({
    limits: z.strictObject({ schools: sources, students: sources, staff: sources, storage: sources }),
    modules: z.array(
      z.union([
        exception.extend({ source: z.enum(['addition', 'removal']), module: z.string() }),
        addOn.extend({ module: z.string() }),
      ]),
    ),
  }),
}) satisfies z.ZodType<EntitlementSnapshot>;

const previewed = z.strictObject({
  usage: count,
  current_limit: limit,
  new_limit: limit,
  overage: count,
  state,
});

export const previewShape = z.strictObject({
  school_group_id: z.uuid(),
  from_plan: named,
  to_plan: named,
  rev: count,
  modules_before: count,
  modules_after: count,
  modules_gained: z.array(named),
  modules_lost: z.array(named),
  categories_before: count,
  categories_after: count,
  categories_gained: z.array(named),
  categories_lost: z.array(named),
  restrictions: z.strictObject({
    schools: previewed,
    students: previewed,
    staff: previewed,
    storage: previewed,
  }),
  fits: z.boolean(),
  affected_users: count,
}) satisfies z.ZodType<PlanChangePreview>;

export const changeResultShape = z.strictObject({
  school_group_id: z.uuid(),
  from_plan: z.string(),
  to_plan: z.string(),
  rev: count,
  outcome: z.enum(['applied', 'scheduled']),
  effective_at: instant,
}) satisfies z.ZodType<PlanChangeResult>;

export const catalogueShape = z.strictObject({
  version: z.string(),
  plans: z.array(
    named.extend({
      rank: count,
      version: count,
      price_xaf: count,
      billing_period: z.enum(['month', 'year']),
      warn_at: z.number(),
      limits: z.tuple([limit, limit, limit, limit]),
      modules: z.array(z.string()),
    }),
  ),
  categories: z.array(named.extend({ icon: z.string(), color: z.string(), position: count })),
  modules: z.array(
    named.extend({ category: z.string(), description: z.string(), icon: z.string(), position: count }),
  ),
}) satisfies z.ZodType<Catalogue>;

export const groupListShape = z.strictObject({
  total: count,
  groups: z.array(
    z.strictObject({
      id: z.uuid(),
      name: z.string(),
      code: z.string().nullable(),
      city: z.string().nullable(),
      department: z.string().nullable(),
      status: z.enum(['active', 'archived']),
      plan: z.string(),
      plan_name: z.string(),
      subscription_status: status,
      price_xaf: count,
      e: epoch,
      rev: count,
      at: z.int(),
      next_at: z.int().nullable(),
      warn: z.number(),
      limits: z.tuple([limit, limit, limit, limit]),
      usage: z.tuple([count, count, count, count]),
      state,
    }),
  ),
});

export const groupShape = z.strictObject({
  id: z.uuid(),
  name: z.string(),
  code: z.string().nullable(),
  city: z.string().nullable(),
  department: z.string().nullable(),
  contact_name: z.string().nullable(),
  contact_email: z.string().nullable(),
  contact_phone: z.string().nullable(),
  status: z.enum(['active', 'archived']),
  created_at: instant,
  subscription: z.strictObject({
    plan: z.string(),
    status,
    started_at: instant,
    current_period_end: instant.nullable(),
  }),
  events: z.array(
    z.strictObject({
      id: count,
      kind: z.enum(['created', 'plan_changed', 'status_changed']),
      from_plan: z.string().nullable(),
      to_plan: z.string(),
      from_status: status.nullable(),
      to_status: status,
      reason: z.string().nullable(),
      actor_name: z.string().nullable(),
      created_at: instant,
    }),
  ),
});

const usage = z.tuple([count, count, count, count]);

export const usageMessageShape = z.strictObject({
  e: epoch,
  rev: count,
  usage,
  at: z.int(),
  next_at: z.int().exactOptional(),
  id: z.uuid(),
}) satisfies z.ZodType<UsageMessage>;

export const entitlementsMessageShape = usageMessageShape.extend({
  plan: z.string(),
  pv: count,
  status,
  warn: z.number(),
  limits: z.tuple([limit, limit, limit, limit]),
  own: z.literal(true).exactOptional(),
  pending: z.tuple([z.string(), count]).exactOptional(),
}) satisfies z.ZodType<EntitlementsMessage>;
