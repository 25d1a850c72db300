import { useId } from 'react';
import { ErrorState } from '../../../../components/ErrorState.tsx';
import { UsageMeter } from '../../../../components/UsageMeter.tsx';
import { useAgo } from '../../../../components/useAgo.ts';
import { Button } from '../../../../components/ui/button.tsx';
import { Card, CardHeader, CardTitle } from '../../../../components/ui/card.tsx';
import { Skeleton } from '../../../../components/ui/skeleton.tsx';
import { RESOURCES, type Decision, type Resource } from '../../../../core/entitlements.ts';
import { useI18n } from '../../../../i18n/i18n.ts';
import { errorText } from '../../../../lib/apiError.ts';
import { usePlanRestrictions } from '../../hooks/usePlanRestrictionsRealtime.ts';

function Meters({ restrictions }: { restrictions: Record<Resource, Decision> }) {
  return (
    <ul className="divide-y divide-line">
      {RESOURCES.map((resource) => (
        <li key={resource} className="py-3">
          <UsageMeter decision={restrictions[resource]} />
        </li>
      ))}
    </ul>
  );
}

function MetersSkeleton() {
  const { t } = useI18n();
  return (
    <div role="status" className="divide-y divide-line">
      <span className="sr-only">{t.entitlements.card.loading}</span>
      {RESOURCES.map((resource) => (
        <div key={resource} className="grid gap-2.5 py-3.5">
          <Skeleton className="h-4 w-2/5" />
          <Skeleton className="h-2 w-full" />
          <Skeleton className="h-3.5 w-1/3" />
        </div>
      ))}
    </div>
  );
}

function Freshness({ confirmedAt }: { confirmedAt: number }) {
  const { t } = useI18n();
  const ago = useAgo(confirmedAt);
  return <p className="text-[0.8125rem] text-muted tabular-nums">{t.entitlements.card.updated(ago)}</p>;
}

/** The group's four limits, live: used, limit, what remains, and how fresh the figures are. */
export function PlanRestrictionsCard({ onUpgradeClick }: { onUpgradeClick?: () => void }) {
  const { restrictions, confirmedAt, undecided, error, retry } = usePlanRestrictions();
  const { t } = useI18n();
  const titleId = useId();
  return (
    <Card aria-labelledby={titleId} className="px-4.5 py-4">
      <CardHeader className="pb-1">
        <div>
          <CardTitle id={titleId}>{t.entitlements.card.title}</CardTitle>
          {restrictions && <Freshness confirmedAt={confirmedAt} />}
        </div>
        {onUpgradeClick && <Button onClick={onUpgradeClick}>{t.entitlements.card.upgrade}</Button>}
      </CardHeader>
      {restrictions ? (
        <Meters restrictions={restrictions} />
      ) : undecided === 'no_group' ? (
        <p className="py-6 text-muted">{t.entitlements.card.noGroup}</p>
      ) : undecided === 'checking' ? (
        <MetersSkeleton />
      ) : (
        <ErrorState message={error ? errorText(error, t) : t.errors.codes.network} onRetry={retry} />
      )}
    </Card>
  );
}
