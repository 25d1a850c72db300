import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { inject } from 'vitest';
import { type RunningServer, startServer } from '../../server/start.ts';
import { type TestDatabase, createTestDatabase } from './database.ts';

/** Signs the access tokens of every test server. */
export const TEST_JWT_SECRET = 'a-secret-for-tests-that-is-long-enough';

export interface TestServer extends RunningServer {
  /** The database behind it; goes with the server. */
  database: TestDatabase;
  /** Directory of its secrets and `runtime.json`. */
  dataDir: string;
}

/**
 * Writes the secrets of a server that uses a test database, before its first start. Danger: all databases of a run share
 * the cluster's roles; a server that made passwords of its own would lock the others out.
 *
 * @param dataDir an existing directory
 */
export async function writeTestSecrets(dataDir: string): Promise<void> {
  const { password } = inject('cluster');
  await writeFile(
    join(dataDir, 'secrets.json'),
    JSON.stringify({
      jwtSecret: TEST_JWT_SECRET,
      publishableKey: 'sb_publishable_test',
      secretKey: 'sb_secret_test',
      databasePasswords: { supabase_admin: password, postgres: password, authenticator: password },
    }),
  );
}

/**
 * Starts the whole product in this process, on a database of its own and a port that the system chooses.
 *
 * @param options `seeds: false` for a database without demo data; `trustedProxies` and `publicChannels` as in the configuration;
 *   `database` for that of another server, with which it stays
 */
export async function startTestServer(
  options: {
    seeds?: boolean;
    trustedProxies?: readonly string[];
    publicChannels?: boolean;
    database?: TestDatabase;
  } = {},
): Promise<TestServer> {
  const database = options.database ?? (await createTestDatabase({ seeds: options.seeds ?? true }));
  const dataDir = await mkdtemp(join(tmpdir(), 'epilot-server-'));
  await writeTestSecrets(dataDir);
  const removeAll = async (): Promise<void> => {
    if (!options.database) await database.drop();
    await rm(dataDir, { recursive: true, force: true });
  };
  try {
    const server = await startServer(
      {
        host: '127.0.0.1',
        port: 0,
        dataDir,
        databaseUrl: database.adminUrl,
        logLevel: 'warn',
        trustedProxies: options.trustedProxies ?? [],
        // Asked for by hand, since the demo accounts would be open through the proxies.
        ...(options.trustedProxies ? { demo: true } : {}),
        publicChannels: options.publicChannels ?? false,
        sessionDays: { idle: 30, most: 180 },
      },
      pino({ level: 'fatal' }),
    );
    return {
      ...server,
      database,
      dataDir,
      async stop() {
        await server.stop();
        await removeAll();
      },
    };
  } catch (error) {
    await removeAll();
    throw error;
  }
}
