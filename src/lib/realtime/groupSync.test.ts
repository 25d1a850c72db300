import { beforeEach, describe, expect, test } from 'vitest';
import { createFakeClock, settle, type FakeClock } from '../../../tests/helpers/fakeClock.ts';
import { catalogue, planMessage, snapshotOf, usageMessage } from '../../../tests/helpers/fixtures.ts';
import type { EntitlementSnapshot } from '../../core/entitlements.ts';
import { newestSnapshot } from '../../core/group-state.ts';
import { createGroupSync, type GroupSync } from './groupSync.ts';

/** A server whose answers the test holds in its hand. */
class Server {
  state = snapshotOf('pro', [1, 0, 3, 0], 1);
  fetches = 0;
  isDown = false;
  private held: Array<() => void> | null = null;

  fetch(signal: AbortSignal): Promise<EntitlementSnapshot> {
    this.fetches += 1;
    const answer = this.state;
    const { promise, resolve, reject } = Promise.withResolvers<EntitlementSnapshot>();
    signal.addEventListener('abort', () => reject(new Error('aborted')));
    const deliver = () => (this.isDown ? reject(new Error('down')) : resolve(answer));
    if (this.held) this.held.push(deliver);
    else deliver();
    return promise;
  }

  /** From now on answers wait, computed when asked for, until released. */
  holdAnswers(): void {
    this.held = [];
  }

  releaseAnswers(): void {
    const held = this.held ?? [];
    this.held = null;
    for (const deliver of held) deliver();
  }
}

let clock: FakeClock;
let server: Server;
let sync: GroupSync;
let shown: EntitlementSnapshot | undefined;
let shownRevs: number[];
let fetchFailures: unknown[];
let confirmations: number;
let isVisible: boolean;

beforeEach(() => {
  clock = createFakeClock();
  server = new Server();
  shown = undefined;
  shownRevs = [];
  fetchFailures = [];
  confirmations = 0;
  isVisible = true;
  sync = createGroupSync(
    {
      fetchSnapshot: (signal) => server.fetch(signal),
      readSnapshot: () => shown,
      writeSnapshot: (snapshot) => {
        shown = newestSnapshot(shown, snapshot);
        shownRevs.push(shown.rev);
      },
      readCatalogue: () => catalogue,
      onConfirmed: () => {
        confirmations += 1;
      },
      onFetchFailed: (error) => fetchFailures.push(error),
      isVisible: () => isVisible,
    },
    clock,
  );
});

async function live(): Promise<void> {
  sync.onJoined();
  await settle();
  server.fetches = 0;
}

