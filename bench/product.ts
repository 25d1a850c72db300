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
 *   embedded one; `cuttable` to be able to cut its clients off; `publicChannels` to serve them
 * @throws Error with what the server wrote when it ends before it is ready
 */
export async function startProduct(
  options: {
    dataDir?: string;
    databaseUrl?: string;
    port?: number;
    cuttable?: boolean;
    publicChannels?: boolean;
  } = {},
): Promise<Product> {
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'epilot-bench-')));
  const began = performance.now();
  const preload = options.cuttable ? ['--import', pathToFileURL(CUT).href] : [];
  const child = spawn(process.execPath, [...preload, 'server/main.ts'], {
    cwd: ROOT,
    env: {
      ...process.env,
      PORT: String(options.port ?? 0),
      HOST: '127.0.0.1',
      EPILOT_DATA_DIR: dataDir,
      EPILOT_DEMO: '1',
      DATABASE_URL: options.databaseUrl ?? '',
      EPILOT_PUBLIC_CHANNELS: options.publicChannels ? '1' : '0',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(child, 'exit');
  const kill = (): void => void child.kill();
  process.once('exit', kill);
  const url = await addressOf(child, ended);
  const health = await fetch(`${url}/health`);
  const startMs = performance.now() - began;
  if (!health.ok) throw new Error(`The server started and is not healthy: ${await health.text()}`);

  const runtime = JSON.parse(await readFile(join(dataDir, 'runtime.json'), 'utf8')) as {
    publishableKey: string;
    databaseUrl: string;
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

/** One of the server's metrics, all labels together. */
async function readMetric(url: string, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return text
    .split('\n')
    .filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}

async function addressOf(child: ChildProcess, ended: Promise<unknown>): Promise<string> {
  let output = '';
  const announced = new Promise<string>((resolve) => {
    const read = (chunk: Buffer): void => {
      output += chunk.toString();
      const address = ADDRESS.exec(output)?.[0];
      if (address !== undefined) resolve(address);
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
  });
  const failed = ended.then((): never => {
    throw new Error(`The server ended before it was ready:\n${output}`);
  });
  return Promise.race([announced, failed]);
}
