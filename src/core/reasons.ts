/** Why a group may be judged by the plan `gratuit` instead of the plan it subscribed to. */
import type { DecisionReason, SubscriptionStatus } from './entitlements.ts';

const FALLBACK_REASONS = [
  'no_active_subscription',
  'subscription_past_due',
  'subscription_suspended',
  'trial_expired',
  'grace_expired',
] as const satisfies DecisionReason[];
export type FallbackReason = (typeof FALLBACK_REASONS)[number];

/** Whether a reason names the subscription, not the quantity asked for. */
export function isFallbackReason(reason: DecisionReason): reason is FallbackReason {
  return (FALLBACK_REASONS as readonly DecisionReason[]).includes(reason);
}

/** Same table as `private.effective_entitlements`: in `past_due` and `grace` nothing is taken away yet. */
const FALLBACK: Record<SubscriptionStatus, FallbackReason | null> = {
  trial: null,
  active: null,
  past_due: null,
  grace: null,
  suspended: 'subscription_suspended',
  cancelled: 'no_active_subscription',
  expired: 'grace_expired',
  none: 'no_active_subscription',
};

/**
 * The reason a refusal gives when the subscription itself is why the limit is low; `null` while the
 * subscription is in force. For `expired` only the server knows whether a trial or the grace ran out: the
 * answer here is the commoner one, and `statusTellsReason` is false.
 */
export function fallbackReason(status: SubscriptionStatus): FallbackReason | null {
  return FALLBACK[status];
}

/** Whether the status alone tells why a group fell to `gratuit`. */
export function statusTellsReason(status: SubscriptionStatus): boolean {
  return status !== 'expired';
}
