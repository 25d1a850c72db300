import { existsSync, writeFileSync } from 'node:fs';
import pg from 'pg';
import type { Logger } from 'pino';
import type { Config } from './config.ts';
import { withOptions } from './connection-url.ts';
import type { DataDirectory } from './data-directory.ts';
import { ServerError, errorCode } from './errors.ts';
import { migrate } from './migrate.ts';
import { applyPlatform } from './platform.ts';
import { Cluster, SUPERUSER } from './postgres/cluster.ts';
import type { Secrets } from './secrets.ts';
import { applySeeds } from './seed.ts';

const DATABASE = 'postgres';

/** A database that has the platform and every migration, and the roles to reach it with. */
export interface Database {
  /** Role `postgres`, which owns the product's tables and may replicate; on one's own PostgreSQL, `DATABASE_URL` acting as it. */
  ownerUrl: string;
  /** Login role of the API: may become `anon`, `authenticated` and `service_role`, and no more. */
  apiUrl: string;
  /** Whether accounts with the published demo password exist. */
  demo: boolean;
  /** The newest migration. */
  migration: string;
  close(): Promise<void>;
}

/**
 * Starts the embedded PostgreSQL, or reaches one's own, and brings it up to date.
 *
 * @throws ServerError for everything that a person can mend
 */
export async function openDatabase(
  config: Config,
  secrets: Secrets,
  directory: DataDirectory,
  logger: Logger,
): Promise<Database> {
  if (config.databaseUrl !== undefined) {
    const apiUrl = asRole(config.databaseUrl, 'authenticator', secrets.databasePasswords.authenticator);
    // Made by the platform where it is missing; nobody's password is touched to act as it.
    const ownerUrl = withOptions(config.databaseUrl, '-c role=postgres');
    return prepare({
      adminUrl: config.databaseUrl,
      migrationUrl: ownerUrl,
      ownerUrl,
      apiUrl,
      logins: [apiUrl],
      seed: config.demo === true,
      demoStudents: config.demoStudents,
      close: async () => {},
    });
  }

  const passwords = secrets.databasePasswords;
  const cluster = new Cluster({
    directory: directory.path('postgres'),
    logFile: directory.path('postgresql.log'),
    password: passwords.supabase_admin,
    logger,
  });
  // Written once a first start has come to its end: one that was killed half-way is still a first start.
  const complete = directory.path('initialised');
  const firstStart = !existsSync(complete);
  try {
    await cluster.start();
    const ownerUrl = cluster.url('postgres', passwords.postgres, DATABASE);
    const apiUrl = cluster.url('authenticator', passwords.authenticator, DATABASE);
    const database = await prepare({
      adminUrl: cluster.url(SUPERUSER, passwords.supabase_admin, DATABASE),
      migrationUrl: ownerUrl,
      ownerUrl,
      apiUrl,
      logins: [ownerUrl, apiUrl],
      seed: config.demo ?? firstStart,
      demoStudents: config.demoStudents,
      close: () => cluster.stop(),
    });
    writeFileSync(complete, '');
    return database;
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}

interface Preparation {
  /** Superuser. */
  adminUrl: string;
  /** Role `postgres`, no superuser. */
  migrationUrl: string;
  ownerUrl: string;
  apiUrl: string;
  /** Connection URLs whose role is to have the password in them. */
  logins: readonly string[];
  seed: boolean;
  demoStudents: number | undefined;
  close(): Promise<void>;
}

async function prepare(preparation: Preparation): Promise<Database> {
  const { adminUrl, migrationUrl, ownerUrl, apiUrl, logins, seed } = preparation;
  const admin = await connectAsAdmin(adminUrl);
  try {
    await applyPlatform(admin, adminUrl);
    for (const url of logins) await ensureLogin(admin, url);
    await migrate(migrationUrl);
    if (seed) await applySeeds(migrationUrl, preparation.demoStudents);
    const { rows } = await admin.query<{ demo: boolean; migration: string | null }>(`
      select exists (select from auth.users where email like '%.demo') as demo,
        (select max(version) from supabase_migrations.schema_migrations) as migration`);
    return {
      ownerUrl,
      apiUrl,
      demo: rows[0]?.demo === true,
      migration: rows[0]?.migration ?? '',
      close: () => preparation.close(),
    };
  } finally {
    await admin.end();
  }
}

/** Gives a role its password, unless it already logs in with it: servers that share a cluster share its roles. */
async function ensureLogin(admin: pg.Client, url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  try {
    await client.connect();
    await client.end();
  } catch (error) {
    if (errorCode(error) !== '28P01') throw error;
    const { username, password } = new URL(url);
    const literal = pg.escapeLiteral(decodeURIComponent(password));
    await admin.query(`alter role ${pg.escapeIdentifier(username)} password ${literal}`);
  }
}

async function connectAsAdmin(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  try {
    await client.connect();
    return client;
  } catch (cause) {
    const { hostname, port } = new URL(url);
    const refused = errorCode(cause) === '28P01' || errorCode(cause) === '28000';
    throw new ServerError(
      'database_unreachable',
      refused
        ? `PostgreSQL at ${hostname}:${port || 5432} refuses the user or the password.`
        : `PostgreSQL at ${hostname}:${port || 5432} cannot be reached: ${(cause as Error).message}.`,
      refused
        ? 'Correct DATABASE_URL; for the embedded database, restore secrets.json as it was when the data was made.'
        : 'Start it or correct DATABASE_URL, then start again.',
      cause,
    );
  }
}

function asRole(url: string, role: string, password: string): string {
  const changed = new URL(url);
  changed.username = role;
  changed.password = encodeURIComponent(password);
  return changed.href;
}
