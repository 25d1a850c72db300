/**
 * Vitest global set-up: one embedded PostgreSQL a run, in a directory that goes with it. It holds three template
 * databases that `database.ts` clones: the platform alone, with migrations, and with demo data.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { pino } from 'pino';
import type { TestProject } from 'vitest/node';
import { migrate } from '../../server/migrate.ts';
import { applyPlatform } from '../../server/platform.ts';
import { Cluster, SUPERUSER } from '../../server/postgres/cluster.ts';
import { THROWAWAY_SETTINGS } from '../../server/postgres/settings.ts';
import { applySeeds } from '../../server/seed.ts';

/** What a test needs to reach the cluster; plain data, because it crosses into the workers. */
export interface TestCluster {
  port: number;
  password: string;
  /** Why there is no template of this name, when its SQL failed. */
  failures: Partial<Record<TemplateName, string>>;
}

export const TEMPLATES = {
  platform: 'epilot_platform',
  migrated: 'epilot_template',
  seeded: 'epilot_seeded',
} as const;
export type TemplateName = keyof typeof TEMPLATES;

declare module 'vitest' {
  interface ProvidedContext {
    cluster: TestCluster;
  }
}

const PASSWORD = 'test';

/** Starts the cluster and makes the templates; returns what takes it all away again. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const directory = await mkdtemp(join(tmpdir(), 'epilot-test-'));
  const cluster = new Cluster({
    directory: join(directory, 'postgres'),
    logFile: join(directory, 'postgresql.log'),
    password: PASSWORD,
    logger: pino({ level: 'warn' }),
    settings: THROWAWAY_SETTINGS,
  });
  const teardown = async (): Promise<void> => {
    await cluster.stop();
    await rm(directory, { recursive: true, force: true });
  };
  try {
    await cluster.start();
    project.provide('cluster', {
      port: cluster.port,
      password: PASSWORD,
      failures: await makeTemplates(cluster),
    });
  } catch (error) {
    await teardown();
    throw error;
  }
  return teardown;
}

async function makeTemplates(cluster: Cluster): Promise<TestCluster['failures']> {
  const admin = new pg.Client({ connectionString: cluster.url(SUPERUSER, PASSWORD, 'postgres') });
  await admin.connect();
  const failures: TestCluster['failures'] = {};
  try {
    await admin.query(`create database ${TEMPLATES.platform}`);
    await makePlatform(cluster.url(SUPERUSER, PASSWORD, TEMPLATES.platform));
    await admin.query(
      `alter role postgres password '${PASSWORD}'; alter role authenticator password '${PASSWORD}'`,
    );
    await derive('migrated', 'platform', (url) => migrate(url));
    await derive('seeded', 'migrated', (url) => applySeeds(url));
  } finally {
    await admin.end();
  }
  return failures;

  async function derive(name: TemplateName, from: TemplateName, fill: (url: string) => Promise<unknown>) {
    if (failures[from]) {
      failures[name] = failures[from];
      return;
    }
    await admin.query(`create database ${TEMPLATES[name]} template ${TEMPLATES[from]}`);
    // A clone keeps all rights but those on the database itself.
    await admin.query(`grant all on database ${TEMPLATES[name]} to postgres`);
    try {
      await fill(cluster.url('postgres', PASSWORD, TEMPLATES[name]));
    } catch (error) {
      // Tests of the platform alone still run; those that need this template fail with this sentence.
      failures[name] = (error as Error).message;
    }
  }
}

async function makePlatform(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await applyPlatform(client, url);
  } finally {
    await client.end();
  }
}
