/** A PostgreSQL that lives as long as one script needs it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { pino } from 'pino';
import { migrate } from '../server/migrate.ts';
import { applyPlatform } from '../server/platform.ts';
import { Cluster, SUPERUSER } from '../server/postgres/cluster.ts';
import { THROWAWAY_SETTINGS } from '../server/postgres/settings.ts';

const PASSWORD = 'throwaway';

/** Runs `act` beside a fresh cluster, and takes the cluster away afterwards, whether `act` succeeded or not. */
export async function withThrowawayCluster<Result>(
  act: (cluster: Cluster) => Promise<Result>,
): Promise<Result> {
  const directory = await mkdtemp(join(tmpdir(), 'epilot-throwaway-'));
  const cluster = new Cluster({
    directory: join(directory, 'postgres'),
    logFile: join(directory, 'postgresql.log'),
    password: PASSWORD,
    logger: pino({ level: 'warn' }),
    settings: THROWAWAY_SETTINGS,
  });
  try {
    await cluster.start();
    return await act(cluster);
  } finally {
    await cluster.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

/**
 * Makes a database with the platform and the migrations.
 *
 * @param name of the database: letters, digits and underscores
 * @param migrations directory; the product's by default
 * @returns connection URLs of the superuser (`admin`) and of role `postgres`, which owns what the migrations make
 */
export async function createMigratedDatabase(
  cluster: Cluster,
  name: string,
  migrations?: string,
): Promise<{ admin: string; url: string }> {
  const admin = cluster.url(SUPERUSER, PASSWORD, name);
  const url = cluster.url('postgres', PASSWORD, name);
  await withClient(cluster.url(SUPERUSER, PASSWORD, 'postgres'), (client) =>
    client.query(`create database ${pg.escapeIdentifier(name)}`),
  );
  await withClient(admin, async (client) => {
    await applyPlatform(client, admin);
    await client.query(`alter role postgres password '${PASSWORD}'`);
  });
  await migrate(url, migrations);
  return { admin, url };
}

/** Runs `act` in a session of its own. */
export async function withClient<Result>(
  url: string,
  act: (client: pg.Client) => Promise<Result>,
): Promise<Result> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await act(client);
  } finally {
    await client.end();
  }
}
