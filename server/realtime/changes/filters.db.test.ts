import type pg from 'pg';
import { Pool } from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { postgresChangesFilter, type SupabaseClient } from '@supabase/supabase-js';
import { watch, watched } from '../../../tests/helpers/changes.ts';
import { officialClient, startTestGateway, type TestGateway } from '../../../tests/helpers/gateway.ts';
import { createRooms, type Rooms } from '../../../tests/helpers/rooms.ts';
import { createAsk, type Ask } from '../asking.ts';
import { bind, decide, sqlOf } from './conditions.ts';
import { parseFilter } from './filter.ts';

let rooms: Rooms;
let sql: pg.Client;
let server: TestGateway;
let pool: Pool;
let ask: Ask;
const clients: SupabaseClient[] = [];

const open = async (): Promise<SupabaseClient> => {
  const client = await officialClient(server.url, { version: '2.0.0' });
  clients.push(client);
  return client;
};

beforeAll(async () => {
  rooms = await createRooms();
  sql = await rooms.connect();
  await sql.query(`
    create type public.mood as enum ('sad', 'ok', 'happy');
    create table public.things (
      id int primary key, big int8, price numeric, name text, code varchar(10), done bool, uid uuid,
      at timestamptz, mood public.mood, tags text[], point point
    );
    create table public.full_things (id int primary key, name text);
    alter table public.full_things replica identity full;
    alter publication supabase_realtime add table public.things, public.full_things;
  `);
  server = await startTestGateway(rooms);
  pool = new Pool({ connectionString: rooms.url, max: 1 });
  ask = createAsk(pool, { probeTimeoutMs: 5_000 });
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.realtime.disconnect()));
  await sql.query('truncate things, full_things');
});
afterAll(async () => {
  await pool.end();
  await server.stop();
  await rooms.drop();
});

const ROWS = `
  insert into things values
    (1, 9007199254740993, 1.10, 'apple', 'a', true, '6f9619ff-8b86-d011-b42d-00c04fc964ff',
     '2026-01-01 00:00+02', 'sad', '{x,y}', null),
    (2, 9007199254740992, 1.1, 'Apple, red', 'B', false, null, '2025-12-31 23:00Z', 'ok', null, null),
    (10, null, 20, null, null, null, null, null, 'happy', '{}', null),
    (99, 0, 0, 'end', 'end', null, null, 'infinity', null, null, null)
`;

/** Filter and the ids of the rows above that PostgreSQL says fulfil it. */
const CASES: [filter: string, ids: number[]][] = [
  ['id=eq.1', [1]],
  ['id=eq.+0001', [1]],
  ['id=neq.1', [2, 10, 99]],
  ['id=gt.2', [10, 99]],
  ['id=gte.2,id=lt.99', [2, 10]],
  ['id=lte.2', [1, 2]],
  ['id=in.(1,10)', [1, 10]],
  ['id=not.in.(1,10)', [2, 99]],
  ['big=eq.9007199254740993', [1]],
  ['big=lt.9007199254740993', [2, 99]],
  ['price=eq.1.1', [1, 2]],
  ['price=gt.9', [10]],
  ['name=eq."Apple, red"', [2]],
  ['name=in.("Apple, red",end)', [2, 99]],
  ['name=not.eq.apple', [2, 99]],
  ['name=lt.b', [1, 2]],
  ['name=like.%pple%', [1, 2]],
  ['name=not.like.%pple%', [99]],
  ['name=ilike.APPLE', [1]],
  ['code=ilike.b', [2]],
  ['name=match.^a', [1]],
  ['name=imatch.^a', [1, 2]],
  ['name=is.null', [10]],
  ['name=not.is.null', [1, 2, 99]],
  ['name=isdistinct.apple', [2, 10, 99]],
  ['name=not.isdistinct.apple', [1]],
  ['done=eq.true', [1]],
  ['done=is.false', [2]],
  ['done=is.unknown', [10, 99]],
  ['done=not.is.true', [2, 10, 99]],
  ['uid=eq.6F9619FF-8B86-D011-B42D-00C04FC964FF', [1]],
  ['at=eq.2025-12-31T22:00:00Z', [1]],
  ['at=gt.2026-01-01', [99]],
  ['mood=gt.sad', [2, 10]],
  ['tags=eq."{x,y}"', [1]],
  ['', [1, 2, 10, 99]],
];

