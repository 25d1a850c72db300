import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { createClient } from '@supabase/supabase-js';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type ServerRoot, createServerRoot } from '../tests/helpers/process.ts';
import type { Runtime } from './data-directory.ts';
import { DEMO_PASSWORD } from './demo.ts';
import { isAlive } from './postgres/postmaster.ts';

const CRASH_RECOVERY = /was not properly shut down|was interrupted|automatic recovery in progress/;

let root: ServerRoot;
beforeEach(async () => {
  root = await createServerRoot();
});
afterEach(() => root.remove());

async function freePort(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return String(port);
}

async function execute(runtime: Runtime, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: runtime.databaseUrl });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

const postgresLog = (): Promise<string> => readFile(join(root.dataDir, 'postgresql.log'), 'utf8');
const postmasterPid = async (): Promise<number> =>
  Number((await readFile(join(root.dataDir, 'postgres', 'postmaster.pid'), 'utf8')).split('\n')[0]);

describe('npm start whose server meets a fault that nothing caught', { timeout: 240_000 }, () => {
  it('comes back by itself with its data; PostgreSQL stopped cleanly, and an open channel joins again', async () => {
    const server = root.startSupervised({ PORT: await freePort() });
    const before = await server.ready();
    await execute(before, 'create table public.kept as select 42 as answer');
    const client = createClient(before.url, before.publishableKey);
    await client.auth.signInWithPassword({ email: 'vianney@lamarelle.demo', password: DEMO_PASSWORD });
    const [group] = await execute(before, `select id from public.school_groups where name = 'LAMARELLE'`);
    const states: string[] = [];
    client
      .channel(`group:${String(group?.['id'])}`, { config: { private: true } })
      .subscribe((state) => states.push(state));
    await vi.waitFor(() => expect(states).toEqual(['SUBSCRIBED']), { timeout: 20_000 });

    await root.provoke('throw');
    const after = await vi.waitFor(
      async () => {
        const runtime = await server.ready();
        expect(runtime.pid).not.toBe(before.pid);
        return runtime;
      },
      { timeout: 120_000, interval: 50 },
    );
    expect(after).toMatchObject({ url: before.url, publishableKey: before.publishableKey });
    expect(await execute(after, 'select answer from public.kept')).toEqual([{ answer: 42 }]);
    expect(await postgresLog()).not.toMatch(CRASH_RECOVERY);
    const fatal = server
      .output()
      .split('\n')
      .find((line) => line.startsWith('{"level":60'));
    expect(JSON.parse(fatal ?? '{}')).toMatchObject({ err: { message: 'a fault of the tests' } });
    await vi.waitFor(() => expect(states.at(-1)).toBe('SUBSCRIBED'), { timeout: 30_000 });
    expect(states.length).toBeGreaterThan(1);
    await client.removeAllChannels();
    await client.auth.signOut();
  });

  it('is started again after the process itself was killed', async () => {
    const server = root.startSupervised({ EPILOT_DEMO: '0' });
    const before = await server.ready();
    process.kill(before.pid, 'SIGKILL');
    await vi.waitFor(async () => expect((await server.ready()).pid).not.toBe(before.pid), {
      timeout: 120_000,
      interval: 50,
    });
  });

  it('gives up with a sentence when the fault comes at every start', async () => {
    await root.provoke('exit');
    const server = root.startSupervised();
    expect(await server.ended()).toBe(70);
    expect(server.output()).toMatch(
      /ended by a fault 6 times within a minute, so it is not started again\.\n\w/,
    );
  });

  it('stops on SIGTERM while it waits to start again', async () => {
    await root.provoke('exit');
    const server = root.startSupervised();
    await vi.waitFor(() => expect(server.output()).toContain('starting it again'), { timeout: 20_000 });
    server.child.kill('SIGTERM');
    expect(await server.ended()).toBe('SIGTERM');
  });

  it('is not started again when a person must mend something first', async () => {
    const server = root.startSupervised({ PORT: 'http' });
    expect(await server.ended()).toBe(1);
    expect(server.output()).toBe(
      'PORT must be a number.\nCorrect the environment variable, then start again.\n',
    );
  });
});

describe('a server that meets a fault that nothing caught', { timeout: 240_000 }, () => {
  it.each(['throw', 'throw again'] as const)(
    '%s: ends with 70, and no PostgreSQL stays behind',
    async (fault) => {
      const server = root.startFaulty({ EPILOT_DEMO: '0' });
      await server.ready();
      const postmaster = await postmasterPid();
      await root.provoke(fault);
      expect(await server.ended()).toBe(70);
      expect(isAlive(postmaster)).toBe(false);
      expect(existsSync(join(root.dataDir, 'server.lock'))).toBe(false);
      expect(await postgresLog()).not.toMatch(CRASH_RECOVERY);
    },
  );

  it('ends PostgreSQL also when the fault comes before the start is complete', async () => {
    const server = root.startFaulty();
    const postmaster = await vi.waitFor(
      async () => {
        const pid = await postmasterPid();
        expect(pid).toBeGreaterThan(0);
        return pid;
      },
      { timeout: 30_000, interval: 5 },
    );
    await root.provoke('throw');
    expect(await server.ended()).toBe(70);
    await vi.waitFor(() => expect(isAlive(postmaster)).toBe(false), { timeout: 20_000 });
  });

  it('goes on after a promise that nobody waited for, which it logs and counts', async () => {
    const server = root.startFaulty({ EPILOT_DEMO: '0' });
    const { url } = await server.ready();
    await root.provoke('reject');
    await vi.waitFor(
      async () =>
        expect(await (await fetch(`${url}/metrics`)).text()).toContain(
          'process_unhandled_rejections_total 1',
        ),
      { timeout: 20_000 },
    );
    expect(server.output()).toContain('a promise of the tests');
    expect((await fetch(`${url}/health`)).status).toBe(200);
  });
});
