import type { Decision } from '../../../../core/entitlements.ts';
import type { RestrictionCheck, Undecided } from '../../hooks/usePlanRestrictionsRealtime.ts';

/** What a guard shows. Only `open` and `warning` let its children act. */
export type GuardView =
  | { kind: 'open' }
  | { kind: 'warning'; decision: Decision }
  | { kind: 'closed'; decision: Decision }
  | { kind: 'undecided'; why: Undecided };

/**
 * What a guard makes of a check. It fails closed: without a decision it lets nothing through (I9).
 * @param showWarningAt per cent of the limit from which the warning shows.
 */
export function guardView({ decision, undecided }: RestrictionCheck, showWarningAt: number): GuardView {
  if (!decision) return { kind: 'undecided', why: undecided ?? 'checking' };
  if (!decision.allowed) return { kind: 'closed', decision };
  if (decision.percentage !== null && decision.percentage >= showWarningAt) {
    return { kind: 'warning', decision };
  }
  return { kind: 'open' };
}
