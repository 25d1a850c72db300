/**
 * What happens when code that nobody foresaw throws where nothing catches it. The state of the process is unknown from
 * then on, so it is not used any further: it stops as on SIGTERM, PostgreSQL included, and ends with a code that asks
 * whoever started it to start it again (`scripts/setup.mjs` does). A promise that fails and that nobody waits for is
 * another matter: the operation it belonged to has failed, and every other one goes on.
 */
import type { EventEmitter } from 'node:events';
import type { Logger } from 'pino';
import { Counter, type Registry } from 'prom-client';

/** Exit code after an unforeseen fault: EX_SOFTWARE of sysexits.h. `scripts/restarts.mjs` knows it, too. */
export const SOFTWARE_FAULT = 70;

/** Longest time of the clean stop after a fault, milliseconds; the end of the process then stops PostgreSQL. */
const STOP_LIMIT_MS = 12_000;

interface LastResort {
  /** Where faults arrive: `process`. */
  faults: EventEmitter;
  logger: Pick<Logger, 'fatal' | 'error'>;
  metrics: Registry;
  /** Stops accepting, closes the sockets, stops PostgreSQL; safe to call while another stop is under way. */
  stop: () => Promise<void>;
  /** Ends the process with a code. */
  exit: (code: number) => void;
}

/** Installs the handlers of last resort. */
export function installLastResort({ faults, logger, metrics, stop, exit }: LastResort): void {
  const rejections = new Counter({
    name: 'process_unhandled_rejections_total',
    help: 'Promises that failed and that nobody waited for.',
    registers: [metrics],
  });
  let stopping = false;
  faults.on('uncaughtException', (error: unknown) => {
    try {
      logger.fatal({ err: error }, 'A fault that nothing caught; stopping');
    } catch {
      // An error that cannot even be written must not keep the server from stopping.
    }
    // A further fault does not cut the stop short: it is bounded, and PostgreSQL is to end cleanly.
    if (stopping) return;
    stopping = true;
    setTimeout(exit, STOP_LIMIT_MS, SOFTWARE_FAULT);
    void stopThenExit();
  });
  faults.on('unhandledRejection', (error: unknown) => {
    rejections.inc();
    logger.error({ err: error }, 'A promise failed, and nobody waited for it');
  });

  async function stopThenExit(): Promise<void> {
    try {
      await stop();
    } catch (error) {
      logger.fatal({ err: error }, 'The server did not stop cleanly');
    } finally {
      exit(SOFTWARE_FAULT);
    }
  }
}
