import type { Decision, DecisionState } from '../core/entitlements.ts';
import { limitText } from '../i18n/describe.ts';
import { useI18n } from '../i18n/i18n.ts';
import { cn } from './ui/cn.ts';

const FILL: Record<DecisionState, string> = {
  ok: 'bg-blue',
  unlimited: 'bg-blue',
  warning: 'bg-gold',
  blocked: 'bg-red',
  over_limit: 'bg-red',
};

/** How much of a limit is used, as a bar with a notch where the warning begins. */
export function UsageBar({ decision, className }: { decision: Decision; className?: string }) {
  const i18n = useI18n();
  const { t, formats } = i18n;
  const { resource, usage, limit, warn_at, state } = decision;
  const filled = Math.min(decision.percentage ?? 0, 100);
  return (
    <div
      role="meter"
      aria-label={t.entitlements.resources[resource]}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={filled}
      aria-valuetext={t.entitlements.of(formats.quantity(resource, usage), limitText(i18n, resource, limit))}
      className={cn('relative h-2 overflow-hidden rounded-full bg-track', className)}
    >
      <div className={cn('h-full rounded-full', FILL[state])} style={{ width: `${filled}%` }} />
      {limit !== null && filled < 100 && (
        <div className="absolute inset-y-0 w-0.5 bg-card" style={{ left: `${warn_at * 100}%` }} />
      )}
    </div>
  );
}
