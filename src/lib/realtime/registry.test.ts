import { beforeEach, describe, expect, test, vi } from 'vitest';
import { createFakeClock, settle, type FakeClock } from '../../../tests/helpers/fakeClock.ts';
import { createMemoryRealtime, type MemoryRealtime } from '../../../tests/helpers/memoryRealtime.ts';
import type { Line } from './connection.ts';
import { createRegistry, type Registry, type TopicListener } from './registry.ts';

const TOPIC = 'group:1';

let clock: FakeClock;
let realtime: MemoryRealtime;
let registry: Registry;
let lines: Line[];

beforeEach(() => {
  clock = createFakeClock();
  realtime = createMemoryRealtime();
  lines = [];
  registry = createRegistry(realtime, clock, (line) => lines.push(line));
});

function listener() {
  return {
    onEvent: vi.fn<TopicListener['onEvent']>(),
    onJoined: vi.fn<() => void>(),
    onLost: vi.fn<() => void>(),
    onHeartbeat: vi.fn<() => void>(),
    onWake: vi.fn<() => void>(),
  };
}

async function joined(): Promise<ReturnType<typeof listener>> {
  const one = listener();
  registry.acquire(TOPIC, one);
  await settle();
  realtime.channelOf(TOPIC).becomes('SUBSCRIBED');
  return one;
}

describe('joining', () => {
  test('sets the token before the join, and joins privately', async () => {
    registry.acquire(TOPIC, listener());
    await settle();
    expect(realtime.calls).toEqual(['setAuth', `channel ${TOPIC}`]);
    expect(realtime.channelOf(TOPIC).isPrivate).toBe(true);
    expect(lines.at(-1)).toBe('joining');
  });

  test('one channel serves every listener of a topic', async () => {
    const first = await joined();
    const second = listener();
    registry.acquire(TOPIC, second);
    await settle();
    expect(realtime.channels).toHaveLength(1);
    expect(second.onJoined).toHaveBeenCalledOnce();
    realtime.channelOf(TOPIC).send('usage_changed', { rev: 2 });
    expect(first.onEvent).toHaveBeenCalledExactlyOnceWith('usage_changed', { rev: 2 });
    expect(second.onEvent).toHaveBeenCalledExactlyOnceWith('usage_changed', { rev: 2 });
  });

  test('the line is joined when every channel is', async () => {
    await joined();
    expect(lines.at(-1)).toBe('joined');
    registry.acquire('catalogue', listener());
    await settle();
    expect(lines.at(-1)).toBe('joining');
    realtime.channelOf('catalogue').becomes('SUBSCRIBED');
    expect(lines.at(-1)).toBe('joined');
  });
});

describe('leaving', () => {
  test('mounting twice, as Strict Mode does, joins once and leaves never', async () => {
    const one = listener();
    registry.acquire(TOPIC, one)();
    registry.acquire(TOPIC, one);
    await clock.advance(5_000);
    expect(realtime.calls).toEqual(['setAuth', `channel ${TOPIC}`]);
  });

  test('the last release leaves after a moment and keeps no timer', async () => {
    const release = registry.acquire(TOPIC, listener());
    await settle();
    release();
    release();
    expect(realtime.calls).not.toContain(`remove ${TOPIC}`);
    await clock.advance(1_000);
    expect(realtime.calls).toContain(`remove ${TOPIC}`);
    expect(clock.pending()).toBe(0);
  });

  test('a topic on its way out is joined anew only once it is out', async () => {
    const release = registry.acquire(TOPIC, listener());
    await settle();
    const letGo = realtime.holdRemovals();
    release();
    await clock.advance(1_000);
    registry.acquire(TOPIC, listener());
    await settle();
    expect(realtime.channels).toHaveLength(1);
    letGo();
    await settle();
    expect(realtime.channels).toHaveLength(2);
  });

  test('a listener that left hears nothing more', async () => {
    const one = listener();
    const release = registry.acquire(TOPIC, one);
    await joined();
    release();
    realtime.channelOf(TOPIC).send('usage_changed', {});
    expect(one.onEvent).not.toHaveBeenCalled();
  });
});

