import type { CataloguePlan } from '@/core/catalogue.ts';
import { useI18n, type I18n } from '@/i18n/i18n.ts';
import type { GroupEvent } from '../queries.ts';

interface HistoryProps {
  events: readonly GroupEvent[];
  plans: readonly CataloguePlan[];
}

/** What happened to the group's subscription, newest first: who, when, from, to and why. */
export function History({ events, plans }: HistoryProps) {
  const i18n = useI18n();
  const { t, formats } = i18n;
  // A plan that is no longer published still has its slug.
  const nameOf = (slug: string) => plans.find((plan) => plan.slug === slug)?.name ?? slug;
  if (events.length === 0) return <p className="py-3 text-muted">{t.console.historyEmpty}</p>;
  return (
    <ol className="mt-1 divide-y divide-line">
      {events.map((event) => (
        <li key={event.id} className="py-2.5">
          <p className="font-medium">{sentence(i18n, event, nameOf)}</p>
          {event.reason && <p className="text-[0.8125rem] break-words">{event.reason}</p>}
          <p className="text-[0.8125rem] text-muted">
            <time dateTime={event.created_at}>{formats.dateTime(event.created_at)}</time>
            {event.actor_name && ` · ${t.console.by(event.actor_name)}`}
          </p>
        </li>
      ))}
    </ol>
  );
}

function sentence({ t }: I18n, event: GroupEvent, nameOf: (slug: string) => string): string {
  const words = t.console.events;
  const to = nameOf(event.to_plan);
  if (event.kind === 'status_changed') return words.status_changed(t.console.statuses[event.to_status]);
  return event.kind === 'plan_changed' && event.from_plan
    ? words.plan_changed(nameOf(event.from_plan), to)
    : words.created(to);
}
