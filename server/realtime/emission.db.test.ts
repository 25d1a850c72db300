/** What `realtime.send` writes to PostgreSQL's log while a gateway reads it, and who may make it do so. */
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../tests/helpers/database.ts';
import { applyPlatform } from '../platform.ts';
import { readEmitted } from './emitted.ts';

const SLOT = `emission_${randomUUID().replaceAll('-', '')}`;
const API_ROLES = ['anon', 'authenticated', 'service_role'] as const;

let database: TestDatabase;
let postgres: pg.Client;

beforeAll(async () => {
  database = await createTestDatabase({ empty: true });
  postgres = await database.connect();
  await database.query(`select pg_create_logical_replication_slot($1, 'pgoutput')`, [SLOT]);
});
afterAll(async () => {
  await database.query('select pg_drop_replication_slot($1)', [SLOT]);
  await database.drop();
});
beforeEach(async () => {
  await emitted();
  await postgres.query('select realtime.set_feed(true)');
});

/** Messages that the log has and nobody has read. */
async function emitted() {
  const { rows } = await database.query<{ data: Buffer }>(
    `select data from pg_logical_slot_get_binary_changes($1, null, null, 'proto_version', '1',
       'publication_names', 'supabase_realtime_messages_publication', 'messages', 'true')
     where get_byte(data, 0) = ascii('M')`,
    [SLOT],
  );
  return rows.map(({ data }) => {
    // Kind, flags, position; then the prefix, the length and the content.
    const end = data.indexOf(0, 10);
    expect(data.toString('utf8', 10, end)).toBe('realtime');
    const { id, at, stream, broadcast } = readEmitted(data.subarray(end + 5), { commit: 0n, message: 0n });
    return { id, at, ...stream, ...broadcast, bytes: String(broadcast.bytes) };
  });
}

async function stored(topic: string): Promise<Record<string, unknown>[]> {
  const { rows } = await database.query('select * from realtime.messages where topic = $1', [topic]);
  return rows;
}

/** Runs `sql` as a user; returns the warnings. */
function warningsOf(role: 'authenticated' | 'service_role', sql: string): Promise<(string | undefined)[]> {
  return database.as({ sub: randomUUID(), role }, async (client) => {
    const warnings: (string | undefined)[] = [];
    client.on('notice', ({ message }) => warnings.push(message));
    await client.query(sql);
    return warnings;
  });
}

describe('a message', () => {
  test('is a record with its id, instead of a row', async () => {
    await postgres.query(`select realtime.send('{"n": 1.50}', 'e', 'log', false)`);
    const [message, ...more] = await emitted();
    expect(more).toEqual([]);
    expect(message).toMatchObject({ topic: 'log', event: 'e', private: false, encoding: 'json' });
    expect(message?.bytes).toBe(`{"id":"${message?.id}","n":1.50}`);
    expect(await stored('log')).toEqual([]);
  });

  test('keeps an id of its own, and a payload that is no object', async () => {
    await postgres.query(
      `select realtime.send(p, 'e', 'log') from unnest('{"{\\"id\\": 7}","[1]","null","\\"x\\\\ny\\""}'::jsonb[]) as p`,
    );
    expect((await emitted()).map(({ bytes }) => bytes)).toEqual(['{"id":7}', '[1]', 'null', '"x\\ny"']);
  });

  test('of bytes is bytes', async () => {
    await postgres.query(`select realtime.send_binary('\\x610a62', 'e', 'log')`);
    expect(await emitted()).toMatchObject([{ encoding: 'raw', bytes: 'a\nb', private: true }]);
  });

  test('has its instant in UTC and ISO form whatever the session has set, in the order of the sends', async () => {
    await postgres.query(
      `set time zone 'Pacific/Kiritimati'; set datestyle = 'German'; set extra_float_digits = 0`,
    );
    await postgres.query(`select realtime.send('{}', 'e', 'log') from generate_series(1, 20)`);
    await postgres.query(`reset time zone; reset datestyle; reset extra_float_digits`);
    const instants = (await emitted()).map(({ at }) => at);
    expect(instants).toHaveLength(20);
    expect(instants).toEqual(instants.toSorted());
    for (const at of instants) expect(Math.abs(Date.parse(`${at}Z`) - Date.now())).toBeLessThan(60_000);
  });

  test('of what is rolled back, whole or to a savepoint, there is none', async () => {
    await postgres.query(`begin; select realtime.send('{}', 'undone', 'log'); rollback`);
    await postgres.query(
      `begin; select realtime.send('{}', 'kept', 'log'); savepoint s; select realtime.send('{}', 'undone', 'log');
       rollback to s; select realtime.send('{}', 'kept too', 'log'); commit`,
    );
    expect((await emitted()).map(({ event }) => event)).toEqual(['kept', 'kept too']);
  });

  test.each([
    ['a large payload', `to_jsonb(string_agg(md5(n::text), '')) from generate_series(1, 3000) as n`, `'e'`],
    ['a payload that is null', 'null', `'e'`],
    ['an event that is null', `'{}'`, 'null'],
    ['a large event', `'{}'`, `repeat('e', 5000)`],
  ])('%s is a row, as without a feed', async (name, payload, event) => {
    await postgres.query(
      `select realtime.send(p::jsonb, (${event})::text, $1) from (select ${payload}) as x (p)`,
      [name],
    );
    expect(await emitted()).toEqual([]);
    expect(await stored(name)).toHaveLength(1);
  });

  test('without a topic is a warning, as without a feed', async () => {
    const warnings: (string | undefined)[] = [];
    const session = await database.connect();
    session.on('notice', ({ message }) => warnings.push(message));
    await session.query(`select realtime.send('{}', 'e', null)`);
    expect(warnings).toEqual([expect.stringMatching(/^WarnSendingBroadcastMessage: /)]);
    expect(await emitted()).toEqual([]);
  });

  test('with a payload that is small as stored and huge as text does no harm to the write', async () => {
    await postgres.query(
      `create table public.large as select to_jsonb(repeat(E'\\x01', 3000000)) as payload`,
    );
    const { rows } = await postgres.query<{ small: boolean }>(
      'select pg_column_size(payload) <= 65536 as small from public.large',
    );
    expect(rows).toEqual([{ small: true }]);
    await postgres.query(`select realtime.send(payload, 'e', 'huge') from public.large`);
    expect((await emitted()).map(({ bytes }) => bytes.length)).toEqual([2 + 6 * 3_000_000]);
  });
});