describe('messages', () => {
  test('a plan change is shown without any request', async () => {
    await live();
    sync.onEvent('plan_changed', planMessage('premium', 2));
    expect(shown).toMatchObject({ plan: 'premium', rev: 2 });
    expect(shown?.modules).toHaveLength(20);
    await clock.advance(5_000);
    expect(server.fetches).toBe(0);
  });

  test('a change of plan while suspended falls at once, and is confirmed by one refetch', async () => {
    await live();
    const confirmedBefore = confirmations;
    server.state = snapshotOf('gratuit', [1, 0, 3, 0], 2, {
      status: 'suspended',
      subscribed_plan: 'premium',
    });
    sync.onEvent('plan_changed', planMessage('gratuit', 2, undefined, { status: 'suspended' }));
    expect(shown).toMatchObject({ plan: 'gratuit', rev: 2 });
    expect(confirmations).toBe(confirmedBefore);
    await clock.advance(1_000);
    expect(shown).toMatchObject({ plan: 'gratuit', subscribed_plan: 'premium', rev: 2 });
    expect(server.fetches).toBe(1);
  });

  test('a repeat and a late message change nothing and cost nothing', async () => {
    await live();
    sync.onEvent('plan_changed', planMessage('premium', 2));
    sync.onEvent('plan_changed', planMessage('premium', 2));
    sync.onEvent('usage_changed', usageMessage(1, [9, 9, 9, 9]));
    await clock.advance(5_000);
    expect(shown).toMatchObject({ rev: 2, plan: 'premium' });
    expect(server.fetches).toBe(0);
  });

  test('a gap leads to one refetch within a second, however many messages follow', async () => {
    await live();
    server.state = snapshotOf('pro', [6, 0, 3, 0], 6);
    sync.onEvent('usage_changed', usageMessage(3, [3, 0, 3, 0]));
    sync.onEvent('usage_changed', usageMessage(4, [4, 0, 3, 0]));
    sync.onEvent('usage_changed', usageMessage(6, [6, 0, 3, 0]));
    await clock.advance(1_000);
    expect(server.fetches).toBe(1);
    expect(shown?.rev).toBe(6);
  });

  test('an unknown plan version asks for the snapshot', async () => {
    await live();
    server.state = snapshotOf('pro', [1, 0, 3, 0], 2);
    sync.onEvent('entitlements_changed', planMessage('pro', 2, undefined, { pv: 7 }));
    await clock.advance(1_000);
    expect(server.fetches).toBe(1);
  });

  test('a payload that is not what the event promises leads to a refetch', async () => {
    await live();
    sync.onEvent('plan_changed', { rev: 'two' });
    await clock.advance(1_000);
    expect(server.fetches).toBe(1);
  });

  test('other events of the topic are left alone', async () => {
    await live();
    sync.onEvent('notification', { kind: 'usage_threshold' });
    await clock.advance(1_000);
    expect(server.fetches).toBe(0);
  });
});

describe('I5: after a reconnect the screen equals the server, and never goes back', () => {
  test('what is pushed during the fetch is kept and then applied', async () => {
    server.holdAnswers();
    sync.onJoined();
    sync.onEvent('usage_changed', usageMessage(2, [2, 0, 3, 0]));
    sync.onEvent('plan_changed', planMessage('premium', 3, [2, 0, 3, 0]));
    expect(shown).toBeUndefined();
    server.releaseAnswers();
    await settle();
    expect(shown).toMatchObject({ rev: 3, plan: 'premium' });
    expect(shownRevs).toEqual([1, 2, 3]);
  });

  test('what the fetch already contains is not applied again', async () => {
    server.state = snapshotOf('premium', [2, 0, 3, 0], 3);
    server.holdAnswers();
    sync.onJoined();
    sync.onEvent('usage_changed', usageMessage(2, [2, 0, 3, 0]));
    sync.onEvent('plan_changed', planMessage('premium', 3, [2, 0, 3, 0]));
    server.releaseAnswers();
    await settle();
    expect(shownRevs).toEqual([3]);
  });

  test('two changes missed while the line was down: the join brings the last state', async () => {
    await live();
    sync.onLost?.();
    server.state = snapshotOf('premium', [1, 0, 3, 0], 3);
    sync.onJoined();
    await settle();
    expect(shown).toMatchObject({ plan: 'premium', rev: 3 });
    expect(server.fetches).toBe(1);
  });

  test('a fetch that began before the join is given up for one that begins after it', async () => {
    server.holdAnswers();
    sync.onJoined();
    server.state = snapshotOf('premium', [1, 0, 3, 0], 2);
    sync.onJoined();
    server.releaseAnswers();
    await settle();
    expect(server.fetches).toBe(2);
    expect(shownRevs).toEqual([2]);
  });

  test('a failed fetch is tried again, and what was pushed meanwhile is not lost', async () => {
    server.isDown = true;
    sync.onJoined();
    await settle();
    sync.onEvent('usage_changed', usageMessage(2, [2, 0, 3, 0]));
    server.isDown = false;
    await clock.advance(1_000);
    expect(shown?.rev).toBe(2);
  });
});

