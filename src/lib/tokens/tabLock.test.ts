import { beforeEach, expect, test } from 'vitest';
import { createFakeClock, type FakeClock } from '../../../tests/helpers/fakeClock.ts';
import { createLeaseLock } from './tabLock.ts';

let clock: FakeClock;
let log: string[];

beforeEach(() => {
  localStorage.clear();
  clock = createFakeClock();
  log = [];
});

/** A tab; its chance tells it from the others. */
function openTab(name: string, chance: number) {
  clock.chance = chance;
  const lock = createLeaseLock('lock', clock, localStorage);
  return (work: Promise<void> = Promise.resolve()) =>
    lock(async () => {
      log.push(`${name} begins`);
      await work;
      log.push(`${name} ends`);
    });
}

test('tabs take turns', async () => {
  const tabs = ['a', 'b', 'c'].map((name, n) => openTab(name, n / 10));
  const all = Promise.all(
    tabs.map((run) =>
      run(
        new Promise((resolve) => {
          clock.after(200, resolve);
        }),
      ),
    ),
  );
  await clock.advance(5_000);
  await all;
  expect(log).toHaveLength(6);
  for (let n = 0; n < 6; n += 2) expect(log[n + 1]).toBe(log[n]?.replace('begins', 'ends'));
  expect(localStorage.getItem('lock')).toBeNull();
});

test('a tab that died with the lock holds the others up for a while only', async () => {
  void openTab('dead', 0.1)(new Promise(() => undefined));
  await clock.advance(100);
  const done = openTab('next', 0.2)();
  await clock.advance(6_000);
  expect(log).toEqual(['dead begins']);
  await clock.advance(2_000);
  await done;
  expect(log).toEqual(['dead begins', 'next begins', 'next ends']);
});

test('a lease from a time when the clock was ahead holds nobody up', async () => {
  localStorage.setItem('lock', `old ${clock.now() + 86_400_000}`);
  const done = openTab('a', 0.1)();
  await clock.advance(100);
  await done;
  expect(log).toEqual(['a begins', 'a ends']);
});

test('a page that is left gives the lock back', async () => {
  void openTab('left', 0.1)(new Promise(() => undefined));
  await clock.advance(100);
  globalThis.dispatchEvent(new Event('pagehide'));
  expect(localStorage.getItem('lock')).toBeNull();
});
