import { Cron } from 'croner';
import pg from 'pg';
import type { Logger } from 'pino';

export interface Jobs {
  /** Stops the schedule and waits for the run in progress. */
  stop(): Promise<void>;
}

/**
 * Runs what is due every minute: the database decides what that is, in `private.run_due_jobs()`. On Supabase,
 * `pg_cron` calls the same function.
 *
 * @param databaseUrl connection URL of the role that owns the function
 */
export function startJobs(databaseUrl: string, logger: Logger): Jobs {
  let running: Promise<void> = Promise.resolve();
  const cron = new Cron('* * * * *', { protect: true, timezone: 'UTC' }, () => {
    running = runDueJobs(databaseUrl).catch((error: unknown) => {
      logger.error({ err: error }, 'The jobs of this minute failed; they are due again in the next');
    });
    return running;
  });
  return {
    async stop() {
      cron.stop();
      await running;
    },
  };
}

/**
 * Runs what is due now.
 *
 * @throws what the function raises
 */
export async function runDueJobs(databaseUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl, application_name: 'e-pilot jobs' });
  // A session cut between two queries is reported by the next query, too.
  client.on('error', () => {});
  await client.connect();
  try {
    await client.query('select private.run_due_jobs()');
  } finally {
    await client.end();
  }
}
