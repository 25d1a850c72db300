/** P7 and P11: one message to many sockets, and what a socket costs in memory, against a bare `ws` server. */
import { SignJWT } from 'jose';
import type pg from 'pg';
import { type Looks, findWrongDeliveries } from './delivery.ts';
import { Audience, type Round, payloadOf } from './fanout-audience.ts';
import { type MemoryMeasurements, memoryResult, memoryWithout } from './fanout-memory.ts';
import { type Fanout, OURS, startServer } from './fanout-server.ts';
import { interleave } from './interleave.ts';
import { type BenchPostgres, startPostgres } from './postgres.ts';
import { type Part, type Point, type Result, short } from './report.ts';
import { median, pairedRatio, summarise } from './statistics.ts';
import { startSwarm } from './swarm.ts';

export interface FanoutSizes {
  /** Sockets of each of the two servers, growing, and how many messages they get then. */
  steps: ReadonlyArray<{ sockets: number; rounds: number }>;
  /** Sockets in another group's topic, which are to hear nothing of it. */
  bystanders: number;
  /** Sockets that come and leave at the end, and how often. */
  visitors: number;
  visits: number;
}

const SIZES: FanoutSizes = {
  steps: [
    { sockets: 1_000, rounds: 7 },
    { sockets: 2_500, rounds: 7 },
    { sockets: 5_000, rounds: 7 },
    { sockets: 10_000, rounds: 15 },
  ],
  bystanders: 100,
  visitors: 2_000,
  visits: 6,
};
const JWT_SECRET = 'a-secret-of-at-least-32-characters-for-benchmarks';
const KEY = 'sb_publishable_bench';
const SECRET_KEY = 'sb_secret_bench';

export const fanout: Part = {
  name: 'fanout',
  async run(progress) {
    await using postgres = await startPostgres();
    await postgres.create('rooms', { seeds: true });
    return await measureFanout(postgres, 'rooms', OURS, SIZES, progress);
  },
};

type Rounds = Record<'gateway' | 'bare', Round[]>;

/**
 * Measures P7 and P11 of an implementation.
 *
 * @param database with demo data
 */
export async function measureFanout(
  postgres: BenchPostgres,
  database: string,
  measured: Fanout,
  { steps, bystanders, visitors, visits }: FanoutSizes,
  progress: (text: string) => void,
): Promise<Result[]> {
  const client = await postgres.connect(database);
  const [member, stranger] = await readMembers(client);
  await client.end();
  await using gateway = await startServer(measured, {
    kind: 'gateway',
    options: {
      databaseUrl: postgres.url(database),
      jwtSecret: JWT_SECRET,
      publishableKeys: [KEY],
      secretKeys: [SECRET_KEY],
    },
  });
  await using bare = await startServer(OURS, { kind: 'bare' });
  const socketUrl = `ws://127.0.0.1:${gateway.port}/realtime/v1/websocket?apikey=${KEY}&vsn=2.0.0`;
  await using others = await startSwarm({ socketUrl, size: bystanders, join: stranger });
  const empty = { gateway: await gateway.memory(), bare: await bare.memory() };

  await using bareRoom = new Audience({
    server: bare,
    ...{ topic: member.topic, secretKey: SECRET_KEY },
    swarm: { socketUrl: `ws://127.0.0.1:${bare.port}/` },
    looks: (payload) => (text) => text === payload,
  });
  await using gatewayRoom = new Audience({
    server: gateway,
    ...{ topic: member.topic, secretKey: SECRET_KEY },
    swarm: { socketUrl, join: member },
    looks: looksLike(member.topic),
  });
  const measuredSteps: Array<{ size: number; rounds: Rounds }> = [];
  const full: MemoryMeasurements['full'] = [];
  const broken: string[] = [];
  let joinsPerSecond = 0;
  for (const { sockets, rounds } of steps) {
    progress(
      `${short(sockets)} sockets on a bare ws server, and as many in one private topic of the gateway`,
    );
    await bareRoom.growTo(sockets);
    joinsPerSecond = await gatewayRoom.growTo(sockets);
    full.push({ size: sockets, gateway: await gateway.memory(), bare: await bare.memory() });
    progress(`${rounds} messages to each`);
    const variants = { gateway: () => gatewayRoom.publish(), bare: () => bareRoom.publish() };
    await interleave(variants, 2);
    measuredSteps.push({ size: sockets, rounds: await interleave(variants, rounds) });
    const aside = payloadOf(0);
    await gateway.publish({ topic: stranger.topic, payload: aside, secretKey: SECRET_KEY });
    const wrong = await gatewayRoom.findWrong();
    const overheard = findWrongDeliveries(
      [looksLike(stranger.topic)(JSON.stringify(aside))],
      await others.heard(),
    );
    wrong.push(...overheard.map((sentence) => `In another group's topic: ${sentence}`));
    // What is wrong with few sockets is wrong with more.
    if (broken.length === 0) broken.push(...wrong);
    const wrongOnBare = await bareRoom.findWrong();
    if (wrongOnBare[0]) throw new Error(`On the bare server, ${wrongOnBare[0]}`);
  }

  progress(`all leave; ${visits} × ${short(visitors)} others come and leave`);
  await gatewayRoom[Symbol.asyncDispose]();
  const left = await memoryWithout(gateway, bystanders);
  const after: MemoryMeasurements['visits']['after'] = [];
  for (let visit = 0; visit < visits; visit++) {
    const guests = await startSwarm({ socketUrl, size: visitors, join: member });
    await guests[Symbol.asyncDispose]();
    after.push(await memoryWithout(gateway, bystanders));
  }
  return [
    fanoutResult(measuredSteps, broken),
    memoryResult({ empty, full, left, visits: { sockets: visitors, after }, joinsPerSecond }),
  ];
}

