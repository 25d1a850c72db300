import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { Registry } from 'prom-client';
import { createAuthService } from './auth/service.ts';
import { type Config, isExposed, isLoopback } from './config.ts';
import { openDataDirectory } from './data-directory.ts';
import { openDatabase } from './database.ts';
import { EndedSessions } from './ended-sessions.ts';
import { ServerError } from './errors.ts';
import { createHttpApp } from './http/app.ts';
import { Arrivals } from './http/arrivals.ts';
import { Listener, probeAddress } from './http/listener.ts';
import { createNetworkReader } from './http/trusted-proxies.ts';
import { createUpgradeHandler } from './http/upgrade.ts';
import { startJobs } from './jobs.ts';
import { DatabaseMonitor } from './monitor.ts';
import { createRealtimeVerifier } from './realtime-tokens.ts';
import { createRealtimeGateway } from './realtime/gateway.ts';
import { loadSecrets } from './secrets.ts';
import { createSupabaseApi } from './supabase-lite.ts';
import { createAddressSigner } from './storage/signed-addresses.ts';
import { openFileStorage } from './storage/file-adapter.ts';
import { createTokenVerifier } from './tokens.ts';

/**
 * Our clients push nothing but joins and heartbeats, since only the database writes to our topics: smaller frames than those of
 * Supabase, so that what an account can leave half sent in 200 sockets is small too.
 */
const PRIVATE_LIMITS = { frameBytes: 262_144, payloadBytes: 262_144 };

const DAY_MS = 86_400_000;
const DIST = join(import.meta.dirname, '..', 'dist');

export interface RunningServer {
  /** Origin under which the product answers, such as `http://127.0.0.1:54321`. */
  url: string;
  publishableKey: string;
  secretKey: string;
  /** Role that owns the product's tables. */
  databaseUrl: string;
  /** Whether the demo accounts exist. */
  demo: boolean;
  /** Stops accepting, closes the sockets so that clients reconnect, then stops PostgreSQL cleanly. */
  stop(): Promise<void>;
}

/**
 * Starts the whole product: database, REST, sign-in, realtime, schedule, web app. What was started is stopped
 * again when a later part fails.
 *
 * @param metrics what `/metrics` tells, with what the caller counts itself
 * @throws ServerError with a sentence and a remedy for everything that a person can mend
 */
export async function startServer(
  config: Config,
  logger: Logger,
  metrics = new Registry(),
): Promise<RunningServer> {
  const stack = new AsyncDisposableStack();
  try {
    const directory = openDataDirectory(config.dataDir);
    stack.defer(() => directory.release());
    refuseDefaultDemo(config, existsSync(directory.path('initialised')));
    const secrets = loadSecrets(directory.path('secrets.json'));
    const keys = { publishableKey: secrets.publishableKey, secretKey: secrets.secretKey };
    await probeAddress(config);

    const database = await openDatabase(config, secrets, directory, logger);
    stack.defer(() => database.close());
    if (database.demo) refuseExposedDemo(config);

    const monitor = new DatabaseMonitor(database.ownerUrl, logger);
    await monitor.start();
    stack.defer(() => monitor.close());

    const verifySignature = createTokenVerifier(secrets.jwtSecret);
    const ended = new EndedSessions();
    const verifyToken = ended.refuse(verifySignature);
    monitor.on('access', ({ session }) => {
      if (session !== undefined) ended.add(session);
    });
    const files = openFileStorage(directory.path('storage'));
    const api = createSupabaseApi({
      databaseUrl: database.apiUrl,
      schemaUrl: database.ownerUrl,
      jwtSecret: secrets.jwtSecret,
      verifyToken,
      objects: files,
      ...keys,
    });
    stack.defer(() => api.close());
    monitor.on('schema', () => api.reloadSchema());

    const { idle, most } = config.sessionDays;
    const auth = createAuthService({
      databaseUrl: database.apiUrl,
      jwtSecret: secrets.jwtSecret,
      verifyToken: verifySignature,
      life: { idleMs: idle * DAY_MS, absoluteMs: most * DAY_MS },
      logger,
    });
    stack.defer(() => auth.close());

    const jobs = startJobs(database.ownerUrl, files, logger);
    stack.defer(() => jobs.stop());

    const listener = new Listener();
    stack.defer(() => listener.drain());

    const networkOf = createNetworkReader(config.trustedProxies);
    const gateway = await createRealtimeGateway({
      databaseUrl: database.ownerUrl,
      verifyToken: createRealtimeVerifier(verifyToken),
      publishableKeys: [keys.publishableKey],
      secretKeys: [keys.secretKey],
      logger,
      metrics,
      publicChannels: config.publicChannels,
      networkOf,
      limits: config.publicChannels ? {} : PRIVATE_LIMITS,
    });
    stack.defer(() => gateway.close());
    monitor.on('access', (change) => gateway.recheck(change));

    const loopback = isLoopback(config.host);
    const app = createHttpApp({
      api,
      verifyToken,
      auth,
      addresses: createAddressSigner(secrets.jwtSecret),
      gateway,
      monitor,
      metrics,
      logger,
      files,
      loopback,
      trustedProxies: config.trustedProxies,
      demo: database.demo,
      migration: database.migration,
      dist: DIST,
      ...keys,
    });
    // Stopping runs from here upwards: no new request, then the sockets, then the requests in progress, and
    // the database last.
    stack.defer(() => listener.stopAccepting());
    const url = await listener.listen(config, {
      arrivals: new Arrivals({
        knowsToken: verifySignature.knows,
        isCrowded: () => gateway.isCrowded(),
        networkOf,
        now: Date.now,
      }),
      fetch: app.fetch,
      upgrade: createUpgradeHandler(gateway, loopback),
    });
    void api.openSessions();
    const reach = { url, ...keys, databaseUrl: database.ownerUrl };
    directory.publishRuntime({ ...reach, pid: process.pid });
    let stopped: Promise<void> | undefined;
    return { ...reach, demo: database.demo, stop: () => (stopped ??= stack.disposeAsync()) };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

/** A first start makes demo accounts unless told otherwise: it must not make them for the whole network. */
function refuseDefaultDemo(config: Config, initialised: boolean): void {
  if (config.databaseUrl === undefined && config.demo === undefined && !initialised)
    refuseExposedDemo(config);
}

function refuseExposedDemo(config: Config): void {
  if (!isExposed(config) || config.demo === true) return;
  const local = isLoopback(config.host);
  const door = local ? `the proxies ${config.trustedProxies.join(', ')}` : config.host;
  throw new ServerError(
    'host_refused',
    `Demo accounts with a published password would be open to everyone who can reach ${door}.`,
    `${local ? 'Unset EPILOT_TRUSTED_PROXIES' : 'Listen on 127.0.0.1'}, or set EPILOT_DEMO=0 for a new database without ` +
      'them, or EPILOT_DEMO=1 to accept it.',
  );
}
