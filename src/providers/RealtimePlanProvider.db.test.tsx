/**
 * From a row in PostgreSQL to a word on the screen: the official client, the real server, the real hooks.
 * Only the browser is light.
 */
import { openPage } from '../../tests/helpers/lightBrowser.ts';
import { QueryClientProvider, type QueryClient } from '@tanstack/react-query';
import { act, cleanup, render, screen, waitFor } from '@testing-library/react';
import { toast } from 'sonner';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { createCuttableLine, type CuttableLine } from '../../tests/helpers/cuttable.ts';
import { startTestServer, type TestServer } from '../../tests/helpers/server.ts';
import { PlanRestrictionGuard } from '../features/dashboard/components/restrictions/PlanRestrictionGuard.tsx';
import { PlanRestrictionsCard } from '../features/dashboard/components/restrictions/PlanRestrictionsCard.tsx';
import { usePlanRestrictions } from '../features/dashboard/hooks/usePlanRestrictionsRealtime.ts';
import { unwrap } from '../lib/apiError.ts';
import { catalogueQuery } from '../lib/queries/catalogue.ts';
import { createQueryClient } from '../lib/queryClient.ts';
import { connection } from '../lib/realtime/connection.ts';
import { signedIn, type Profile } from '../lib/session.ts';
import { getSupabase, startBackend } from '../lib/supabase.ts';
import { RealtimePlanProvider } from './RealtimePlanProvider.tsx';

const PASSWORD = 'Demo-epilot-2025';
const EVENTUALLY = { timeout: 15_000, interval: 5 };

let server: TestServer;
let line: CuttableLine;
let queryClient: QueryClient;

beforeAll(async () => {
  server = await startTestServer();
  line = await createCuttableLine(server.url);
  openPage(line.url);
  await startBackend();
  const { auth } = getSupabase();
  const { data, error } = await auth.signInWithPassword({
    email: 'vianney@lamarelle.demo',
    password: PASSWORD,
  });
  if (error) throw error;
  const profile = await getSupabase()
    .from('profiles')
    .select('id, role, school_group_id, school_id, first_name, last_name, locale, status')
    .eq('id', data.user.id)
    .single<Profile>();
  signedIn(unwrap(profile));
});

afterAll(async () => {
  await getSupabase().removeAllChannels();
  await line.stop();
  await server.stop();
});

function Modules() {
  const { snapshot } = usePlanRestrictions();
  return <p>{`${snapshot?.modules.length} modules, ${snapshot?.categories.length} catégories`}</p>;
}

/** The app of the founding document, as Vianney has it open. */
beforeEach(async () => {
  await setPlan('pro');
  queryClient = createQueryClient();
  render(
    <QueryClientProvider client={queryClient}>
      <RealtimePlanProvider>
        <PlanRestrictionsCard />
        <Modules />
        <PlanRestrictionGuard restrictionType="schools">
          <button type="button">Créer une école</button>
        </PlanRestrictionGuard>
      </RealtimePlanProvider>
    </QueryClientProvider>,
  );
  await waitFor(() => expect(connection.store.getState().connection).toEqual({ status: 'live' }), EVENTUALLY);
  await screen.findByText('47 modules, 9 catégories', undefined, EVENTUALLY);
  await waitFor(() => expect(queryClient.getQueryData(catalogueQuery.queryKey)).toBeDefined(), EVENTUALLY);
  await waitFor(() => expect(queryClient.isFetching()).toBe(0), EVENTUALLY);
});

afterEach(() => {
  toast.dismiss();
  cleanup();
});

/** The founding document's own statement. */
async function setPlan(slug: string): Promise<void> {
  await server.database.query(
    `update subscriptions set plan_id = (select id from subscription_plans where slug = $1)
     where school_group_id = (select id from school_groups where name = 'LAMARELLE')`,
    [slug],
  );
}

const schools = () => screen.getByRole('meter', { name: 'Écoles' }).getAttribute('aria-valuetext');

