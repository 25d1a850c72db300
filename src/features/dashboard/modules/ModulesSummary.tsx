import { useQuery } from '@tanstack/react-query';
import { useId, type ReactNode } from 'react';
import { ErrorState } from '@/components/ErrorState.tsx';
import { Card, CardHeader, CardTitle } from '@/components/ui/card.tsx';
import { cn } from '@/components/ui/cn.ts';
import { Skeleton } from '@/components/ui/skeleton.tsx';
import { useI18n } from '@/i18n/i18n.ts';
import { errorText } from '@/lib/apiError.ts';
import { catalogueQuery } from '@/lib/queries/catalogue.ts';
import { entitlementsQuery } from '@/lib/queries/entitlements.ts';
import { listModules } from './moduleList.ts';

/** How many modules and categories are open, in all and by category, live. */
export function ModulesSummary({ groupId, link }: { groupId: string; link: ReactNode }) {
  const { t, formats } = useI18n();
  const titleId = useId();
  const catalogue = useQuery(catalogueQuery);
  const snapshot = useQuery(entitlementsQuery(groupId));
  const failed = [catalogue, snapshot].find((query) => query.isError && !query.data);
  const mine = snapshot.data;
  const sections =
    catalogue.data && mine && listModules(catalogue.data, mine.modules, { filter: 'all', search: '' });
  return (
    <Card aria-labelledby={titleId} className="px-4.5 py-4">
      <CardHeader>
        <CardTitle id={titleId}>{t.dashboard.modulesTitle}</CardTitle>
        {link}
      </CardHeader>
      {failed ? (
        <ErrorState message={errorText(failed.error, t)} onRetry={() => void failed.refetch()} />
      ) : !sections ? (
        <Skeleton className="mt-3 h-48" />
      ) : (
        <>
          <p aria-live="polite" data-testid="modules-summary" className="mt-1 text-lg font-semibold tabular">
            {t.plan.modules(mine.modules.length, formats.number(mine.modules.length))}
            {' · '}
            {t.plan.categories(mine.categories.length, formats.number(mine.categories.length))}
          </p>
          <ul className="mt-2 divide-y divide-line">
            {sections.map(({ category, open, total }) => (
              <li
                key={category.slug}
                className={cn(
                  'flex justify-between gap-3 py-1.5 text-[0.8125rem]',
                  open === 0 && 'text-muted',
                )}
              >
                <span>{category.name}</span>
                <span className="shrink-0 tabular">
                  {t.dashboard.open(formats.number(open), formats.number(total))}
                </span>
              </li>
            ))}
          </ul>
        </>
      )}
    </Card>
  );
}