describe('losing the line', () => {
  test.each(['CHANNEL_ERROR', 'TIMED_OUT'] as const)(
    '%s: the client rejoins by itself, with a fresh token',
    async (status) => {
      const one = await joined();
      realtime.calls.length = 0;
      realtime.channelOf(TOPIC).becomes(status);
      await clock.advance(60_000);
      expect(lines.at(-1)).toBe('lost');
      expect(one.onLost).toHaveBeenCalledOnce();
      expect(realtime.calls).toEqual(['setAuth']);
      realtime.channelOf(TOPIC).becomes('SUBSCRIBED');
      expect(one.onJoined).toHaveBeenCalledTimes(2);
      expect(lines.at(-1)).toBe('joined');
    },
  );

  test.each([
    ['InvalidJWTToken: Token has expired 3 seconds ago', true],
    ['Unauthorized: You do not have permissions to read from this Channel topic: group:1', true],
    ['ClientJoinRateLimitReached: Too many joins', false],
    ['transport failure', false],
  ])('a join that fails with “%s” raises a doubt about the session: %j', async (reason, isDoubt) => {
    await joined();
    realtime.calls.length = 0;
    realtime.channelOf(TOPIC).becomes('CHANNEL_ERROR', new Error(reason));
    expect(realtime.calls).toEqual(isDoubt ? ['setAuth', 'refused'] : ['setAuth']);
  });

  test('CLOSED that nobody asked for: fresh token, new channel, growing delay', async () => {
    const one = await joined();
    const first = realtime.channelOf(TOPIC);
    realtime.calls.length = 0;
    first.becomes('CLOSED');
    expect(realtime.calls).toEqual(['refused']);
    await clock.advance(300);
    expect(realtime.calls).toEqual(['refused', 'setAuth', `channel ${TOPIC}`]);
    realtime.channelOf(TOPIC).becomes('CLOSED');
    await clock.advance(300);
    expect(realtime.channels).toHaveLength(2);
    await clock.advance(500);
    expect(realtime.channels).toHaveLength(3);
    realtime.channelOf(TOPIC).becomes('SUBSCRIBED');
    expect(one.onJoined).toHaveBeenCalledTimes(2);
    expect(lines.at(-1)).toBe('joined');
  });

  test('a channel that was replaced is not heard any more', async () => {
    const one = await joined();
    const first = realtime.channelOf(TOPIC);
    first.becomes('CLOSED');
    await clock.advance(300);
    first.send('plan_changed', {});
    first.becomes('SUBSCRIBED');
    expect(one.onEvent).not.toHaveBeenCalled();
    expect(one.onJoined).toHaveBeenCalledOnce();
  });

  test('a topic nobody wants any more is not opened again', async () => {
    const release = registry.acquire(TOPIC, listener());
    await settle();
    realtime.channelOf(TOPIC).becomes('CLOSED');
    release();
    await clock.advance(60_000);
    expect(realtime.channels).toHaveLength(2);
    expect(clock.pending()).toBe(0);
  });

  test('a token that cannot be refreshed does not stop the join', async () => {
    realtime.setAuth = () => Promise.reject(new Error('offline'));
    registry.acquire(TOPIC, listener());
    await settle();
    expect(realtime.channels).toHaveLength(1);
  });
});

test('waking sets the token, revives the socket and tells every listener', async () => {
  const one = await joined();
  realtime.calls.length = 0;
  registry.wake();
  expect(realtime.calls).toEqual(['setAuth', 'revive']);
  expect(one.onWake).toHaveBeenCalledOnce();
});

test('a heartbeat is told to the listeners of joined channels only', async () => {
  const one = await joined();
  const waiting = listener();
  registry.acquire('catalogue', waiting);
  registry.heartbeat();
  expect(one.onHeartbeat).toHaveBeenCalledOnce();
  expect(waiting.onHeartbeat).not.toHaveBeenCalled();
});
