import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { SupabaseClient } from '@supabase/supabase-js';
import { watch, watched } from '../../../tests/helpers/changes.ts';
import {
  officialClient,
  RawClient,
  startTestGateway,
  VERSIONS,
  type TestGateway,
} from '../../../tests/helpers/gateway.ts';
import { createRooms, type Rooms } from '../../../tests/helpers/rooms.ts';

let rooms: Rooms;
let sql: pg.Client;
let server: TestGateway;
const clients: SupabaseClient[] = [];

const open = async (version: (typeof VERSIONS)[number]): Promise<SupabaseClient> => {
  const client = await officialClient(server.url, { version });
  clients.push(client);
  return client;
};

beforeAll(async () => {
  rooms = await createRooms();
  sql = await rooms.connect();
  await sql.query(`
    create table public.notes (id int primary key, body text, room text);
    create table public.other (id int primary key);
    create schema shop;
    create table shop.items (id int primary key);
    grant usage on schema shop to anon;
    grant select on shop.items to anon;
    alter publication supabase_realtime add table public.notes, public.other, shop.items;
  `);
  server = await startTestGateway(rooms, { limits: { publicationPollMs: 50 } });
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.realtime.disconnect()));
  await sql.query('truncate public.notes, public.other, shop.items');
});
afterAll(async () => {
  await server.stop();
  await rooms.drop();
});

describe.each(VERSIONS)('serializer %s', (version) => {
  test('insert, update and delete arrive as the client expects them', async () => {
    const { changes, statuses } = await watched(await open(version), 'all', [{ table: 'notes' }]);
    await sql.query(`insert into notes values (1, 'a', 'x')`);
    await sql.query(`update notes set body = null where id = 1`);
    await sql.query(`update notes set id = 2 where id = 1`);
    await sql.query(`delete from notes where id = 2`);

    const shared = { schema: 'public', table: 'notes', errors: null };
    expect(await changes.next()).toEqual({
      ...shared,
      eventType: 'INSERT',
      commit_timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      new: { id: 1, body: 'a', room: 'x' },
      old: {},
    });
    expect(await changes.next()).toMatchObject({
      ...shared,
      eventType: 'UPDATE',
      new: { id: 1, body: null, room: 'x' },
      old: { id: 1 },
    });
    expect(await changes.next()).toMatchObject({ eventType: 'UPDATE', new: { id: 2 }, old: { id: 1 } });
    expect(await changes.next()).toMatchObject({ ...shared, eventType: 'DELETE', new: {}, old: { id: 2 } });
    expect(statuses.all).toEqual([{ status: 'SUBSCRIBED' }]);
  });

  test('changes come in the order of their commits, also many of one transaction and over several tables', async () => {
    const { changes } = await watched(await open(version), 'order', [{ table: 'notes' }, { table: 'other' }]);
    await sql.query('insert into notes select g from generate_series(1, 250) as g');
    for (let n = 251; n <= 300; n += 1) {
      await sql.query(`insert into ${n % 2 === 0 ? 'notes' : 'other'} values ($1)`, [n]);
    }
    await changes.next((change) => (change.new as { id: number }).id === 300);
    expect(changes.all.map((change) => (change.new as { id: number }).id)).toEqual(
      Array.from({ length: 300 }, (_, index) => index + 1),
    );
  });

  test('a binding hears only the events it asked for', async () => {
    const heard = await watched(await open(version), 'events', [{ table: 'notes', event: 'UPDATE' }]);
    await sql.query(`insert into notes values (1)`);
    await sql.query(`update notes set body = 'b'`);
    await sql.query(`delete from notes`);
    await sql.query(`insert into notes values (2)`);
    await sql.query(`update notes set body = 'end'`);
    await heard.changes.next((change) => (change.new as { body: string }).body === 'end');
    expect(heard.changes.all.map(({ eventType }) => eventType)).toEqual(['UPDATE', 'UPDATE']);
  });

  test('a binding may name no table, or no schema', async () => {
    const all = await watched(await open(version), 'wide', [{ schema: '*' }]);
    const one = await watched(await open(version), 'schema', [{ schema: 'shop' }]);
    await sql.query(`insert into notes values (1)`);
    await sql.query(`insert into shop.items values (2)`);
    await sql.query(`select realtime.send('{}', 'never', 'elsewhere', false)`);
    await sql.query(`insert into other values (3)`);
    await all.changes.next(({ table }) => table === 'other');
    expect(all.changes.all.map(({ schema, table }) => `${schema}.${table}`)).toEqual([
      'public.notes',
      'shop.items',
      'public.other',
    ]);
    expect(one.changes.all.map(({ table }) => table)).toEqual(['items']);
  });

  test('only the selected columns are told, and the key', async () => {
    const { changes } = await watched(await open(version), 'select', [{ table: 'notes', select: ['body'] }]);
    await sql.query(`insert into notes values (1, 'a', 'x')`);
    expect((await changes.next()).new).toEqual({ id: 1, body: 'a' });
  });

  test('a table that is not published, or a column that is not there, is an error that leaves the channel open', async () => {
    await sql.query('create table if not exists public.unpublished (id int primary key)');
    for (const [binding, reason] of [
      [{ table: 'unpublished' }, /Please check Realtime is enabled .* table: unpublished/],
      [{ table: 'notes', select: ['nope'] }, /invalid column for select nope/],
      [{ schema: '*', select: ['id'] }, /Column selection is not supported for wildcard/],
    ] as const) {
      const { system, statuses, messages } = watch(await open(version), 'refused', [
        { ...binding } as { table: string },
      ]);
      expect(await system.next()).toMatchObject({
        extension: 'postgres_changes',
        status: 'error',
        message: expect.stringMatching(reason),
        channel: 'refused',
      });
      await rooms.tell('refused', 'still', {}, false);
      await messages.next();
      expect(statuses.all).toEqual([{ status: 'SUBSCRIBED' }]);
      await Promise.all(clients.splice(0).map((client) => client.realtime.disconnect()));
    }
  });

  test('with `wait`, SUBSCRIBED says that the subscription is in force, and a refused one fails the join', async () => {
    const wait = { postgres_changes_options: { wait: true } };
    const good = watch(await open(version), 'wait', [{ table: 'notes' }], wait);
    await good.statuses.next(({ status }) => status === 'SUBSCRIBED');
    await sql.query(`insert into notes values (1)`);
    expect((await good.changes.next()).new).toMatchObject({ id: 1 });
    expect(good.system.all).toMatchObject([{ status: 'ok', message: 'Subscribed to PostgreSQL' }]);

    const bad = watch(await open(version), 'refused', [{ table: 'unpublished' }], wait);
    expect(await bad.statuses.next()).toMatchObject({
      status: 'CHANNEL_ERROR',
      error: expect.stringMatching(/^RealtimeDisabledForConfiguration: /),
    });
    expect(bad.system.all).toEqual([]);
  });
});

