import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { SupabaseClient } from '@supabase/supabase-js';
import { watch, watched, type Wanted, type Watching } from '../../../tests/helpers/changes.ts';
import {
  officialClient,
  RawClient,
  SECRET_KEY,
  signToken,
  startTestGateway,
  VERSIONS,
  type Frame,
  type TestGateway,
  type Version,
} from '../../../tests/helpers/gateway.ts';
import { createRooms, type Rooms } from '../../../tests/helpers/rooms.ts';

let rooms: Rooms;
let sql: pg.Client;
let server: TestGateway;
const clients: SupabaseClient[] = [];

/** A client whose user may be changed: the next `setAuth` takes the new one. A user keeps one token. */
async function open(version: Version, user: { sub: string }): Promise<SupabaseClient> {
  const tokens = new Map<string, Promise<string>>();
  const token = (): Promise<string> => {
    const known = tokens.get(user.sub) ?? signToken({ ...user });
    tokens.set(user.sub, known);
    return known;
  };
  const client = await officialClient(server.url, { version, token });
  clients.push(client);
  return client;
}

function ids({ changes }: Pick<Watching, 'changes'>): unknown[] {
  return changes.all.map(
    (change) => (change.new as { id?: number }).id ?? (change.old as { id?: number }).id,
  );
}

beforeAll(async () => {
  rooms = await createRooms();
  sql = await rooms.connect();
  await sql.query(`
    create table public.letters (id int primary key, owner uuid, body text, secret text);
    alter table public.letters enable row level security;
    create policy "owners read" on public.letters for select to authenticated using (owner = auth.uid());
    create table public.papers (id int primary key, body text, secret text);
    revoke select on public.papers from anon, authenticated;
    grant select (id, body) on public.papers to authenticated;
    create table public.keyless_to_me (id int primary key, body text);
    revoke select on public.keyless_to_me from authenticated;
    grant select (body) on public.keyless_to_me to authenticated;
    create table public.closed (id int primary key, body text);
    create table public.closed_heap (body text);
    revoke select on public.closed, public.closed_heap from anon, authenticated;
    create table public.keyless_secured (id int primary key, owner uuid, body text);
    alter table public.keyless_secured enable row level security;
    create policy "owners read" on public.keyless_secured for select to authenticated using (owner = auth.uid());
    revoke select on public.keyless_secured from authenticated;
    grant select (owner, body) on public.keyless_secured to authenticated;
    create schema backstage;
    create table backstage.props (id int primary key);
    grant select on backstage.props to authenticated;
    create table public.fragile (id int primary key, divisor int);
    alter table public.fragile enable row level security;
    create policy "raises" on public.fragile for select to authenticated using (10 / divisor > 0);
    alter publication supabase_realtime
      add table public.letters, public.papers, public.keyless_to_me, public.fragile, public.closed,
        public.closed_heap, public.keyless_secured, backstage.props;
  `);
  server = await startTestGateway(rooms);
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.realtime.disconnect()));
  await sql.query('truncate letters, papers, keyless_to_me, fragile');
});
afterAll(async () => {
  await server.stop();
  await rooms.drop();
});

