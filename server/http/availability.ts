import type { MiddlewareHandler } from 'hono';
import type { DatabaseMonitor } from '../monitor.ts';
import { databaseUnavailable } from './refusal.ts';

/**
 * Answers 503 while the database is away. A request that was under way when it went may have failed in any
 * wording, so a server error is answered as what it was: the database went, or does not answer now.
 */
export function databaseGuard(
  monitor: Pick<DatabaseMonitor, 'available' | 'outages' | 'check'>,
): MiddlewareHandler {
  return async (context, next) => {
    const { outages } = monitor;
    if (!monitor.available) return databaseUnavailable();
    await next();
    if (context.res.status < 500) return undefined;
    // The session that watches may hear of the end a moment later than the one that served.
    if ((await monitor.check()) && monitor.outages === outages) return undefined;
    context.res = undefined;
    context.res = databaseUnavailable();
    return undefined;
  };
}