test('a join that waits for a database that does not answer fails when its time is over', async () => {
  await rooms.query('begin');
  await rooms.query('lock table pg_catalog.pg_publication in access exclusive mode');
  try {
    const client = await RawClient.open(server.url);
    const reply = await client.join('realtime:late', {
      config: {
        postgres_changes: [{ event: '*', schema: 'public', table: 'notes' }],
        postgres_changes_options: { wait: true, timeout: 300 },
      },
    });
    expect(reply).toEqual({
      status: 'error',
      response: {
        reason:
          'PostgresChangesSubscribeTimeout: Timed out after 300ms waiting for the postgres_changes subscription',
      },
    });
    client.socket.close();
  } finally {
    await rooms.query('rollback');
  }
});

test('the reply to the join gives each binding an id, and one frame carries a change for all ids of a channel', async () => {
  const client = await RawClient.open(server.url);
  const all = { event: '*', schema: 'public', table: 'notes' };
  const some = { event: 'INSERT', schema: 'public', table: 'notes', filter: 'id=gt.0' };
  const never = { event: 'DELETE', schema: 'public', table: 'notes' };
  const reply = await client.join('realtime:ids', { config: { postgres_changes: [all, some, never] } });
  const told = (reply.response as { postgres_changes: { id: number }[] }).postgres_changes;
  expect(told).toEqual([all, some, never].map((binding) => ({ ...binding, id: expect.any(Number) })));
  const ids = told.map(({ id }) => id);
  expect(new Set([...ids, 0]).size).toBe(4);

  await client.frames.next(({ event }) => event === 'system');
  await sql.query(`insert into notes values (1, 'a', 'x')`);
  const { joinRef, ref, payload } = await client.frames.next(({ event }) => event === 'postgres_changes');
  expect({ joinRef, ref, payload }).toEqual({
    joinRef: null,
    ref: null,
    payload: {
      ids: ids.slice(0, 2),
      data: {
        schema: 'public',
        table: 'notes',
        type: 'INSERT',
        commit_timestamp: expect.any(String),
        columns: [
          { name: 'id', type: 'int4' },
          { name: 'body', type: 'text' },
          { name: 'room', type: 'text' },
        ],
        record: { id: 1, body: 'a', room: 'x' },
        errors: null,
      },
    },
  });
  await sql.query(`delete from notes`);
  expect((await client.frames.next(({ event }) => event === 'postgres_changes')).payload['ids']).toEqual([
    ids[0],
    ids[2],
  ]);
  client.socket.close();
});

