/** P6, P8, P9: a plan change from its commit to the clients, its bytes on the wire, and the queries it causes. */
import { mkdtempDisposable } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { loadSecrets } from '../server/secrets.ts';
import { monotonicMs } from './clock.ts';
import { type Looks, findWrongDeliveries } from './delivery.ts';
import { createMembers } from './members.ts';
import { PlanListener, type PlanMember } from './plan-listener.ts';
import { type BenchPostgres, startPostgres } from './postgres.ts';
import { type Product, startProduct } from './product.ts';
import { type Part, type Result, short, spread } from './report.ts';
import { startSwarm } from './swarm.ts';
import { summarise } from './statistics.ts';
import { type Change, type Statement, Writer } from './writer.ts';

/** What is measured. */
export interface Publishing {
  /** Name of its database. */
  name: string;
  /** What turns our way of publishing into it; empty: ours. */
  sql: string;
}

export interface PlanChangeSizes {
  /** Of each of the two groups; and before that, of the first alone. */
  changes: number;
  connections: number;
  /** From when on a message that did not come is missed, milliseconds. */
  lateMs: number;
}

const SIZES: PlanChangeSizes = { changes: 200, connections: 1_000, lateMs: 10_000 };
/** Whoever missed one message is waited for no longer than this, milliseconds. */
const IMPATIENT_MS = 200;

export const planChange: Part = {
  name: 'plan-change',
  async run(progress) {
    await using postgres = await startPostgres();
    return await measurePlanChanges(postgres, { name: 'product', sql: '' }, SIZES, progress);
  },
};

/** Measures P6, P8 and P9 of an implementation, by the whole product. */
export async function measurePlanChanges(
  postgres: BenchPostgres,
  measured: Publishing,
  { changes, connections, lateMs }: PlanChangeSizes,
  progress: (text: string) => void,
): Promise<Result[]> {
  await postgres.create(measured.name, { seeds: true });
  const owner = await postgres.connect(measured.name);
  await owner.query(measured.sql);
  await owner.end();
  await using directory = await mkdtempDisposable(join(tmpdir(), 'epilot-bench-'));
  const dataDir = directory.path;
  await using product = await startProduct({ dataDir, databaseUrl: postgres.url(measured.name) });
  const writer = await Writer.open(postgres, measured.name);
  const alone = {
    id: await writer.groupId('LAMARELLE'),
    token: await product.signIn('vianney@lamarelle.demo'),
  };
  const crowded = { id: await writer.groupId('EDJA'), token: await product.signIn('admin@edja.demo') };

  const bytes = await measureBytes(product, alone, writer, lateMs);
  await using callbackAlone = await PlanListener.join(product, alone);
  await using callbackCrowded = await PlanListener.join(product, crowded);
  const sent: Record<'alone' | 'crowded', Change[]> = { alone: [], crowded: [] };
  let patience = lateMs;
  const change = async (group: keyof typeof sent): Promise<Change> => {
    const made = await writer.change({ alone, crowded }[group].id);
    sent[group].push(made);
    return made;
  };
  const callbackDelay = async (group: keyof typeof sent, made: Change): Promise<number> => {
    const listener = { alone: callbackAlone, crowded: callbackCrowded }[group];
    const arrival = await listener.arrival(made.rev, patience);
    if (arrival === undefined) patience = IMPATIENT_MS;
    return (arrival ?? monotonicMs()) - made.committing;
  };
  progress(`${changes} plan changes, two connections`);
  const quiet: number[] = [];
  for (let n = 0; n < changes; n++) quiet.push(await callbackDelay('alone', await change('alone')));

  progress(`opening ${short(connections)} connections`);
  const { jwtSecret } = loadSecrets(join(dataDir, 'secrets.json'));
  const members = await postgres.connect(measured.name);
  const tokens = await createMembers(members, crowded.id, jwtSecret, Math.ceil(connections / 100));
  await members.end();
  await using swarm = await startSwarm({
    socketUrl: socketUrl(product, '2.0.0'),
    size: connections - 2,
    join: { topic: `group:${crowded.id}`, token: tokens },
  });
  progress(`2 × ${changes} plan changes, ${short(connections)} connections`);
  await writer.resetStatistics();
  const requestsBefore = await product.countRequests();
  const one: number[] = [];
  const official: number[] = [];
  const all: number[] = [];
  const last: number[] = [];
  for (let n = 0; n < changes; n++) {
    one.push(await callbackDelay('alone', await change('alone')));
    const made = await change('crowded');
    const [callback, arrivals] = await Promise.all([
      callbackDelay('crowded', made),
      swarm.delivered(made.rev, patience),
    ]);
    if (arrivals.length < connections - 2) patience = IMPATIENT_MS;
    const delays = arrivals.map((at) => at - made.committing);
    official.push(callback);
    all.push(callback, ...delays);
    last.push(Math.max(callback, ...delays));
  }
  const statements = await writer.statementsOfServer();
  const requests = (await product.countRequests()) - requestsBefore;
  const crowd = await swarm.heard();
  const broken = [
    ...findWrongDeliveries(
      sent.crowded.map((made) => (text) => text.includes(`group:${crowded.id}`) && looksLike(made)(text)),
      crowd,
      (text) => text.includes('plan_changed'),
    ),
    ...findWrongDeliveries(sent.crowded.map(looksLike), callbackCrowded.heard()).map(ofOfficial),
    ...findWrongDeliveries(sent.alone.map(looksLike), callbackAlone.heard()).map(ofOfficial),
  ];
  await writer.close();

  const delays = { quiet, one, official, all, last };
  return [
    latency(delays, writer, { broken, changes, connections }),
    bytes,
    queries(statements, requests, { changes, connections }),
  ];
}

