import { useQuery } from '@tanstack/react-query';
import { SearchX } from 'lucide-react';
import { useId, useState } from 'react';
import { EmptyState } from '@/components/EmptyState.tsx';
import { ErrorState } from '@/components/ErrorState.tsx';
import { PageHeader } from '@/components/PageHeader.tsx';
import { SearchField } from '@/components/SearchField.tsx';
import { Button } from '@/components/ui/button.tsx';
import { Segmented } from '@/components/ui/segmented.tsx';
import { Skeleton } from '@/components/ui/skeleton.tsx';
import { useI18n } from '@/i18n/i18n.ts';
import { errorText } from '@/lib/apiError.ts';
import { catalogueQuery } from '@/lib/queries/catalogue.ts';
import { entitlementsQuery } from '@/lib/queries/entitlements.ts';
import { useUpgradeDialog } from '../upgrade/useUpgradeDialog.tsx';
import { ModuleCard } from './ModuleCard.tsx';
import { ModuleIcon } from './ModuleIcon.tsx';
import { listModules, type ModuleFilter, type ModuleSection } from './moduleList.ts';

interface ModulesPageProps {
  groupId: string;
  /** Whether plans may be compared from here; school staff cannot act on a plan. */
  canCompare: boolean;
}

/** Every module by category, open or locked, live; a locked one says which plan opens it. */
export function ModulesPage({ groupId, canCompare }: ModulesPageProps) {
  const { t, formats } = useI18n();
  const [search, setSearch] = useState('');
  const [filter, setFilter] = useState<ModuleFilter>('all');
  const catalogue = useQuery(catalogueQuery);
  const snapshot = useQuery(entitlementsQuery(groupId));
  const { openUpgrade, upgradeDialog } = useUpgradeDialog();
  const failed = [catalogue, snapshot].find((query) => query.isError && !query.data);
  const known = catalogue.data && snapshot.data ? { all: catalogue.data, mine: snapshot.data } : null;
  const sections = known && listModules(known.all, known.mine.modules, { filter, search });
  const reset = () => {
    setSearch('');
    setFilter('all');
  };

  return (
    <>
      <PageHeader title={t.modules.title}>
        {known && (
          <p aria-live="polite">
            {t.modules.lead(
              formats.number(known.mine.modules.length),
              formats.number(known.all.modules.length),
            )}
          </p>
        )}
      </PageHeader>
      <div className="mb-5 flex flex-wrap items-center gap-3">
        <SearchField label={t.modules.search} value={search} onSearch={setSearch} />
        <Segmented
          legend={t.modules.show}
          value={filter}
          onChange={setFilter}
          options={[
            { value: 'all', label: t.modules.all },
            { value: 'open', label: t.modules.openOnly },
            { value: 'locked', label: t.modules.lockedOnly },
          ]}
        />
        {canCompare && (
          <Button className="sm:ml-auto" onClick={openUpgrade}>
            {t.modules.plans}
          </Button>
        )}
      </div>
      {failed ? (
        <ErrorState message={errorText(failed.error, t)} onRetry={() => void failed.refetch()} />
      ) : !sections ? (
        <ModulesSkeleton />
      ) : sections.length === 0 ? (
        <EmptyState
          icon={SearchX}
          title={t.modules.noMatch}
          detail={t.modules.noMatchDetail}
          action={<Button onClick={reset}>{t.modules.reset}</Button>}
        />
      ) : (
        <div className="grid gap-6">
          {sections.map((section) => (
            <Section key={section.category.slug} section={section} />
          ))}
        </div>
      )}
      {upgradeDialog}
    </>
  );
}

function Section({ section: { category, open, total, modules } }: { section: ModuleSection }) {
  const { t, formats } = useI18n();
  const titleId = useId();
  return (
    <section aria-labelledby={titleId}>
      <h2 id={titleId} className="mb-2 flex items-center gap-2 text-[0.9375rem] font-semibold">
        <ModuleIcon name={category.icon} className="size-4.5 text-muted" />
        {category.name}
        <span className="text-[0.8125rem] font-medium text-muted tabular">
          {t.modules.count(formats.number(open), formats.number(total))}
        </span>
      </h2>
      <ul className="grid gap-2.5 sm:grid-cols-2 xl:grid-cols-3">
        {modules.map((module) => (
          <ModuleCard key={module.slug} module={module} />
        ))}
      </ul>
    </section>
  );
}

function ModulesSkeleton() {
  const { t } = useI18n();
  return (
    <div role="status" className="grid gap-2.5 sm:grid-cols-2 xl:grid-cols-3">
      <span className="sr-only">{t.app.loading}</span>
      {Array.from({ length: 9 }, (_, index) => (
        <Skeleton key={index} className="h-24" />
      ))}
    </div>
  );
}
