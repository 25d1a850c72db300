import type { Catalogue } from '@/core/catalogue.ts';
import type { NoticeContent, NotificationKind } from '@/core/notices.ts';
import { RESOURCE_INFO, type ResourceIcon, type ResourceRoute } from '@/core/resources.ts';
import { amountText } from '@/i18n/describe.ts';
import type { I18n } from '@/i18n/i18n.ts';

export interface NoticeText {
  title: string;
  /** Empty when the title says it all. */
  detail: string;
}

/** Addresses that a notice may lead to. */
export type NoticeRoute = ResourceRoute | '/modules';

/** Names of lucide icons; `NoticeIcon` draws them. */
export type NoticeIconName = ResourceIcon | 'ArrowRightLeft' | 'CheckCircle' | 'ClipboardList' | 'CreditCard';

interface NoticeLooks<Kind extends NotificationKind> {
  icon: (notice: NoticeContent<Kind>) => NoticeIconName;
  /** Class of the icon's colour. */
  colour: (notice: NoticeContent<Kind>) => string;
  /** Where the reader can act on it; `null` where there is nothing to do. */
  route: (notice: NoticeContent<Kind>) => NoticeRoute | null;
  /** The notice in words, in the reader's language. */
  text: (i18n: I18n, notice: NoticeContent<Kind>, catalogue: Catalogue | undefined) => NoticeText;
}

/** What the screens know of each kind of notice; a kind of the database that is missing here does not compile. */
const NOTICE_KINDS: { [Kind in NotificationKind]: NoticeLooks<Kind> } = {
  usage_threshold: {
    icon: ({ resource }) => RESOURCE_INFO[resource].icon,
    colour: ({ params }) => (params.threshold >= 1 ? 'text-red-ink' : 'text-gold-ink'),
    route: ({ resource }) => RESOURCE_INFO[resource].route,
    text: (i18n, { resource, params: { threshold, usage, limit } }) => {
      const { t, formats } = i18n;
      const closed = usage > limit ? t.guard.overLimit : t.guard.limitReached;
      return {
        title:
          threshold >= 1
            ? closed(amountText(i18n, resource, limit))
            : t.notices.threshold(t.entitlements.resources[resource], formats.percent(threshold * 100)),
        detail: t.entitlements.of(formats.quantity(resource, usage), amountText(i18n, resource, limit)),
      };
    },
  },
  plan_changed: {
    icon: () => 'ArrowRightLeft',
    colour: () => 'text-blue',
    route: () => '/modules',
    text: ({ t }, { params }, catalogue) => ({
      title: t.plan.changedTo(planName(params.to, catalogue)),
      detail: t.notices.planBefore(planName(params.from, catalogue)),
    }),
  },
  status_changed: {
    icon: () => 'CreditCard',
    colour: ({ params }) =>
      params.to === 'active' || params.to === 'trial' ? 'text-green-ink' : 'text-gold-ink',
    route: () => null,
    text: ({ t }, { params }) => ({ title: t.notices.status(t.console.statuses[params.to]), detail: '' }),
  },
  request_decided: {
    icon: ({ params }) => (params.status === 'approved' ? 'CheckCircle' : 'ClipboardList'),
    colour: ({ params }) => (params.status === 'approved' ? 'text-green-ink' : 'text-muted'),
    route: () => null,
    text: ({ t }, { params }, catalogue) => ({
      title: t.notices.decided[params.status](planName(params.plan, catalogue)),
      detail: params.review_note ?? '',
    }),
  },
};

function planName(slug: string, catalogue: Catalogue | undefined): string {
  return catalogue?.plans.find((plan) => plan.slug === slug)?.name ?? slug;
}

/** Everything a screen shows of a notice. */
export interface DescribedNotice extends NoticeText {
  icon: NoticeIconName;
  colour: string;
  route: NoticeRoute | null;
}

/**
 * Describes a notice from its parameters, in the reader's language, whenever it is shown.
 *
 * @param catalogue names the plans; without it they are called by their slugs
 */
export function describeNotice<Kind extends NotificationKind>(
  i18n: I18n,
  notice: NoticeContent<Kind>,
  catalogue: Catalogue | undefined,
): DescribedNotice {
  const looks: NoticeLooks<Kind> = NOTICE_KINDS[notice.kind];
  return {
    ...looks.text(i18n, notice, catalogue),
    icon: looks.icon(notice),
    colour: looks.colour(notice),
    route: looks.route(notice),
  };
}
