// @vitest-environment node
import { expect, test } from 'vitest';
import { DEFAULT_LIMITS, type Limits } from './options.ts';
import { Strangers, type Stranger } from './strangers.ts';

function setUp(limits: Partial<Limits> = {}, areGuests = false) {
  let now = 0;
  const strangers = new Strangers({ ...DEFAULT_LIMITS, ...limits }, areGuests, () => now);
  const dismissed: string[] = [];
  const open = (name: string): Stranger => {
    const stranger: Stranger = {
      network: name.split(' ')[0]!,
      dismiss: (reason) => dismissed.push(`${name}: ${reason}`),
    };
    strangers.enter(stranger);
    return stranger;
  };
  return { strangers, dismissed, open, at: (instant: number) => (now = instant) };
}

test('the oldest of a crowded network makes room, and no other network’s', () => {
  const { dismissed, open } = setUp({ strangersPerNetwork: 2 });
  for (const name of ['b 1', 'a 1', 'a 2', 'a 3', 'a 4']) open(name);
  expect(dismissed).toEqual(['a 1: StrangerReplaced', 'a 2: StrangerReplaced']);
});

test('the oldest of all makes room when there are too many in all', () => {
  const { strangers, dismissed, open } = setUp({ strangers: 3 });
  for (let n = 1; n <= 5; n += 1) open(`${n} x`);
  expect(dismissed).toEqual(['1 x: StrangerReplaced', '2 x: StrangerReplaced']);
  expect(strangers.size).toBe(3);
});

test('who is known in time is no stranger any more; who is not is sent away', () => {
  const { strangers, dismissed, open, at } = setUp({ strangerMs: 1_000 });
  const known = open('a known');
  open('a hoarder');
  at(900);
  open('a newcomer');
  strangers.leave(known);
  strangers.sweep(1_000);
  expect(dismissed).toEqual([]);
  strangers.sweep(1_001);
  expect(dismissed).toEqual(['a hoarder: StrangerSilent']);
});

test('a crowd of strangers has less time, and is sent away a few at a time, the oldest first', () => {
  const { strangers, dismissed, open, at } = setUp({
    strangerMs: 1_000,
    calmStrangers: 3,
    crowdedStrangerMs: 200,
    strangersPerSweep: 2,
  });
  for (let n = 1; n <= 3; n += 1) open(`${n} x`);
  expect(strangers.areCrowd).toBe(false);
  for (let n = 4; n <= 6; n += 1) open(`${n} x`);
  expect(strangers.areCrowd).toBe(true);
  at(150);
  open('7 x');
  strangers.sweep(200);
  expect(dismissed).toEqual([]);
  strangers.sweep(201);
  expect(dismissed.splice(0)).toEqual(['1 x: StrangerSilent', '2 x: StrangerSilent']);
  strangers.sweep(221);
  // Three are no crowd: they have as much time as ever.
  strangers.sweep(241);
  expect(dismissed.splice(0)).toEqual(['3 x: StrangerSilent', '4 x: StrangerSilent']);
  strangers.sweep(1_001);
  expect(dismissed).toEqual(['5 x: StrangerSilent', '6 x: StrangerSilent']);
});

test('what a stranger, and what all of them, have sent is bounded', () => {
  const { strangers, dismissed, open } = setUp({ strangerBytes: 100, strangersBytes: 250 });
  const all = Array.from({ length: 4 }, (_, n) => open(`${n} x`));
  strangers.receive(all[3]!, 101);
  expect(dismissed.splice(0)).toEqual(['3 x: StrangerFlooded']);
  for (const stranger of all) strangers.receive(stranger, 90);
  // The three that are left have sent 270.
  expect(dismissed.splice(0)).toEqual(['0 x: StrangerReplaced']);
  strangers.leave(all[1]!);
  strangers.receive(open('4 x'), 100);
  expect(dismissed).toEqual([]);
});

test('where public channels are served, guests stay; their network is bounded at the door and by the second', () => {
  const { strangers, dismissed, open, at } = setUp(
    { strangersPerNetwork: 2, strangers: 2, strangerMs: 1, strangerBytes: 1, bytesPerSecondPerNetwork: 100 },
    true,
  );
  const [first, second] = [open('a 1'), open('a 2')];
  expect([strangers.isFull('a'), strangers.isFull('b')]).toEqual([true, false]);
  open('b 1');
  strangers.sweep(60_000);
  strangers.receive(first, 100);
  expect(dismissed).toEqual([]);
  strangers.receive(second, 1);
  expect(dismissed.splice(0)).toEqual(['a 2: StrangerFlooded']);
  at(1_000);
  strangers.receive(first, 100);
  expect(dismissed).toEqual([]);
});