test('every operator decides as PostgreSQL does for the column’s type', async () => {
  const client = await open();
  const watching = await Promise.all(
    CASES.map(([filter], index) => watched(client, `case ${index}`, [{ table: 'things', filter }])),
  );
  const last = await watched(client, 'last', [{ table: 'things', filter: 'id=eq.100' }]);
  await sql.query(ROWS);
  await sql.query('insert into things (id) values (100)');
  await last.changes.next();
  const heard = watching.map(({ changes }, index) => [
    CASES[index]?.[0],
    changes.all.map((change) => (change.new as { id: number }).id).filter((id) => id !== 100),
  ]);
  expect(heard).toEqual(CASES);
});

test('what the gateway decides by itself is what PostgreSQL would have answered', async () => {
  const values: Record<string, (string | null)[]> = {
    int4: ['-1', '0', '7', '10', '2147483647', null],
    int8: ['-9223372036854775808', '9', '10', '9007199254740993', null],
    text: ['', 'a', 'A', 'é', 'a b', '{}', null],
    bool: ['t', 'f', null],
    uuid: ['6f9619ff-8b86-d011-b42d-00c04fc964ff', '00000000-0000-0000-0000-000000000000', null],
  };
  const oids: Record<string, number> = { int4: 23, int8: 20, text: 25, bool: 16, uuid: 2950 };
  let decided = 0;
  for (const [type, all] of Object.entries(values)) {
    const present = all.filter((value) => value !== null);
    const filters = ['eq', 'neq', 'lt', 'lte', 'gt', 'gte', 'isdistinct'].flatMap((operator) =>
      present.map((value) => `c=${operator}."${value}"`),
    );
    filters.push(
      `c=in.(${present.map((value) => `"${value}"`).join(',')})`,
      'c=in.()',
      'c=in.(NULL)',
      'c=is.null',
    );
    for (const text of filters.flatMap((filter) => [filter, filter.replace('=', '=not.')])) {
      const [condition] = parseFilter(text);
      if (!condition) throw new Error(text);
      const bound = await bind(ask, condition, { oid: oids[type] ?? 0, sql: type });
      for (const value of all) {
        const answer = decide(bound, value);
        if (answer === undefined) continue;
        decided += 1;
        const subject = `${value === null ? 'null' : `'${value}'`}::${type}`;
        const [row] = await ask(`select coalesce(${sqlOf(bound, subject)}, false)::text as answer;`);
        expect([type, text, value, answer]).toEqual([type, text, value, row?.['answer'] === 'true']);
      }
    }
  }
  expect(decided).toBeGreaterThan(300);
});

test('the client’s filter builder writes what is understood here', async () => {
  const filter = postgresChangesFilter().in('name', ['a,b', 'c"d', 'e\\f', '(g)']).not('id', 'eq', 3).build();
  const { changes } = await watched(await open(), 'builder', [{ table: 'full_things', filter }]);
  await sql.query(
    String.raw`insert into full_things values (1, 'a,b'), (2, 'c"d'), (3, 'c"d'), (4, 'e\f'), (5, 'x'), (6, '(g)')`,
  );
  await changes.next((change) => (change.new as { id: number }).id === 6);
  expect(changes.all.map((change) => (change.new as { id: number }).id)).toEqual([1, 2, 4, 6]);
});

test('a DELETE is filtered by what the replica identity keeps of the row', async () => {
  const client = await open();
  const byKey = await watched(client, 'key', [{ table: 'things', event: 'DELETE', filter: 'id=eq.1' }]);
  const byName = await watched(client, 'name', [
    { table: 'things', event: 'DELETE', filter: 'name=eq.apple' },
  ]);
  const full = await watched(client, 'full', [
    { table: 'full_things', event: 'DELETE', filter: 'name=eq.b' },
  ]);
  await sql.query(ROWS);
  await sql.query('delete from things');
  await sql.query(`insert into full_things values (1, 'a'), (2, 'b')`);
  await sql.query('delete from full_things');
  expect((await full.changes.next()).old).toEqual({ id: 2, name: 'b' });
  expect(byKey.changes.all.map(({ old }) => old)).toEqual([{ id: 1 }]);
  expect(byName.changes.all).toEqual([]);
});