describe.each(VERSIONS)('serializer %s', (version) => {
  test('each subscriber hears the rows that row-level security lets it see', async () => {
    const [anna, bert] = [randomUUID(), randomUUID()];
    const table = { table: 'letters' };
    const toAnna = await watched(await open(version, { sub: anna }), 'letters', [table]);
    const toBert = await watched(await open(version, { sub: bert }), 'letters', [table]);
    const service = await officialClient(server.url, { version, key: SECRET_KEY });
    clients.push(service);
    const toService = await watched(service, 'letters', [table]);
    for (let id = 1; id <= 6; id += 1) {
      await sql.query('insert into letters values ($1, $2)', [id, id % 2 === 0 ? anna : bert]);
    }
    await toAnna.changes.next((change) => (change.new as { id: number }).id === 6);
    await toBert.changes.next((change) => (change.new as { id: number }).id === 5);
    await toService.changes.next((change) => (change.new as { id: number }).id === 6);
    expect([ids(toAnna), ids(toBert), ids(toService)]).toEqual([
      [2, 4, 6],
      [1, 3, 5],
      [1, 2, 3, 4, 5, 6],
    ]);
  });

  test('a new token is a new reader: rights are asked with its claims', async () => {
    const [anna, bert] = [randomUUID(), randomUUID()];
    const user = { sub: anna };
    const client = await open(version, user);
    const heard = await watched(client, 'renewed', [{ table: 'letters' }]);
    // Hers comes last: once it is told, the other one was judged, with her rights.
    await sql.query('insert into letters values (2, $2), (1, $1)', [anna, bert]);
    await heard.changes.next();

    user.sub = bert;
    await client.realtime.setAuth();
    await heard.system.next(({ message }) => message === 'Subscribed to PostgreSQL');
    await sql.query('insert into letters values (3, $1), (4, $2)', [anna, bert]);
    await heard.changes.next((change) => (change.new as { id: number }).id === 4);
    expect(ids(heard)).toEqual([1, 4]);
    expect(heard.statuses.all).toEqual([{ status: 'SUBSCRIBED' }]);
  });

  test('a DELETE is told to everybody who waits for the table, with nothing but the key', async () => {
    const stranger = await watched(await open(version, { sub: randomUUID() }), 'gone', [
      { table: 'letters' },
    ]);
    await sql.query('alter table letters replica identity full');
    await sql.query(`insert into letters values (7, $1, 'b', 's')`, [randomUUID()]);
    await sql.query('delete from letters');
    expect(await stranger.changes.next()).toMatchObject({ eventType: 'DELETE', old: { id: 7 } });
    expect(stranger.changes.all[0]?.old).toEqual({ id: 7 });
    await sql.query('alter table letters replica identity default');
  });

  test('columns that the role may not read are not told, and a grant acts at once', async () => {
    const heard = await watched(await open(version, { sub: randomUUID() }), 'columns', [{ table: 'papers' }]);
    await sql.query(`insert into papers values (1, 'b', 's')`);
    expect((await heard.changes.next()).new).toEqual({ id: 1, body: 'b' });
    await sql.query('grant select (secret) on papers to authenticated');
    await sql.query(`insert into papers values (2, 'b', 's')`);
    expect((await heard.changes.next()).new).toEqual({ id: 2, body: 'b', secret: 's' });
    await sql.query('revoke select (secret) on papers from authenticated');
    await sql.query(`insert into papers values (3, 'b', 's')`);
    expect((await heard.changes.next()).new).toEqual({ id: 3, body: 'b' });
  });

  test('nobody can select or filter a column that its role may not read', async () => {
    for (const binding of [{ select: ['secret'] }, { filter: 'secret=eq.s' }]) {
      const { system } = watch(await open(version, { sub: randomUUID() }), 'hidden', [
        { table: 'papers', ...binding },
      ]);
      expect((await system.next()).message).toMatch(/invalid column for (select|filter) secret/);
    }
  });

  test('without the right to read the key, a change is told as “401” and nothing more', async () => {
    const client = await open(version, { sub: randomUUID() });
    const { changes } = await watched(client, 'unauthorized', [{ table: 'keyless_to_me' }]);
    await sql.query(`insert into keyless_to_me values (1, 'b')`);
    expect(await changes.next()).toMatchObject({
      eventType: 'INSERT',
      new: {},
      errors: ['Error 401: Unauthorized'],
    });
  });

  test('a policy that raises hides its row with “500”, and no other row and no other reader', async () => {
    const heard = await watched(await open(version, { sub: randomUUID() }), 'raises', [{ table: 'fragile' }]);
    await sql.query('insert into fragile values (1, 1), (2, 0), (3, 2)');
    await heard.changes.next((change) => (change.new as { id?: number }).id === 3);
    expect(heard.changes.all.map(({ new: row, errors }) => [row, errors])).toEqual([
      [{ id: 1, divisor: 1 }, null],
      [{}, ['Error 500: Internal Server Error, RLS policy evaluation failed']],
      [{ id: 3, divisor: 2 }, null],
    ]);
  });

  test('row-level security that is switched on while somebody listens acts at once', async () => {
    const heard = await watched(await open(version, { sub: randomUUID() }), 'switched', [
      { table: 'papers' },
      { table: 'letters', event: 'DELETE' },
    ]);
    await sql.query(`insert into papers values (1)`);
    await sql.query(`
      alter table papers enable row level security;
      create policy "not the second" on papers for select using (id <> 2);
    `);
    await sql.query(`insert into papers values (2)`);
    await sql.query(`insert into papers values (3)`);
    await heard.changes.next((change) => (change.new as { id: number }).id === 3);
    expect(ids(heard)).toEqual([1, 3]);
    await sql.query(`
      drop policy "not the second" on papers;
      alter table papers disable row level security;
    `);
  });
});

