import type pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { SupabaseClient } from '@supabase/supabase-js';
import { watched } from '../../../tests/helpers/changes.ts';
import {
  officialClient,
  RawClient,
  startTestGateway,
  VERSIONS,
  type TestGateway,
  type Version,
} from '../../../tests/helpers/gateway.ts';
import { createRooms, type Rooms } from '../../../tests/helpers/rooms.ts';

let rooms: Rooms;
let sql: pg.Client;
let server: TestGateway;
const clients: SupabaseClient[] = [];

const open = async (version: Version = '2.0.0'): Promise<SupabaseClient> => {
  const client = await officialClient(server.url, { version });
  clients.push(client);
  return client;
};

beforeAll(async () => {
  rooms = await createRooms();
  // Neither may change what clients are told.
  await rooms.query(`alter database ${rooms.name} set timezone = 'Asia/Kathmandu'`);
  await rooms.query(`alter database ${rooms.name} set datestyle = 'German'`);
  sql = await rooms.connect();
  await sql.query(`
    create type public.mood as enum ('sad', 'not sad');
    create type public.pair as (a int, b text);
    create domain public.percent as int check (value between 0 and 100);
    create domain public.labels as text[];
    create table public.kinds (
      id int primary key,
      i2 int2, i8 int8, n numeric, n2 numeric(8,2), f4 float4, f8 float8, nan float8, inf numeric,
      yes bool, t text, v varchar(20), c char(5), u uuid,
      j json, jb jsonb, d date, ti time, ts timestamp, tz timestamptz, ever timestamptz, bc timestamptz, iv interval,
      by bytea, m public.mood, p public.pair, pc public.percent, mo money, r int4range, ip inet,
      ai int[], at text[], az timestamptz[], am public.mood[], ab bool[], nothing text, la public.labels
    );
    create table public.keyless (a int, b text);
    create table public.full_rows (id int primary key, small text, big text);
    alter table public.full_rows replica identity full;
    create table public.default_rows (id int primary key, small text, big text);
    alter publication supabase_realtime
      add table public.kinds, public.keyless, public.full_rows, public.default_rows;
  `);
  server = await startTestGateway(rooms);
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.realtime.disconnect()));
});
afterAll(async () => {
  await server.stop();
  await rooms.drop();
});

test('each type is told as `to_jsonb` writes it in UTC, to the digit; bytes and no-numbers as Supabase does', async () => {
  const client = await RawClient.open(server.url);
  const texts: string[] = [];
  client.socket.on('message', (data: Buffer) => texts.push(data.toString()));
  await client.join('realtime:kinds', {
    config: { postgres_changes: [{ event: '*', schema: 'public', table: 'kinds' }] },
  });
  await client.frames.next(({ event }) => event === 'system');
  await sql.query(`
    insert into kinds values (
      1, -5, 9223372036854775807, 12345678901234567890.1234567890, 1.5, 0.1, 1e300, 'NaN', 'Infinity',
      true, E'tab\\t"q"\\\\', 'v', 'c', '6F9619FF-8B86-D011-B42D-00C04FC964FF',
      '{"b": [1, 2.50],  "a": null}', '{"b": [1, 2.50], "a": " x  y "}',
      '2026-02-03', '04:05:06', '2026-02-03 04:05:06.789', '2026-02-03 04:05:06.7+05:45', 'infinity',
      '0044-03-15 12:00:00+00 BC', '1 day 2 hours',
      '\\xdeadbeef', 'not sad', row(1, 'x'), 42, '12.50', '[1,5)', '10.0.0.1',
      '{{1,2},{3,null}}', '{a,"b,c",NULL,"{}"}', '{2026-02-03 04:05:06+00}', '{sad,"not sad"}', '{t,f}', null, '{a,b}'
    )
  `);
  const { payload } = await client.frames.next(({ event }) => event === 'postgres_changes');
  const data = payload['data'] as { record: object; columns: { name: string; type: string }[] };

  await sql.query(`set timezone = 'UTC'`);
  const { rows } = await sql.query<{ key: string; value: string }>(
    `select key, value::text from kinds, jsonb_each(to_jsonb(kinds))`,
  );
  const told = texts.find((text) => text.includes('"record"')) ?? '';
  expect(data.record).toEqual({
    ...Object.fromEntries(rows.map(({ key, value }) => [key, JSON.parse(value) as unknown])),
    by: 'deadbeef',
    nan: null,
    inf: null,
  });
  for (const exact of ['"i8":9223372036854775807', '"n":12345678901234567890.1234567890', '"n2":1.50']) {
    expect(told).toContain(exact);
  }
  expect(data.columns.filter(({ name }) => ['id', 'ai', 'm', 'pc', 'tz'].includes(name))).toEqual([
    { name: 'id', type: 'int4' },
    { name: 'tz', type: 'timestamptz' },
    { name: 'm', type: 'mood' },
    { name: 'pc', type: 'percent' },
    { name: 'ai', type: '_int4' },
  ]);
  client.socket.close();
});

