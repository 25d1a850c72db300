import { Cron } from 'croner';
import pg from 'pg';
import type { Logger } from 'pino';
import { sweepAuth } from './auth-retention.ts';
import type { FileStorage } from './storage/file-adapter.ts';
import { sweepStorage } from './storage/sweep.ts';

export interface Jobs {
  /** Stops the schedule and waits for the runs in progress. */
  stop(): Promise<void>;
}

/** The database decides what a job does. On Supabase, `pg_cron` calls the same functions. */
const JOBS = {
  /** Dates that have come act; reservations that nobody used are given back. */
  minute: { call: 'select private.run_minute_jobs() as report', pattern: '* * * * *' },
  /** The day that has ended is closed; the counters are counted again. */
  night: { call: 'select private.run_nightly_jobs() as report', pattern: '10 0 * * *' },
} as const;
export type JobName = keyof typeof JOBS;

/** The customers' day: what `private.today()` says in the database. */
const TIMEZONE = 'Africa/Brazzaville';

/**
 * Runs what is due every minute, and what is due every night.
 *
 * @param databaseUrl connection URL of the role that owns the functions
 * @param files the stored objects, swept every night
 */
export function startJobs(databaseUrl: string, files: FileStorage, logger: Logger): Jobs {
  const running = new Set<Promise<void>>();
  const crons = (Object.keys(JOBS) as JobName[]).map(
    (name) =>
      new Cron(JOBS[name].pattern, { protect: true, timezone: TIMEZONE }, () => {
        const run = runAndLog(name, databaseUrl, files, logger).finally(() => running.delete(run));
        running.add(run);
        return run;
      }),
  );
  return {
    async stop() {
      for (const cron of crons) cron.stop();
      await Promise.all(running);
    },
  };
}

/**
 * Runs a job as the schedule does: each thing that it does for itself. What fails is logged, and is due again.
 *
 * @param files the stored objects
 */
export async function runAndLog(
  name: JobName,
  databaseUrl: string,
  files: FileStorage,
  logger: Logger,
): Promise<void> {
  await orLog(name, logger, async () => {
    const report = await runJobs(name, databaseUrl);
    if (!report['counters_repaired']) return;
    logger.error({ report }, 'Counters had drifted and were repaired; the audit log says which');
  });
  if (name !== 'night') return;
  await orLog('storage', logger, async () =>
    logger.info(await sweepStorage(databaseUrl, files), 'Stored files without an owner were swept'),
  );
  await orLog('sign-in', logger, async () =>
    logger.info(await sweepAuth(databaseUrl), 'What signing in leaves behind was swept'),
  );
}

/** Does one thing; when it fails, the others of the night are done all the same. */
async function orLog(job: string, logger: Logger, act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    logger.error({ err: error, job }, 'A scheduled job failed; it is due again at its next time');
  }
}

/**
 * Runs the jobs of the minute or of the night now.
 *
 * @returns how much there was to do, by kind
 * @throws what the function raises
 */
export async function runJobs(name: JobName, databaseUrl: string): Promise<Record<string, number>> {
  const client = new pg.Client({ connectionString: databaseUrl, application_name: 'e-pilot jobs' });
  // A session cut between two queries is reported by the next query, too.
  client.on('error', () => {});
  await client.connect();
  try {
    const { rows } = await client.query<{ report: Record<string, number> }>(JOBS[name].call);
    return rows[0]?.report ?? {};
  } finally {
    await client.end();
  }
}
