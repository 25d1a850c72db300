import { Hono } from 'hono';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import { createAuthRoutes } from '../auth/routes.ts';
import type { AuthService } from '../auth/service.ts';
import type { DatabaseMonitor } from '../monitor.ts';
import type { Gateway } from '../realtime/options.ts';
import { createRestDoor } from '../api/door.ts';
import type { FileStorage } from '../storage/file-adapter.ts';
import { createStorageRoutes } from '../storage/routes.ts';
import type { AddressSigner } from '../storage/signed-addresses.ts';
import type { SupabaseApi } from '../supabase-lite.ts';
import type { VerifyToken } from '../tokens.ts';
import { databaseGuard } from './availability.ts';
import { limitBody } from './body-limit.ts';
import { allowOtherOrigins } from './cross-origin.ts';
import { answerHealth } from './health.ts';
import { answerMetrics, measureRequests } from './metrics.ts';
import { refusal } from './refusal.ts';
import { hostGuard, limitMethods, refuseNul, securityHeaders } from './security.ts';
import { createStaticHandler } from './static.ts';
import { createClientReader } from './trusted-proxies.ts';
import { createBearerReader } from './turns.ts';

const MEBIBYTE = 1_048_576;
const LARGEST_AUTH_BODY = MEBIBYTE / 16;
const LARGEST_BROADCAST = 3 * MEBIBYTE;

const API_PATHS = ['/rest/v1/*', '/auth/v1/*', '/storage/v1/*', '/realtime/v1/api/*', '/functions/v1/*'];

export interface HttpAppOptions {
  api: Pick<SupabaseApi, 'fetch' | 'fetchStorage' | 'lostSessions' | 'relations'>;
  auth: AuthService;
  addresses: AddressSigner;
  gateway: Pick<Gateway, 'fetch' | 'health'>;
  monitor: Pick<DatabaseMonitor, 'available' | 'outages' | 'check'>;
  metrics: Registry;
  logger: Logger;
  /** The bytes of stored objects. */
  files: Pick<FileStorage, 'deleteObject'>;
  /** Verifies access tokens, as REST and realtime do. */
  verifyToken: VerifyToken;
  publishableKey: string;
  secretKey: string;
  /** Whether the server listens on this machine alone. */
  loopback: boolean;
  /** Reverse proxies whose `X-Forwarded-*` headers count: addresses and networks in CIDR form. */
  trustedProxies: readonly string[];
  /** Whether the demo accounts exist and may be offered at sign-in. */
  demo: boolean;
  /** The newest migration of the database. */
  migration: string;
  /** Absolute path of the built web app. */
  dist: string;
}

/** The one origin: the web app, REST, sign-in, realtime's REST part, health and metrics. */
export function createHttpApp(options: HttpAppOptions): Hono {
  const { api, auth, gateway, monitor, metrics, logger, publishableKey, secretKey } = options;
  const serveStatic = createStaticHandler(options.dist);
  const guard = databaseGuard(monitor, api);
  const readClient = createClientReader(options.trustedProxies);
  const readBearer = createBearerReader(options.verifyToken, readClient);
  const keys = [publishableKey, secretKey];
  const app = new Hono()
    .use(measureRequests(metrics), securityHeaders(readClient), hostGuard(options.loopback))
    .use(limitMethods(), refuseNul())
    .get('/health', () => answerHealth(options))
    .get('/metrics', (context) =>
      answerMetrics(context, metrics, secretKey, options.trustedProxies.length > 0),
    )
    .get('/config.json', (context) => {
      const { origin } = readClient(context);
      return context.json({ url: origin, publishableKey, demo: options.demo }, 200, {
        'cache-control': 'no-store',
      });
    })
    .on('ALL', API_PATHS, allowOtherOrigins())
    .use('/rest/v1/*', guard)
    .route('/rest/v1', createRestDoor({ ...api, keys, readBearer, now: Date.now }))
    .use('/auth/v1/*', limitBody(LARGEST_AUTH_BODY), guard)
    .route('/auth/v1', createAuthRoutes({ auth, readClient, readBearer, publishableKey, secretKey }))
    .use('/storage/v1/*', guard)
    .route(
      '/storage/v1',
      createStorageRoutes({
        fetch: api.fetchStorage,
        fetchRest: api.fetch,
        files: options.files,
        verifyToken: options.verifyToken,
        addresses: options.addresses,
        publishableKey,
        secretKey,
        readBearer,
        now: Date.now,
      }),
    )
    .use('/realtime/v1/api/*', limitBody(LARGEST_BROADCAST), guard)
    .all('/realtime/v1/api/*', (context) => gateway.fetch(context.req.raw));
  for (const area of ['realtime', 'functions']) {
    app.all(`/${area}/v1/*`, () => refusal(404, { code: 'not_found', message: 'Nothing is served here.' }));
  }
  app.all('*', (context) => serveStatic(context.req.raw));
  app.onError((error) => {
    logger.error({ err: error }, 'A request failed');
    return refusal(500, {
      code: 'internal_error',
      message: 'Une erreur inattendue est survenue ; réessayez.',
      hint: 'The server log tells more.',
    });
  });
  return app;
}
