import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';
import type { Runtime } from '../../server/data-directory.ts';

const PROJECT = join(import.meta.dirname, '..', '..');
const MAIN = join(PROJECT, 'server', 'main.ts');
const FAULTS = join(import.meta.dirname, 'faults.ts');
const START_LIMIT_MS = 60_000;

/** The server as its own process, as `npm start` runs it. */
export interface ServerProcess {
  child: ChildProcess;
  /** What it has printed so far. */
  output(): string;
  /** Waits until it is ready. @throws Error with its output when it ends before */
  ready(): Promise<Runtime>;
  /** Waits until it has ended; gives the exit code, or the signal. */
  ended(): Promise<number | NodeJS.Signals>;
}

/** A directory under which servers keep their data; everything goes with {@link ServerRoot.remove}. */
export interface ServerRoot {
  dataDir: string;
  /** Starts a server on the directory; `environment` adds to or overrides the test's own variables. */
  start(environment?: Record<string, string>): ServerProcess;
  /** Starts it as `npm start` does, under the process that starts it again after a fault; see {@link provoke}. */
  startSupervised(environment?: Record<string, string>): ServerProcess;
  /** Starts it alone, and lets {@link provoke} reach it. */
  startFaulty(environment?: Record<string, string>): ServerProcess;
  /** Has the server that runs meet a fault of `faults.ts`. */
  provoke(fault: 'throw' | 'throw again' | 'reject' | 'exit'): Promise<void>;
  /** Ends what still runs, and removes the directory. */
  remove(): Promise<void>;
}

/** Makes an empty directory to start servers in. */
export async function createServerRoot(): Promise<ServerRoot> {
  const root = await mkdtemp(join(tmpdir(), 'epilot-process-'));
  const dataDir = join(root, '.epilot');
  const started: ServerProcess[] = [];
  const faultFile = join(root, 'fault');
  const faults = { NODE_OPTIONS: `--import=${FAULTS}`, TEST_FAULT_FILE: faultFile };
  const start = (command: readonly string[], environment: Record<string, string>): ServerProcess => {
    const server = startProcess(command, dataDir, environment);
    started.push(server);
    return server;
  };
  return {
    dataDir,
    start: (environment = {}) => start([MAIN], environment),
    startSupervised: (environment = {}) =>
      start([join(PROJECT, 'scripts', 'setup.mjs'), 'server/main.ts'], { ...faults, ...environment }),
    startFaulty: (environment = {}) => start([MAIN], { ...faults, ...environment }),
    provoke: (fault) => writeFile(faultFile, fault),
    async remove() {
      for (const server of started) {
        server.child.kill('SIGTERM');
        await server.ended();
      }
      await rm(root, { recursive: true, force: true });
    },
  };
}

function startProcess(
  command: readonly string[],
  dataDir: string,
  environment: Record<string, string>,
): ServerProcess {
  const child = spawn(process.execPath, command, {
    env: { PATH: process.env['PATH'], PORT: '0', EPILOT_DATA_DIR: dataDir, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += String(chunk)));
  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null;

  async function readRuntime(): Promise<Runtime> {
    const runtime = JSON.parse(await readFile(join(dataDir, 'runtime.json'), 'utf8')) as Runtime;
    const { status } = await fetch(`${runtime.url}/health`);
    if (status !== 200) throw new Error(`/health answers ${status}`);
    return runtime;
  }

  return {
    child,
    output: () => output,
    async ready() {
      const outcome = await vi.waitFor(async () => (hasEnded() ? null : await readRuntime()), {
        timeout: START_LIMIT_MS,
        interval: 20,
      });
      if (!outcome) throw new Error(`The server ended before it was ready: ${output}`);
      return outcome;
    },
    async ended() {
      if (!hasEnded()) await once(child, 'exit');
      return child.signalCode ?? child.exitCode ?? -1;
    },
  };
}
