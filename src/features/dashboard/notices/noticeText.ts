import type { Catalogue } from '@/core/catalogue.ts';
import { amountText } from '@/i18n/describe.ts';
import type { I18n } from '@/i18n/i18n.ts';
import type { NoticeContent } from './queries.ts';

export interface NoticeText {
  title: string;
  detail: string;
}

/** A notice in words: made from its parameters, in the reader's language, whenever it is shown. */
export function noticeText(i18n: I18n, notice: NoticeContent, catalogue: Catalogue | undefined): NoticeText {
  const { t, formats } = i18n;
  if (notice.kind === 'usage_threshold') {
    const { resource, threshold, usage, limit } = notice.params;
    return {
      title:
        threshold >= 1
          ? t.guard.limitReached(amountText(i18n, resource, limit))
          : t.notices.threshold(t.entitlements.resources[resource], formats.percent(threshold * 100)),
      detail: t.entitlements.of(formats.quantity(resource, usage), amountText(i18n, resource, limit)),
    };
  }
  const { plan, review_note } = notice.params;
  const name = catalogue?.plans.find(({ slug }) => slug === plan)?.name ?? plan;
  const title = notice.kind === 'request_approved' ? t.notices.approved(name) : t.notices.refused(name);
  return { title, detail: review_note ?? '' };
}
