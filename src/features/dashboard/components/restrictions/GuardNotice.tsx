import { Lock, RotateCw, TriangleAlert } from 'lucide-react';
import { UsageBar } from '../../../../components/UsageBar.tsx';
import { Button } from '../../../../components/ui/button.tsx';
import { cn } from '../../../../components/ui/cn.ts';
import type { Decision } from '../../../../core/entitlements.ts';
import { amountText, limitText } from '../../../../i18n/describe.ts';
import { useI18n, type I18n } from '../../../../i18n/i18n.ts';
import type { GuardView } from './guardView.ts';

interface GuardNoticeProps {
  view: GuardView;
  titleId: string;
  /** Says that the guard has just opened again; heard, not seen. */
  hasReopened: boolean;
  onUpgradeClick: (() => void) | undefined;
  onRetry: () => void;
}

interface Text {
  title: string;
  lines: string[];
}

function closedText(i18n: I18n, decision: Decision): Text {
  const { t, formats } = i18n;
  const { resource, usage, limit, reason, requested } = decision;
  const current = t.guard.current(formats.quantity(resource, usage), limitText(i18n, resource, limit));
  const limitAmount = amountText(i18n, resource, limit ?? 0);
  const isRequestTooLarge = decision.state !== 'blocked' && decision.state !== 'over_limit';
  const title = isRequestTooLarge
    ? t.guard.requestTooLarge(amountText(i18n, resource, requested))
    : decision.state === 'over_limit'
      ? t.guard.overLimit(limitAmount)
      : t.guard.limitReached(limitAmount);
  const why = reason === 'limit_reached' ? [] : [t.entitlements.reasons[reason]];
  return { title, lines: [current, ...why, t.guard.waysOut[resource]] };
}

function textOf(i18n: I18n, view: Exclude<GuardView, { kind: 'open' }>): Text {
  const { t, formats } = i18n;
  if (view.kind === 'closed') return closedText(i18n, view.decision);
  if (view.kind === 'warning') {
    const { resource, usage, limit, remaining } = view.decision;
    return {
      title: t.guard.warning,
      lines: [
        t.guard.warningRemaining(amountText(i18n, resource, remaining ?? 0)),
        t.guard.usage(formats.quantity(resource, usage), limitText(i18n, resource, limit)),
      ],
    };
  }
  switch (view.why) {
    case 'checking':
      return { title: t.guard.checking, lines: [] };
    case 'offline':
      return { title: t.guard.offline, lines: [t.guard.offlineDetail] };
    case 'failed':
      return { title: t.guard.failed, lines: [t.guard.failedDetail] };
    case 'no_group':
      return { title: t.entitlements.card.noGroup, lines: [] };
  }
}

const TONES: Record<GuardView['kind'], string> = {
  // Out of the flow but there: a live region must exist before it has something to say.
  open: 'sr-only',
  warning: 'grid gap-2 rounded-card border border-gold-line bg-gold-tint px-4 py-3 text-gold-ink',
  closed: 'grid gap-2 rounded-card border border-red/40 bg-red-tint px-4 py-3 text-red-ink',
  undecided: 'flex flex-wrap items-center gap-x-3 gap-y-2 text-[0.8125rem] text-muted',
};

/** Why the guard is closed, or will be soon, with the way out. Its text is announced when it changes. */
export function GuardNotice({ view, titleId, hasReopened, onUpgradeClick, onRetry }: GuardNoticeProps) {
  const i18n = useI18n();
  const { t } = i18n;
  const text = view.kind === 'open' ? null : textOf(i18n, view);
  const decision = view.kind === 'warning' || view.kind === 'closed' ? view.decision : null;
  const Icon = view.kind === 'warning' ? TriangleAlert : Lock;
  const canRetry = view.kind === 'undecided' && (view.why === 'failed' || view.why === 'offline');
  return (
    <div className={TONES[view.kind]}>
      <div role="status" className={cn(text && 'grid gap-1')}>
        {hasReopened && <span className="sr-only">{t.guard.opened}</span>}
        {text && (
          <p id={titleId} className={cn('flex items-center gap-2', decision && 'font-semibold')}>
            <Icon aria-hidden className="size-4 shrink-0" />
            {text.title}
          </p>
        )}
        {text?.lines.map((line) => (
          <p key={line} className="text-[0.8125rem] tabular-nums">
            {line}
          </p>
        ))}
      </div>
      {decision && <UsageBar decision={decision} />}
      {decision && onUpgradeClick && (
        <div>
          <Button variant={view.kind === 'closed' ? 'primary' : 'outline'} onClick={onUpgradeClick}>
            {view.kind === 'closed' ? t.guard.upgrade : t.guard.warningUpgrade}
          </Button>
        </div>
      )}
      {canRetry && (
        <Button size="sm" onClick={onRetry}>
          <RotateCw aria-hidden />
          {t.errors.retry}
        </Button>
      )}
    </div>
  );
}