function fanoutResult(steps: ReadonlyArray<{ size: number; rounds: Rounds }>, broken: string[]): Result {
  const { size, rounds } = steps.at(-1) as (typeof steps)[number];
  const timesOf = (name: keyof Rounds, figure: keyof Round): number[] =>
    rounds[name].map((round) => round[figure]);
  const ratioOf = (figure: keyof Round): number =>
    pairedRatio(timesOf('gateway', figure), timesOf('bare', figure));
  const seriesOf = (name: keyof Rounds, figure: keyof Round): Point[] =>
    steps.map((step) => ({
      size: step.size,
      value: median(step.rounds[name].map((round) => round[figure])),
    }));
  const written = ratioOf('written');
  const last = ratioOf('last');
  return {
    id: 'P7',
    what: `one message to ${short(size)} sockets of a topic`,
    target: '≤ 1.3 × bare ws',
    measured: `written ${short(median(timesOf('gateway', 'written')))} ms, last arrival ${short(median(timesOf('gateway', 'last')))} ms`,
    comparedWith: `bare: ${short(median(timesOf('bare', 'written')))} ms, ${short(median(timesOf('bare', 'last')))} ms (${short(last)} ×)`,
    ratio: written,
    met: written <= 1.3 && last <= 1.3,
    broken,
    figures: {
      ...Object.fromEntries(
        (['gateway', 'bare'] as const).flatMap((name) =>
          (['written', 'cpu', 'last'] as const).map((figure) => [
            `${name}_${figure}_ms`,
            summarise(timesOf(name, figure)),
          ]),
        ),
      ),
      written_ratio: written,
      cpu_ratio: ratioOf('cpu'),
      last_arrival_ratio: last,
    },
    series: {
      gateway_written_ms: seriesOf('gateway', 'written'),
      bare_written_ms: seriesOf('bare', 'written'),
      gateway_last_ms: seriesOf('gateway', 'last'),
      bare_last_ms: seriesOf('bare', 'last'),
    },
    sizes: { sockets: size, rounds: rounds.gateway.length },
  };
}

/** How a message of a topic looks on the wire: it names the topic, and its payload is whole. */
function looksLike(topic: string): (payload: string) => Looks {
  return (payload) => (text) => text.includes(`realtime:${topic}`) && text.endsWith(payload);
}

interface Member {
  topic: string;
  token: string;
}

/** Admins of two groups of the demo data, with the topics of their groups. */
async function readMembers(client: pg.Client): Promise<[Member, Member]> {
  const { rows } = await client.query<{ id: string; school_group_id: string }>(
    `select distinct on (school_group_id) id, school_group_id from public.profiles
     where role = 'admin_groupe' order by school_group_id limit 2`,
  );
  const members = await Promise.all(
    rows.map(async ({ id, school_group_id }) => ({
      topic: `group:${school_group_id}`,
      token: await new SignJWT({ sub: id, role: 'authenticated' })
        .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
        .setExpirationTime('1h')
        .sign(new TextEncoder().encode(JWT_SECRET)),
    })),
  );
  return members as [Member, Member];
}