describe('without a feed', () => {
  test('messages are rows, from the next statement of every session on', async () => {
    const early = await database.connect();
    await early.query(`select realtime.send('{}', 'log', 'switch')`);
    await postgres.query('select realtime.set_feed(false)');
    await early.query(`select realtime.send('{}', 'row', 'switch')`);
    expect((await emitted()).map(({ event }) => event)).toEqual(['log']);
    expect((await stored('switch')).map(({ event }) => event)).toEqual(['row']);
  });

  test('the platform keeps the feed of a slot, and a database restored without its slot has none', async () => {
    const hasFeed = async () => (await database.query('select realtime.has_feed() as it')).rows[0]?.['it'];
    const restored = await createTestDatabase({ empty: true });
    await restored.query('select realtime.set_feed(true)');
    const [admin, other] = [await connectAs(database), await connectAs(restored)];
    await applyPlatform(admin, database.adminUrl);
    expect(await hasFeed()).toBe(true);
    await applyPlatform(other, restored.adminUrl);
    expect((await other.query('select realtime.has_feed() as it')).rows).toEqual([{ it: false }]);
    await Promise.all([admin.end(), other.end()]);
    await restored.drop();
  });
});

describe('rights', () => {
  const send = `select realtime.send('{}', 'forged', 'guarded')`;

  test('who is under row-level security meets the policy: refused, nothing is sent', async () => {
    for (const sql of [send, `set local row_security = off; ${send}`, send.replace('send', 'send_binary')]) {
      expect(await warningsOf('authenticated', sql)).toEqual([
        expect.stringMatching(/^WarnSendingBroadcastMessage: .*row-level security/),
      ]);
    }
    expect(await emitted()).toEqual([]);
    expect(await stored('guarded')).toEqual([]);
  });

  test('allowed, it is a row', async () => {
    await postgres.query(
      `create policy hall on realtime.messages for insert to authenticated with check (realtime.topic() = 'guarded')`,
    );
    expect(await warningsOf('authenticated', send)).toEqual([]);
    expect(await warningsOf('authenticated', send.replace('guarded', 'other'))).toHaveLength(1);
    await postgres.query('drop policy hall on realtime.messages');
    expect(await emitted()).toEqual([]);
    expect(await stored('guarded')).toHaveLength(1);
    expect(await stored('other')).toEqual([]);
  });

  test('the owner too, where row-level security is forced', async () => {
    await database.query('alter table realtime.messages force row level security');
    await database.query('set role supabase_realtime_admin');
    await database.query(send.replace('guarded', 'forced'));
    await database.query('reset role');
    await database.query('alter table realtime.messages no force row level security');
    expect(await emitted()).toEqual([]);
    expect(await stored('forced')).toEqual([]);
  });

  test('the service role, which passes the policies and may not write to the log, sends rows', async () => {
    expect(await warningsOf('service_role', send.replace('guarded', 'service'))).toEqual([]);
    expect(await emitted()).toEqual([]);
    expect(await stored('service')).toHaveLength(1);
  });

  test.each(API_ROLES)(
    '%s cannot write to the log, nor say that there is a feed, nor store',
    async (role) => {
      for (const sql of [
        `pg_logical_emit_message(true, 'realtime', 'forged')`,
        `pg_logical_emit_message(false, 'realtime', '\\x00'::bytea)`,
        `pg_logical_emit_message(true, 'realtime.stored', '')`,
        'realtime.set_feed(false)',
        `realtime.store_messages('[]', null, null)`,
      ]) {
        const call = database.as({ sub: randomUUID(), role }, (client) => client.query(`select ${sql}`));
        await expect(call).rejects.toThrow('permission denied for function');
      }
      const look = database.as({ role }, (client) => client.query('select from realtime.stored_until'));
      await expect(look).rejects.toThrow('permission denied');
      expect(await emitted()).toEqual([]);
    },
  );

  test('no role but postgres, the owner, its members and superusers can', async () => {
    const { rows } = await database.query<{ role: string }>(
      `select r.rolname as role from pg_roles as r
       where not r.rolsuper and r.rolname <> 'postgres' and not pg_has_role(r.oid, 'supabase_realtime_admin', 'usage') and exists (
         select from pg_proc as p where p.proname = 'pg_logical_emit_message'
           and has_function_privilege(r.oid, p.oid, 'execute'))`,
    );
    expect(rows).toEqual([]);
  });
});

async function connectAs({ adminUrl }: TestDatabase): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: adminUrl });
  await client.connect();
  return client;
}
