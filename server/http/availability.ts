import type { MiddlewareHandler } from 'hono';
import type { DatabaseMonitor } from '../monitor.ts';
import { databaseUnavailable } from './refusal.ts';

/**
 * Answers 503 while the database is away. A request that was under way when it went may have failed in any
 * wording, so a server error is answered as what it was if the database then does not answer.
 */
export function databaseGuard(monitor: Pick<DatabaseMonitor, 'available' | 'check'>): MiddlewareHandler {
  return async (context, next) => {
    if (!monitor.available) return databaseUnavailable();
    await next();
    if (context.res.status >= 500 && !(await monitor.check())) {
      context.res = undefined;
      context.res = databaseUnavailable();
    }
    return undefined;
  };
}
