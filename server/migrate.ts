import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { ServerError } from './errors.ts';
import { isSameMigration } from './migration-text.ts';

/** Where the product's migrations stand. */
export const MIGRATIONS_DIRECTORY = join(import.meta.dirname, '..', 'database', 'migrations');

/** Key of the advisory lock that makes concurrent starters migrate one after the other; any constant does. */
const LOCK_KEY = 7_305_480_012;

export interface Migration {
  /** The leading number of the file name, the ledger's key. */
  version: string;
  name: string;
  sql: string;
}

/**
 * Brings a database to the newest migration. The ledger is the Supabase CLI's, so that `supabase db push` and
 * this runner agree on what has been applied. It keeps the text of each: a database that another text made is refused as it is.
 *
 * @param url connection URL of role `postgres`, which is not a superuser
 * @param directory the migrations; the product's by default
 * @returns the versions applied by this call
 * @throws ServerError `migration_changed` when a migration that the database has was changed since; `database_newer` when the
 *   database knows a migration that the code does not;
 *   `migration_failed` naming the file, of which nothing is kept
 */
export async function migrate(url: string, directory: string = MIGRATIONS_DIRECTORY): Promise<string[]> {
  const migrations = await readMigrations(directory);
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query('select pg_advisory_lock($1)', [LOCK_KEY]);
    const applied = await readLedger(client);
    refuseChanged(applied, migrations);
    refuseNewer([...applied.keys()], migrations);
    const pending = migrations.filter(({ version }) => !applied.has(version));
    for (const migration of pending) await applyMigration(client, migration);
    return pending.map(({ version }) => version);
  } finally {
    // Ending the session gives the lock back.
    await client.end();
  }
}

/** Reads the migrations of a directory in order; files of other names are no migrations. */
export async function readMigrations(directory: string): Promise<Migration[]> {
  const names = await readdir(directory).catch((): string[] => []);
  const matches = names.sort().flatMap((file) => {
    const match = /^(\d+)_(\w+)\.sql$/.exec(file);
    return match?.[1] && match[2] ? [{ file, version: match[1], name: match[2] }] : [];
  });
  return Promise.all(
    matches.map(async ({ file, ...rest }) => ({
      ...rest,
      sql: await readFile(join(directory, file), 'utf8'),
    })),
  );
}

/** The statements of each migration that was applied; null where somebody only noted that it was. */
type Ledger = ReadonlyMap<string, string[] | null>;

async function readLedger(client: pg.Client): Promise<Ledger> {
  await client.query(`
    create schema if not exists supabase_migrations;
    create table if not exists supabase_migrations.schema_migrations (
      version text not null primary key,
      statements text[],
      name text
    )`);
  const { rows } = await client.query<{ version: string; statements: string[] | null }>(
    'select version, statements from supabase_migrations.schema_migrations order by version',
  );
  return new Map(rows.map(({ version, statements }) => [version, statements]));
}

function refuseChanged(applied: Ledger, migrations: Migration[]): void {
  for (const { version, name, sql } of migrations) {
    const statements = applied.get(version);
    if (!statements || isSameMigration(statements, sql)) continue;
    throw new ServerError(
      'migration_changed',
      `The database was made by another text of database/migrations/${version}_${name}.sql.`,
      'Start the version of E-Pilot that made it; or, to begin with an empty database, move the data directory away or point ' +
        'EPILOT_DATA_DIR (or DATABASE_URL) at another place.',
    );
  }
}

function refuseNewer(applied: string[], migrations: Migration[]): void {
  const unknown = applied.filter((version) => !migrations.some((migration) => migration.version === version));
  if (unknown.length === 0) return;
  throw new ServerError(
    'database_newer',
    `The database has migrations that this version of E-Pilot does not know (${unknown.join(', ')}).`,
    'Start the version of E-Pilot that wrote it, or restore an older copy of the database.',
  );
}

async function applyMigration(client: pg.Client, { version, name, sql }: Migration): Promise<void> {
  try {
    await client.query('begin');
    await client.query(sql);
    await client.query(
      'insert into supabase_migrations.schema_migrations (version, name, statements) values ($1, $2, $3)',
      [version, name, [sql]],
    );
    await client.query('commit');
  } catch (cause) {
    await client.query('rollback');
    throw new ServerError(
      'migration_failed',
      `database/migrations/${version}_${name}.sql failed: ${describe(cause, sql)}.`,
      'Nothing of that file was kept; mend it, then start again.',
      cause,
    );
  } finally {
    // A migration that sets its session must not change how the next one runs.
    await client.query('reset all; reset role');
  }
}

function describe(cause: unknown, sql: string): string {
  const { message, position } = cause as { message: string; position?: string };
  return position ? `${message} (line ${sql.slice(0, Number(position)).split('\n').length})` : message;
}
