// @vitest-environment node
import { expect, it } from 'vitest';
import { FairTurns, type Turn } from './fair-turns.ts';

/** A clock that stands still, and turns whose order is written down. */
function stage(limits: ConstructorParameters<typeof FairTurns>[1]) {
  const clock = { now: 0 };
  const turns = new FairTurns(() => clock.now, limits);
  const begun: string[] = [];
  const held: { name: string; turn: Turn }[] = [];
  const ask = async (name: string, isStranger = false): Promise<boolean> => {
    const turn = await turns.take(name, isStranger);
    if (turn) {
      begun.push(name);
      held.push({ name, turn });
    }
    return turn !== null;
  };
  /** Ends the oldest turn of a bearer, and lets the next one begin. */
  const end = async (name: string): Promise<void> => {
    const at = held.findIndex((each) => each.name === name);
    held.splice(at, 1)[0]?.turn.end();
    await settle();
  };
  return { clock, begun, ask, end };
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

it('serves the lines of bearers in turns, however long they are', async () => {
  const { begun, ask, end } = stage({ places: 1, perBearer: 1 });
  for (let n = 0; n < 50; n += 1) void ask('crowd');
  void ask('one');
  void ask('two');
  await settle();
  expect(begun).toEqual(['crowd']);
  await end('crowd');
  await end('one');
  await end('two');
  expect(begun).toEqual(['crowd', 'one', 'two', 'crowd']);
});

it('gives one bearer so many places and leaves the others to the rest', async () => {
  const { begun, ask } = stage({ places: 4, perBearer: 2 });
  for (let n = 0; n < 10; n += 1) void ask('crowd');
  void ask('one');
  await settle();
  expect(begun).toEqual(['crowd', 'crowd', 'one']);
});

it('gives bearers beyond their budget a few places together', async () => {
  const { clock, begun, ask, end } = stage({ places: 10, perBearer: 4, forHeavy: 2, budgetMs: 1_000 });
  for (const name of ['a', 'b']) {
    void ask(name);
    await settle();
    clock.now += 3_000;
    await end(name);
  }
  for (let n = 0; n < 3; n += 1) for (const name of ['a', 'b', 'honest']) void ask(name);
  await settle();
  expect(begun.slice(2).toSorted()).toEqual(['a', 'b', 'honest', 'honest', 'honest']);
});

it('forgets what a bearer used some windows ago', async () => {
  const { clock, begun, ask, end } = stage({ forHeavy: 0, budgetMs: 1_000, windowMs: 10_000 });
  void ask('a');
  await settle();
  clock.now += 8_000;
  await end('a');
  void ask('a');
  await settle();
  expect(begun).toHaveLength(1);
  clock.now += 30_000;
  void ask('a');
  await settle();
  expect(begun).toHaveLength(3);
});

it('treats strangers as beyond their budget from the beginning', async () => {
  const { begun, ask, end } = stage({ places: 10, forHeavy: 1 });
  for (const name of ['x', 'y', 'z']) void ask(name, true);
  void ask('honest');
  await settle();
  expect(begun).toEqual(['x', 'honest']);
  await end('x');
  expect(begun).toEqual(['x', 'honest', 'y']);
});

it('refuses what no line has room for, and nothing of others', async () => {
  const { ask } = stage({ places: 1, waitingPerBearer: 2, waiting: 3 });
  void ask('working');
  void ask('crowd');
  void ask('crowd');
  expect(await ask('crowd')).toBe(false);
  void ask('one');
  expect(await ask('two')).toBe(false);
});

it('counts a turn that is ended twice once', async () => {
  const turns = new FairTurns(() => 0, { places: 1 });
  const turn = await turns.take('a', false);
  turn?.end();
  turn?.end();
  expect(await turns.take('a', false)).not.toBeNull();
  let given = false;
  void turns.take('b', false).then(() => (given = true));
  await settle();
  expect(given).toBe(false);
});
