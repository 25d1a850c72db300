import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Cluster, type ClusterOptions, SUPERUSER } from './cluster.ts';
import { isAlive } from './postmaster.ts';

const PASSWORD = 'a password: with %41 and /';
const logger = pino({ level: 'silent' });

let root: string;
let directory: string;
let clusters: Cluster[];

beforeEach(async () => {
  // Mode 0700: as root, this is also the checkout that the database's user cannot enter.
  root = await mkdtemp(join(tmpdir(), 'epilot-cluster-'));
  directory = join(root, 'postgres');
  clusters = [];
});
afterEach(async () => {
  for (const cluster of clusters) await cluster.stop();
  await rm(root, { recursive: true, force: true });
});

function newCluster(options: Partial<ClusterOptions> = {}): Cluster {
  const cluster = new Cluster({
    directory,
    logFile: join(root, 'postgresql.log'),
    password: PASSWORD,
    logger,
    ...options,
  });
  clusters.push(cluster);
  return cluster;
}

async function query(cluster: Cluster, sql: string, password = PASSWORD): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: cluster.url(SUPERUSER, password, 'postgres') });
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query(sql)).rows as Record<string, unknown>[];
  } finally {
    await client.end();
  }
}

async function postmasterPid(): Promise<number> {
  return Number((await readFile(join(directory, 'postmaster.pid'), 'utf8')).split('\n')[0]);
}

