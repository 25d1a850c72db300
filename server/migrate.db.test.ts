import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type TestDatabase, createTestDatabase } from '../tests/helpers/database.ts';
import { MIGRATIONS_DIRECTORY, migrate, readMigrations } from './migrate.ts';

let database: TestDatabase;
let directory: string;

beforeEach(async () => {
  database = await createTestDatabase({ empty: true });
  directory = await mkdtemp(join(tmpdir(), 'epilot-migrations-'));
});
afterEach(async () => {
  await database.drop();
  await rm(directory, { recursive: true });
});

async function write(files: Record<string, string>): Promise<void> {
  for (const [name, sql] of Object.entries(files)) await writeFile(join(directory, name), sql);
}

async function ledger(): Promise<unknown[]> {
  const { rows } = await database.query(
    'select version, name, statements from supabase_migrations.schema_migrations order by version',
  );
  return rows;
}

async function count(sql: string): Promise<number> {
  return (await database.query<{ n: number }>(`select count(*)::int as n from ${sql}`)).rows[0]?.n ?? -1;
}

const ONE = `create table public.notes (id int primary key);`;
const TWO = `insert into public.notes values (1), (2);`;

describe('migrations', () => {
  it('run in order, once, and are written into the ledger as the Supabase CLI does', async () => {
    await write({
      '002_rows.sql': TWO,
      '001_table.sql': ONE,
      'README.md': 'no migration',
      'draft.sql': 'nor this',
    });
    expect(await migrate(database.url, directory)).toEqual(['001', '002']);
    expect(await migrate(database.url, directory)).toEqual([]);
    expect(await ledger()).toEqual([
      { version: '001', name: 'table', statements: [ONE] },
      { version: '002', name: 'rows', statements: [TWO] },
    ]);
    expect(await count('public.notes')).toBe(2);
  });

  it('may be absent', async () => {
    expect(await migrate(database.url, join(directory, 'nowhere'))).toEqual([]);
  });

  it('run by several starters at once are applied once', async () => {
    await write({ '001_table.sql': `select pg_sleep(0.05); ${ONE}`, '002_rows.sql': TWO });
    const applied = await Promise.all(Array.from({ length: 5 }, () => migrate(database.url, directory)));
    expect(applied.toSorted((a, b) => b.length - a.length)).toEqual([['001', '002'], [], [], [], []]);
    expect(await count('public.notes')).toBe(2);
  });

  it('that were pushed by the Supabase CLI are not run again', async () => {
    await write({ '001_table.sql': ONE, '002_rows.sql': `create table public.second (id int);` });
    const session = await database.connect();
    await session.query(`
      ${ONE}
      create schema if not exists supabase_migrations;
      create table if not exists supabase_migrations.schema_migrations
        (version text not null primary key, statements text[], name text);
      insert into supabase_migrations.schema_migrations (version, name) values ('001', 'table')`);
    expect(await migrate(database.url, directory)).toEqual(['002']);
  });

  it('that fail leave nothing of their file, keep the earlier ones, and name the file and the line', async () => {
    await write({ '001_table.sql': ONE, '002_rows.sql': `${TWO}\n\ninsert into public.nowhere values (1);` });
    await expect(migrate(database.url, directory)).rejects.toMatchObject({
      code: 'migration_failed',
      message: 'database/migrations/002_rows.sql failed: relation "public.nowhere" does not exist (line 3).',
    });
    expect(await ledger()).toHaveLength(1);
    expect(await count('public.notes')).toBe(0);

    await write({ '002_rows.sql': TWO });
    expect(await migrate(database.url, directory)).toEqual(['002']);
  });

  it('refuse a database that knows more than the code, and change nothing', async () => {
    await write({ '001_table.sql': ONE, '002_rows.sql': TWO });
    await migrate(database.url, directory);
    await rm(join(directory, '002_rows.sql'));
    await write({ '003_third.sql': 'create table public.third (id int);' });
    await expect(migrate(database.url, directory)).rejects.toMatchObject({
      code: 'database_newer',
      message: 'The database has migrations that this version of E-Pilot does not know (002).',
    });
    expect(await count(`pg_tables where tablename = 'third'`)).toBe(0);
  });

  it('refuse a database that an older text of theirs made, and change nothing', async () => {
    await write({ '001_table.sql': ONE, '002_rows.sql': TWO });
    await migrate(database.url, directory);
    const before = await ledger();
    await write({
      '001_table.sql': `create table public.notes (id bigint primary key);`,
      '003_third.sql': 'create table public.third (id int);',
    });
    await expect(migrate(database.url, directory)).rejects.toMatchObject({
      code: 'migration_changed',
      message: 'The database was made by another text of database/migrations/001_table.sql.',
      remedy: expect.stringContaining('EPILOT_DATA_DIR'),
    });
    expect(await ledger()).toEqual(before);
    expect(await count(`pg_tables where tablename = 'third'`)).toBe(0);
  });

  it('say that their text changed before they say that a later one is unknown', async () => {
    await write({ '001_table.sql': ONE, '002_rows.sql': TWO });
    await migrate(database.url, directory);
    await rm(join(directory, '002_rows.sql'));
    await write({ '001_table.sql': `${ONE} ${TWO}` });
    await expect(migrate(database.url, directory)).rejects.toMatchObject({ code: 'migration_changed' });
  });

  it('may change in what PostgreSQL does not keep: comments and white space outside of bodies', async () => {
    const body = (comment: string): string =>
      `create function public.f() returns int language sql as $$ select 1 ${comment} $$;`;
    await write({ '001_table.sql': `${ONE}\ncomment on table public.notes is 'a -- b';\n${body('-- one')}` });
    await migrate(database.url, directory);
    const text = `-- Said otherwise /* now */.\ncreate  table public.notes(\n  id int /* a /* nested */ one */ primary key\n);`;
    await write({ '001_table.sql': `${text} comment on table public.notes is 'a -- b'; ${body('-- one')}` });
    expect(await migrate(database.url, directory)).toEqual([]);
    for (const changed of [
      `${text} comment on table public.notes is 'a -- c'; ${body('-- one')}`,
      `${text} comment on table public.notes is 'a -- b'; ${body('-- two')}`,
      `${text} ${body('-- one')}`,
    ]) {
      await write({ '001_table.sql': changed });
      await expect(migrate(database.url, directory)).rejects.toMatchObject({ code: 'migration_changed' });
    }
  });

  it('that the Supabase CLI pushed are compared too: it keeps each statement by itself', async () => {
    const sql = `-- First.\n${ONE}\n\n${TWO}\n`;
    await write({ '001_table.sql': sql });
    const session = await database.connect();
    await session.query(`create table if not exists supabase_migrations.schema_migrations
      (version text not null primary key, statements text[], name text)`);
    const push = (statements: string[]): Promise<unknown> =>
      session.query(
        `insert into supabase_migrations.schema_migrations values ('001', $1, 'table')
         on conflict (version) do update set statements = excluded.statements`,
        [statements],
      );
    await push([`-- First.\n${ONE.slice(0, -1)}`, TWO.slice(0, -1)]);
    expect(await migrate(database.url, directory)).toEqual([]);
    await push([ONE.slice(0, -1)]);
    await expect(migrate(database.url, directory)).rejects.toMatchObject({ code: 'migration_changed' });
  });

  it('leave no setting of theirs to the next one', async () => {
    await write({
      '001_setting.sql': `set search_path = pg_catalog;`,
      '002_table.sql': `create table notes (id int);`,
    });
    await migrate(database.url, directory);
    expect(await count(`pg_tables where schemaname = 'public' and tablename = 'notes'`)).toBe(1);
  });
});

