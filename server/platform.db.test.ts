/** server/platform/*.sql: role `postgres` may do what it may on hosted Supabase, and no more. */
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeDatabase } from '../scripts/describe-database.ts';
import { createTestDatabase, type TestDatabase } from '../tests/helpers/database.ts';
import { applyPlatform } from './platform.ts';

const ADMINS = ['supabase_auth_admin', 'supabase_realtime_admin', 'supabase_storage_admin'];
const FOREIGN_TABLES = [
  'auth.users',
  'auth.sessions',
  'realtime.messages',
  'storage.objects',
  'storage.buckets',
];

let database: TestDatabase;
let postgres: pg.Client;
beforeAll(async () => {
  database = await createTestDatabase({ empty: true });
  postgres = await database.connect();
  await postgres.query(
    'create function public.noted() returns trigger language plpgsql as $$ begin return null; end $$',
  );
});
afterAll(() => database.drop());

/** The SQLSTATE that role `postgres` is refused with; `done` when it is not. Nothing is kept. */
async function outcome(sql: string): Promise<string> {
  await postgres.query('begin');
  try {
    await postgres.query(sql);
    return 'done';
  } catch (error) {
    return (error as pg.DatabaseError).code ?? String(error);
  } finally {
    await postgres.query('rollback');
  }
}

async function memberships(): Promise<unknown[]> {
  const { rows } = await postgres.query(
    `select role from unnest($1::text[]) role
     where pg_has_role('postgres', role, 'usage') or pg_has_role('postgres', role, 'set') or pg_has_role('postgres', role, 'member')`,
    [ADMINS],
  );
  return rows;
}

describe('role postgres on the tables of auth, realtime and storage', () => {
  it('is a member of none of their owners', async () => {
    expect(await memberships()).toEqual([]);
    const { rows } = await database.query(
      `select c.oid::regclass::text as name from pg_class c where c.relkind in ('r', 'p', 'S', 'v')
         and c.relnamespace in ('auth'::regnamespace, 'realtime'::regnamespace, 'storage'::regnamespace)
         and c.relowner::regrole::text <> 'supabase_' || c.relnamespace::regnamespace || '_admin'`,
    );
    expect(rows).toEqual([]);
  });

  it.each(FOREIGN_TABLES)(
    'creates, changes and drops policies, and creates and drops triggers: %s',
    async (table) => {
      for (const sql of [
        `create policy p on ${table} for select to authenticated using (true)`,
        `alter policy p on ${table} using (false)`,
        `alter policy p on ${table} rename to q`,
        `drop policy q on ${table}`,
        `create trigger t after insert on ${table} for each row execute function public.noted()`,
        `drop trigger t on ${table}`,
      ]) {
        await postgres.query(sql);
        expect([sql, await memberships()]).toEqual([sql, []]);
      }
    },
  );

  it.each(FOREIGN_TABLES)('is refused every other DDL with 42501: %s', async (table) => {
    const schema = table.slice(0, table.indexOf('.'));
    const refused: string[] = [];
    const forbidden = [
      `alter table ${table} add column extra int`,
      `alter table ${table} rename to other`,
      `alter table ${table} disable row level security`,
      `alter table ${table} force row level security`,
      `alter table ${table} disable trigger all`,
      `alter table ${table} owner to postgres`,
      `alter table ${table} set schema public`,
      `alter table ${table} replica identity full`,
      `create index on ${table} (id)`,
      `create rule r as on delete to ${table} do instead nothing`,
      `comment on table ${table} is 'ours'`,
      `comment on column ${table}.id is 'ours'`,
      `drop table ${table} cascade`,
      `create table ${schema}.ours (id int)`,
      `create view ${schema}.ours as select 1`,
      `create function ${schema}.ours() returns int return 1`,
      `create type ${schema}.ours as enum ('a')`,
      `create sequence ${schema}.ours`,
      `alter schema ${schema} rename to ours`,
      `alter schema ${schema} owner to postgres`,
      `drop schema ${schema} cascade`,
    ];
    for (const sql of forbidden) if ((await outcome(sql)) === '42501') refused.push(sql);
    expect(refused).toEqual(forbidden);
    // PostgreSQL answers a grant of what one does not have to pass on with a warning, when one has something to pass on.
    await postgres.query(`grant create on schema ${schema} to postgres`).catch(() => {});
    const { rows } = await postgres.query(`select has_schema_privilege($1, 'create') as creates`, [schema]);
    expect(rows).toEqual([{ creates: false }]);
  });

  it('cannot take their ownership: neither the roles, nor what keeps them apart', async () => {
    for (const sql of [
      ...ADMINS.flatMap((role) => [
        `set role ${role}`,
        `set session authorization ${role}`,
        `grant ${role} to postgres`,
      ]),
      'drop event trigger lend_admin_roles',
      'alter event trigger take_admin_roles_back disable',
      'drop function extensions.take_admin_roles_back() cascade',
      'create or replace function extensions.lend_admin_roles() returns event_trigger language plpgsql as $$ begin end $$',
      'create or replace function storage.protect_delete() returns trigger language plpgsql as $$ begin return null; end $$',
      'alter table storage.objects disable trigger protect_objects_delete',
      `create or replace function auth.uid() returns uuid return null::uuid`,
      `comment on function auth.uid() is 'ours'`,
    ]) {
      expect([sql, await outcome(sql)]).toEqual([sql, '42501']);
    }
  });

  it('is lent nothing beyond the one statement: not after it failed, not in the transaction that goes on', async () => {
    await postgres.query('begin');
    await postgres.query('savepoint s');
    await expect(postgres.query('create policy p on storage.objects using (no_such_column)')).rejects.toThrow(
      'no_such_column',
    );
    await postgres.query('rollback to s');
    expect(await memberships()).toEqual([]);
    await postgres.query('create policy p on storage.objects using (true)');
    expect(await memberships()).toEqual([]);
    await expect(postgres.query('alter table storage.objects add column extra int')).rejects.toMatchObject({
      code: '42501',
    });
    await postgres.query('rollback');
    const inBlock = (
      sql: string,
    ): string => `do $$ begin begin ${sql}; exception when undefined_column then null; end;
      alter table storage.objects add column extra int; end $$`;
    expect(await outcome(inBlock('create policy p on storage.objects using (no_such_column)'))).toBe('42501');
  });

  it('nobody else is lent anything', async () => {
    for (const role of ['anon', 'authenticated', 'service_role'] as const) {
      const act = database.as({ role }, (client) =>
        client.query('create policy p on storage.objects using (true)'),
      );
      await expect(act).rejects.toMatchObject({ code: '42501' });
    }
  });

  it('reads and writes their rows by grants, as on hosted Supabase', async () => {
    const { rows } = await database.query(
      `select c.oid::regclass::text as name, string_agg(v.verb, ' ' order by v.place) as verbs
       from pg_class c cross join unnest(array['select', 'insert', 'update', 'delete', 'truncate', 'references', 'trigger'])
         with ordinality v (verb, place)
       where c.oid = any ($1::regclass[]) and has_table_privilege('postgres', c.oid, v.verb) group by 1 order by 1`,
      [FOREIGN_TABLES],
    );
    const all = 'select insert update delete truncate references trigger';
    expect(rows).toEqual(FOREIGN_TABLES.toSorted().map((name) => ({ name, verbs: all })));
    const passesOn = await postgres.query(
      `select name, has_table_privilege('postgres', name, 'select with grant option') as reads,
         has_table_privilege('postgres', name, 'insert with grant option') as writes
       from unnest(array['auth.users', 'realtime.messages', 'storage.objects']) name`,
    );
    expect(passesOn.rows).toEqual([
      { name: 'auth.users', reads: true, writes: false },
      { name: 'realtime.messages', reads: false, writes: false },
      { name: 'storage.objects', reads: true, writes: true },
    ]);
  });
});

