// @vitest-environment node
import { setImmediate as nextRound } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { Pace, type PaceLimits } from './pace.ts';

const LIMITS: PaceLimits = { perRound: 1, gapMs: 0, waitingPerNetwork: 100, waiting: 1_000 };

function stage(limits: Partial<PaceLimits>, isHurried = false) {
  const clock = { now: 0 };
  const world = { isHurried };
  const pace = new Pace(
    { ...LIMITS, ...limits },
    () => world.isHurried,
    () => clock.now,
  );
  const begun: string[] = [];
  const enlist = (network: string): boolean => pace.enlist(network, () => begun.push(network));
  return { clock, world, begun, enlist };
}

it('begins so many in a round, and the loop serves others between two rounds', async () => {
  const { begun, enlist } = stage({ perRound: 2 });
  const seen: number[] = [];
  for (let n = 0; n < 6; n += 1) enlist('crowd');
  while (begun.length < 6) {
    seen.push(begun.length);
    await nextRound();
  }
  expect(seen).toEqual([0, 2, 4]);
});

it('lets networks take turns, however long the line of one is', async () => {
  const { begun, enlist } = stage({});
  for (let n = 0; n < 50; n += 1) enlist('crowd');
  enlist('one');
  enlist('two');
  while (begun.length < 4) await nextRound();
  expect(begun.slice(0, 4)).toEqual(['crowd', 'one', 'two', 'crowd']);
});

it('keeps a gap while somebody who has signed in waits, and goes on without one afterwards', async () => {
  const { clock, world, begun, enlist } = stage({ gapMs: 4 }, true);
  for (let n = 0; n < 5; n += 1) enlist('crowd');
  await expect.poll(() => begun.length).toBe(1);
  for (let n = 0; n < 20; n += 1) await nextRound();
  expect(begun).toHaveLength(1);
  clock.now = 4;
  await expect.poll(() => begun.length).toBe(2);
  world.isHurried = false;
  await expect.poll(() => begun.length).toBe(5);
});

it('refuses one more than may wait, of a network and of all', async () => {
  const { begun, enlist } = stage({ waitingPerNetwork: 2, waiting: 3 });
  expect([enlist('a'), enlist('a'), enlist('a'), enlist('b'), enlist('c')]).toEqual([
    true,
    true,
    false,
    true,
    false,
  ]);
  await expect.poll(() => begun).toEqual(['a', 'b', 'a']);
  expect(enlist('c')).toBe(true);
});
