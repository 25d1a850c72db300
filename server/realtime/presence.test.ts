// @vitest-environment node
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Member } from './hub.ts';
import { createMetrics } from './metrics.ts';
import { DEFAULT_LIMITS } from './options.ts';
import { Presence, type PresenceState } from './presence.ts';

const STREAM = { topic: 'room', private: false };

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

interface Diff {
  joins: PresenceState;
  leaves: PresenceState;
}

function setUp(limits: Partial<typeof DEFAULT_LIMITS> = {}) {
  const metrics = createMetrics();
  const presence = new Presence({ ...DEFAULT_LIMITS, ...limits }, metrics, Date.now);
  const diffs: Diff[] = [];
  const watcher: Member = {
    version: '2.0.0',
    deliver(frame) {
      const text = frame.toString('utf8', frame.indexOf('['));
      diffs.push((JSON.parse(text) as unknown[])[4] as Diff);
    },
    broke: vi.fn<Member['broke']>(),
  };
  return { presence, metrics, watcher, diffs, state: presence.watch(STREAM, watcher) };
}

/** Keys with the names under them. */
function names(state: PresenceState): Record<string, unknown[]> {
  return Object.fromEntries(
    Object.entries(state).map(([key, { metas }]) => [key, metas.map(({ name }) => name)]),
  );
}

test('the first change of a quiet room goes out at once, all others of the tick together at its end', () => {
  const { presence, diffs } = setUp();
  for (let n = 0; n < 100; n += 1) presence.track(STREAM, {}, `user ${n}`, { name: n });
  expect(diffs.map(({ joins }) => names(joins))).toEqual([{ 'user 0': [0] }]);
  vi.advanceTimersByTime(50);
  expect(diffs).toHaveLength(2);
  expect(Object.keys(diffs[1]!.joins)).toHaveLength(99);

  for (let n = 0; n < 49; n += 1) {
    presence.track(STREAM, {}, `late ${n}`, {});
    vi.advanceTimersByTime(1);
  }
  expect(diffs).toHaveLength(2);
  vi.advanceTimersByTime(1);
  expect(diffs).toHaveLength(3);
  expect(Object.keys(diffs[2]!.joins)).toHaveLength(49);
});

test('the same again changes nothing, whatever the order of its keys', () => {
  const { presence, diffs } = setUp();
  const holder = {};
  presence.track(STREAM, holder, 'a', { name: 'a', list: [{ x: 1, y: null }] });
  presence.track(STREAM, holder, 'a', { list: [{ y: null, x: 1 }], name: 'a', phx_ref: 'mine' });
  vi.runAllTimers();
  expect(diffs).toHaveLength(1);
  presence.track(STREAM, holder, 'a', { name: 'a', list: [{ x: 1 }] });
  vi.runAllTimers();
  expect(diffs).toHaveLength(2);
  presence.untrack(STREAM, holder);
  presence.track(STREAM, holder, 'a', { name: 'a', list: [{ x: 1 }] });
  vi.runAllTimers();
  expect(names(diffs.at(-1)!.joins)).toEqual({ a: ['a'] });
});

test('who leaves is not told of its own end', () => {
  const { presence, diffs, watcher } = setUp();
  const deliver = vi.fn<Member['deliver']>();
  const holder: Member = { version: '2.0.0', deliver, broke: vi.fn<Member['broke']>() };
  presence.watch(STREAM, holder);
  presence.track(STREAM, holder, 'a', {});
  vi.runAllTimers();
  vi.advanceTimersByTime(1_000);
  presence.leave(STREAM, holder);
  expect(deliver).toHaveBeenCalledTimes(1);
  expect(Object.keys(diffs.at(-1)!.leaves)).toEqual(['a']);
  presence.leave(STREAM, watcher);
});

test('who comes and goes within a tick was never there', () => {
  const { presence, diffs } = setUp();
  const holder = {};
  presence.track(STREAM, {}, 'first', {});
  presence.track(STREAM, holder, 'a', {});
  presence.untrack(STREAM, holder);
  vi.runAllTimers();
  expect(diffs.map(({ joins, leaves }) => [Object.keys(joins), Object.keys(leaves)])).toEqual([
    [['first'], []],
  ]);
});

