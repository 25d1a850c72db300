/** P7 and P11: one message to many sockets, and what a socket costs in memory, against a bare `ws` server. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { SignJWT } from 'jose';
import type pg from 'pg';
import type { FanoutOrder, FanoutNews, Memory, Publication } from './fanout-process.ts';
import { interleave } from './interleave.ts';
import { startPostgres } from './postgres.ts';
import { type Part, type Result, short } from './report.ts';
import { median, pairedRatio, summarise } from './statistics.ts';
import { startSwarm } from './swarm.ts';

/** To each of the two servers. */
const SOCKETS = 10_000;
const ROUNDS = 15;
const JWT_SECRET = 'a-secret-of-at-least-32-characters-for-benchmarks';
const KEY = 'sb_publishable_bench';
const SECRET_KEY = 'sb_secret_bench';

export const fanout: Part = {
  name: 'fanout',
  async run(progress) {
    await using postgres = await startPostgres();
    await postgres.create('rooms', { seeds: true });
    const { topic, token } = await readMember(await postgres.connect('rooms'));
    await using gateway = await startServer({
      kind: 'gateway',
      options: {
        databaseUrl: postgres.url('rooms'),
        jwtSecret: JWT_SECRET,
        publishableKeys: [KEY],
        secretKeys: [SECRET_KEY],
      },
    });
    await using bare = await startServer({ kind: 'bare' });
    const emptyGateway = await gateway.memory();
    const emptyBare = await bare.memory();

    progress(`${SOCKETS} sockets on a bare ws server`);
    await using bareSwarm = await startSwarm({ socketUrl: `ws://127.0.0.1:${bare.port}/`, size: SOCKETS });
    progress(`${SOCKETS} sockets joined to one private topic of the gateway`);
    const joining = performance.now();
    await using gatewaySwarm = await startSwarm({
      socketUrl: `ws://127.0.0.1:${gateway.port}/realtime/v1/websocket?apikey=${KEY}&vsn=2.0.0`,
      size: SOCKETS,
      join: { topic, token },
    });
    const joinsPerSecond = SOCKETS / ((performance.now() - joining) / 1000);
    const fullGateway = await gateway.memory();
    const fullBare = await bare.memory();

    progress(`${ROUNDS} messages to each`);
    let rev = 0;
    const publishTo = (server: FanoutServer, swarm: typeof bareSwarm) => async () => {
      rev += 1;
      const written = await server.publish({ rev, topic, secretKey: SECRET_KEY });
      const arrivals = await swarm.delivered(rev, 30_000);
      return {
        written: written.writtenMs,
        cpu: written.cpuMs,
        last: Math.max(...arrivals) - written.startedAt,
      };
    };
    const variants = { gateway: publishTo(gateway, gatewaySwarm), bare: publishTo(bare, bareSwarm) };
    await interleave(variants, 2);
    const rounds = await interleave(variants, ROUNDS);
    return [
      fanoutResult(rounds),
      memoryResult({ emptyGateway, fullGateway, emptyBare, fullBare }, joinsPerSecond),
    ];
  },
};

type Rounds = Record<'gateway' | 'bare', Array<{ written: number; cpu: number; last: number }>>;

function fanoutResult(rounds: Rounds): Result {
  const series = (name: keyof Rounds, figure: 'written' | 'cpu' | 'last'): number[] =>
    rounds[name].map((round) => round[figure]);
  const ratioOf = (figure: 'written' | 'cpu' | 'last'): number =>
    pairedRatio(series('gateway', figure), series('bare', figure));
  const written = ratioOf('written');
  const last = ratioOf('last');
  return {
    id: 'P7',
    what: `one message to ${short(SOCKETS)} sockets of a topic`,
    target: '≤ 1.3 × bare ws',
    measured: `written ${short(median(series('gateway', 'written')))} ms, last arrival ${short(median(series('gateway', 'last')))} ms`,
    comparedWith: `bare: ${short(median(series('bare', 'written')))} ms, ${short(median(series('bare', 'last')))} ms (${short(last)} ×)`,
    ratio: written,
    met: written <= 1.3 && last <= 1.3,
    broken: [],
    figures: {
      ...Object.fromEntries(
        (['gateway', 'bare'] as const).flatMap((name) =>
          (['written', 'cpu', 'last'] as const).map((figure) => [
            `${name}_${figure}_ms`,
            summarise(series(name, figure)),
          ]),
        ),
      ),
      written_ratio: written,
      cpu_ratio: ratioOf('cpu'),
      last_arrival_ratio: last,
    },
  };
}

function memoryResult(
  memory: Record<'emptyGateway' | 'fullGateway' | 'emptyBare' | 'fullBare', Memory>,
  joinsPerSecond: number,
): Result {
  const perSocket = (full: Memory, empty: Memory, figure: keyof Memory): number =>
    (full[figure] - empty[figure]) / SOCKETS / 1024;
  const gateway = perSocket(memory.fullGateway, memory.emptyGateway, 'rss');
  const bare = perSocket(memory.fullBare, memory.emptyBare, 'rss');
  return {
    id: 'P11',
    what: `memory a socket in one private topic, of ${short(SOCKETS)}`,
    target: '≤ 20 KB',
    measured: `${short(gateway)} KB`,
    comparedWith: `bare ws ${short(bare)} KB; Supabase Realtime ~160 KB as published`,
    ratio: gateway / bare,
    met: gateway <= 20,
    broken: [],
    figures: {
      gateway_rss_kb: gateway,
      gateway_heap_kb: perSocket(memory.fullGateway, memory.emptyGateway, 'heapUsed'),
      gateway_external_kb: perSocket(memory.fullGateway, memory.emptyGateway, 'external'),
      bare_rss_kb: bare,
      bare_heap_kb: perSocket(memory.fullBare, memory.emptyBare, 'heapUsed'),
      bare_external_kb: perSocket(memory.fullBare, memory.emptyBare, 'external'),
      joins_per_second: joinsPerSecond,
    },
  };
}

interface FanoutServer extends AsyncDisposable {
  port: number;
  publish(message: { rev: number; topic: string; secretKey: string }): Promise<Publication>;
  /** After a garbage collection. */
  memory(): Promise<Memory>;
}

async function startServer(order: FanoutOrder): Promise<FanoutServer> {
  const child = fork(join(import.meta.dirname, 'fanout-process.ts'), { execArgv: ['--expose-gc'] });
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

/** A member of the demo data and the topic of their group. */
async function readMember(client: pg.Client): Promise<{ topic: string; token: string }> {
  const { rows } = await client.query<{ id: string; school_group_id: string }>(
    `select id, school_group_id from public.profiles where role = 'admin_groupe' limit 1`,
  );
  const { id = '', school_group_id: group = '' } = rows[0] ?? {};
  const token = await new SignJWT({ sub: id, role: 'authenticated' })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setExpirationTime('1h')
    .sign(new TextEncoder().encode(JWT_SECRET));
  return { topic: `group:${group}`, token };
}
