import { useQuery } from '@tanstack/react-query';
import { Building2 } from 'lucide-react';
import type { ReactNode } from 'react';
import { DataTable, type Column } from '@/components/DataTable.tsx';
import { EmptyState } from '@/components/EmptyState.tsx';
import { PageHeader } from '@/components/PageHeader.tsx';
import { Pager } from '@/components/Pager.tsx';
import { StateLabel } from '@/components/StateLabel.tsx';
import { Badge } from '@/components/ui/badge.tsx';
import { Button } from '@/components/ui/button.tsx';
import { Card } from '@/components/ui/card.tsx';
import { stateOf } from '@/core/decide.ts';
import { RESOURCES } from '@/core/entitlements.ts';
import { useI18n, type I18n } from '@/i18n/i18n.ts';
import { errorText } from '@/lib/apiError.ts';
import { catalogueQuery } from '@/lib/queries/catalogue.ts';
import type { GroupList, GroupSort, GroupState } from '../groupList.ts';
import { groupsQuery, PAGE_SIZE } from '../queries.ts';
import { GroupFilters } from './GroupFilters.tsx';
import { pressing, type GroupRow } from './groupRow.ts';
import { MiniMeter } from './MiniMeter.tsx';
import { useLiveGroups } from './useLiveGroups.ts';

interface GroupsPageProps {
  /** Search, filters, sorting and page, as the address holds them. */
  list: GroupList;
  onList: (change: Partial<GroupList>) => void;
  /** The way to a group's page; the route knows its address. */
  groupLink: (row: GroupRow) => ReactNode;
}

/** Storage has no column: there is no room for it, and the state names it when it presses. */
const METERED = ['schools', 'students', 'staff'] as const;

const NO_FILTERS: Partial<GroupList> = { search: '', plan: null, state: null, page: 0 };

/** Every school group, found, filtered and sorted by the server; the rows on screen are live. */
export function GroupsPage({ list, onList, groupLink }: GroupsPageProps) {
  const i18n = useI18n();
  const { t, formats } = i18n;
  const { data: catalogue } = useQuery(catalogueQuery);
  const query = groupsQuery(list);
  const { data, error, isPlaceholderData, refetch } = useQuery(query);
  useLiveGroups(query.queryKey, isPlaceholderData ? [] : (data?.groups.map((row) => row.id) ?? []));
  const sort = (by: GroupSort) =>
    onList({ sort: by, descending: by === list.sort ? !list.descending : by !== 'name', page: 0 });

  return (
    <>
      <PageHeader title={t.console.title}>{data && <Totals total={data.total} list={list} />}</PageHeader>
      <Card>
        <GroupFilters list={list} plans={catalogue?.plans ?? []} onList={onList} />
        <DataTable
          caption={t.console.title}
          columns={columnsOf(i18n, groupLink)}
          rows={data?.groups}
          rowKey={(row) => row.id}
          error={error && errorText(error, t)}
          onRetry={() => void refetch()}
          refreshing={isPlaceholderData}
          sorting={{ by: list.sort, descending: list.descending, onSort: sort }}
          empty={
            <EmptyState
              icon={Building2}
              title={t.console.emptyTitle}
              detail={t.console.emptyDetail}
              action={<Button onClick={() => onList(NO_FILTERS)}>{t.console.reset}</Button>}
            />
          }
        />
        <Pager
          page={list.page}
          pageSize={PAGE_SIZE}
          total={data?.total ?? 0}
          onPage={(page) => onList({ page })}
        />
      </Card>
      <p className="sr-only" role="status">
        {data && t.console.lead(data.total, formats.number(data.total))}
      </p>
    </>
  );
}

/** How many groups are found, and how many of them stand where; nobody has to count. */
function Totals({ total, list }: { total: number; list: GroupList }) {
  const { t, formats } = useI18n();
  const near = useStateTotal(list, 'near');
  const blocked = useStateTotal(list, 'blocked');
  const over = useStateTotal(list, 'over_limit');
  const parts = [
    t.console.lead(total, formats.number(total)),
    near !== undefined && t.console.near(near, formats.number(near)),
    blocked !== undefined && t.console.blocked(blocked, formats.number(blocked)),
    over !== undefined && t.console.over(over, formats.number(over)),
  ];
  return <p className="tabular">{parts.filter((part) => part !== false).join(' · ')}</p>;
}

/** Groups of the present search and plan in a state; `undefined` while unknown or when that state is the filter. */
function useStateTotal(list: GroupList, state: GroupState): number | undefined {
  const query = groupsQuery({ ...list, state, sort: 'name', descending: false, page: 0 });
  const { data } = useQuery({ ...query, enabled: list.state === null });
  return list.state === null ? data?.total : undefined;
}

function columnsOf(i18n: I18n, groupLink: GroupsPageProps['groupLink']): Column<GroupRow, GroupSort>[] {
  const { t, formats } = i18n;
  const meter = (resource: (typeof METERED)[number]): Column<GroupRow, GroupSort> => ({
    key: resource,
    header: t.entitlements.resources[resource],
    sort: resource,
    cell: (row) => {
      const index = RESOURCES.indexOf(resource);
      const limit = row.limits[index] ?? null;
      const usage = row.usage[index] ?? 0;
      const state = stateOf(limit, usage, row.warn);
      return <MiniMeter resource={resource} usage={usage} limit={limit} state={state} />;
    },
  });
  return [
    {
      key: 'name',
      header: t.console.columns.group,
      sort: 'name',
      rowHeader: true,
      cell: (row) => (
        <>
          {groupLink(row)}
          <span className="block text-[0.8125rem] text-muted">{row.city}</span>
        </>
      ),
    },
    {
      key: 'plan',
      header: t.console.columns.plan,
      sort: 'plan',
      cell: (row) => <Badge>{row.plan_name}</Badge>,
    },
    ...METERED.map(meter),
    {
      key: 'price',
      header: t.console.columns.price,
      align: 'right',
      minor: true,
      cell: (row) => <span className="whitespace-nowrap">{formats.money(row.price_xaf)}</span>,
    },
    {
      key: 'state',
      header: t.console.columns.state,
      cell: (row) => (
        <span className="max-md:text-right">
          <StateLabel state={row.state} word={t.console.states[row.state]} />
          <span className="block text-[0.8125rem] text-muted">
            {pressing(row)
              .map((resource) => t.entitlements.resources[resource])
              .join(', ')}
          </span>
        </span>
      ),
    },
  ];
}
