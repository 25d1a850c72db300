import type { Decision } from '../core/entitlements.ts';
import { limitText, roomText } from '../i18n/describe.ts';
import { useI18n } from '../i18n/i18n.ts';
import { StateLabel } from './StateLabel.tsx';
import { UsageBar } from './UsageBar.tsx';

/** One resource against its limit: used, limit, percentage, state and what remains. */
export function UsageMeter({ decision }: { decision: Decision }) {
  const i18n = useI18n();
  const { t, formats } = i18n;
  const { resource, usage, limit, percentage } = decision;
  return (
    <div className="grid gap-1.5">
      <div className="flex flex-wrap items-baseline justify-between gap-x-3">
        <span>{t.entitlements.resources[resource]}</span>
        <span className="flex items-baseline gap-2 tabular-nums">
          <span className="font-semibold">
            {formats.quantity(resource, usage)}
            <span className="font-medium text-muted"> / {limitText(i18n, resource, limit)}</span>
          </span>
          {percentage !== null && (
            <span className="min-w-12 text-right text-[0.8125rem] text-muted">
              {formats.percent(percentage)}
            </span>
          )}
        </span>
      </div>
      <UsageBar decision={decision} />
      <div className="flex flex-wrap items-baseline justify-between gap-x-3">
        <StateLabel state={decision.state} />
        <span className="text-[0.8125rem] text-muted">{roomText(i18n, decision)}</span>
      </div>
    </div>
  );
}