/** Starts a cluster in a process of its own, as a server would, and resolves when it is ready. */
async function startElsewhere(): Promise<ChildProcess> {
  const script = `
    import { Cluster } from ${JSON.stringify(join(import.meta.dirname, 'cluster.ts'))};
    const log = () => {};
    const options = { ...${JSON.stringify({ directory, logFile: join(root, 'postgresql.log'), password: PASSWORD })}, logger: { error: log, info: log } };
    await new Cluster(options).start();
    console.log('ready');
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  return child;
}

describe('a new cluster', () => {
  it('follows changes, keeps UTC, sorts alike everywhere and listens on this machine alone', async () => {
    const cluster = newCluster();
    await cluster.start();
    const [settings] = await query(
      cluster,
      `select current_setting('server_version_num')::int / 10000 as major, current_setting('wal_level') as wal,
         current_setting('timezone') as zone, current_setting('listen_addresses') as listen,
         current_setting('unix_socket_directories') as sockets, current_setting('server_encoding') as encoding,
         (select datlocale from pg_database where datname = 'postgres') as locale`,
    );
    expect(settings).toEqual({
      major: 18,
      wal: 'logical',
      zone: 'UTC',
      listen: '127.0.0.1',
      sockets: '',
      encoding: 'UTF8',
      locale: 'C.UTF-8',
    });
  });

  it('lets nobody in without the password', async () => {
    const cluster = newCluster();
    await cluster.start();
    await expect(query(cluster, 'select', 'another')).rejects.toThrow('password authentication failed');
  });

  it('leaves no file that tells the password', async () => {
    const cluster = newCluster();
    await cluster.start();
    expect(existsSync(`${directory}.password`)).toBe(false);
  });

  it('takes the place of one that was killed half made', async () => {
    await mkdir(`${directory}.new`, { recursive: true });
    await writeFile(join(`${directory}.new`, 'PG_VERSION'), '18');
    const cluster = newCluster();
    await cluster.start();
    expect(await query(cluster, 'select 1 as one')).toEqual([{ one: 1 }]);
    expect(existsSync(`${directory}.new`)).toBe(false);
  });
});

describe('a cluster that was stopped', () => {
  it('is gone, and has everything at the next start', async () => {
    const first = newCluster();
    await first.start();
    await query(first, 'create table kept as select 42 as answer');
    const pid = await postmasterPid();
    await first.stop();
    expect(isAlive(pid)).toBe(false);
    expect(existsSync(join(directory, 'postmaster.pid'))).toBe(false);

    const second = newCluster();
    await second.start();
    expect(await query(second, 'select answer from kept')).toEqual([{ answer: 42 }]);
  });
});

describe('the log of PostgreSQL', () => {
  it('is put aside at a start when it has grown long', async () => {
    const log = join(root, 'postgresql.log');
    await writeFile(log, 'x'.repeat(11 * 1_048_576));
    await newCluster().start();
    expect((await stat(`${log}.1`)).size).toBe(10 * 1_048_576);
    expect((await stat(log)).size).toBeLessThan(100_000);
  });

  it(
    'stays within its bound while PostgreSQL runs, over a restart, and says why a later start failed',
    { timeout: 240_000 },
    async () => {
      const logBound = { bytes: 20_000, files: 3 };
      const cluster = newCluster({ logBound });
      await cluster.start();
      const names = async (): Promise<string[]> =>
        (await readdir(root)).filter((name) => name.startsWith('postgresql.log')).sort();
      await vi.waitFor(
        async () => {
          // Each is a FATAL, which is written.
          for (let attempt = 0; attempt < 200; attempt++)
            await query(cluster, 'select', 'wrong').catch(() => {});
          expect(await names()).toEqual(['postgresql.log', 'postgresql.log.1', 'postgresql.log.2']);
        },
        { timeout: 200_000, interval: 10 },
      );
      expect((await stat(join(root, 'postgresql.log.2'))).size).toBeLessThanOrEqual(logBound.bytes);
      await cluster.stop();

      const next = newCluster({ logBound, settings: { shared_buffers: 'a lot' } });
      await expect(next.start()).rejects.toMatchObject({
        code: 'postgres_failed',
        message: expect.stringContaining('shared_buffers') as string,
      });
      expect(await names()).toEqual(['postgresql.log', 'postgresql.log.1', 'postgresql.log.2']);
    },
  );
});

describe('PostgreSQL killed under the server', () => {
  it('comes back by itself on the same port with every committed row', async () => {
    const cluster = newCluster();
    await cluster.start();
    await query(cluster, 'create table kept as select 42 as answer');
    const { port } = cluster;
    const pid = await postmasterPid();
    const running = new Promise<void>((resolve) => {
      cluster.on('state', (state) => state === 'running' && resolve());
    });
    process.kill(pid, 'SIGKILL');
    await running;
    expect(cluster.port).toBe(port);
    expect(await postmasterPid()).not.toBe(pid);
    expect(await query(cluster, 'select answer from kept')).toEqual([{ answer: 42 }]);
  });

  it('is left alone when the server is stopping', async () => {
    const cluster = newCluster();
    await cluster.start();
    process.kill(await postmasterPid(), 'SIGKILL');
    await cluster.stop();
    expect(cluster.state).toBe('stopped');
  });
});

describe('a server that was killed', () => {
  it('leaves a PostgreSQL that the next start takes over, with every committed row', async () => {
    const server = await startElsewhere();
    const orphan = await postmasterPid();
    server.kill('SIGKILL');
    await once(server, 'exit');
    expect(isAlive(orphan)).toBe(true);

    const cluster = newCluster();
    await cluster.start();
    expect(isAlive(orphan)).toBe(false);
    expect(await query(cluster, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  it('leaves a lock file that the next start does not mistake for another program with its process id', async () => {
    const first = newCluster();
    await first.start();
    await first.stop();
    await writeFile(join(directory, 'postmaster.pid'), `${process.pid}\n${directory}\n`);
    const second = newCluster();
    await second.start();
    expect(isAlive(process.pid)).toBe(true);
  });
});

describe('a directory that cannot be used', () => {
  it('is a file', async () => {
    await writeFile(directory, '');
    await expect(newCluster().start()).rejects.toMatchObject({
      code: 'data_dir_unusable',
      message: `${directory} is a file.`,
    });
  });

  it('holds something else, which stays', async () => {
    await mkdir(directory);
    await writeFile(join(directory, 'thesis.txt'), 'mine');
    await expect(newCluster().start()).rejects.toMatchObject({
      code: 'data_dir_unusable',
      message: `${directory} holds files that are no PostgreSQL cluster.`,
    });
    expect(await readFile(join(directory, 'thesis.txt'), 'utf8')).toBe('mine');
  });

  it('was written by another version', async () => {
    await mkdir(directory);
    await writeFile(join(directory, 'PG_VERSION'), '16\n');
    await expect(newCluster().start()).rejects.toMatchObject({
      code: 'data_dir_version',
      message: `${directory} was written by PostgreSQL 16, and this is PostgreSQL 18.`,
    });
  });
});
