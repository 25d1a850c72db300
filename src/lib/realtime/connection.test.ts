import { beforeEach, expect, test } from 'vitest';
import { createFakeClock, type FakeClock } from '../../../tests/helpers/fakeClock.ts';
import { reconnectDelay } from './backoff.ts';
import { createConnectionMonitor, type ConnectionMonitor } from './connection.ts';

let clock: FakeClock;
let monitor: ConnectionMonitor;

beforeEach(() => {
  clock = createFakeClock();
  monitor = createConnectionMonitor(clock);
});

const state = () => monitor.store.getState().connection;

test('connecting, then live', () => {
  expect(state()).toEqual({ status: 'connecting' });
  monitor.lineIs('joining');
  expect(state()).toEqual({ status: 'connecting' });
  monitor.lineIs('joined');
  expect(state()).toEqual({ status: 'live' });
});

test('a broken line says when it tries again', () => {
  monitor.lineIs('joined');
  monitor.lineIs('lost');
  expect(state()).toEqual({ status: 'reconnecting', retryAt: null });
  monitor.retryIn(3_000);
  expect(state()).toEqual({ status: 'reconnecting', retryAt: clock.now() + 3_000 });
  monitor.lineIs('joined');
  expect(state()).toEqual({ status: 'live' });
  monitor.lineIs('lost');
  expect(state()).toEqual({ status: 'reconnecting', retryAt: null });
});

test('a line that stays broken is offline, since it broke', async () => {
  monitor.lineIs('joined');
  const since = clock.now();
  monitor.lineIs('lost');
  await clock.advance(11_000);
  monitor.retryIn(800);
  expect(state()).toEqual({ status: 'offline', since });
});

test('without a network it is offline at once, and goes on from where the line is', () => {
  monitor.lineIs('joined');
  monitor.networkIs(false);
  expect(state()).toEqual({ status: 'offline', since: clock.now() });
  monitor.networkIs(true);
  expect(state()).toEqual({ status: 'live' });
});

test('an unchanged state renders nothing again', () => {
  let changes = 0;
  monitor.store.subscribe(() => {
    changes += 1;
  });
  monitor.lineIs('joined');
  monitor.lineIs('joined');
  expect(changes).toBe(1);
});

test('confirmations are dated, and forgotten for the next person', () => {
  monitor.confirmed();
  expect(monitor.store.getState().confirmedAt).toBe(clock.now());
  monitor.reset();
  expect(monitor.store.getState().confirmedAt).toBeNull();
});

test('delays leave time to be right within a second for forty attempts, then grow to 15 s at most', () => {
  for (let tries = 1; tries <= 40; tries += 1) {
    expect(reconnectDelay(tries, () => 0.999)).toBeLessThanOrEqual(600);
    expect(reconnectDelay(tries, () => 0)).toBeGreaterThan(100);
  }
  expect(reconnectDelay(44, () => 0.999)).toBeGreaterThan(5_000);
  expect(reconnectDelay(5_000, () => 0.999)).toBeLessThanOrEqual(15_000);
});