describe('rows of storage', () => {
  it.each(['postgres', 'supabase_admin'])(
    'are deleted by no SQL but the storage service’s: as %s',
    async (role) => {
      const run = (sql: string): Promise<unknown> =>
        role === 'postgres' ? postgres.query(sql) : database.query(sql);
      await run(`insert into storage.buckets (id, name) values ('b', 'b') on conflict do nothing`);
      await run(`insert into storage.objects (bucket_id, name) values ('b', 'kept') on conflict do nothing`);
      for (const table of ['objects', 'buckets']) {
        await expect(run(`delete from storage.${table} where true`)).rejects.toMatchObject({
          code: '42501',
          message: 'Direct deletion from storage tables is not allowed. Use the Storage API instead.',
        });
      }
      expect((await database.query('select from storage.objects')).rowCount).toBe(1);
      await run(
        `begin; set local storage.allow_delete_query = 'true'; delete from storage.objects; delete from storage.buckets; commit`,
      );
      expect((await database.query('select from storage.buckets')).rowCount).toBe(0);
    },
  );
});

describe('the roles of the API', () => {
  it('have the time limits of hosted Supabase', async () => {
    const { rows } = await database.query(
      `select setrole::regrole::text as role, array_to_string(setconfig, ' ') as settings from pg_db_role_setting
       where setdatabase = 0 and setrole::regrole::text in ('anon', 'authenticated', 'authenticator') order by 1`,
    );
    expect(rows).toEqual([
      { role: 'anon', settings: 'statement_timeout=3s' },
      { role: 'authenticated', settings: 'statement_timeout=8s' },
      { role: 'authenticator', settings: expect.stringContaining('statement_timeout=8s') },
    ]);
  });
});

it('the files may run at every start: the second time they change nothing', async () => {
  const admin = new pg.Client({ connectionString: database.adminUrl });
  await admin.connect();
  const first = await describeDatabase(admin);
  await applyPlatform(admin, database.adminUrl);
  const second = await describeDatabase(admin);
  await admin.end();
  expect(Object.fromEntries(second)).toEqual(Object.fromEntries(first));
});
