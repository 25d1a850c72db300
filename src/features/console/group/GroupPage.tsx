import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useCallback, useEffect, type ReactNode } from 'react';
import { ErrorState } from '@/components/ErrorState.tsx';
import { PageHeader } from '@/components/PageHeader.tsx';
import { PendingChange } from '@/components/PendingChange.tsx';
import { Badge } from '@/components/ui/badge.tsx';
import { Card, CardTitle } from '@/components/ui/card.tsx';
import { Skeleton } from '@/components/ui/skeleton.tsx';
import { useOnChange } from '@/components/useOnChange.ts';
import { UsageMeter } from '@/components/UsageMeter.tsx';
import { RESOURCES, type EntitlementSnapshot } from '@/core/entitlements.ts';
import { useI18n } from '@/i18n/i18n.ts';
import { errorText } from '@/lib/apiError.ts';
import { catalogueQuery } from '@/lib/queries/catalogue.ts';
import { entitlementsQuery } from '@/lib/queries/entitlements.ts';
import { watchGroup } from '@/lib/realtime/watch.ts';
import { groupQuery, type GroupDetail } from '../queries.ts';
import { ChangePlan } from './ChangePlan.tsx';
import { Contact } from './Contact.tsx';
import { History } from './History.tsx';

interface GroupPageProps {
  groupId: string;
  /** The way back to the list; the route knows its address. */
  backLink: ReactNode;
}

/** One group, live: plan, limits, history, and the change of its plan. */
export function GroupPage({ groupId, backLink }: GroupPageProps) {
  const { t } = useI18n();
  const queryClient = useQueryClient();
  const group = useQuery(groupQuery(groupId));
  const snapshot = useQuery(entitlementsQuery(groupId));
  const catalogue = useQuery(catalogueQuery);
  useEffect(() => watchGroup(queryClient, groupId), [queryClient, groupId]);
  useFreshHistory(groupId, snapshot.data);

  const queries = [group, snapshot, catalogue];
  const failed = queries.find((query) => query.isError && !query.data);
  const known = group.data && snapshot.data && catalogue.data;
  return (
    <>
      <div className="mb-1">{backLink}</div>
      <PageHeader title={group.data?.name ?? t.console.columns.group}>
        {group.data && snapshot.data && <Facts group={group.data} snapshot={snapshot.data} />}
      </PageHeader>
      <PendingChange snapshot={snapshot.data} catalogue={catalogue.data} />
      {failed ? (
        <Card>
          <ErrorState message={errorText(failed.error, t)} onRetry={() => void failed.refetch()} />
        </Card>
      ) : !known ? (
        <GroupSkeleton />
      ) : (
        <div className="grid items-start gap-4.5 xl:grid-cols-[1fr_1.35fr]">
          <div className="grid min-w-0 gap-4.5">
            <Meters snapshot={snapshot.data} />
            <Contact group={group.data} />
          </div>
          <div className="grid min-w-0 gap-4.5">
            <ChangePlan group={group.data} snapshot={snapshot.data} plans={catalogue.data.plans} />
            <Card aria-labelledby="history" className="px-4.5 py-4">
              <CardTitle id="history">{t.console.history}</CardTitle>
              <History events={group.data.events} plans={catalogue.data.plans} />
            </Card>
          </div>
        </div>
      )}
    </>
  );
}

/** Reads the history again when another plan or status is in force, whoever changed it. */
function useFreshHistory(groupId: string, snapshot: EntitlementSnapshot | undefined): void {
  const queryClient = useQueryClient();
  const readAgain = useCallback(
    () => void queryClient.invalidateQueries({ queryKey: groupQuery(groupId).queryKey }),
    [groupId, queryClient],
  );
  useOnChange(snapshot ? `${snapshot.plan} ${snapshot.status}` : null, readAgain);
}

function Facts({ group, snapshot }: { group: GroupDetail; snapshot: EntitlementSnapshot }) {
  const { t, formats } = useI18n();
  const facts = [group.code, group.city, t.console.since(formats.date(group.created_at))].filter(Boolean);
  return (
    <p className="flex flex-wrap items-center gap-x-1.5 gap-y-1">
      {t.app.plan}
      <Badge data-testid="plan-badge" className="mr-1">
        {snapshot.plan_name}
      </Badge>
      <span>
        {t.console.statuses[snapshot.status]} · {facts.join(' · ')}
      </span>
    </p>
  );
}

function Meters({ snapshot }: { snapshot: EntitlementSnapshot }) {
  const { t, formats } = useI18n();
  return (
    <Card aria-labelledby="usage" className="px-4.5 py-4">
      <CardTitle id="usage">{t.console.usage}</CardTitle>
      <ul className="mt-1 divide-y divide-line">
        {RESOURCES.map((resource) => (
          <li key={resource} className="py-3">
            <UsageMeter decision={snapshot.restrictions[resource]} />
          </li>
        ))}
      </ul>
      <p className="border-t border-line pt-3 text-[0.8125rem] text-muted tabular">
        {t.plan.modules(snapshot.modules.length, formats.number(snapshot.modules.length))}
        {' · '}
        {t.plan.categories(snapshot.categories.length, formats.number(snapshot.categories.length))}
      </p>
    </Card>
  );
}

function GroupSkeleton() {
  const { t } = useI18n();
  return (
    <div role="status" className="grid gap-4.5 xl:grid-cols-[1fr_1.35fr]">
      <span className="sr-only">{t.app.loading}</span>
      <Skeleton className="h-80" />
      <Skeleton className="h-80" />
    </div>
  );
}
