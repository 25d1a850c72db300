/** A PostgreSQL of the benchmark's own, with the settings the product runs with: every commit reaches the disk. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { pino } from 'pino';
import { migrate } from '../server/migrate.ts';
import { applyPlatform } from '../server/platform.ts';
import { Cluster, SUPERUSER } from '../server/postgres/cluster.ts';
import { applySeeds } from '../server/seed.ts';

const PASSWORD = 'bench';

export interface BenchPostgres extends AsyncDisposable {
  /** Connection URL of the superuser. */
  url(database: string): string;
  /** Makes a database with every migration, and demo data if asked. */
  create(database: string, options?: { seeds?: boolean }): Promise<void>;
  /** Copies a database that nobody is connected to. */
  clone(from: string, to: string): Promise<void>;
  /** A superuser's session; ended with the cluster. */
  connect(database: string): Promise<pg.Client>;
}

/**
 * Starts a cluster in a directory that goes with it.
 *
 * @param settings beside those that the product runs with
 */
export async function startPostgres(settings: Readonly<Record<string, string>> = {}): Promise<BenchPostgres> {
  const directory = await mkdtemp(join(tmpdir(), 'epilot-bench-'));
  const cluster = new Cluster({
    directory: join(directory, 'postgres'),
    logFile: join(directory, 'postgresql.log'),
    password: PASSWORD,
    logger: pino({ level: 'warn' }),
    settings: { shared_preload_libraries: 'pg_stat_statements', ...settings },
  });
  const clients = new Set<pg.Client>();
  const url = (database: string): string => cluster.url(SUPERUSER, PASSWORD, database);

  async function connect(database: string): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: url(database) });
    await client.connect();
    clients.add(client);
    return client;
  }

  async function within(database: string, act: (client: pg.Client) => Promise<unknown>): Promise<void> {
    const client = await connect(database);
    try {
      await act(client);
    } finally {
      clients.delete(client);
      await client.end();
    }
  }

  async function stop(): Promise<void> {
    await Promise.all([...clients].map((client) => client.end()));
    await cluster.stop();
    await rm(directory, { recursive: true, force: true });
  }

  try {
    await cluster.start();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    url,
    connect,
    async create(database, { seeds = false } = {}) {
      await within('postgres', (client) => client.query(`create database ${database}`));
      await within(database, async (client) => {
        await applyPlatform(client, url(database));
        await client.query(`alter role postgres password '${PASSWORD}'`);
        await client.query(`grant all on database ${database} to postgres`);
      });
      const owner = cluster.url('postgres', PASSWORD, database);
      await migrate(owner);
      if (seeds) await applySeeds(owner);
    },
    async clone(from, to) {
      await within('postgres', (client) =>
        client.query(`create database ${to} template ${from} strategy file_copy`),
      );
    },
    [Symbol.asyncDispose]: stop,
  };
}