/** Every frame, of any kind, that a user's channel is sent between the start of an act and a later change of `papers`. */
async function framesDuring(wanted: Wanted, act: (client: RawClient) => Promise<void>): Promise<Frame[]> {
  const client = await RawClient.open(server.url);
  const bindings = [
    { event: '*', schema: 'public', ...wanted },
    { event: '*', schema: 'public', table: 'papers' },
  ];
  const access_token = await signToken({ sub: randomUUID() });
  await client.join('realtime:between', { access_token, config: { postgres_changes: bindings } });
  await client.frames.next(({ payload }) => payload['message'] === 'Subscribed to PostgreSQL');
  const before = client.frames.all.length;
  await act(client);
  await sql.query(`insert into papers values (99, 'the end')`);
  const isEnd = (frame: Frame): boolean => JSON.stringify(frame).includes('the end');
  await client.frames.next(isEnd);
  client.socket.close();
  return client.frames.all.slice(before).filter((frame) => !isEnd(frame));
}

test.each([
  ['a table', { table: 'closed' }],
  ['a table without a key', { table: 'closed_heap' }],
  ['all tables', {}],
  ['a table in a schema that the role may not use', { schema: 'backstage', table: 'props' }],
  ['deletions', { table: 'closed', event: 'DELETE' }],
] satisfies [string, Wanted][])(
  'a role without select hears nothing of %s, not even that there was a change',
  async (_name, wanted) => {
    const frames = await framesDuring(wanted, async () => {
      await sql.query(`insert into closed values (1, 'a'); insert into closed_heap values ('a')`);
      await sql.query(`insert into backstage.props values (1)`);
      await sql.query(`update closed set body = 'b'; update backstage.props set id = 2`);
      await sql.query(`alter table closed replica identity full`);
      await sql.query(`delete from closed; delete from backstage.props`);
      await sql.query(`truncate closed, closed_heap`);
      await sql.query(`alter table closed replica identity default`);
    });
    expect(frames).toEqual([]);
  },
);

test('a role that loses its select hears nothing from the next change on', async () => {
  await sql.query('grant select on closed to authenticated');
  const frames = await framesDuring({ table: 'closed' }, async (client) => {
    await sql.query(`insert into closed values (1, 'heard')`);
    await client.frames.next(({ event }) => event === 'postgres_changes');
    await sql.query('revoke select on closed from authenticated');
    await sql.query(`insert into closed values (2, 'unheard')`);
    await sql.query('delete from closed');
  });
  expect(frames.map(({ payload }) => payload['data'])).toMatchObject([{ record: { id: 1, body: 'heard' } }]);
});

test('a filter on a column that the role may not read any more tells nothing about it', async () => {
  await sql.query('grant select (secret) on papers to authenticated');
  const heard = await watched(await open('2.0.0', { sub: randomUUID() }), 'oracle', [
    { table: 'papers', filter: 'secret=eq.s' },
    { table: 'papers', filter: 'body=eq.end' },
  ]);
  await sql.query(`insert into papers values (1, 'b', 's')`);
  await heard.changes.next();
  await sql.query('revoke select (secret) on papers from authenticated');
  await sql.query(`insert into papers values (2, 'b', 's'), (3, 'b', 't'), (4, 'end', 'u')`);
  await heard.changes.next((change) => (change.new as { id: number }).id === 4);
  expect(ids(heard)).toEqual([1, 4]);
});

test('where row-level security cannot be asked for want of the key, nothing is told', async () => {
  const frames = await framesDuring({ table: 'keyless_secured' }, async () => {
    await sql.query(`insert into keyless_secured values (1, gen_random_uuid(), 'b')`);
    await sql.query(`update keyless_secured set body = 'c'`);
    await sql.query(`delete from keyless_secured`);
  });
  expect(frames).toEqual([]);
});