describe('a filter that cannot be is refused with the reason, and the channel stays open', () => {
  test.each([
    ['id=eq.one', /invalid input syntax for type integer/],
    ['id=foo.1', /Error parsing `filter` params/],
    ['undefined', /Error parsing `filter` params/],
    ['id=eq.1,', /must not contain empty segments/],
    ['id=in.1', /must be wrapped by parentheses/],
    [
      `id=in.(${Array.from({ length: 101 }, (_, index) => index).join(',')})`,
      /too many values for `in` filter. Maximum 100/,
    ],
    ['nope=eq.1', /invalid column for filter nope/],
    ['id=is.true', /is true filter requires a boolean column, got integer/],
    ['name=is.empty', /must be null, true, false, or unknown/],
    ['name=match.(', /invalid regular expression/],
    ['id=like.1', /operator does not exist/],
    ['point=eq.(1,2)', /operator does not exist/],
  ])('%s', async (filter, reason) => {
    const { system, statuses } = watch(await open(), 'refused', [{ table: 'things', filter }]);
    expect(await system.next()).toMatchObject({
      extension: 'postgres_changes',
      status: 'error',
      message: expect.stringMatching(reason),
    });
    expect(statuses.all).toEqual([{ status: 'SUBSCRIBED' }]);
  });
});

test('a filter that fails on a value ends its own subscription with the reason, and no other', async () => {
  const client = await open();
  const broken = await watched(client, 'broken', [{ table: 'things', filter: 'name=like.\\a\\' }]);
  const other = await watched(client, 'other', [{ table: 'things', filter: 'name=like.a%' }]);
  await sql.query(`insert into things (id, name) values (1, 'ab'), (2, 'b'), (3, 'a')`);
  expect(await broken.system.next()).toMatchObject({
    status: 'error',
    message: expect.stringMatching(/LIKE pattern must not end with escape character/),
  });
  await other.changes.next((change) => (change.new as { id: number }).id === 3);
  expect(broken.changes.all).toEqual([]);
  expect(other.changes.all).toHaveLength(2);
});

test('a column of a domain is filtered as one of its base type, by values that the domain forbids too', async () => {
  await sql.query(`
    create domain public.state as text check (value in ('active', 'archived'));
    create domain public.share as int check (value between 0 and 100);
    create domain public.half as public.share check (value <= 50);
    create table public.places (id int primary key, state public.state, half public.half);
    alter publication supabase_realtime add table public.places;
  `);
  const cases: [filter: string, ids: number[]][] = [
    ['state=eq.active', [1, 3]],
    ['state=neq.active', [2]],
    ['state=in.(archived,gone)', [2]],
    ['state=eq.gone', []],
    ['state=like.act%', [1, 3]],
    ['state=is.null', [4]],
    ['half=gte.7', [2, 3]],
    ['half=lt.200', [1, 2, 3]],
  ];
  const client = await open();
  const watching = await Promise.all(
    cases.map(([filter], index) => watched(client, `domain ${index}`, [{ table: 'places', filter }])),
  );
  const last = await watched(client, 'last', [{ table: 'places', filter: 'id=eq.100' }]);
  await sql.query(
    `insert into places values (1, 'active', 6), (2, 'archived', 50), (3, 'active', 10), (4, null, null)`,
  );
  await sql.query('insert into places (id) values (100)');
  await last.changes.next();
  const heard = watching.map(({ changes }, index) => [
    cases[index]?.[0],
    changes.all.map((change) => (change.new as { id: number }).id).filter((id) => id !== 100),
  ]);
  expect(heard).toEqual(cases);
  await sql.query('drop table places');
});

test('a filter follows its column to another type', async () => {
  await sql.query(
    'create table moving (id int primary key, n int); alter publication supabase_realtime add table moving',
  );
  const { changes } = await watched(await open(), 'moving', [{ table: 'moving', filter: 'n=eq.7' }]);
  await sql.query('insert into moving values (1, 7), (2, 8)');
  await sql.query('alter table moving alter n type numeric');
  await sql.query('insert into moving values (3, 7.0), (4, 7.5)');
  await changes.next((change) => (change.new as { id: number }).id === 3);
  expect(changes.all.map((change) => (change.new as { id: number }).id)).toEqual([1, 3]);
  await sql.query('drop table moving');
});
