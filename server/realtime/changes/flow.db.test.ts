import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { SupabaseClient } from '@supabase/supabase-js';
import { watched, type Watching } from '../../../tests/helpers/changes.ts';
import {
  joined,
  officialClient,
  signToken,
  startTestGateway,
  type TestGateway,
} from '../../../tests/helpers/gateway.ts';
import { createRooms, type Rooms } from '../../../tests/helpers/rooms.ts';

/** Number of an advisory lock that the policy of table `slow` waits for. */
const GATE = 42;

let rooms: Rooms;
let sql: pg.Client;
let server: TestGateway;
let gateKeeper: pg.Client;
const clients: SupabaseClient[] = [];

async function open(sub: string = randomUUID()): Promise<SupabaseClient> {
  const token = await signToken({ sub });
  const client = await officialClient(server.url, { version: '2.0.0', token: () => Promise.resolve(token) });
  clients.push(client);
  return client;
}

function ids({ changes }: Pick<Watching, 'changes'>): unknown[] {
  return changes.all.map((change) => (change.new as { id: number }).id);
}

async function metric(name: string): Promise<number> {
  const { values } = (await server.metrics.getSingleMetric(name)?.get()) ?? { values: [] };
  return values[0]?.value ?? 0;
}

beforeEach(async () => {
  rooms = await createRooms();
  sql = await rooms.connect();
  gateKeeper = await rooms.connect();
  await sql.query(`
    create table public.plain (id int primary key, body text);
    create table public.slow (id int primary key, owner uuid, body text);
    alter table public.slow enable row level security;
    -- A shared lock: readers do not wait for each other, only while the test holds the gate.
    create function public.pass_gate(owner uuid) returns boolean language plpgsql as $$
    begin
      if owner = auth.uid() then perform pg_advisory_xact_lock_shared(${GATE}); end if;
      return true;
    end $$;
    create policy "waits" on public.slow for select to authenticated using (public.pass_gate(owner));
    alter publication supabase_realtime add table public.plain, public.slow;
  `);
});
afterEach(async () => {
  await gateKeeper.query('select pg_advisory_unlock_all()');
  await Promise.all(clients.splice(0).map((client) => client.realtime.disconnect()));
  await server.stop();
  await rooms.drop();
});

async function start(limits: Record<string, number> = {}): Promise<void> {
  server = await startTestGateway(rooms, { limits: { changeProbeTimeoutMs: 30_000, ...limits } });
}

const closeGate = (): Promise<unknown> => gateKeeper.query('select pg_advisory_lock($1)', [GATE]);
const openGate = (): Promise<unknown> => gateKeeper.query('select pg_advisory_unlock($1)', [GATE]);

test('a slow policy holds up neither broadcasts of other channels nor other readers', async () => {
  await start();
  const owner = randomUUID();
  const held = await watched(await open(owner), 'held', [{ table: 'slow' }]);
  const free = await watched(await open(), 'free', [{ table: 'slow' }]);
  const room = await joined(await open(), 'room');
  await closeGate();
  for (let id = 1; id <= 3; id += 1) await sql.query('insert into slow values ($1, $2)', [id, owner]);
  await rooms.tell('room', 'passes', {}, false);

  await room.messages.next(({ event }) => event === 'passes');
  await free.changes.next((change) => (change.new as { id: number }).id === 3);
  expect(held.changes.all).toEqual([]);
  await openGate();
  await held.changes.next((change) => (change.new as { id: number }).id === 3);
  expect([ids(held), ids(free)]).toEqual([
    [1, 2, 3],
    [1, 2, 3],
  ]);
});

test('one channel hears broadcasts and changes in the order of their commits', async () => {
  await start();
  const owner = randomUUID();
  const both = await watched(await open(owner), 'both', [{ table: 'slow' }, { table: 'plain' }]);
  await closeGate();
  for (let n = 1; n <= 60; n += 1) {
    if (n % 3 === 0) await rooms.tell('both', 'n', { n }, false);
    else if (n % 3 === 1) await sql.query('insert into slow values ($1, $2)', [n, owner]);
    else await sql.query('insert into plain values ($1)', [n]);
    if (n === 30) await openGate();
  }
  await both.messages.next(({ payload }) => (payload as { n: number }).n === 60);
  const order = both.heard.map((each) =>
    'payload' in each ? (each.payload as { n: number }).n : (each.new as { id: number }).id,
  );
  expect(order).toEqual(Array.from({ length: 60 }, (_, index) => index + 1));
});