test('two updates within a tick are one, from what was known to what is', () => {
  const { presence, diffs } = setUp();
  const holder = {};
  presence.track(STREAM, holder, 'a', { name: 1 });
  vi.runAllTimers();
  const known = diffs[0]!.joins['a']!.metas[0]!.phx_ref;
  presence.track(STREAM, holder, 'a', { name: 2 });
  presence.track(STREAM, holder, 'a', { name: 3 });
  vi.runAllTimers();
  expect(diffs[1]!.joins['a']!.metas).toEqual([
    { name: 3, phx_ref: expect.any(String) as string, phx_ref_prev: known },
  ]);
  expect(diffs[1]!.leaves['a']!.metas).toEqual([{ name: 1, phx_ref: known }]);
});

test('a newcomer is sent what the others were told, so that the next difference is right for all', () => {
  const { presence, diffs } = setUp();
  const [first, second] = [{}, {}];
  presence.track(STREAM, first, 'a', { name: 'old' });
  vi.runAllTimers();
  presence.track(STREAM, first, 'a', { name: 'new' });
  presence.track(STREAM, second, 'b', { name: 'b' });
  const deliver = vi.fn<(frame: Buffer) => void>();
  const newcomer: Member = { version: '1.0.0', deliver, broke: vi.fn<Member['broke']>() };
  expect(names(presence.watch(STREAM, newcomer))).toEqual({ a: ['old'] });
  vi.runAllTimers();
  expect(deliver).toHaveBeenCalledTimes(1);
  expect(names(diffs[1]!.joins)).toEqual({ a: ['new'], b: ['b'] });
  expect(names(diffs[1]!.leaves)).toEqual({ a: ['old'] });
});

test('keys are the clients’ own, whatever they are', () => {
  const { presence, diffs } = setUp();
  for (const key of ['__proto__', 'constructor', 'é “x”'])
    presence.track(STREAM, {}, key, { phx_ref: 'mine' });
  vi.runAllTimers();
  expect(diffs.flatMap(({ joins }) => Object.keys(joins)).sort()).toEqual([
    '__proto__',
    'constructor',
    'é “x”',
  ]);
  expect(diffs[1]!.joins['constructor']!.metas[0]!.phx_ref).not.toBe('mine');
});

test('a watcher that throws takes the blame, and the others are served', () => {
  const { presence, diffs, watcher } = setUp();
  const error = new Error('a broken watcher');
  const broke = vi.fn<Member['broke']>();
  const broken: Member = {
    version: '2.0.0',
    deliver() {
      throw error;
    },
    broke,
  };
  presence.leave(STREAM, watcher);
  for (const member of [broken, watcher]) presence.watch(STREAM, member);
  presence.track(STREAM, {}, 'a', { name: 'a' });
  vi.runAllTimers();
  expect(broke).toHaveBeenCalledWith('presence', error);
  expect(diffs.map(({ joins }) => names(joins))).toEqual([{ a: ['a'] }]);
});

test('a state and a topic are bounded; what leaves makes room', () => {
  const { presence } = setUp({ presenceBytes: 100, presenceTopicBytes: 150 });
  const [first, second] = [{}, {}];
  const said = { text: 'x'.repeat(60) };
  expect(presence.track(STREAM, first, 'a', { text: 'x'.repeat(100) })).toBe('payload_size_exceeded');
  expect(presence.track(STREAM, first, 'a', said)).toBeNull();
  expect(presence.track(STREAM, second, 'b', said)).toBeNull();
  expect(presence.track(STREAM, {}, 'c', said)).toBe('PresenceLimitReached');
  // An update takes the place of what it replaces.
  expect(presence.track(STREAM, second, 'b', said)).toBeNull();
  presence.untrack(STREAM, first);
  expect(presence.track(STREAM, {}, 'c', said)).toBeNull();
});

test('nothing is kept of a stream that everybody left', async () => {
  const { presence, metrics, watcher } = setUp();
  presence.track(STREAM, watcher, 'a', {});
  expect((await metrics.presences.get()).values[0]?.value).toBe(1);
  presence.leave(STREAM, watcher);
  expect((await metrics.presences.get()).values[0]?.value).toBe(0);
  expect(vi.getTimerCount()).toBe(0);
  expect(presence.watch(STREAM, watcher)).toEqual({});
});
