import { timingSafeEqual } from 'node:crypto';
import { getConnInfo } from '@hono/node-server/conninfo';
import type { Context, MiddlewareHandler } from 'hono';
import { Histogram, type Registry, collectDefaultMetrics } from 'prom-client';
import { refusal } from './refusal.ts';

const AREAS = ['rest', 'auth', 'storage', 'realtime'] as const;

/** Any of these says that a proxy stands in between, also one that nobody configured. */
const PROXY_HEADERS = [
  'forwarded',
  'via',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-real-ip',
];

/** Measures the duration of every request by area, method and status, and the process itself. */
export function measureRequests(registry: Registry): MiddlewareHandler {
  collectDefaultMetrics({ register: registry });
  const duration = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'Duration of HTTP requests.',
    labelNames: ['area', 'method', 'status'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5],
    registers: [registry],
  });
  return async (context, next) => {
    const end = duration.startTimer();
    await next();
    const first = context.req.path.split('/', 2)[1];
    end({
      area: AREAS.find((area) => area === first) ?? 'web',
      method: context.req.method,
      status: context.res.status,
    });
  };
}

/**
 * Answers `GET /metrics` to who holds the secret key, and to this machine itself unless the request may have come
 * through a proxy.
 *
 * @param proxied whether reverse proxies are configured: then a request from this machine may be anybody's
 */
export async function answerMetrics(
  context: Context,
  registry: Registry,
  secretKey: string,
  proxied: boolean,
): Promise<Response> {
  if ((proxied || !isLocal(context)) && !holdsKey(context, secretKey)) {
    return refusal(401, {
      code: 'secret_key_required',
      message: 'Metrics are for this machine, or for who holds the secret key.',
      hint: 'Send it as the header apikey.',
    });
  }
  return new Response(await registry.metrics(), {
    headers: { 'content-type': registry.contentType, 'cache-control': 'no-store' },
  });
}

function isLocal(context: Context): boolean {
  const address = getConnInfo(context).remote.address ?? '';
  const proxied = PROXY_HEADERS.some((name) => context.req.header(name));
  return !proxied && /^(::ffff:)?127\.|^::1$/.test(address);
}

function holdsKey(context: Context, secretKey: string): boolean {
  const given = Buffer.from(context.req.header('apikey') ?? '');
  const wanted = Buffer.from(secretKey);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}
