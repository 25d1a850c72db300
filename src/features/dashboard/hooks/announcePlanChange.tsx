import type { EntitlementDiff } from '../../../core/diff.ts';
import { changeText } from '../../../i18n/describe.ts';
import { currentI18n } from '../../../i18n/i18n.ts';
import { toast } from '../../../lib/toasts.ts';

/** Long enough to read two lines of figures; hovering or focusing a toast holds it. */
const DURATION_MS = 12_000;

/**
 * Tells a change of the group's rights: what was gained and lost, and which limits moved. The region in which
 * toasts appear is `aria-live`, so the same words are spoken. A later change takes the place of an earlier one.
 * @param at instant of the change, ISO 8601.
 */
export function announcePlanChange(diff: EntitlementDiff, at: string): void {
  const i18n = currentI18n();
  const { title, gained, lost, limits } = changeText(i18n, diff);
  toast(title, {
    id: 'plan-change',
    duration: DURATION_MS,
    description: (
      <span className="grid gap-0.5">
        {gained && <span className="text-green-ink">{gained}</span>}
        {lost && <span className="text-red-ink">{lost}</span>}
        {limits && <span className="text-ink tabular-nums">{limits}</span>}
        <span className="text-muted">{i18n.t.plan.changedAt(i18n.formats.time(at))}</span>
      </span>
    ),
  });
}
