/** The product as `npm start` runs it, in a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { DEMO_PASSWORD } from '../server/demo.ts';

const ROOT = join(import.meta.dirname, '..');
const CUT = join(import.meta.dirname, 'cut.ts');
/** The line with the address is written once everything answers. */
const ADDRESS = /https?:\/\/\S+/;

export interface Product extends AsyncDisposable {
  url: string;
  publishableKey: string;
  /** PostgreSQL as the owner of the tables. */
  databaseUrl: string;
  /** The process that serves. */
  pid: number;
  /** Resolves when the process that was started has ended, with a sentence that says how. */
  ended: Promise<string>;
  /** What it wrote last to its log and its output. */
  lastWords(): string;
  /** From the start of the process to the first healthy answer, milliseconds. */
  startMs: number;
  /** Signs a demo account in; resolves with its access token. */
  signIn(email: string): Promise<string>;
  /** Requests of every kind that it has answered, the one that asks not yet among them. */
  countRequests(): Promise<number>;
  /** Processor time that it has used, PostgreSQL apart, milliseconds. */
  cpuMs(): Promise<number>;
  /** Tears every connection that clients have to it, from its own side; only when it was started `cuttable`. */
  cut(): void;
  /** Asks it to stop; resolves with how long that took, milliseconds. */
  stop(): Promise<number>;
}

/**
 * Starts the server.
 *
 * @param options `dataDir` to start on what an earlier one left, else a new directory that goes with the product; `port`
 *   to start under the address of an earlier one, else any free one; `databaseUrl` for a PostgreSQL other than the
 *   embedded one; `cuttable` to be able to cut its clients off; `preload`, a module that runs in its process before it;
 *   `trustedProxies` as in the configuration, to come from several addresses
 * @throws Error with what the server wrote when it ends before it is ready
 */
export async function startProduct(
  options: {
    dataDir?: string;
    databaseUrl?: string;
    port?: number;
    cuttable?: boolean;
    preload?: string;
    trustedProxies?: string;
  } = {},
): Promise<Product> {
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'epilot-bench-')));
  const began = performance.now();
  const modules = [...(options.cuttable ? [CUT] : []), ...(options.preload ? [options.preload] : [])];
  const preload = modules.flatMap((file) => ['--import', pathToFileURL(file).href]);
  const child = spawn(process.execPath, [...preload, 'server/main.ts'], {
    cwd: ROOT,
    env: {
      ...process.env,
      PORT: String(options.port ?? 0),
      HOST: '127.0.0.1',
      EPILOT_DATA_DIR: dataDir,
      EPILOT_DEMO: '1',
      DATABASE_URL: options.databaseUrl ?? '',
      EPILOT_TRUSTED_PROXIES: options.trustedProxies ?? '',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  const output = keepOutput(child);
  const kill = (): void => void child.kill();
  process.once('exit', kill);
  const url = await addressOf(output, ended);
  const health = await fetch(`${url}/health`);
  const startMs = performance.now() - began;
  if (!health.ok) throw new Error(`The server started and is not healthy: ${await health.text()}`);

  const runtime = JSON.parse(await readFile(join(dataDir, 'runtime.json'), 'utf8')) as {
    publishableKey: string;
    databaseUrl: string;
    pid: number;
  };
  let stopping: Promise<number> | undefined;
  const stop = async (): Promise<number> => {
    const asked = performance.now();
    child.kill('SIGTERM');
    await ended;
    process.off('exit', kill);
    return performance.now() - asked;
  };
  return {
    url,
    startMs,
    publishableKey: runtime.publishableKey,
    databaseUrl: runtime.databaseUrl,
    pid: runtime.pid,
    ended: ended.then(([code, signal]) => `The server's process ended with ${signal ?? `code ${code}`}.`),
    lastWords: () => output.text,
    async signIn(email) {
      const answer = await fetch(`${url}/auth/v1/token?grant_type=password`, {
        method: 'POST',
        headers: { apikey: runtime.publishableKey, 'content-type': 'application/json' },
        body: JSON.stringify({ email, password: DEMO_PASSWORD }),
      });
      if (!answer.ok) throw new Error(`Sign-in of ${email}: ${await answer.text()}`);
      return ((await answer.json()) as { access_token: string }).access_token;
    },
    countRequests: () => readMetric(url, 'http_request_duration_seconds_count'),
    cpuMs: async () => (await readMetric(url, 'process_cpu_seconds_total')) * 1_000,
    cut: () => void child.kill('SIGUSR2'),
    stop: () => (stopping ??= stop()),
    async [Symbol.asyncDispose]() {
      await (stopping ??= stop());
      if (options.dataDir === undefined) await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** One of the server's metrics, all labels together; 0 when there is none of that name. */
export async function readMetric(url: string, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return text
    .split('\n')
    .filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}

/** So much of what the process writes is kept, characters: its first words tell the address, its last ones how it ended. */
const KEPT_OUTPUT = 16_384;

interface Output {
  text: string;
  address: Promise<string>;
}

function keepOutput(child: ChildProcess): Output {
  const output: Output = { text: '', address: Promise.resolve('') };
  output.address = new Promise<string>((resolve) => {
    const read = (chunk: Buffer): void => {
      output.text = (output.text + chunk.toString()).slice(-KEPT_OUTPUT);
      const address = ADDRESS.exec(output.text)?.[0];
      if (address !== undefined) resolve(address);
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
  });
  return output;
}

async function addressOf(output: Output, ended: Promise<unknown>): Promise<string> {
  const failed = ended.then((): never => {
    throw new Error(`The server ended before it was ready:\n${output.text}`);
  });
  return Promise.race([output.address, failed]);
}
