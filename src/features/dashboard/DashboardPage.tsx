import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { PageHeader } from '@/components/PageHeader.tsx';
import { PendingChange } from '@/components/PendingChange.tsx';
import { Badge } from '@/components/ui/badge.tsx';
import { Card, CardTitle } from '@/components/ui/card.tsx';
import { useI18n } from '@/i18n/i18n.ts';
import { catalogueQuery } from '@/lib/queries/catalogue.ts';
import { schoolGroupQuery } from '@/lib/queries/schoolGroup.ts';
import { PlanRestrictionsCard } from './components/restrictions/PlanRestrictionsCard.tsx';
import { usePlanRestrictions } from './hooks/usePlanRestrictionsRealtime.ts';
import { ModulesSummary } from './modules/ModulesSummary.tsx';
import type { NoticeRoute } from './notices/noticeKinds.ts';
import { RecentNotices } from './notices/RecentNotices.tsx';
import { CreateSchool } from './schools/CreateSchool.tsx';
import { useUpgradeDialog } from './upgrade/useUpgradeDialog.tsx';

export interface DashboardPageProps {
  groupId: string;
  firstName: string;
  /** The way to the modules; the route knows its address. */
  modulesLink: ReactNode;
  /** The way to where a notice can be acted on. */
  linkTo: (route: NoticeRoute, text: string) => ReactNode;
}

/** The group admin's first screen: the four limits, what is open, and the next school. */
export function DashboardPage({ groupId, firstName, modulesLink, linkTo }: DashboardPageProps) {
  const { t } = useI18n();
  const { snapshot } = usePlanRestrictions();
  const { data: catalogue } = useQuery(catalogueQuery);
  const { data: group } = useQuery(schoolGroupQuery(groupId));
  const { openUpgrade, upgradeDialog } = useUpgradeDialog();
  return (
    <>
      <PageHeader title={t.dashboard.hello(firstName)} documentTitle={t.app.nav.dashboard}>
        <p className="flex min-h-6 flex-wrap items-center gap-x-1.5">
          {group && [t.dashboard.group(group.name), group.city].filter(Boolean).join(', ')}
          {group && snapshot && <span aria-hidden>·</span>}
          {snapshot && (
            <span>
              {t.app.plan} <Badge data-testid="plan-badge">{snapshot.plan_name}</Badge>
            </span>
          )}
        </p>
      </PageHeader>
      <PendingChange snapshot={snapshot} catalogue={catalogue} />
      <div className="grid items-start gap-4.5 lg:grid-cols-[1.15fr_1fr]">
        <div className="grid gap-3.5">
          <PlanRestrictionsCard onUpgradeClick={openUpgrade} />
          <RecentNotices groupId={groupId} linkTo={linkTo} />
        </div>
        <div className="grid gap-3.5">
          <Card aria-labelledby="add-school" className="grid gap-3 px-4.5 py-4">
            <div>
              <CardTitle id="add-school">{t.dashboard.schoolTitle}</CardTitle>
              <p className="text-[0.8125rem] text-muted">{t.dashboard.schoolDetail}</p>
            </div>
            <div>
              <CreateSchool groupId={groupId} onUpgradeClick={openUpgrade} />
            </div>
          </Card>
          <ModulesSummary groupId={groupId} link={modulesLink} />
        </div>
      </div>
      {upgradeDialog}
    </>
  );
}
