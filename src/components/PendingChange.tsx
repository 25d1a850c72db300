import { CalendarClock } from 'lucide-react';
import type { Catalogue } from '../core/catalogue.ts';
import type { EntitlementSnapshot } from '../core/entitlements.ts';
import { useI18n } from '../i18n/i18n.ts';
import { Notice } from './ui/notice.tsx';

interface PendingChangeProps {
  snapshot: EntitlementSnapshot | null | undefined;
  catalogue: Catalogue | undefined;
}

/** A plan change that is planned for a date, told before it comes; nothing when none is. */
export function PendingChange({ snapshot, catalogue }: PendingChangeProps) {
  const { t, formats } = useI18n();
  const pending = snapshot?.pending_change;
  if (!pending) return null;
  const name = catalogue?.plans.find((plan) => plan.slug === pending.plan)?.name ?? pending.plan;
  return (
    <Notice className="mb-4 flex items-center gap-2">
      <CalendarClock aria-hidden className="size-4 shrink-0" />
      {t.plan.pending(name, formats.date(pending.effective_at))}
    </Notice>
  );
}
