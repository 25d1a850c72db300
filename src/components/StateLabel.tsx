import { Circle, Contrast, Infinity as InfinityIcon, Square, type LucideIcon } from 'lucide-react';
import type { DecisionState } from '../core/entitlements.ts';
import { useI18n } from '../i18n/i18n.ts';
import { cn } from './ui/cn.ts';

/** Each state has its own shape: colour is never alone. */
const LOOKS: Record<DecisionState, { Icon: LucideIcon; filled: boolean; className: string }> = {
  ok: { Icon: Circle, filled: true, className: 'text-green-ink' },
  warning: { Icon: Contrast, filled: false, className: 'text-gold-ink' },
  blocked: { Icon: Square, filled: true, className: 'text-red-ink' },
  over_limit: { Icon: Square, filled: true, className: 'text-red-ink' },
  unlimited: { Icon: InfinityIcon, filled: false, className: 'text-green-ink' },
};

interface StateLabelProps {
  state: DecisionState;
  /** A shorter word where there is little room. */
  word?: string;
}

/** Where a group stands on a resource, as word, shape and colour. */
export function StateLabel({ state, word }: StateLabelProps) {
  const { t } = useI18n();
  const { Icon, filled, className } = LOOKS[state];
  return (
    <span
      className={cn(
        'inline-flex items-center gap-1.5 text-[0.8125rem] font-semibold whitespace-nowrap',
        className,
      )}
    >
      <Icon aria-hidden className="size-3 shrink-0" fill={filled ? 'currentColor' : 'none'} />
      {word ?? t.entitlements.states[state]}
    </span>
  );
}