test('the official client reads them as the types they are', async () => {
  const { changes } = await watched(await open(), 'types', [{ table: 'kinds' }]);
  await sql.query(
    `insert into kinds (id, n, yes, jb, tz, ai, by) values (2, 1.25, false, '{"a": [1]}', '2026-01-01Z', '{1,2}', '\\x01')`,
  );
  expect((await changes.next()).new).toMatchObject({
    id: 2,
    n: 1.25,
    yes: false,
    jb: { a: [1] },
    tz: '2026-01-01T00:00:00+00:00',
    ai: [1, 2],
    by: '01',
    nothing: null,
  });
});

test('a row of a table without primary key is told as “400” and nothing more', async () => {
  const { changes } = await watched(await open(), 'keyless', [{ table: 'keyless' }]);
  await sql.query(`insert into keyless values (1, 'x')`);
  expect(await changes.next()).toMatchObject({
    eventType: 'INSERT',
    table: 'keyless',
    new: {},
    errors: ['Error 400: Bad Request, no primary key'],
  });
});

describe.each(VERSIONS)('serializer %s', (version) => {
  test('a table with a generated column and full identity takes updates, and they are told', async () => {
    const table = `generated_${version.charAt(0)}`;
    await sql.query(`
      create table ${table} (id int primary key, price int, doubled int generated always as (price * 2) stored);
      alter table ${table} replica identity full;
      alter publication supabase_realtime add table ${table};
    `);
    const { changes } = await watched(await open(version), table, [{ table }]);
    await sql.query(`insert into ${table} values (1, 10)`);
    await sql.query(`update ${table} set price = 20`);
    await sql.query(`delete from ${table}`);
    await changes.next(({ eventType }) => eventType === 'DELETE');
    expect(changes.all.map(({ new: row, old }) => [row, old])).toEqual([
      [{ id: 1, price: 10, doubled: 20 }, {}],
      [
        { id: 1, price: 20, doubled: 40 },
        { id: 1, price: 10, doubled: 20 },
      ],
      [{}, { id: 1, price: 20, doubled: 40 }],
    ]);
  });

  test('bytes are hexadecimal digits, and what JSON has no number for is null, as on Supabase', async () => {
    const table = `odd_${version.charAt(0)}`;
    await sql.query(`
      create table ${table} (id int primary key, b bytea, f float8, r float4, n numeric, list float8[], bs bytea[]);
      alter publication supabase_realtime add table ${table};
    `);
    const { changes } = await watched(await open(version), table, [{ table }]);
    await sql.query(
      `insert into ${table} values (1, '\\xdead', 'NaN', 'Infinity', '-Infinity', '{NaN}', '{"\\\\x01"}'), (2, '', 1, 2, 3, null, null)`,
    );
    await changes.next((change) => (change.new as { id: number }).id === 2);
    expect(changes.all.map((change) => change.new)).toEqual([
      { id: 1, b: 'dead', f: null, r: null, n: null, list: ['NaN'], bs: ['\\x01'] },
      { id: 2, b: '', f: 1, r: 2, n: 3, list: null, bs: null },
    ]);
  });
});

describe('the old record', () => {
  test('is the key by default, and the whole row with replica identity full', async () => {
    const { changes } = await watched(await open(), 'old', [
      { table: 'default_rows' },
      { table: 'full_rows' },
    ]);
    for (const table of ['default_rows', 'full_rows']) {
      await sql.query(`insert into ${table} values (1, 'a', 'b')`);
      await sql.query(`update ${table} set small = 'c'`);
      await sql.query(`delete from ${table}`);
    }
    await changes.next((change) => change.table === 'full_rows' && change.eventType === 'DELETE');
    expect(changes.all.filter(({ eventType }) => eventType !== 'INSERT').map(({ old }) => old)).toEqual([
      { id: 1 },
      { id: 1 },
      { id: 1, small: 'a', big: 'b' },
      { id: 1, small: 'c', big: 'b' },
    ]);
  });

  test('a large value that an update did not touch is told only if the log holds it', async () => {
    const { changes } = await watched(await open(), 'toast', [
      { table: 'default_rows' },
      { table: 'full_rows' },
    ]);
    await sql.query('alter table default_rows alter big set storage external');
    await sql.query('alter table full_rows alter big set storage external');
    for (const table of ['default_rows', 'full_rows']) {
      await sql.query(`insert into ${table} values (1, 'a', repeat('x', 10000))`);
      await sql.query(`update ${table} set small = 'b'`);
    }
    await changes.next((change) => change.table === 'full_rows' && change.eventType === 'UPDATE');
    const updates = changes.all.filter(({ eventType }) => eventType === 'UPDATE');
    expect(updates.map(({ new: row }) => Object.keys(row))).toEqual([
      ['id', 'small'],
      ['id', 'small', 'big'],
    ]);
    await sql.query('truncate default_rows, full_rows');
  });
});

test('a change over a mebibyte keeps its small values and says “413”', async () => {
  const { changes } = await watched(await open(), 'large', [{ table: 'default_rows' }]);
  await sql.query(`insert into default_rows values (1, 'small', repeat('x', 1100000))`);
  expect(await changes.next()).toMatchObject({
    eventType: 'INSERT',
    errors: ['Error 413: Payload Too Large'],
  });
  expect(changes.all[0]?.new).toEqual({ id: 1, small: 'small' });
});
