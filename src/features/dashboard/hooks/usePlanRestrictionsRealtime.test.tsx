import { QueryClientProvider } from '@tanstack/react-query';
import { act, renderHook, waitFor } from '@testing-library/react';
import type { ReactNode } from 'react';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { planMessage, snapshotOf, usageMessage, vianney } from '../../../../tests/helpers/fixtures.ts';
import { installMemoryBackend, type MemoryBackend } from '../../../../tests/helpers/memoryBackend.ts';
import { TRUST_MS } from '../../../core/connection.ts';
import { connection } from '../../../lib/realtime/connection.ts';
import {
  useCanAccessCategory,
  useCanAccessModule,
  useCheckRestriction,
  usePlanRestrictions,
} from './usePlanRestrictionsRealtime.ts';
import { useRealtimePlanUpdates } from './useRealtimePlanUpdates.ts';

const NEVER = () => new Promise<never>(() => undefined);
const MODULE_ID = '33333333-3333-4333-8333-333333333333';

let backend: MemoryBackend;

beforeEach(() => {
  backend = installMemoryBackend();
});
afterEach(() => vi.useRealTimers());

const wrapper = ({ children }: { children: ReactNode }) => (
  <QueryClientProvider client={backend.queryClient}>{children}</QueryClientProvider>
);

describe('usePlanRestrictions', () => {
  test('knows nothing until the first answer, then everything', async () => {
    const { result } = renderHook(() => usePlanRestrictions(), { wrapper });
    expect(result.current).toMatchObject({ snapshot: null, undecided: 'checking', isPending: true });
    await waitFor(() => expect(result.current.isPending).toBe(false));
    expect(result.current.undecided).toBeNull();
    expect(result.current.restrictions?.schools).toMatchObject({ usage: 1, limit: 10, percentage: 10 });
  });

  test('hands the error on, and tries again when asked', async () => {
    backend.answer('get_entitlements', () => ({
      status: 403,
      body: { code: 'PT403', message: 'Interdit.', details: '{"code":"forbidden"}', hint: null },
    }));
    const { result } = renderHook(() => usePlanRestrictions(), { wrapper });
    await waitFor(() => expect(result.current.error).not.toBeNull());
    expect(result.current).toMatchObject({ undecided: 'failed', error: { code: 'forbidden', status: 403 } });
    backend.answer('get_entitlements', () => ({ status: 200, body: backend.snapshot }));
    act(() => result.current.retry());
    await waitFor(() => expect(result.current.undecided).toBeNull());
  });

  test('a person without a group has nothing to check', () => {
    backend = installMemoryBackend({ ...vianney, role: 'super_admin', school_group_id: null });
    const { result } = renderHook(() => usePlanRestrictions(), { wrapper });
    expect(result.current).toMatchObject({ undecided: 'no_group', isPending: false });
    expect(backend.calls).toEqual([]);
  });
});

describe('useCheckRestriction', () => {
  test('judges the quantity asked for', async () => {
    backend.snapshot = snapshotOf('pro', [8, 0, 3, 0]);
    const { result } = renderHook(
      () => ({ two: useCheckRestriction('schools', 2), three: useCheckRestriction('schools', 3) }),
      { wrapper },
    );
    await waitFor(() => expect(result.current.two.decision).not.toBeNull());
    expect(result.current.two.decision?.allowed).toBe(true);
    expect(result.current.three.decision).toMatchObject({
      allowed: false,
      reason: 'requested_exceeds_limit',
    });
    expect(backend.calls).toEqual(['get_entitlements']);
  });

  test('I9: without an answer there is no decision', () => {
    backend.answer('get_entitlements', NEVER);
    const { result } = renderHook(() => useCheckRestriction('schools'), { wrapper });
    expect(result.current).toMatchObject({ decision: null, undecided: 'checking' });
  });

  test('I9: what nobody confirmed for two minutes no longer decides; a confirmation brings it back', async () => {
    vi.useFakeTimers({ shouldAdvanceTime: true });
    const { result } = renderHook(() => useCheckRestriction('schools'), { wrapper });
    await waitFor(() => expect(result.current.decision?.allowed).toBe(true));
    await act(() => vi.advanceTimersByTimeAsync(TRUST_MS + 1_000));
    expect(result.current).toMatchObject({ decision: null, undecided: 'offline' });
    act(() => connection.confirmed());
    expect(result.current.decision?.allowed).toBe(true);
  });
});

describe('useCanAccessModule and useCanAccessCategory', () => {
  test('answer a slug from the snapshot, without a request', async () => {
    backend.snapshot = snapshotOf('premium');
    const { result } = renderHook(
      () => ({
        open: useCanAccessModule('module-01'),
        locked: useCanAccessModule('module-47'),
        category: useCanAccessCategory('category-1'),
        lockedCategory: useCanAccessCategory('category-9'),
      }),
      { wrapper },
    );
    expect(result.current.open).toMatchObject({ allowed: false, isPending: true });
    await waitFor(() => expect(result.current.open.allowed).toBe(true));
    expect(result.current.locked).toMatchObject({ allowed: false, isPending: false });
    expect(result.current.category.allowed).toBe(true);
    expect(result.current.lockedCategory.allowed).toBe(false);
    expect(backend.calls).toEqual(['get_entitlements']);
  });

  test('ask the server about an id, again only when the open modules change', async () => {
    const asked: unknown[] = [];
    backend.answer('can_access_module', ({ p_module }) => {
      asked.push(p_module);
      return { status: 200, body: backend.snapshot.plan === 'pro' };
    });
    const { result } = renderHook(
      () => {
        useRealtimePlanUpdates();
        return useCanAccessModule(MODULE_ID);
      },
      { wrapper },
    );
    await waitFor(() => expect(result.current.allowed).toBe(true));
    act(() => backend.join());
    await waitFor(() => expect(backend.calls).toContain('get_catalogue'));
    act(() => backend.send('usage_changed', usageMessage(2, [2, 0, 3, 0])));
    expect(asked).toEqual([MODULE_ID]);
    backend.snapshot = snapshotOf('premium', [2, 0, 3, 0], 3);
    act(() => backend.send('plan_changed', planMessage('premium', 3, [2, 0, 3, 0])));
    expect(result.current.allowed).toBe(false);
    await waitFor(() => expect(asked).toEqual([MODULE_ID, MODULE_ID]));
    await waitFor(() => expect(result.current).toMatchObject({ allowed: false, isPending: false }));
  });
});
