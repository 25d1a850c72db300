import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Archive, ArchiveRestore, School as SchoolIcon } from 'lucide-react';
import { useCallback, type ReactNode } from 'react';
import { DataTable, type Column } from '@/components/DataTable.tsx';
import { EmptyState } from '@/components/EmptyState.tsx';
import { PageHeader } from '@/components/PageHeader.tsx';
import { Pager } from '@/components/Pager.tsx';
import { SearchField } from '@/components/SearchField.tsx';
import { Button } from '@/components/ui/button.tsx';
import { Card } from '@/components/ui/card.tsx';
import { useOnChange } from '@/components/useOnChange.ts';
import { Segmented } from '@/components/ui/segmented.tsx';
import { useI18n, type I18n } from '@/i18n/i18n.ts';
import { errorText } from '@/lib/apiError.ts';
import { usePlanRestrictions } from '../hooks/usePlanRestrictionsRealtime.ts';
import { useUpgradeDialog } from '../upgrade/useUpgradeDialog.tsx';
import { CreateSchool } from './CreateSchool.tsx';
import { PAGE_SIZE, schoolsKey, schoolsQuery, type School, type SchoolList } from './queries.ts';
import { useSchoolStatus } from './useSchoolStatus.ts';

interface SchoolsPageProps {
  groupId: string;
  /** Search, tab and page, as the address holds them. */
  list: SchoolList;
  onList: (change: Partial<SchoolList>) => void;
}

/** The group's schools: find, create while the plan has room, archive and take back. */
export function SchoolsPage({ groupId, list, onList }: SchoolsPageProps) {
  const i18n = useI18n();
  const { t, formats } = i18n;
  const { openUpgrade, upgradeDialog } = useUpgradeDialog();
  const { data, error, isPlaceholderData, refetch } = useQuery(schoolsQuery(groupId, list));
  const { change, changing } = useSchoolStatus(groupId);
  const active = useFreshList(groupId);
  const search = (text: string) => onList({ search: text, page: 0 });

  return (
    <>
      <PageHeader title={t.schools.title}>
        {active !== null && t.schools.lead(active, formats.number(active))}
      </PageHeader>
      <div className="mb-4 sm:max-w-xl">
        <CreateSchool groupId={groupId} onUpgradeClick={openUpgrade} />
      </div>
      <Card>
        <div className="flex flex-wrap items-center justify-between gap-3 border-b border-line p-3">
          <SearchField label={t.schools.search} value={list.search} onSearch={search} />
          <Segmented
            legend={t.schools.show}
            value={list.status}
            onChange={(status) => onList({ status, page: 0 })}
            options={[
              { value: 'active', label: t.schools.active },
              { value: 'archived', label: t.schools.archived },
            ]}
          />
        </div>
        <DataTable
          caption={t.schools.title}
          columns={columnsOf(i18n, change, changing)}
          rows={data?.schools}
          rowKey={(school) => school.id}
          error={error && errorText(error, t)}
          onRetry={() => void refetch()}
          refreshing={isPlaceholderData}
          empty={emptyState(i18n, list, () => search(''))}
        />
        <Pager
          page={list.page}
          pageSize={PAGE_SIZE}
          total={data?.total ?? 0}
          onPage={(page) => onList({ page })}
        />
      </Card>
      {upgradeDialog}
    </>
  );
}

/**
 * Reads the list again whenever the number of schools changes, wherever that was done: another window, a
 * colleague, the database itself. @returns the number of active schools, `null` before it is known.
 */
function useFreshList(groupId: string): number | null {
  const queryClient = useQueryClient();
  const active = usePlanRestrictions().restrictions?.schools.usage ?? null;
  const readAgain = useCallback(
    () => void queryClient.invalidateQueries({ queryKey: schoolsKey(groupId) }),
    [groupId, queryClient],
  );
  useOnChange(active, readAgain);
  return active;
}

function columnsOf(
  { t, formats }: I18n,
  change: (school: School, status: School['status']) => void,
  changing: string | null,
): Column<School>[] {
  const { columns } = t.schools;
  return [
    {
      key: 'name',
      header: columns.name,
      rowHeader: true,
      cell: (school) => <span className="font-semibold">{school.name}</span>,
    },
    { key: 'city', header: columns.city, cell: (school) => school.city ?? '–' },
    { key: 'code', header: columns.code, cell: (school) => school.code ?? '–' },
    { key: 'created', header: columns.created, cell: (school) => formats.date(school.created_at) },
    {
      key: 'actions',
      header: columns.actions,
      actions: true,
      align: 'right',
      cell: (school) => {
        const isActive = school.status === 'active';
        return (
          <Button
            size="sm"
            aria-label={isActive ? t.schools.archiveNamed(school.name) : t.schools.restoreNamed(school.name)}
            disabled={changing === school.id}
            onClick={() => change(school, isActive ? 'archived' : 'active')}
          >
            {isActive ? <Archive aria-hidden /> : <ArchiveRestore aria-hidden />}
            {isActive ? t.schools.archive : t.schools.restore}
          </Button>
        );
      },
    },
  ];
}

function emptyState({ t }: I18n, { search, status }: SchoolList, onReset: () => void): ReactNode {
  if (search) {
    return (
      <EmptyState
        icon={SchoolIcon}
        title={t.schools.noMatch}
        detail={t.schools.noMatchDetail(search)}
        action={<Button onClick={onReset}>{t.modules.reset}</Button>}
      />
    );
  }
  if (status === 'archived') return <EmptyState icon={Archive} title={t.schools.emptyArchived} />;
  return <EmptyState icon={SchoolIcon} title={t.schools.emptyTitle} detail={t.schools.emptyDetail} />;
}
