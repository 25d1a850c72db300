import { useQuery } from '@tanstack/react-query';
import { ErrorState } from '@/components/ErrorState.tsx';
import { Dialog } from '@/components/ui/dialog.tsx';
import { Notice } from '@/components/ui/notice.tsx';
import { Skeleton } from '@/components/ui/skeleton.tsx';
import { useI18n } from '@/i18n/i18n.ts';
import { errorText } from '@/lib/apiError.ts';
import { catalogueQuery } from '@/lib/queries/catalogue.ts';
import { entitlementsQuery } from '@/lib/queries/entitlements.ts';
import { schoolGroupQuery } from '@/lib/queries/schoolGroup.ts';
import { useSchoolGroupId } from '@/lib/session.ts';
import { judgePlans } from './judgePlans.ts';
import { PlanComparison } from './PlanComparison.tsx';

/** The published plans held against the group's own usage, live, and the way to another plan. */
export default function UpgradeDialog({ onClose }: { onClose: () => void }) {
  const { t } = useI18n();
  const groupId = useSchoolGroupId();
  const catalogue = useQuery(catalogueQuery);
  const snapshot = useQuery({ ...entitlementsQuery(groupId ?? ''), enabled: groupId !== null });
  const group = useQuery(schoolGroupQuery(groupId));
  const failed = [catalogue, snapshot].find((query) => query.isError && !query.data);
  return (
    <Dialog
      open
      onOpenChange={onClose}
      placement="side"
      title={t.upgrade.title}
      description={t.upgrade.lead}
      closeLabel={t.app.close}
    >
      {failed ? (
        <ErrorState message={errorText(failed.error, t)} onRetry={() => void failed.refetch()} />
      ) : catalogue.data && snapshot.data ? (
        <PlanComparison snapshot={snapshot.data} plans={judgePlans(catalogue.data, snapshot.data)} />
      ) : (
        <Skeleton className="h-72" />
      )}
      <Notice className="mt-5">
        <h3 className="font-semibold">{t.upgrade.howTitle}</h3>
        <p>{t.upgrade.how(group.data?.code ?? group.data?.name ?? '')}</p>
        <p className="text-muted">{t.upgrade.later}</p>
      </Notice>
    </Dialog>
  );
}