test('a commit is acknowledged only when its changes are told, and none after it before', async () => {
  await start();
  const owner = randomUUID();
  const { slot } = server.gateway.health();
  const waiting = await watched(await open(owner), 'waiting', [{ table: 'slow' }]);
  const acknowledged = async (): Promise<string> => {
    const { rows } = await rooms.query<{ at: string }>(
      'select confirmed_flush_lsn::text as at from pg_replication_slots where slot_name = $1',
      [slot],
    );
    return rows[0]?.at ?? '';
  };
  await closeGate();
  await sql.query('insert into slow values (1, $1)', [owner]);
  await vi.waitFor(async () => expect(await metric('realtime_changes_backlog_bytes')).toBeGreaterThan(0));
  const before = await acknowledged();
  const room = await joined(await open(), 'room');
  await rooms.tell('room', 'later', {}, false);
  await room.messages.next(({ event }) => event === 'later');
  expect(await acknowledged()).toBe(before);

  await openGate();
  await waiting.changes.next();
  await vi.waitFor(async () => expect(await acknowledged()).not.toBe(before));
});

test('a torn feed loses no change, repeats none, and keeps their order', async () => {
  await start();
  const heard = await watched(await open(), 'torn', [{ table: 'plain' }, { table: 'slow' }]);
  for (let round = 0; round < 5; round += 1) {
    const writing = (async () => {
      for (let n = 1; n <= 20; n += 1) {
        await sql.query(`insert into ${n % 2 ? 'plain' : 'slow'} (id) values ($1)`, [round * 20 + n]);
      }
    })();
    await rooms.query(
      'select pg_terminate_backend(active_pid, 5000) from pg_replication_slots where slot_name = $1 and active',
      [server.gateway.health().slot],
    );
    await writing;
  }
  await heard.changes.next((change) => (change.new as { id: number }).id === 100);
  expect(ids(heard)).toEqual(Array.from({ length: 100 }, (_, index) => index + 1));
  expect(heard.statuses.all).toEqual([{ status: 'SUBSCRIBED' }]);
});

test('when more waits than may be kept, who is behind rejoins and refetches; who is not goes on', async () => {
  await start({ changesBacklogBytes: 100_000 });
  const owner = randomUUID();
  const behind = await watched(await open(owner), 'behind', [{ table: 'slow' }]);
  const fresh = await watched(await open(), 'fresh', [{ table: 'plain' }]);
  await closeGate();
  for (let id = 1; id <= 20; id += 1) {
    await sql.query(`insert into slow values ($1, $2, repeat('x', 10000))`, [id, owner]);
  }
  await behind.statuses.next(({ status }) => status === 'CHANNEL_ERROR');
  await openGate();
  await behind.system.next(({ message }) => message === 'Subscribed to PostgreSQL');
  await sql.query('insert into slow values (100, $1)', [owner]);
  await behind.changes.next((change) => (change.new as { id: number }).id === 100);
  await sql.query('insert into plain values (1)');
  await fresh.changes.next();
  expect(fresh.statuses.all).toEqual([{ status: 'SUBSCRIBED' }]);
  expect(await metric('realtime_changes_cut_total')).toBe(1);
});

test('a check that the database cannot answer sends its readers to refetch, never on in silence', async () => {
  await start();
  const heard = await watched(await open(), 'cut', [{ table: 'slow' }]);
  const owner = randomUUID();
  const blocked = await watched(await open(owner), 'blocked', [{ table: 'slow' }]);
  await closeGate();
  await sql.query('insert into slow values (1, $1)', [owner]);
  await heard.changes.next();
  await vi.waitFor(async () => {
    const { rowCount } = await rooms.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and wait_event = 'advisory' and pid <> pg_backend_pid()`,
    );
    expect(rowCount).toBeGreaterThan(0);
  });
  await blocked.statuses.next(({ status }) => status === 'CHANNEL_ERROR');
  expect(heard.statuses.all).toEqual([{ status: 'SUBSCRIBED' }]);
});
