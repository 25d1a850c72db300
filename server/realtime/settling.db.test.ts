/** Commits that the feed brings before anybody else can see them: with a synchronous standby, as long as one likes. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { SupabaseClient } from '@supabase/supabase-js';
import { joined, officialClient, startTestGateway, type TestGateway } from '../../tests/helpers/gateway.ts';
import { applyPlatform } from '../platform.ts';
import { Cluster, SUPERUSER } from '../postgres/cluster.ts';

const PASSWORD = 'settling';

let root: string;
let cluster: Cluster;
let admin: pg.Client;
let writer: pg.Client;
let server: TestGateway;
const clients: SupabaseClient[] = [];

async function open(): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: cluster.url(SUPERUSER, PASSWORD, 'postgres') });
  client.on('error', () => {});
  await client.connect();
  return client;
}

async function listener(): Promise<SupabaseClient> {
  const client = await officialClient(server.url, { version: '2.0.0' });
  clients.push(client);
  return client;
}

/** Lets no commit be seen until a standby of this name has it; '' lets all be seen. */
async function awaitStandby(name: string): Promise<void> {
  await admin.query(`alter system set synchronous_standby_names = '${name}'`);
  await admin.query('select pg_reload_conf()');
  const shown = async () => (await admin.query(`show synchronous_standby_names`)).rows;
  await vi.waitFor(async () => expect(await shown()).toEqual([{ synchronous_standby_names: name }]), 30_000);
}

async function countSteps(): Promise<number> {
  const { rows } = await admin.query<{ n: number }>('select count(*)::int as n from public.steps');
  return rows[0]?.n ?? NaN;
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'epilot-settling-'));
  cluster = new Cluster({
    directory: join(root, 'postgres'),
    logFile: join(root, 'postgresql.log'),
    password: PASSWORD,
    logger: pino({ level: 'silent' }),
  });
  await cluster.start();
  const url = cluster.url(SUPERUSER, PASSWORD, 'postgres');
  [admin, writer] = [await open(), await open()];
  await applyPlatform(admin, url);
  await admin.query('create table public.steps (n int)');
  server = await startTestGateway({ url }, { limits: { probeTimeoutMs: 60_000 } });
});
afterAll(async () => {
  await Promise.all(clients.map((client) => client.realtime.disconnect()));
  await server.stop();
  await Promise.all([admin.end(), writer.end()]);
  await cluster.stop();
  await rm(root, { recursive: true, force: true });
});

test('I5: who is told “joined” can read what was told to others before', async () => {
  const early = await joined(await listener(), 'room');
  await awaitStandby('nobody');
  const writing = writer.query(
    `insert into public.steps values (1); select realtime.send('{"n": 1}', 'step', 'room', false)`,
  );
  await early.messages.next();
  expect(await countSteps()).toBe(0);

  const late = listener().then((client) => joined(client, 'room'));
  const read = late.then(countSteps);
  // Either the gateway looks whether the commit can be seen, or it has answered without.
  const looked = async (): Promise<void> => {
    const { rowCount } = await admin.query(
      `select from pg_stat_activity where pid <> pg_backend_pid() and query like '%pg_current_snapshot%'`,
    );
    expect(rowCount).toBeGreaterThan(0);
  };
  await Promise.race([read, vi.waitFor(looked, 30_000)]);
  await awaitStandby('');
  await writing;
  expect(await read).toBe(1);
  expect((await late).messages.all).toEqual([]);
});
