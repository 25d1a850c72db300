/** Many listeners of one topic, in a process of their own so that their work does not delay what they measure. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

export interface SwarmOptions {
  /** Address of the WebSocket, with its query. */
  socketUrl: string;
  size: number;
  /** What each listener joins; without it, an open socket is a listener. Serializer 2.0.0. */
  join?: { topic: string; token: string };
}

/** What the swarm's process tells. */
export type SwarmNews =
  | { kind: 'ready' }
  /** Instants, monotonic milliseconds, at which the message of this revision reached each listener. */
  | { kind: 'delivered'; rev: number; at: number[] }
  | { kind: 'failed'; message: string };

export interface Swarm extends AsyncDisposable {
  /**
   * Waits until the message with `"rev":<rev>` has reached every listener.
   *
   * @returns instants, monotonic milliseconds
   * @throws Error when one is missing after `deadlineMs`
   */
  delivered(rev: number, deadlineMs?: number): Promise<number[]>;
}

/** Opens the listeners; resolves when all have joined. */
export async function startSwarm(options: SwarmOptions): Promise<Swarm> {
  const child = fork(join(import.meta.dirname, 'swarm-process.ts'), { serialization: 'advanced' });
  const deliveries = new Map<number, PromiseWithResolvers<number[]>>();
  const deliveryOf = (rev: number): PromiseWithResolvers<number[]> => {
    const known = deliveries.get(rev) ?? Promise.withResolvers<number[]>();
    deliveries.set(rev, known);
    return known;
  };
  const ready = Promise.withResolvers<void>();
  const exited = once(child, 'exit');
  void exited.then(() => ready.reject(new Error('The listeners ended before all had joined')));
  child.on('message', (news: SwarmNews) => {
    if (news.kind === 'ready') ready.resolve();
    else if (news.kind === 'delivered') deliveryOf(news.rev).resolve(news.at);
    else ready.reject(new Error(news.message));
  });
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL');
    await exited;
  };
  child.send(options);
  try {
    await ready.promise;
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    async delivered(rev, deadlineMs = 10_000) {
      const late = Promise.withResolvers<never>();
      const timer = setTimeout(
        () => late.reject(new Error(`Revision ${rev} did not reach all within ${deadlineMs} ms`)),
        deadlineMs,
      );
      try {
        return await Promise.race([deliveryOf(rev).promise, late.promise]);
      } finally {
        clearTimeout(timer);
        deliveries.delete(rev);
      }
    },
    [Symbol.asyncDispose]: stop,
  };
}
