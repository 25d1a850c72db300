// @vitest-environment node
import { expect, test } from 'vitest';
import { FairQueue } from './fair-queue.ts';

/** A queue whose work ends when the test says so. */
function setUp(slots: number, waitingPerBearer = 1_000) {
  const queue = new FairQueue({ slots, waitingPerBearer });
  const started: string[] = [];
  const open = new Map<string, () => void>();
  const ask = (name: string, isWanted?: () => boolean): Promise<string> =>
    queue.run(
      { key: name.split(' ')[0]!, signedIn: !name.startsWith('stranger') },
      () => {
        started.push(name);
        return new Promise<string>((resolve) => open.set(name, () => resolve(name)));
      },
      isWanted,
    );
  const finish = async (name: string): Promise<void> => {
    open.get(name)?.();
    await new Promise(setImmediate);
  };
  return { queue, started, ask, finish };
}

test('a crowd of one bearer leaves a place for the others, who take turns with it', async () => {
  const { started, ask, finish } = setUp(3);
  for (let n = 1; n <= 100; n += 1) void ask(`crowd ${n}`);
  expect(started).toEqual(['crowd 1', 'crowd 2']);
  void ask('anna 1');
  void ask('anna 2');
  void ask('bert 1');
  expect(started.splice(0)).toEqual(['crowd 1', 'crowd 2', 'anna 1']);
  for (const name of ['crowd 1', 'anna 1', 'crowd 2']) await finish(name);
  expect(started).toEqual(['crowd 3', 'anna 2', 'bert 1']);
});

test('with one place only, bearers take turns', async () => {
  const { started, ask, finish } = setUp(1);
  for (const name of ['a 1', 'a 2', 'a 3', 'a 4', 'b 1', 'b 2']) void ask(name);
  for (const name of ['a 1', 'a 2', 'b 1', 'a 3', 'b 2']) await finish(name);
  expect(started).toEqual(['a 1', 'a 2', 'b 1', 'a 3', 'b 2', 'a 4']);
});

test('the signed-in come before strangers', async () => {
  const { started, ask, finish } = setUp(1);
  void ask('stranger 1');
  void ask('stranger 2');
  void ask('anna 1');
  await finish('stranger 1');
  expect(started).toEqual(['stranger 1', 'anna 1']);
});

test('what one bearer may keep waiting is bounded, and what nobody wants makes room', async () => {
  const { started, ask, finish } = setUp(1, 2);
  let wanted = true;
  const first = ask('a 1');
  const dropped = ask('a 2', () => wanted);
  void ask('a 3');
  await expect(ask('a 4')).rejects.toThrow('Too many questions wait already');
  void ask('b 1');
  wanted = false;
  void ask('a 5');
  await expect(dropped).rejects.toThrow('Nobody waits for the answer any more');
  for (const name of ['a 1', 'a 3', 'b 1']) await finish(name);
  await expect(first).resolves.toBe('a 1');
  expect(new Set(started)).toEqual(new Set(['a 1', 'b 1', 'a 3', 'a 5']));
});

test('what is not wanted when its turn comes is not asked; what fails gives its place back', async () => {
  const { queue, started, ask } = setUp(1);
  const bearer = { key: 'a', signedIn: true };
  await expect(queue.run(bearer, () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
  await expect(ask('a 1', () => false)).rejects.toThrow('Nobody waits');
  void ask('a 2');
  expect(started).toEqual(['a 2']);
});