/** How a change looks when it arrives: its revision and its plan. */
function looksLike({ rev, plan }: Change): Looks {
  const pattern = new RegExp(`^(?=.*"rev": ?${rev}[,}])(?=.*"plan": ?"${plan}")`, 's');
  return (text) => pattern.test(text);
}

function ofOfficial(sentence: string): string {
  return `With the official client: ${sentence}`;
}

function socketUrl(product: Product, version: '1.0.0' | '2.0.0'): string {
  const url = new URL('/realtime/v1/websocket', product.url.replace('http', 'ws'));
  url.search = new URLSearchParams({ apikey: product.publishableKey, vsn: version }).toString();
  return url.href;
}

/** Counts what TCP brings to a plain socket between two changes, frame headers included. */
async function measureBytes(
  product: Product,
  member: PlanMember,
  writer: Writer,
  lateMs: number,
): Promise<Result> {
  const counts: Record<string, number> = {};
  const broken: string[] = [];
  for (const version of ['1.0.0', '2.0.0'] as const) {
    let tcp: Socket | undefined;
    const socket = new WebSocket(socketUrl(product, version), {
      perMessageDeflate: false,
      createConnection: () => (tcp = connect(Number(new URL(product.url).port), '127.0.0.1')),
    });
    const nextMessage = (): Promise<unknown> =>
      new Promise((resolve) => {
        const timer = setTimeout(resolve, lateMs);
        socket.once('message', (message) => {
          clearTimeout(timer);
          resolve(message);
        });
      });
    await new Promise((resolve) => socket.once('open', resolve));
    const topic = `realtime:group:${member.id}`;
    const payload = { config: { private: true }, access_token: member.token };
    socket.send(
      JSON.stringify(
        version === '2.0.0'
          ? ['1', '1', topic, 'phx_join', payload]
          : { join_ref: '1', ref: '1', topic, event: 'phx_join', payload },
      ),
    );
    await nextMessage();
    const before = tcp?.bytesRead ?? 0;
    const [message, change] = await Promise.all([nextMessage(), writer.change(member.id)]);
    if (!looksLike(change)(String(message))) {
      broken.push(`In serializer ${version} the message does not carry the new state: ${String(message)}`);
    }
    counts[version] = (tcp?.bytesRead ?? 0) - before;
    socket.close();
  }
  const [v1 = 0, v2 = 0] = [counts['1.0.0'], counts['2.0.0']];
  return {
    id: 'P8',
    what: 'bytes on the wire of a plan change',
    target: '≤ 300',
    measured: `${v2}; with the old serializer 1.0.0: ${v1}`,
    comparedWith: 'the founding document’s 1 KB',
    ratio: v2 / 1024,
    // 2.0.0 is what the official client speaks unless told otherwise.
    met: v2 <= 300,
    broken,
    figures: { serializer_2_bytes: v2, serializer_1_bytes: v1 },
  };
}

function latency(
  delays: Record<'quiet' | 'one' | 'official' | 'all' | 'last', number[]>,
  { commits, notifications }: Writer,
  { broken, changes, connections }: { broken: string[]; changes: number; connections: number },
): Result {
  const quiet = summarise(delays.quiet);
  const all = summarise(delays.all);
  const notify = summarise(notifications);
  return {
    id: 'P6',
    what: `commit → callback, ${short(connections)} in one group`,
    target: 'p50 ≤ 8 ms, p99 ≤ 40 ms',
    measured: spread(all),
    comparedWith: `its NOTIFY: ${spread(notify)}; one client: ${spread(quiet)}; Supabase: 46 ms, p99 159 ms`,
    ratio: all.median / notify.median,
    met: all.median <= 8 && all.p99 <= 40,
    broken,
    figures: {
      one_client_ms: quiet,
      one_client_among_all_ms: summarise(delays.one),
      official_client_in_the_crowd_ms: summarise(delays.official),
      every_delivery_ms: all,
      last_delivery_ms: summarise(delays.last),
      commit_ms: summarise(commits),
      notify_ms: notify,
    },
    sizes: { changes, connections },
  };
}

function queries(
  statements: Statement[],
  requests: number,
  { changes, connections }: { changes: number; connections: number },
): Result {
  const calls = statements.reduce((sum, statement) => sum + statement.calls, 0);
  // The second reading of the metrics sees the first.
  const caused = calls + requests - 1;
  return {
    id: 'P9',
    what: `queries, requests of ${2 * changes} changes, ${short(connections)} connections`,
    target: '0',
    measured: `${short(calls)} queries, ${short(requests - 1)} requests`,
    comparedWith: `refetch on invalidate: ${short(changes * connections)}`,
    ratio: caused / (changes * connections),
    met: caused === 0,
    broken: [],
    figures: {
      queries: calls,
      requests: requests - 1,
      statements: statements.map(({ calls: n, query }) => `${n} × ${query}`).join('\n'),
    },
    sizes: { changes, connections },
  };
}
