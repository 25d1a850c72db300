/** The processes of fanout-process.ts, from the side that measures them. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { FanoutNews, FanoutOrder, Memory, Message, Publication } from './fanout-process.ts';

/** What is measured: the program of a server that takes the orders of fanout-process.ts. */
export interface Fanout {
  module: string;
  arguments: readonly string[];
}

export const OURS: Fanout = { module: join(import.meta.dirname, 'fanout-process.ts'), arguments: [] };

export interface FanoutServer extends AsyncDisposable {
  port: number;
  publish(message: Message): Promise<Publication>;
  memory(): Promise<Memory>;
}

/** Starts a server; it listens when the promise resolves. */
export async function startServer(measured: Fanout, order: FanoutOrder): Promise<FanoutServer> {
  const child = fork(measured.module, measured.arguments, { execArgv: ['--expose-gc'] });
  const exited = once(child, 'exit');
  /** The process answers every order with one piece of news, in turn. */
  const ask = async <Kind extends FanoutNews['kind']>(
    question: FanoutOrder,
    kind: Kind,
  ): Promise<Extract<FanoutNews, { kind: Kind }>> => {
    const answered = once(child, 'message') as Promise<[FanoutNews]>;
    child.send(question);
    const failed = exited.then((): never => {
      throw new Error(`The ${order.kind} server ended`);
    });
    const [news] = await Promise.race([answered, failed]);
    if (news.kind !== kind) throw new Error(`Asked for ${kind}, got ${JSON.stringify(news)}`);
    return news as Extract<FanoutNews, { kind: Kind }>;
  };
  const { port } = await ask(order, 'listening');
  return {
    port,
    publish: (message) => ask({ kind: 'publish', ...message }, 'published'),
    memory: () => ask({ kind: 'measure' }, 'memory'),
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}