describe('the migrations of the product', () => {
  it('are numbered without a gap', async () => {
    const versions = (await readMigrations(MIGRATIONS_DIRECTORY)).map(({ version }) => version);
    expect(versions.length).toBeGreaterThan(0);
    expect(versions).toEqual(versions.map((_, index) => String(index + 1).padStart(3, '0')));
  });

  it('run as a role that is no superuser and has the rights of Supabase’s postgres', async () => {
    const { rows } = await database.query(
      `select rolsuper, rolcreatedb, rolcreaterole, rolcanlogin, rolreplication, rolbypassrls
       from pg_roles where rolname = 'postgres'`,
    );
    expect(rows).toEqual([
      {
        rolsuper: false,
        rolcreatedb: true,
        rolcreaterole: true,
        rolcanlogin: true,
        rolreplication: true,
        rolbypassrls: true,
      },
    ]);
    const versions = (await readMigrations(MIGRATIONS_DIRECTORY)).map(({ version }) => version);
    expect(await migrate(database.url)).toEqual(versions);
  });

  it('find the default privileges that hosted Supabase has', async () => {
    const session = await database.connect();
    await session.query(`create table public.probe (id int); create function public.probe() returns int
      language sql as 'select 1'`);
    const { rows } = await database.query(`
      select has_table_privilege('anon', 'public.probe', 'insert') as anon_writes,
        has_function_privilege('authenticated', 'public.probe()', 'execute') as user_executes`);
    expect(rows[0]).toEqual({ anon_writes: true, user_executes: true });
  });
});
