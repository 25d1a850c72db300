/** Many screens of one group, in processes of their own so that their work delays the server's as little as it can. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Manner, ScreenLog, ScreenOptions } from './screen.ts';

const PROCESSES = 2;

export type ScreensOrder =
  | ({ kind: 'open'; tokens: string[] } & Omit<ScreenOptions, 'token'>)
  /** Begins the log anew. */
  | { kind: 'begin'; manner: Manner }
  | { kind: 'await'; rev: number; deadlineMs: number }
  | { kind: 'report' };

export type ScreensNews =
  | { kind: 'done' }
  /** Instants, monotonic milliseconds; null: not in time. */
  | { kind: 'shown'; at: Array<number | null> }
  | { kind: 'log'; log: ScreenLog };

export interface Screens extends AsyncDisposable {
  /** Begins the log anew; from now on the screens come back in this manner. */
  begin(manner: Manner): Promise<void>;
  /** Waits until each shows this revision; the instants, monotonic milliseconds, null for one that did not in time. */
  shown(rev: number, deadlineMs: number): Promise<Array<number | null>>;
  /** Waits until nobody asks for anything any more; what all have done since the log was begun. */
  report(): Promise<Pick<ScreenLog, 'knocks' | 'joins' | 'requests' | 'failures'>>;
}

/** Opens a screen for each token; resolves when all are joined and show the group's state. */
export async function openScreens(
  reach: Omit<ScreenOptions, 'token'>,
  tokens: readonly string[],
): Promise<Screens> {
  const processes = Array.from({ length: PROCESSES }, startProcess);
  const askAll = <Kind extends ScreensNews['kind']>(
    kind: Kind,
    orderOf: (index: number) => ScreensOrder,
  ): Promise<Array<Extract<ScreensNews, { kind: Kind }>>> =>
    Promise.all(processes.map((each, index) => each.ask(orderOf(index), kind)));
  const stop = async (): Promise<void> => {
    await Promise.all(processes.map((each) => each.stop()));
  };
  try {
    await askAll('done', (index) => ({
      kind: 'open',
      ...reach,
      tokens: tokens.filter((_, position) => position % PROCESSES === index),
    }));
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    async begin(manner) {
      await askAll('done', () => ({ kind: 'begin', manner }));
    },
    async shown(rev, deadlineMs) {
      const news = await askAll('shown', () => ({ kind: 'await', rev, deadlineMs }));
      return news.flatMap(({ at }) => at);
    },
    async report() {
      const logs = (await askAll('log', () => ({ kind: 'report' }))).map(({ log }) => log);
      const paths = new Set(logs.flatMap(({ requests }) => [...requests.keys()]));
      return {
        knocks: logs.flatMap(({ knocks }) => knocks),
        joins: logs.flatMap(({ joins }) => joins),
        requests: new Map(
          [...paths].map((path) => [path, logs.flatMap(({ requests }) => requests.get(path) ?? [])]),
        ),
        failures: logs.reduce((sum, { failures }) => sum + failures, 0),
      };
    },
    [Symbol.asyncDispose]: stop,
  };
}

function startProcess() {
  const child = fork(join(import.meta.dirname, 'screens-process.ts'), { serialization: 'advanced' });
  const exited = once(child, 'exit');
  const failed = exited.then((): never => {
    throw new Error('The screens ended');
  });
  failed.catch(() => {});
  return {
    /** The process answers every order with one piece of news, in turn. */
    async ask<Kind extends ScreensNews['kind']>(
      order: ScreensOrder,
      kind: Kind,
    ): Promise<Extract<ScreensNews, { kind: Kind }>> {
      const answered = once(child, 'message') as Promise<[ScreensNews]>;
      child.send(order);
      const [news] = await Promise.race([answered, failed]);
      if (news.kind !== kind) throw new Error(`Asked for ${kind}, got ${news.kind}`);
      return news as Extract<ScreensNews, { kind: Kind }>;
    },
    async stop(): Promise<void> {
      child.kill('SIGKILL');
      await exited;
    },
  };
}
