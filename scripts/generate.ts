/**
 * `npm run generate`: migrates a throwaway database and writes what is derived from it, `database/types.gen.ts`
 * and `database/schema.md`. A database test fails while either differs from the migrations.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { pino } from 'pino';
import { migrate } from '../server/migrate.ts';
import { applyPlatform } from '../server/platform.ts';
import { Cluster, SUPERUSER } from '../server/postgres/cluster.ts';
import { THROWAWAY_SETTINGS } from '../server/postgres/settings.ts';
import { generateSchema } from './generate-schema.ts';
import { generateTypes } from './generate-types.ts';

const DATABASE = join(import.meta.dirname, '..', 'database');
const PASSWORD = 'generate';

const directory = await mkdtemp(join(tmpdir(), 'epilot-generate-'));
const cluster = new Cluster({
  directory: join(directory, 'postgres'),
  logFile: join(directory, 'postgresql.log'),
  password: PASSWORD,
  logger: pino({ level: 'warn' }),
  settings: THROWAWAY_SETTINGS,
});
try {
  await cluster.start();
  await generate(cluster.url(SUPERUSER, PASSWORD, 'postgres'), cluster.url('postgres', PASSWORD, 'postgres'));
} finally {
  await cluster.stop();
  await rm(directory, { recursive: true, force: true });
}

async function generate(adminUrl: string, url: string): Promise<void> {
  const admin = new pg.Client({ connectionString: adminUrl });
  await admin.connect();
  try {
    await applyPlatform(admin, adminUrl);
    await admin.query(`alter role postgres password '${PASSWORD}'`);
    await migrate(url);
    await writeFile(join(DATABASE, 'types.gen.ts'), await generateTypes(url));
    await writeFile(join(DATABASE, 'schema.md'), await generateSchema(admin));
  } finally {
    await admin.end();
  }
}
