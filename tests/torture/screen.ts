/** One open page: the web app's own session, cache, channels and hooks, rendered without its looks. */
import { QueryClientProvider, useQuery, type QueryClient } from '@tanstack/react-query';
import { createElement, useLayoutEffect, type FunctionComponent } from 'react';
import { createRoot } from 'react-dom/client';
import { RESOURCES, type EntitlementSnapshot, type Resource } from '../../src/core/entitlements.ts';
import { signIn } from '../../src/features/auth/authSession.ts';
import { useLiveGroups } from '../../src/features/console/groups/useLiveGroups.ts';
import { groupsQuery } from '../../src/features/console/queries.ts';
import { guardView } from '../../src/features/dashboard/components/restrictions/guardView.ts';
import {
  useCheckRestriction,
  usePlanRestrictions,
} from '../../src/features/dashboard/hooks/usePlanRestrictionsRealtime.ts';
import { catalogueQuery } from '../../src/lib/queries/catalogue.ts';
import { entitlementsQuery } from '../../src/lib/queries/entitlements.ts';
import { createQueryClient } from '../../src/lib/queryClient.ts';
import { watchCatalogue, watchGroup } from '../../src/lib/realtime/watch.ts';
import { currentSession } from '../../src/lib/session.ts';
import { getRegistry, startBackend } from '../../src/lib/supabase.ts';
import { openPage } from '../helpers/lightBrowser.ts';
import type { GuardKind, ScreenOrder, ShownRow, ShownSnapshot } from './messages.ts';
import type { ScreenRecord } from './screen-record.ts';

/** Share of the limit from which the dashboard's guards warn, per cent. */
const SHOW_WARNING_AT = 80;

/** Signs in and opens the page. @throws Error when the account is not let in */
export async function openScreen(
  { url, email, password, page }: ScreenOrder & { kind: 'open' },
  record: ScreenRecord,
): Promise<void> {
  openPage(url);
  await startBackend();
  const result = await signIn(email, password);
  if (!result.ok) throw new Error(`Sign-in of ${email}: ${result.failure}`);
  const queryClient = createQueryClient();
  watchCatalogue(queryClient);
  if (page.kind === 'dashboard') openDashboard(queryClient, record);
  else if (page.kind === 'group') openGroup(queryClient, record, page.group);
  else openList(queryClient, record, page.search);
}

function render(queryClient: QueryClient, component: FunctionComponent): void {
  const root = createRoot(document.createElement('div'));
  root.render(createElement(QueryClientProvider, { client: queryClient }, createElement(component)));
}

function openDashboard(queryClient: QueryClient, record: ScreenRecord): void {
  const session = currentSession();
  const group = session.status === 'signed_in' ? session.profile.school_group_id : null;
  if (group === null) throw new Error('A dashboard belongs to somebody who has a group');
  follow(queryClient, record, group);
  render(queryClient, () => {
    const { snapshot } = usePlanRestrictions();
    // One line a resource: hooks are called in the same order at each render.
    const checks = {
      schools: useCheckRestriction('schools'),
      students: useCheckRestriction('students'),
      staff: useCheckRestriction('staff'),
      storage: useCheckRestriction('storage'),
    };
    useLayoutEffect(() => {
      const guards = {} as Record<Resource, GuardKind>;
      for (const resource of RESOURCES) {
        const { kind } = guardView(checks[resource], SHOW_WARNING_AT);
        guards[resource] = kind;
        if (!snapshot)
          record.note('guards', kind === 'undecided' ? null : `${resource}: ${kind} while loading`);
      }
      if (snapshot) shows(record, group, snapshot, guards);
    });
    return null;
  });
}

function openGroup(queryClient: QueryClient, record: ScreenRecord, group: string): void {
  follow(queryClient, record, group);
  render(queryClient, () => {
    const { data } = useQuery(entitlementsQuery(group));
    useLayoutEffect(() => {
      if (data) shows(record, group, data, null);
    });
    return null;
  });
}

function follow(queryClient: QueryClient, record: ScreenRecord, group: string): void {
  watchGroup(queryClient, group);
  getRegistry().acquire(`group:${group}`, record.listener(`group:${group}`));
}

function shows(
  record: ScreenRecord,
  group: string,
  snapshot: EntitlementSnapshot,
  guards: Record<Resource, GuardKind> | null,
): void {
  const whose = snapshot.school_group_id;
  record.note('own', whose === group ? null : `the page of ${group} shows ${whose}`);
  record.shows(whose, snapshot.rev);
  const {
    as_of: _asOf,
    next_at: _nextAt,
    sources: _sources,
    unread_notices: _notices,
    catalogue: _catalogue,
    ...shown
  } = snapshot;
  record.view = { kind: 'snapshot', snapshot: shown satisfies ShownSnapshot, guards };
}

function openList(queryClient: QueryClient, record: ScreenRecord, search: string): void {
  const query = groupsQuery({ search, plan: null, state: null, sort: 'name', descending: false, page: 0 });
  const listened = new Set<string>();
  render(queryClient, () => {
    useQuery(catalogueQuery);
    const { data } = useQuery(query);
    useLiveGroups(query.queryKey, data?.groups.map((row) => row.id) ?? []);
    useLayoutEffect(() => {
      if (!data) return;
      const rows: ShownRow[] = [];
      for (const { id, plan, plan_name, subscription_status, rev, limits, usage, state } of data.groups) {
        record.shows(id, rev);
        rows.push({ id, plan, plan_name, subscription_status, rev, limits, usage, state });
        if (!listened.has(id)) getRegistry().acquire(`group:${id}`, record.listener(`group:${id}`));
        listened.add(id);
      }
      record.view = { kind: 'rows', rows };
    });
    return null;
  });
}
