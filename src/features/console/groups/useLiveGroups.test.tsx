import { QueryClientProvider, useQuery } from '@tanstack/react-query';
import { act, renderHook } from '@testing-library/react';
import type { ReactNode } from 'react';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { GROUP_ID, planOf, usageMessage, vianney } from '../../../../tests/helpers/fixtures.ts';
import { installMemoryBackend, type MemoryBackend } from '../../../../tests/helpers/memoryBackend.ts';
import type { GroupList } from '../groupList.ts';
import { groupsQuery } from '../queries.ts';
import type { GroupRow } from './groupRow.ts';
import { useLiveGroups } from './useLiveGroups.ts';

const MINUTE_MS = 60_000;
const LIST: GroupList = { search: '', plan: null, state: null, sort: 'name', descending: false, page: 0 };

let backend: MemoryBackend;
let row: GroupRow;

beforeEach(() => {
  vi.useFakeTimers();
  backend = installMemoryBackend({ ...vianney, role: 'super_admin', school_group_id: null });
  row = {
    id: GROUP_ID,
    name: 'LAMARELLE',
    code: null,
    city: null,
    department: null,
    status: 'active',
    plan: 'pro',
    plan_name: 'Pro',
    subscription_status: 'active',
    price_xaf: 150_000,
    e: 1,
    rev: 5,
    at: Date.now(),
    next_at: null,
    warn: 0.8,
    limits: planOf('pro').limits,
    usage: [1, 0, 3, 0],
    state: 'ok',
  };
  backend.answer('list_school_groups', () => ({ status: 200, body: { total: 1, groups: [row] } }));
});
afterEach(() => vi.useRealTimers());

const wrapper = ({ children }: { children: ReactNode }) => (
  <QueryClientProvider client={backend.queryClient}>{children}</QueryClientProvider>
);
const pass = (ms: number) => act(() => vi.advanceTimersByTimeAsync(ms));
const reads = () => backend.calls.filter((name) => name === 'list_school_groups').length;

/** The page, with its channels joined and its first reads done. */
async function openList() {
  const { result } = renderHook(
    () => {
      const query = groupsQuery(LIST);
      const { data } = useQuery(query);
      useLiveGroups(query.queryKey, data?.groups.map(({ id }) => id) ?? []);
      return data?.groups[0];
    },
    { wrapper },
  );
  await pass(100);
  act(() => backend.join());
  await pass(1_000);
  backend.calls.length = 0;
  return result;
}

test('a page is read again when a row’s exception ends, though no revision was raised by it', async () => {
  row = { ...row, next_at: row.at + 5 * MINUTE_MS };
  const shown = await openList();
  row = { ...row, limits: planOf('gratuit').limits, state: 'blocked', at: row.next_at! + 1, next_at: null };
  await pass(4 * MINUTE_MS);
  expect(reads()).toBe(0);
  await pass(MINUTE_MS + 2_000);
  expect(reads()).toBe(1);
  expect(shown.current).toMatchObject({ rev: 5, state: 'blocked' });
});

test('a visible page is read every 15 ± 5 minutes as the last net', async () => {
  await openList();
  await pass(9 * MINUTE_MS);
  expect(reads()).toBe(0);
  await pass(12 * MINUTE_MS);
  expect(reads()).toBeGreaterThanOrEqual(1);
  expect(reads()).toBeLessThanOrEqual(2);
});

test('a row of a restored platform is taken, although its revision is lower', async () => {
  const shown = await openList();
  row = { ...row, e: 2, rev: 2, usage: [0, 0, 0, 0] };
  act(() => backend.send('usage_changed', usageMessage(2, [0, 0, 0, 0], { e: 2 })));
  await pass(1_000);
  expect(reads()).toBe(1);
  expect(shown.current).toMatchObject({ e: 2, rev: 2, usage: [0, 0, 0, 0] });
});
