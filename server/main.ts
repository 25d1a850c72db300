/** `npm start`: the whole product in one process. */
import './prototypes.ts';
import { format } from 'node:util';
import { Registry } from 'prom-client';
import { readConfig } from './config.ts';
import { ServerError } from './errors.ts';
import { DEMO_ACCOUNTS, DEMO_PASSWORD } from './demo.ts';
import { SOFTWARE_FAULT, installLastResort } from './last-resort.ts';
import { createLogger } from './log.ts';
import { startServer } from './start.ts';

/** Longest time a clean stop may take, milliseconds; beyond it the process ends as it is. */
const STOP_LIMIT_MS = 25_000;

try {
  const config = readConfig(process.env);
  const logger = createLogger(config.logLevel);
  // Libraries that write to the console would mix their lines with ours.
  // oxlint-disable-next-line no-console
  console.error = (...values: unknown[]) => logger.debug({ source: 'console' }, format(...values));

  const metrics = new Registry();
  // A start that is under way is let come to its end: what it leaves is then known.
  const stopServer = async (): Promise<void> => (await starting).stop();
  installLastResort({
    faults: process,
    logger,
    metrics,
    stop: stopServer,
    exit: (code) => process.exit(code),
  });
  const starting = startServer(config, logger, metrics);
  const stop = async (signal: NodeJS.Signals): Promise<void> => {
    logger.info({ signal }, 'Stopping');
    setTimeout(() => process.exit(1), STOP_LIMIT_MS).unref();
    await stopServer();
    process.exit(0);
  };
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    process.on(signal, () => {
      stop(signal).catch((error: unknown) => {
        logger.fatal({ err: error }, 'The server did not stop cleanly');
        process.exit(1);
      });
    });
  }
  const server = await starting;
  announce(server.url, server.demo);
} catch (error) {
  if (error instanceof ServerError) {
    process.stderr.write(`${error.message}\n${error.remedy}\n`);
    process.exitCode = 1;
  } else {
    process.stderr.write(`${format(error)}\n`);
    process.exit(SOFTWARE_FAULT);
  }
}

function announce(url: string, demo: boolean): void {
  const lines = [`E-Pilot  ${url}`];
  if (demo) {
    const width = Math.max(...DEMO_ACCOUNTS.map(({ email }) => email.length));
    lines.push('', `Demo accounts, password ${DEMO_PASSWORD}`);
    lines.push(...DEMO_ACCOUNTS.map(({ email, who }) => `  ${email.padEnd(width)}  ${who}`));
  }
  process.stdout.write(`${lines.join('\n')}\n`);
}