test('Pro → Premium in SQL is on the screen by itself, with a toast and without a request', async () => {
  const requests = vi.spyOn(globalThis, 'fetch');
  await setPlan('premium');
  await screen.findByText('20 modules, 6 catégories', undefined, EVENTUALLY);
  expect(schools()).toBe('1 sur 3');
  expect(await screen.findByText('Plan mis à jour vers Premium')).toBeDefined();
  expect(screen.getByText('− 27 modules, − 3 catégories')).toBeDefined();
  expect(requests).not.toHaveBeenCalled();
  requests.mockRestore();

  await setPlan('pro');
  await screen.findByText('47 modules, 9 catégories', undefined, EVENTUALLY);
  expect(await screen.findByText('+ 27 modules, + 3 catégories')).toBeDefined();
});

test('the tenth school closes the guard; room opens it again', async () => {
  await server.database.query(
    `insert into schools (name, school_group_id)
     select 'École ' || i, g.id from generate_series(2, 10) i, school_groups g where g.name = 'LAMARELLE'`,
  );
  expect(await screen.findByText('Limite atteinte : 10 écoles', undefined, EVENTUALLY)).toBeDefined();
  expect(screen.getByText('Actuellement : 10/10')).toBeDefined();
  expect(screen.getByText('Créer une école').closest('[inert]')).not.toBeNull();
  await server.database.query(`delete from schools where name ~ '^École ([2-9]|10)$'`);
  await waitFor(() => expect(screen.getByText('Créer une école').closest('[inert]')).toBeNull(), EVENTUALLY);
});

test('I5: the line is cut while the plan changes twice; once it is back the screen is right', async () => {
  await act(() => line.cut());
  await waitFor(
    () => expect(connection.store.getState().connection.status).toMatch(/reconnecting|offline/),
    EVENTUALLY,
  );
  await setPlan('gratuit');
  await setPlan('premium');
  // Long enough for the delays between attempts to have grown as far as they do in this time.
  await new Promise((resolve) => {
    setTimeout(resolve, 3_000);
  });
  expect(schools()).toBe('1 sur 10');
  await act(() => line.restore());
  await screen.findByText('20 modules, 6 catégories', undefined, EVENTUALLY);
  expect(schools()).toBe('1 sur 3');
});

/** Paths that the page asks for while `act` runs, in the order of asking. */
async function askedWhile(run: (asked: () => string[]) => Promise<void>): Promise<void> {
  const requests = vi.spyOn(globalThis, 'fetch');
  await run(() =>
    requests.mock.calls.map(([input]) => new URL(input instanceof Request ? input.url : input).pathname),
  );
  requests.mockRestore();
}

async function cutLine(): Promise<void> {
  await act(() => line.cut());
  await waitFor(
    () => expect(connection.store.getState().connection.status).toMatch(/reconnecting|offline/),
    EVENTUALLY,
  );
}

const isLive = () =>
  waitFor(() => expect(connection.store.getState().connection).toEqual({ status: 'live' }), EVENTUALLY);

test('P9: a line that was cut costs one read when it returns: the state, which tells that the catalogue is the same', async () => {
  await cutLine();
  await askedWhile(async (asked) => {
    await act(() => line.restore());
    await waitFor(() => expect(asked()).toContain('/rest/v1/rpc/get_entitlements'), EVENTUALLY);
    await isLive();
    // Longer than a catalogue joined again waits before it is read.
    await new Promise((resolve) => {
      setTimeout(resolve, 3_500);
    });
    expect(asked()).toEqual(['/rest/v1/rpc/get_entitlements']);
  });
});

test('I5: what is published while the line is cut is in the catalogue after its return, and is read once', async () => {
  const price = () =>
    queryClient.getQueryData(catalogueQuery.queryKey)?.plans.find(({ slug }) => slug === 'premium')
      ?.price_xaf;
  await cutLine();
  // Of another plan than the group's own, and said on no topic.
  await server.database.query(
    `update subscription_plans set price_xaf = price_xaf + 1 where slug = 'premium'`,
  );
  const before = price() ?? 0;
  await askedWhile(async (asked) => {
    await act(() => line.restore());
    await waitFor(() => expect(price()).toBe(before + 1), EVENTUALLY);
    expect(asked()).toEqual(['/rest/v1/rpc/get_entitlements', '/rest/v1/rpc/get_catalogue']);
  });
});
