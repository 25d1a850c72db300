/**
 * The decision “may this group add `requested` of a resource?” as a pure function. PostgreSQL computes the
 * same one and is the law; this copy lets a screen answer at once. `tests/cases/decisions.json` tests both.
 */
import type {
  Decision,
  DecisionReason,
  DecisionState,
  Resource,
  SubscriptionStatus,
} from './entitlements.ts';
import { fallbackReason, isFallbackReason, type FallbackReason } from './reasons.ts';

export interface DecisionInput {
  resource: Resource;
  /** Effective limit, `null` for unlimited; rows, or bytes for storage. */
  limit: number | null;
  /** Present usage, a whole number ≥ 0 in the unit of the limit. */
  usage: number;
  /** How many are to be added, a whole number ≥ 0. */
  requested: number;
  /** Share of the limit (0–1) from which a warning is due, at most four decimals. */
  warnAt: number;
  /** Set when the group has fallen to the plan `gratuit`; it then explains a refusal. */
  fallback: FallbackReason | null;
  plan: string;
  planVersion: number;
  rev: number;
}

/** `warn_at` is `numeric` in SQL; whole ten-thousandths keep the comparison exact here too. */
const WARN_SCALE = 10_000;

/** Where usage stands against a limit; both in rows, or bytes for storage. */
export function stateOf(limit: number | null, usage: number, warnAt: number): DecisionState {
  if (limit === null) return 'unlimited';
  if (usage > limit) return 'over_limit';
  if (usage === limit) return 'blocked';
  // BigInt: bytes × scale leaves the range in which a double counts exactly.
  const warns = BigInt(usage) * BigInt(WARN_SCALE) >= BigInt(Math.round(warnAt * WARN_SCALE)) * BigInt(limit);
  return warns ? 'warning' : 'ok';
}

/** Usage in per cent of the limit, floored to one decimal so that 100 is never shown before it is true. */
function percentageOf(limit: number | null, usage: number): number | null {
  if (limit === null) return null;
  if (limit === 0) return 100;
  return Number((BigInt(usage) * 1000n) / BigInt(limit)) / 10;
}

function reasonOf(input: DecisionInput, allowed: boolean): DecisionReason {
  if (allowed) return 'ok';
  if (input.fallback) return input.fallback;
  return input.usage >= (input.limit ?? 0) ? 'limit_reached' : 'requested_exceeds_limit';
}

/**
 * Judges one request. Asking for nothing is always allowed, also above the limit: shrinking and staying
 * put are never refused.
 * @throws RangeError when `usage` or `requested` is negative or not whole: a wrong count must not decide.
 */
export function decide(input: DecisionInput): Decision {
  const { limit, usage, requested } = input;
  for (const [name, value] of Object.entries({ usage, requested, limit: limit ?? 0 })) {
    if (!Number.isSafeInteger(value) || value < 0) {
      throw new RangeError(`${name} must be a whole number of at least 0, not ${value}`);
    }
  }
  // Compared by subtraction: the sum of two large counts leaves the range of exact numbers.
  const allowed = limit === null || requested === 0 || requested <= limit - usage;
  return {
    allowed,
    reason: reasonOf(input, allowed),
    resource: input.resource,
    limit,
    usage,
    requested,
    remaining: limit === null ? null : Math.max(limit - usage, 0),
    overage: limit === null ? 0 : Math.max(usage - limit, 0),
    percentage: percentageOf(limit, usage),
    unlimited: limit === null,
    state: stateOf(limit, usage, input.warnAt),
    warn_at: input.warnAt,
    plan: input.plan,
    plan_version: input.planVersion,
    rev: input.rev,
  };
}

/**
 * Judges another quantity on what a decision already knows.
 * @param status the subscription's status, which explains a refusal when the group has fallen to `gratuit`.
 */
export function decideAgain(known: Decision, requested: number, status: SubscriptionStatus): Decision {
  return decide({
    resource: known.resource,
    limit: known.limit,
    usage: known.usage,
    requested,
    warnAt: known.warn_at,
    fallback: isFallbackReason(known.reason) ? known.reason : fallbackReason(status),
    plan: known.plan,
    planVersion: known.plan_version,
    rev: known.rev,
  });
}
