/** Kills PostgreSQL under the gateway: needs a cluster of its own. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { joined, officialClient, SECRET_KEY, startTestGateway } from '../../tests/helpers/gateway.ts';
import { applyPlatform } from '../platform.ts';
import { Cluster, SUPERUSER } from '../postgres/cluster.ts';

const PASSWORD = 'test';
let directory: string;
let cluster: Cluster;
let url: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gateway-restart-'));
  cluster = new Cluster({
    directory: join(directory, 'postgres'),
    logFile: join(directory, 'postgresql.log'),
    password: PASSWORD,
    logger: pino({ level: 'silent' }),
    settings: { fsync: 'off' },
  });
  await cluster.start();
  url = cluster.url(SUPERUSER, PASSWORD, 'postgres');
  const admin = new pg.Client({ connectionString: url });
  await admin.connect();
  await applyPlatform(admin, url);
  await admin.end();
});
afterAll(async () => {
  await cluster.stop();
  await rm(directory, { recursive: true, force: true });
});

/** Commits n, trying again until the database has said that it is there. */
async function commit(n: number): Promise<void> {
  for (;;) {
    const client = new pg.Client({ connectionString: url });
    client.on('error', () => {});
    try {
      await client.connect();
      await client.query(`select realtime.send($1, 'count', 'survivors', true)`, [{ n }]);
      return;
    } catch {
      // Down or starting: the next try, after the event loop had a turn.
      await new Promise(setImmediate);
    } finally {
      await client.end().catch(() => {});
    }
  }
}

test('PostgreSQL is killed twice: sockets stay, the feed resumes, and no commit is missed', async () => {
  const server = await startTestGateway({ url });
  const client = await officialClient(server.url, { version: '2.0.0', key: SECRET_KEY });
  const { messages, statuses } = await joined(client, 'survivors', { private: true });

  for (let n = 1; n <= 60; n += 1) {
    await commit(n);
    if (n % 20 !== 0 || n === 60) continue;
    const pid = Number(
      (await readFile(join(directory, 'postgres', 'postmaster.pid'), 'utf8')).split('\n')[0],
    );
    const back = new Promise<void>((resolve) => {
      cluster.on('state', (state) => state === 'running' && resolve());
    });
    process.kill(pid, 'SIGKILL');
    await back;
  }

  await messages.next(({ payload }) => (payload as { n: number }).n === 60, 30_000);
  const heard = [...new Set(messages.all.map(({ payload }) => (payload as { n: number }).n))];
  expect(heard).toEqual(Array.from({ length: 60 }, (_, index) => index + 1));
  expect(statuses.all).toEqual([{ status: 'SUBSCRIBED' }]);

  // And a member can join again: the questions go to the new PostgreSQL.
  await client.removeAllChannels();
  await joined(client, 'survivors', { private: true });
  await client.realtime.disconnect();
  await server.stop();
});

test('a feed that falls silent without closing is noticed, and resumes without a gap', async () => {
  const server = await startTestGateway({ url }, { limits: { feedPingMs: 50 } });
  const client = await officialClient(server.url, { version: '2.0.0', key: SECRET_KEY });
  const { messages } = await joined(client, 'survivors', { private: true });
  const admin = new pg.Client({ connectionString: url });
  await admin.connect();
  const { rows } = await admin.query<{ pid: number }>(
    'select active_pid as pid from pg_replication_slots where slot_name = $1',
    [server.gateway.health().slot],
  );
  const pid = rows[0]?.pid ?? 0;

  // A stopped process keeps its connection open and answers nothing, like a server behind a cut cable.
  process.kill(pid, 'SIGSTOP');
  await vi.waitFor(() => expect(server.gateway.health().feed).toBe('reconnecting'), 10_000);
  await commit(1);
  process.kill(pid, 'SIGCONT');

  await messages.next();
  expect(server.gateway.health().feed).toBe('streaming');
  await admin.end();
  await client.realtime.disconnect();
  await server.stop();
});
