import type { MiddlewareHandler } from 'hono';
import type { DatabaseMonitor } from '../monitor.ts';
import type { SupabaseApi } from '../supabase-lite.ts';
import { databaseUnavailable } from './refusal.ts';

/**
 * Answers 503 while the database is away. A request that was under way when it went may have failed in any
 * wording, so a server error is answered as what it was: the database went, ended a session, or does not answer now.
 */
export function databaseGuard(
  monitor: Pick<DatabaseMonitor, 'available' | 'outages' | 'check'>,
  api: Pick<SupabaseApi, 'lostSessions'>,
): MiddlewareHandler {
  const losses = (): number => monitor.outages + api.lostSessions();
  return async (context, next) => {
    const before = losses();
    if (!monitor.available) return databaseUnavailable();
    await next();
    if (context.res.status < 500) return undefined;
    // The session that watches may hear of the end a moment later than the one that served.
    if ((await monitor.check()) && losses() === before) return undefined;
    context.res = undefined;
    context.res = databaseUnavailable();
    return undefined;
  };
}