test('`replication_ready` is answered when the feed streams', async () => {
  const client = await open('2.0.0');
  const { system } = watch(client, 'ready', [], { broadcast: { replication_ready: true } });
  expect(await system.next()).toEqual({
    extension: 'system',
    status: 'ok',
    message: 'Replication connection established',
    channel: 'ready',
  });
});

test('a channel that asked for `replication_ready` is closed with the reason when the feed is away', async () => {
  const late = await startTestGateway(rooms, {
    slotName: 'feed_away',
    limits: { feedRetryMs: 60_000, replicationReadyMs: 100 },
  });
  await rooms.query(
    `select pg_terminate_backend(active_pid, 5000) from pg_replication_slots where slot_name = 'feed_away'`,
  );
  await vi.waitFor(() => expect(late.gateway.health().feed).toBe('reconnecting'));
  const client = await officialClient(late.url, { version: '2.0.0' });
  const { system, statuses } = watch(client, 'away', [], { broadcast: { replication_ready: true } });
  expect(await system.next()).toEqual({
    extension: 'system',
    status: 'error',
    message: 'Replication connection was not established in time',
    channel: 'away',
  });
  await statuses.next(({ status }) => status === 'CLOSED');
  await client.realtime.disconnect();
  await late.stop();
});

describe('the publication changes while somebody waits', () => {
  test('a table that leaves is told, is heard no more, and is heard again when it comes back', async () => {
    const { changes, system } = await watched(await open('2.0.0'), 'leaves', [{ table: 'notes' }]);
    await sql.query(`insert into notes values (1)`);
    await changes.next();

    await sql.query('alter publication supabase_realtime drop table notes');
    expect(await system.next()).toMatchObject({ status: 'error', extension: 'postgres_changes' });
    await sql.query(`insert into notes values (2)`);
    await sql.query('alter publication supabase_realtime add table notes');
    expect(await system.next()).toMatchObject({ status: 'ok', message: 'Subscribed to PostgreSQL' });
    await sql.query(`insert into notes values (3)`);
    await changes.next((change) => (change.new as { id: number }).id === 3);
    expect(changes.all.map((change) => (change.new as { id: number }).id)).toEqual([1, 3]);
  });

  test('a table that joins is served to those who were refused, and to those who asked for all', async () => {
    const name = `later_${randomUUID().slice(0, 8)}`;
    await sql.query(`create table public.${name} (id int primary key)`);
    const refused = watch(await open('2.0.0'), 'named', [{ table: name }]);
    expect(await refused.system.next()).toMatchObject({ status: 'error' });
    const wide = await watched(await open('2.0.0'), 'wide', [{}]);

    await sql.query(`alter publication supabase_realtime add table public.${name}`);
    await sql.query(`insert into ${name} values (1)`);
    expect(await wide.changes.next()).toMatchObject({ table: name, new: { id: 1 } });
    expect(await refused.system.next()).toMatchObject({ status: 'ok' });
    await sql.query(`insert into ${name} values (2)`);
    await refused.changes.next((change) => (change.new as { id: number }).id === 2);
    await sql.query(`drop table ${name}`);
  });
});
