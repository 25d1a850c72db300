import { beforeEach, expect, test } from 'vitest';
import { createFakeClock, type FakeClock } from '../../../tests/helpers/fakeClock.ts';
import { createCatalogueSync, type CatalogueSync } from './catalogueSync.ts';

let clock: FakeClock;
let refreshes: number;
let sync: CatalogueSync;

beforeEach(() => {
  clock = createFakeClock();
  refreshes = 0;
  sync = createCatalogueSync(() => (refreshes += 1), clock);
});

test('the first join reads nothing: the screens that need the catalogue do', async () => {
  sync.onJoined();
  await clock.advance(10_000);
  expect(refreshes).toBe(0);
});

test('a publication reads it once, at a moment of chance', async () => {
  sync.onJoined();
  sync.onEvent('plan_published', {});
  await clock.advance(499);
  expect(refreshes).toBe(0);
  await clock.advance(1);
  expect(refreshes).toBe(1);
});

test('a join after a broken line reads it once, when no snapshot is asked for', async () => {
  sync.onJoined();
  clock.chance = 0.9;
  sync.onJoined();
  await clock.advance(2_899);
  expect(refreshes).toBe(0);
  await clock.advance(1);
  expect(refreshes).toBe(1);
});

test('a snapshot asked for afterwards tells more cheaply what was published; one asked for before does not', async () => {
  sync.onJoined();
  sync.onJoined();
  sync.onSnapshotAsked();
  sync.onEvent('plan_published', {});
  sync.onSnapshotAsked();
  await clock.advance(10_000);
  expect(refreshes).toBe(0);
  sync.onJoined();
  await clock.advance(10_000);
  expect(refreshes).toBe(1);
});

test('what is published in one breath is read once', async () => {
  for (let n = 0; n < 5; n += 1) sync.onEvent('plan_published', {});
  await clock.advance(10_000);
  expect(refreshes).toBe(1);
});

test('once stopped, it reads nothing and leaves no timer', async () => {
  sync.onEvent('plan_published', {});
  sync.stop();
  expect(clock.pending()).toBe(0);
});