describe('waking and reading again', () => {
  test('a wake refetches once, within a second, even in the middle of a long delay', async () => {
    await live();
    server.isDown = true;
    sync.onJoined();
    await clock.advance(120_000);
    server.isDown = false;
    server.fetches = 0;
    sync.onWake?.();
    sync.onWake?.();
    await clock.advance(1_000);
    expect(server.fetches).toBe(1);
  });

  test('a live screen reads again every 15 ± 5 minutes as the last net; a hidden one not at all', async () => {
    await live();
    await clock.advance(600_000 - 1);
    expect(server.fetches).toBe(0);
    await clock.advance(600_001);
    expect(server.fetches).toBe(1);
    isVisible = false;
    await clock.advance(3_600_000);
    expect(server.fetches).toBe(1);
  });

  test('a screen without a line reads every minute, and less often once it is joined again', async () => {
    await live();
    sync.onLost?.();
    await clock.advance(66_000);
    expect(server.fetches).toBe(1);
    await live();
    await clock.advance(540_000);
    expect(server.fetches).toBe(0);
  });

  test('a screen reads again when an exception ends, by the clock of the server', async () => {
    const serverNow = clock.now() - 7_200_000;
    const iso = (ms: number) => new Date(ms).toISOString();
    server.state = snapshotOf('pro', [1, 0, 3, 0], 1, {
      as_of: iso(serverNow),
      next_at: serverNow + 120_000,
    });
    await live();
    server.state = snapshotOf('gratuit', [1, 0, 3, 0], 1, { as_of: iso(serverNow + 120_100) });
    await clock.advance(119_999);
    expect(server.fetches).toBe(0);
    await clock.advance(1_001);
    expect(server.fetches).toBe(1);
    // The revision is the same: nothing was written when the date came. The later answer is shown all the same.
    expect(shown).toMatchObject({ plan: 'gratuit', next_at: null });
  });

  test('a screen reads again at the instant that a message names', async () => {
    await live();
    const nextAt = Date.parse(server.state.as_of) + 300_000;
    sync.onEvent('entitlements_changed', planMessage('pro', 2, undefined, { next_at: nextAt }));
    expect(shown?.next_at).toBe(nextAt);
    server.state = snapshotOf('pro', [1, 0, 3, 0], 2);
    await clock.advance(301_000);
    expect(server.fetches).toBe(1);
  });
});

describe('a restore from a backup', () => {
  const restored = () => snapshotOf('gratuit', [0, 0, 0, 0], 2, { e: 2 });

  test('shows the restored state although its revision is lower, and nothing older after it', async () => {
    server.state = snapshotOf('pro', [1, 0, 3, 0], 9);
    await live();
    server.state = restored();
    sync.onEvent('usage_changed', usageMessage(2, [0, 0, 0, 0], { e: 2 }));
    await clock.advance(1_000);
    expect(server.fetches).toBe(1);
    expect(shown).toMatchObject({ e: 2, rev: 2, plan: 'gratuit' });
    sync.onEvent('plan_changed', planMessage('premium', 10));
    await clock.advance(1_000);
    expect(shown).toMatchObject({ e: 2, rev: 2, plan: 'gratuit' });
    expect(server.fetches).toBe(1);
    expect(fetchFailures).toEqual([]);
  });
});

describe('confirmation', () => {
  test('a heartbeat confirms only what is current', async () => {
    sync.onHeartbeat?.();
    expect(confirmations).toBe(0);
    await live();
    const before = confirmations;
    sync.onHeartbeat?.();
    expect(confirmations).toBe(before + 1);
    sync.onLost?.();
    sync.onHeartbeat?.();
    expect(confirmations).toBe(before + 1);
  });
});

test('stopping leaves no timer and writes nothing more', async () => {
  server.holdAnswers();
  sync.onJoined();
  sync.stop();
  server.releaseAnswers();
  await clock.advance(300_000);
  expect(shown).toBeUndefined();
  expect(clock.pending()).toBe(0);
});
