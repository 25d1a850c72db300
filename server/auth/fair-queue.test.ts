// @vitest-environment node
import { describe, expect, it } from 'vitest';
import { FairQueue, QueueFull } from './fair-queue.ts';

/** A queue whose tasks end when the test says so, and the order in which they began. */
function createRun(atOnce: number, mostWaiting = 100) {
  const queue = new FairQueue(atOnce, mostWaiting);
  const began: string[] = [];
  const ends: (() => void)[] = [];
  return {
    queue,
    began,
    ask: (network: string, account: string, signal?: AbortSignal): Promise<string> =>
      queue.run(
        { network, account },
        async () => {
          began.push(`${network}/${account}`);
          await new Promise<void>((resolve) => void ends.push(resolve));
          return account;
        },
        signal,
      ),
    endAll: async (): Promise<void> => {
      while (ends.length > 0) {
        ends.shift()?.();
        await new Promise(setImmediate);
      }
    },
  };
}

describe('a fair queue', () => {
  it('serves networks in rotation and, within one, accounts in rotation', async () => {
    const { ask, began, endAll } = createRun(1);
    const all = [
      ask('loud', 'a'),
      ask('loud', 'a'),
      ask('loud', 'a'),
      ask('loud', 'b'),
      ask('loud', 'b'),
      ask('calm', 'c'),
      ask('quiet', 'd'),
    ];
    await new Promise(setImmediate);
    await endAll();
    await Promise.all(all);
    expect(began).toEqual(['loud/a', 'loud/a', 'calm/c', 'quiet/d', 'loud/b', 'loud/a', 'loud/b']);
  });

  it('runs no more at once than it may, and all in the end, also after a failure', async () => {
    let most = 0;
    let running = 0;
    const queue = new FairQueue(3, 100);
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, (_, n) =>
        queue.run({ network: String(n % 4), account: 'a' }, async () => {
          most = Math.max(most, ++running);
          await new Promise(setImmediate);
          running--;
          if (n % 5 === 0) throw new Error('failed');
        }),
      ),
    );
    expect(most).toBe(3);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(16);
    expect(queue.waiting).toBe(0);
  });

  it('that is full drops the newest of the network that fills it, never others’', async () => {
    const { ask, endAll, queue } = createRun(1, 4);
    const running = ask('loud', 'first');
    const loud = [ask('loud', 'a'), ask('loud', 'b'), ask('loud', 'b'), ask('loud', 'c')];
    const outcomes = Promise.allSettled(loud);
    const calm = [ask('calm', 'x'), ask('quiet', 'y')];
    await new Promise(setImmediate);
    expect(queue.waiting).toBe(4);
    await endAll();
    expect(await Promise.all([running, ...calm])).toEqual(['first', 'x', 'y']);
    const dropped = (await outcomes).flatMap((outcome, n) => (outcome.status === 'rejected' ? [n] : []));
    expect(dropped).toHaveLength(2);
    expect(dropped).toContain(2);
  });

  it('that is full refuses a newcomer of the network that fills it', async () => {
    const { ask, endAll } = createRun(1, 2);
    const all = [ask('loud', 'a'), ask('loud', 'b'), ask('loud', 'c')];
    await expect(ask('loud', 'd')).rejects.toThrow(QueueFull);
    await endAll();
    await Promise.all(all);
  });

  it('gives up the place of who has gone', async () => {
    const { ask, began, endAll, queue } = createRun(1);
    const leaving = new AbortController();
    const first = ask('a', 'first');
    const gone = ask('a', 'gone', leaving.signal);
    leaving.abort(new Error('gone'));
    await expect(gone).rejects.toThrow('gone');
    expect(queue.waiting).toBe(0);
    await endAll();
    await first;
    expect(began).toEqual(['a/first']);
  });
});
