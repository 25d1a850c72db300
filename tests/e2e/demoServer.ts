import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface DemoServer {
  url: string;
  /** PostgreSQL as the owner of the tables, past every policy. */
  databaseUrl: string;
  stop: () => Promise<void>;
}

interface Runtime {
  url: string;
  databaseUrl: string;
}

/**
 * Starts the product as `npm start` does, on a port that is free and a data directory of its own, with demo data.
 * @throws Error with what the server wrote when it ends before it is ready.
 */
export async function startDemoServer(): Promise<DemoServer> {
  const dataDir = await mkdtemp(join(tmpdir(), 'epilot-e2e-'));
  const child = spawn(process.execPath, ['server/main.ts'], {
    env: { ...process.env, PORT: '0', HOST: '127.0.0.1', EPILOT_DATA_DIR: dataDir, EPILOT_DEMO: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(child, 'exit');
  let output = '';
  const ready = new Promise<void>((resolve, reject) => {
    const read = (chunk: Buffer) => {
      output += chunk.toString();
      // The line with the address is written once everything answers.
      if (/https?:\/\/\S+/.test(output)) resolve();
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    void ended.then(() => reject(new Error(`The server ended before it was ready:\n${output}`)));
  });
  await ready;
  const runtime = JSON.parse(await readFile(join(dataDir, 'runtime.json'), 'utf8')) as Runtime;
  return {
    url: runtime.url,
    databaseUrl: runtime.databaseUrl,
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
