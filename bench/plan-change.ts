/** P6, P8, P9: a plan change from its commit to the clients, its bytes on the wire, and the queries it causes. */
import type { Socket } from 'node:net';
import { connect } from 'node:net';
import { REALTIME_SUBSCRIBE_STATES, createClient } from '@supabase/supabase-js';
import { WebSocket } from 'ws';
import { monotonicMs } from './clock.ts';
import { startPostgres } from './postgres.ts';
import { type Product, startProduct } from './product.ts';
import { type Part, type Result, short, spread } from './report.ts';
import { startSwarm } from './swarm.ts';
import { summarise } from './statistics.ts';
import { type Change, Writer } from './writer.ts';

const CHANGES = 200;
const CONNECTIONS = 1_000;

interface Member {
  id: string;
  token: string;
}

export const planChange: Part = {
  name: 'plan-change',
  async run(progress) {
    await using postgres = await startPostgres();
    await postgres.create('product', { seeds: true });
    await using product = await startProduct({ databaseUrl: postgres.url('product') });
    const writer = await Writer.open(postgres);
    const alone = {
      id: await writer.groupId('LAMARELLE'),
      token: await product.signIn('vianney@lamarelle.demo'),
    };
    const crowded = { id: await writer.groupId('EDJA'), token: await product.signIn('admin@edja.demo') };

    const bytes = await measureBytes(product, alone, writer);
    await using callbackAlone = await listen(product, alone);
    await using callbackCrowded = await listen(product, crowded);
    progress(`${CHANGES} plan changes, two connections`);
    const quiet: number[] = [];
    for (let n = 0; n < CHANGES; n++) quiet.push(await callbackAlone.delay(await writer.change(alone.id)));

    progress(`opening ${CONNECTIONS} connections`);
    await using swarm = await startSwarm({
      socketUrl: socketUrl(product, '2.0.0'),
      size: CONNECTIONS - 2,
      join: { topic: `group:${crowded.id}`, token: crowded.token },
    });
    progress(`2 × ${CHANGES} plan changes, ${CONNECTIONS} connections`);
    await writer.resetStatistics();
    const requestsBefore = await product.countRequests();
    const one: number[] = [];
    const official: number[] = [];
    const all: number[] = [];
    const last: number[] = [];
    for (let n = 0; n < CHANGES; n++) {
      one.push(await callbackAlone.delay(await writer.change(alone.id)));
      const change = await writer.change(crowded.id);
      const [callback, arrivals] = await Promise.all([
        callbackCrowded.delay(change),
        swarm.delivered(change.rev),
      ]);
      const delays = arrivals.map((at) => at - change.committing);
      official.push(callback);
      all.push(callback, ...delays);
      last.push(Math.max(callback, ...delays));
    }
    const statements = await writer.statementsOfServer();
    const requests = (await product.countRequests()) - requestsBefore;

    return [
      latency({
        quiet,
        one,
        official,
        all,
        last,
        commits: writer.commits,
        notifications: writer.notifications,
      }),
      bytes,
      queries(statements, requests),
    ];
  },
};

function socketUrl(product: Product, version: '1.0.0' | '2.0.0'): string {
  const url = new URL('/realtime/v1/websocket', product.url.replace('http', 'ws'));
  url.search = new URLSearchParams({ apikey: product.publishableKey, vsn: version }).toString();
  return url.href;
}

interface Listener extends AsyncDisposable {
  /** Waits for the callback of a change; how long after its commit it came, milliseconds. */
  delay(change: Change): Promise<number>;
}

/** Joins a group's topic with the official client. */
async function listen(product: Product, member: Member): Promise<Listener> {
  const client = createClient(product.url, product.publishableKey, {
    accessToken: () => Promise.resolve(member.token),
  });
  await client.realtime.setAuth();
  const arrivals = new Map<number, number>();
  let arrived = (): void => {};
  const channel = client.channel(`group:${member.id}`, { config: { private: true } });
  channel.on('broadcast', { event: 'plan_changed' }, ({ payload }) => {
    arrivals.set((payload as { rev: number }).rev, monotonicMs());
    arrived();
  });
  await new Promise<void>((resolve, reject) => {
    channel.subscribe((status, error) => {
      if (status === REALTIME_SUBSCRIBE_STATES.SUBSCRIBED) resolve();
      else if (error) reject(error);
    });
  });
  return {
    async delay({ rev, committing }) {
      while (!arrivals.has(rev)) await new Promise<void>((resolve) => (arrived = resolve));
      return (arrivals.get(rev) as number) - committing;
    },
    async [Symbol.asyncDispose]() {
      await client.removeAllChannels();
      await client.realtime.disconnect();
    },
  };
}

/** Counts what TCP brings to a plain socket between two changes, frame headers included. */
async function measureBytes(product: Product, member: Member, writer: Writer): Promise<Result> {
  const counts: Record<string, number> = {};
  for (const version of ['1.0.0', '2.0.0'] as const) {
    let tcp: Socket | undefined;
    const socket = new WebSocket(socketUrl(product, version), {
      perMessageDeflate: false,
      createConnection: () => (tcp = connect(Number(new URL(product.url).port), '127.0.0.1')),
    });
    const nextMessage = (): Promise<unknown> => new Promise((resolve) => socket.once('message', resolve));
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
    const [message] = await Promise.all([nextMessage(), writer.change(member.id)]);
    if (!String(message).includes('plan_changed')) throw new Error(`No plan change came: ${String(message)}`);
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
    broken: [],
    figures: { serializer_2_bytes: v2, serializer_1_bytes: v1 },
  };
}

function latency(
  delays: Record<'quiet' | 'one' | 'official' | 'all' | 'last' | 'commits' | 'notifications', number[]>,
): Result {
  const quiet = summarise(delays.quiet);
  const all = summarise(delays.all);
  const notify = summarise(delays.notifications);
  return {
    id: 'P6',
    what: `commit → callback, ${CONNECTIONS} in one group`,
    target: 'p50 ≤ 8 ms, p99 ≤ 40 ms',
    measured: spread(all),
    comparedWith: `its NOTIFY: ${spread(notify)}; one client: ${spread(quiet)}; Supabase: 46 ms, p99 159 ms`,
    ratio: all.median / notify.median,
    met: all.median <= 8 && all.p99 <= 40,
    broken: [],
    figures: {
      one_client_ms: quiet,
      one_client_among_all_ms: summarise(delays.one),
      official_client_in_the_crowd_ms: summarise(delays.official),
      every_delivery_ms: all,
      last_delivery_ms: summarise(delays.last),
      commit_ms: summarise(delays.commits),
      notify_ms: notify,
    },
  };
}

function queries(statements: Array<{ calls: number; query: string }>, requests: number): Result {
  const calls = statements.reduce((sum, statement) => sum + statement.calls, 0);
  // The second reading of the metrics sees the first.
  const caused = calls + requests - 1;
  return {
    id: 'P9',
    what: `queries, requests of ${2 * CHANGES} changes, ${CONNECTIONS} connections`,
    target: '0',
    measured: `${short(calls)} queries, ${short(requests - 1)} requests`,
    comparedWith: `refetch on invalidate: ${short(CHANGES * CONNECTIONS)}`,
    ratio: caused / (CHANGES * CONNECTIONS),
    met: caused === 0,
    broken: [],
    figures: {
      queries: calls,
      requests: requests - 1,
      statements: statements.map(({ calls: n, query }) => `${n} × ${query}`).join('\n'),
    },
  };
}
