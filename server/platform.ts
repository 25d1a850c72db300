import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type pg from 'pg';
import { ServerError } from './errors.ts';
import { createSystemSchema } from './supabase-lite.ts';

const DIRECTORY = join(import.meta.dirname, 'platform');
const OLDEST_POSTGRES = 150_000;

/** Key of the advisory lock that makes concurrent starters take turns; any constant does. */
const LOCK_KEY = 7_305_480_011;

/**
 * Gives a database what hosted Supabase already has (roles, `auth`, `realtime`, `storage`), from
 * `server/platform/*.sql` in the order of their names. Does nothing on Supabase itself. May be run again.
 *
 * @param admin session of a superuser
 * @param adminUrl connection URL of the same
 * @throws ServerError `database_unsuitable` when the database cannot carry the product
 */
export async function applyPlatform(admin: pg.Client, adminUrl: string): Promise<void> {
  if (await isSupabase(admin)) return;
  await requireSuitable(admin);
  await admin.query('select pg_advisory_lock($1)', [LOCK_KEY]);
  try {
    const [roles, ...rest] = await platformFiles();
    if (roles) await applyFile(admin, roles);
    await createSystemSchema(adminUrl);
    for (const file of rest) await applyFile(admin, file);
  } finally {
    await admin.query('select pg_advisory_unlock($1)', [LOCK_KEY]);
  }
}

async function platformFiles(): Promise<string[]> {
  return (await readdir(DIRECTORY)).filter((name) => /^\d{3}_\w+\.sql$/.test(name)).sort();
}

async function applyFile(client: pg.Client, name: string): Promise<void> {
  try {
    // One query of many statements is one transaction.
    await client.query(await readFile(join(DIRECTORY, name), 'utf8'));
  } catch (cause) {
    throw new ServerError(
      'migration_failed',
      `server/platform/${name} failed: ${(cause as Error).message}.`,
      'Nothing of that file was kept; mend it, then start again.',
      cause,
    );
  }
}

/** Hosted and self-hosted Supabase keep the ledger of their own auth migrations in this table. */
async function isSupabase(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ there: boolean }>(
    `select to_regclass('auth.schema_migrations') is not null as there`,
  );
  return rows[0]?.there === true;
}

async function requireSuitable(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ version: string; wal_level: string; superuser: boolean }>(`
    select current_setting('server_version_num') as version, current_setting('wal_level') as wal_level,
      (select rolsuper from pg_catalog.pg_roles where rolname = current_user) as superuser`);
  const found = rows[0];
  if (!found || Number(found.version) < OLDEST_POSTGRES) {
    throw new ServerError(
      'database_unsuitable',
      'This PostgreSQL is older than version 15.',
      'Point DATABASE_URL at PostgreSQL 15 or newer.',
    );
  }
  if (found.wal_level !== 'logical') {
    throw new ServerError(
      'database_unsuitable',
      `This PostgreSQL runs with wal_level=${found.wal_level}, so changes cannot be followed.`,
      'Set wal_level = logical in its configuration and restart it.',
    );
  }
  if (!found.superuser) {
    throw new ServerError(
      'database_unsuitable',
      'The role of DATABASE_URL is not a superuser, so the roles and schemas of Supabase cannot be made.',
      'Use a superuser in DATABASE_URL; the server itself serves with lesser roles.',
    );
  }
}
