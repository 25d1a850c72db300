/** server/platform/025_realtime_messages.sql and 030_realtime.sql: what hosted Supabase's schema `realtime` promises to migrations. */
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../tests/helpers/database.ts';

let database: TestDatabase;
let postgres: pg.Client;

beforeAll(async () => {
  database = await createTestDatabase({ empty: true });
  postgres = await database.connect();
});
afterAll(async () => {
  await database.drop();
});

async function stored(topic: string): Promise<Record<string, unknown>[]> {
  const { rows } = await database.query('select * from realtime.messages where topic = $1', [topic]);
  return rows;
}

describe('as role postgres, which is no superuser', () => {
  test('policies on realtime.messages can be written and removed', async () => {
    await postgres.query('create policy p on realtime.messages for select to authenticated using (true)');
    await postgres.query('drop policy p on realtime.messages');
  });

  test('tables join and leave publication supabase_realtime', async () => {
    await postgres.query('create table public.t (id int primary key)');
    await postgres.query('alter publication supabase_realtime add table public.t');
    const { rows } = await postgres.query(
      `select tablename from pg_publication_tables where pubname = 'supabase_realtime'`,
    );
    expect(rows).toEqual([{ tablename: 't' }]);
    await postgres.query('alter publication supabase_realtime drop table public.t');
  });

  test('send stores the message with its own id in the payload', async () => {
    await postgres.query(`select realtime.send('{"n": 1}', 'e', 'topic:send')`);
    const [row] = await stored('topic:send');
    expect(row).toMatchObject({ event: 'e', private: true, extension: 'broadcast' });
    expect(row?.['payload']).toEqual({ n: 1, id: row?.['id'] });
  });

  test('send keeps an id that the payload brings', async () => {
    await postgres.query(`select realtime.send('{"id": "mine"}', 'e', 'topic:id', false)`);
    expect(await stored('topic:id')).toMatchObject([{ payload: { id: 'mine' }, private: false }]);
  });

  test('send_binary stores bytes', async () => {
    await postgres.query(`select realtime.send_binary('\\x0102', 'e', 'topic:bytes')`);
    expect(await stored('topic:bytes')).toMatchObject([{ payload: null, binary_payload: Buffer.of(1, 2) }]);
  });

  test('broadcast_changes refuses statement triggers and unknown operations', async () => {
    const call = (operation: string, level: string): Promise<unknown> =>
      postgres.query(
        `select realtime.broadcast_changes('t', 'e', $1, 't', 'public', r, r, $2) from (select 1 as id) as r`,
        [operation, level],
      );
    await expect(call('INSERT', 'STATEMENT')).rejects.toThrow('can only be triggered for each row');
    await expect(call('TRUNCATE', 'ROW')).rejects.toThrow('Unexpected operation type: TRUNCATE');
  });
});

describe('without a policy', () => {
  test('a user reads nothing, and a failed send is a warning, not an error', async () => {
    await postgres.query(`select realtime.send('{}', 'e', 'topic:closed')`);
    await database.as({ sub: randomUUID() }, async (client) => {
      const warnings: (string | undefined)[] = [];
      client.on('notice', ({ message }) => warnings.push(message));
      expect((await client.query('select from realtime.messages')).rowCount).toBe(0);
      await client.query(`select realtime.send('{}', 'e', 'topic:intruder')`);
      expect(warnings).toEqual([expect.stringMatching(/^WarnSendingBroadcastMessage: .*row-level security/)]);
    });
    expect(await stored('topic:intruder')).toEqual([]);
  });

  test('partitions cannot be read past the policies', async () => {
    const { rows } = await database.query<{ name: string }>(
      `select inhrelid::regclass::text as name from pg_inherits where inhparent = 'realtime.messages'::regclass`,
    );
    expect(rows.length).toBeGreaterThan(1);
    for (const { name } of rows) {
      const look = database.as({ sub: randomUUID() }, (client) => client.query(`select from ${name}`));
      await expect(look).rejects.toThrow('permission denied');
    }
  });

  test('nobody of the API keeps the partitions', async () => {
    const call = database.as({ role: 'service_role' }, (client) =>
      client.query('select realtime.maintain_partitions()'),
    );
    await expect(call).rejects.toThrow('permission denied');
  });
});

describe('partitions', () => {
  /** Names of the days from today, as the upkeep gives them. */
  async function days(): Promise<string[]> {
    const { rows } = await database.query<{ name: string }>(
      `select c.relname as name from pg_inherits as i join pg_class as c on c.oid = i.inhrelid
       where i.inhparent = 'realtime.messages'::regclass order by 1`,
    );
    return rows.map(({ name }) => name);
  }

  test('today and three days ahead are there, and the upkeep may run at once in many sessions', async () => {
    const before = await days();
    expect(before).toHaveLength(5);
    const sessions = await Promise.all([database.connect(), database.connect(), database.connect()]);
    await Promise.all(sessions.map((session) => session.query('select realtime.maintain_partitions()')));
    expect(await days()).toEqual(before);
  });

  test('a message of a day without partition is kept by the default one, and expires there', async () => {
    await database.query(
      `insert into realtime.messages (topic, extension, inserted_at) values ('old', 'broadcast', now() - interval '4 days'),
         ('recent', 'broadcast', now() - interval '1 day'), ('far', 'broadcast', now() + interval '5 days')`,
    );
    await database.query('select realtime.maintain_partitions(7)');
    const { rows } = await database.query('select topic from realtime.messages_default order by topic');
    expect(rows).toEqual([{ topic: 'far' }, { topic: 'recent' }]);
  });

  test('days past keeping are dropped whole', async () => {
    const before = await days();
    await database.query(`select realtime.maintain_partitions(0, interval '-2 days')`);
    const after = await days();
    expect(after.length).toBeLessThan(before.length);
    expect(after).toContain('messages_default');
    await database.query('select realtime.maintain_partitions()');
  });

  test('days are counted in UTC whatever the time zone of the session', async () => {
    const session = await database.connect();
    await session.query(`set time zone 'Pacific/Kiritimati'`);
    await session.query(`select realtime.send('{}', 'e', 'topic:utc')`);
    const { rows } = await session.query(
      `select abs(extract(epoch from inserted_at - timezone('utc', now()))) < 60 as utc
       from realtime.messages where topic = 'topic:utc'`,
    );
    expect(rows).toEqual([{ utc: true }]);
  });
});
