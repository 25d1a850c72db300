import { cn } from '@/components/ui/cn.ts';
import type { DecisionState, Resource } from '@/core/entitlements.ts';
import { limitText } from '@/i18n/describe.ts';
import { useI18n } from '@/i18n/i18n.ts';

const FILL: Record<DecisionState, string> = {
  ok: 'bg-blue',
  unlimited: 'bg-blue',
  warning: 'bg-gold',
  blocked: 'bg-red',
  over_limit: 'bg-red',
};

interface MiniMeterProps {
  resource: Resource;
  usage: number;
  limit: number | null;
  state: DecisionState;
}

/** Usage against a limit in one table cell: a short bar, and the numbers that it pictures. */
export function MiniMeter({ resource, usage, limit, state }: MiniMeterProps) {
  const i18n = useI18n();
  const share = limit === null ? 0 : limit === 0 ? 1 : Math.min(1, usage / limit);
  return (
    <span className="inline-flex items-center gap-2 whitespace-nowrap">
      <span aria-hidden className="h-1.5 w-18 overflow-hidden rounded-full bg-track md:hidden xl:block">
        <span
          className={cn('block h-full rounded-full transition-[width] duration-300', FILL[state])}
          style={{ width: `${share * 100}%` }}
        />
      </span>
      <span>
        {i18n.formats.quantity(resource, usage)}
        <span className="text-muted"> / {limitText(i18n, resource, limit)}</span>
      </span>
    </span>
  );
}
