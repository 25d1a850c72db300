import type { DatabaseMonitor } from '../monitor.ts';
import type { Gateway } from '../realtime/options.ts';
import packageFile from '../../package.json' with { type: 'json' };

export interface HealthSources {
  monitor: Pick<DatabaseMonitor, 'check'>;
  gateway: Pick<Gateway, 'health'>;
  /** The newest migration of the database. */
  migration: string;
}

/** Answers `GET /health`: 200 when everything serves, 503 and what is missing otherwise. */
export async function answerHealth({ monitor, gateway, migration }: HealthSources): Promise<Response> {
  const database = (await monitor.check()) ? 'ok' : 'unavailable';
  const realtime = gateway.health();
  const ok = database === 'ok' && realtime.status === 'ok';
  return Response.json(
    {
      status: ok ? 'ok' : 'degraded',
      version: packageFile.version,
      database: { status: database, migration },
      realtime: { status: realtime.status, feed: realtime.feed },
    },
    { status: ok ? 200 : 503, headers: { 'cache-control': 'no-store' } },
  );
}
