import type { Pool } from 'pg';
import type { Logger } from './options.ts';

const HOUR_MS = 3_600_000;

/**
 * Keeps the partitions of realtime.messages: made days ahead, dropped after 72 hours. A failure is logged and
 * tried again in an hour; the default partition takes the rows meanwhile.
 *
 * @returns stops the upkeep
 */
export function startUpkeep(pool: Pool, log: Logger): () => void {
  const run = (): void => {
    pool
      .query('select realtime.maintain_partitions()')
      .catch((error: unknown) => log.warn({ err: error }, 'partitions of realtime.messages were not kept'));
  };
  run();
  const timer = setInterval(run, HOUR_MS).unref();
  return () => clearInterval(timer);
}
