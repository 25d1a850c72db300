/** Many listeners of one topic, in a process of their own so that their work does not delay what they measure. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Heard } from './delivery.ts';

export interface SwarmOptions {
  /** Address of the WebSocket, with its query. */
  socketUrl: string;
  size: number;
  /** What each listener joins; without it, an open socket is a listener. Serializer 2.0.0. */
  join?: {
    topic: string;
    /** Several are shared out: one account may have so many sockets only. */
    token: string | readonly string[];
  };
}

/** To the swarm's process. */
export type SwarmOrder =
  /** Open so many listeners more. */
  | ({ kind: 'open' } & SwarmOptions)
  /** Tell who has this revision, once everything that was written to the listeners has been read. */
  | { kind: 'tell-arrivals'; rev: number }
  /** Tell what each has heard since the last such order, once everything that was written to it has been read. */
  | { kind: 'tell-heard' };

/** From the swarm's process. */
export type SwarmNews =
  | { kind: 'opened' }
  /** Instants, monotonic milliseconds, at which the message of this revision first reached each listener. */
  | { kind: 'delivered'; rev: number; at: number[] }
  | ({ kind: 'heard' } & Heard)
  | { kind: 'failed'; message: string };

export interface Swarm extends AsyncDisposable {
  /** Opens as many listeners more; resolves when all have joined. */
  grow(by: number): Promise<void>;
  /**
   * Waits until the message with `"rev":<rev>` has reached every listener, or for `deadlineMs` and then for all that
   * was sent until then.
   *
   * @returns instants, monotonic milliseconds; fewer than listeners when some did not get it
   */
  delivered(rev: number, deadlineMs?: number): Promise<number[]>;
  /** What all have heard since this was asked last, once everything that was sent to them has been read. */
  heard(): Promise<Heard>;
}

/**
 * Opens the listeners; resolves when all have joined.
 *
 * @throws Error when one is refused
 */
export async function startSwarm(options: SwarmOptions): Promise<Swarm> {
  const child = fork(join(import.meta.dirname, 'swarm-process.ts'), { serialization: 'advanced' });
  const deliveries = new Map<number, PromiseWithResolvers<number[]>>();
  const deliveryOf = (rev: number): PromiseWithResolvers<number[]> => {
    const known = deliveries.get(rev) ?? Promise.withResolvers<number[]>();
    deliveries.set(rev, known);
    return known;
  };
  let opened = Promise.withResolvers<void>();
  let heard = Promise.withResolvers<Heard>();
  const exited = once(child, 'exit');
  const ended = exited.then((): never => {
    throw new Error('The listeners ended');
  });
  ended.catch(() => {});
  child.on('message', (news: SwarmNews) => {
    if (news.kind === 'opened') opened.resolve();
    else if (news.kind === 'delivered') deliveryOf(news.rev).resolve(news.at);
    else if (news.kind === 'heard') heard.resolve(news);
    else opened.reject(new Error(news.message));
  });
  const order = (what: SwarmOrder): void => void child.send(what);
  const grow = async (by: number): Promise<void> => {
    opened = Promise.withResolvers();
    order({ kind: 'open', ...options, size: by });
    await Promise.race([opened.promise, ended]);
  };
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL');
    await exited;
  };
  try {
    await grow(options.size);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    grow,
    async delivered(rev, deadlineMs = 10_000) {
      const timer = setTimeout(() => order({ kind: 'tell-arrivals', rev }), deadlineMs);
      try {
        return await Promise.race([deliveryOf(rev).promise, ended]);
      } finally {
        clearTimeout(timer);
        deliveries.delete(rev);
      }
    },
    heard() {
      heard = Promise.withResolvers();
      order({ kind: 'tell-heard' });
      return Promise.race([heard.promise, ended]);
    },
    [Symbol.asyncDispose]: stop,
  };
}
