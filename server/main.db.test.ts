import { existsSync, statSync, writeFileSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { type Server, createServer } from 'node:net';
import { join } from 'node:path';
import { createClient } from '@supabase/supabase-js';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type TestDatabase, createTestDatabase } from '../tests/helpers/database.ts';
import { type ServerProcess, type ServerRoot, createServerRoot } from '../tests/helpers/process.ts';
import { writeTestSecrets } from '../tests/helpers/server.ts';
import type { Runtime } from './data-directory.ts';
import { DEMO_ACCOUNTS, DEMO_PASSWORD } from './demo.ts';
import { isAlive } from './postgres/postmaster.ts';

const CLOSED_PORT_SENTENCE = /is taken by another program\.\nStop that program, or choose another port/;

async function postmasterPid({ dataDir }: ServerRoot): Promise<number> {
  const pid = Number((await readFile(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8')).split('\n')[0]);
  // The file stands empty before it is written, and holds the negative id of initdb's own backend before that.
  if (!(pid > 0)) throw new Error('PostgreSQL has not written its process id yet');
  return pid;
}

function signIn({ url, publishableKey }: Runtime, email = 'vianney@lamarelle.demo') {
  const client = createClient(url, publishableKey, {
    auth: { persistSession: false, autoRefreshToken: false },
  });
  return client.auth.signInWithPassword({ email, password: DEMO_PASSWORD });
}

async function countGroups(runtime: Runtime): Promise<number> {
  const client = new pg.Client({ connectionString: runtime.databaseUrl });
  await client.connect();
  try {
    return (await client.query('select from public.school_groups')).rowCount ?? 0;
  } finally {
    await client.end();
  }
}

describe('npm start on a fresh clone', () => {
  let root: ServerRoot;
  let server: ServerProcess;
  let runtime: Runtime;

  beforeAll(async () => {
    root = await createServerRoot();
    server = root.start();
    runtime = await server.ready();
  });
  afterAll(() => root.remove());

  it('prints the URL and the demo accounts, which can sign in', async () => {
    await vi.waitFor(() => expect(server.output()).toContain(`E-Pilot  ${runtime.url}\n`));
    for (const { email } of DEMO_ACCOUNTS) {
      expect(server.output()).toContain(email);
      expect((await signIn(runtime, email)).error).toBeNull();
    }
  });

  it('tells the owner alone how to reach it', () => {
    for (const name of ['runtime.json', 'secrets.json']) {
      expect(statSync(join(root.dataDir, name)).mode & 0o777).toBe(0o600);
    }
    expect(runtime).toEqual({
      url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      publishableKey: expect.stringMatching(/^sb_publishable_/),
      secretKey: expect.stringMatching(/^sb_secret_/),
      databaseUrl: expect.stringMatching(/^postgres:\/\/postgres:/),
      pid: server.child.pid,
    });
  });

  it('does not share its data directory with a second server', async () => {
    const second = root.start();
    expect(await second.ended()).toBe(1);
    expect(second.output()).toContain(`Another E-Pilot server (process ${server.child.pid}) is running on`);
    expect((await fetch(`${runtime.url}/health`)).status).toBe(200);
    expect(existsSync(join(root.dataDir, 'runtime.json'))).toBe(true);
  });

  it('says so when PostgreSQL is killed under it, restarts it, and goes on with the same sessions', async () => {
    const { data } = await signIn(runtime);
    const headers = {
      apikey: runtime.publishableKey,
      authorization: `Bearer ${data.session?.access_token}`,
      'content-type': 'application/json',
    };
    const ask = (): Promise<Response> =>
      fetch(`${runtime.url}/rest/v1/rpc/get_entitlements`, { method: 'POST', headers, body: '{}' });
    expect((await ask()).status).toBe(200);

    const killed = await postmasterPid(root);
    process.kill(killed, 'SIGKILL');
    const seen = new Map<number, string>();
    await vi.waitFor(
      async () => {
        const response = await ask();
        seen.set(response.status, await response.text());
        expect(response.status).toBe(200);
        expect(seen.has(503)).toBe(true);
        expect(await postmasterPid(root)).not.toBe(killed);
      },
      { timeout: 30_000, interval: 1 },
    );
    expect(new Set(seen.keys())).toEqual(new Set([200, 503]));
    expect(JSON.parse(seen.get(503) ?? '')).toMatchObject({ code: 'database_unavailable' });
    await vi.waitFor(async () => expect((await fetch(`${runtime.url}/health`)).status).toBe(200), 10_000);
    expect((await signIn(runtime)).error).toBeNull();
  });

  it('recovers by itself after it was killed, and keeps its data and its keys', async () => {
    const groups = await countGroups(runtime);
    const orphan = await postmasterPid(root);
    server.child.kill('SIGKILL');
    await server.ended();
    expect(isAlive(orphan)).toBe(true);

    server = root.start();
    const after = await server.ready();
    expect(isAlive(orphan)).toBe(false);
    expect(after).toMatchObject({ publishableKey: runtime.publishableKey, secretKey: runtime.secretKey });
    expect(await countGroups(after)).toBe(groups);
    runtime = after;
  });

  it.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('stops cleanly on %s', async (signal) => {
    const postmaster = await postmasterPid(root);
    server.child.kill(signal);
    expect(await server.ended()).toBe(0);
    expect(isAlive(postmaster)).toBe(false);
    for (const name of ['runtime.json', 'server.lock', 'postgres/postmaster.pid']) {
      expect(existsSync(join(root.dataDir, name))).toBe(false);
    }
    server = root.start();
    runtime = await server.ready();
  });
});

describe('npm start that is stopped before it is ready', () => {
  it('ends cleanly and leaves no PostgreSQL behind', async () => {
    const root = await createServerRoot();
    try {
      const server = root.start();
      const postmaster = await vi.waitFor(() => postmasterPid(root), { timeout: 30_000, interval: 5 });
      server.child.kill('SIGTERM');
      expect(await server.ended()).toBe(0);
      expect(isAlive(postmaster)).toBe(false);
      expect(existsSync(join(root.dataDir, 'server.lock'))).toBe(false);
    } finally {
      await root.remove();
    }
  });
});

describe('npm start that cannot go on', () => {
  let root: ServerRoot;
  beforeEach(async () => {
    root = await createServerRoot();
  });
  afterEach(() => root.remove());

  async function refusal(environment: Record<string, string>): Promise<string> {
    const server = root.start(environment);
    expect(await server.ended()).toBe(1);
    expect(server.output()).not.toMatch(/^\s+at /m);
    return server.output();
  }

  it('says that the port is taken', async () => {
    const taken: Server = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const { port } = taken.address() as { port: number };
    try {
      expect(await refusal({ PORT: String(port) })).toMatch(CLOSED_PORT_SENTENCE);
    } finally {
      taken.close();
    }
  });

  it('says that a variable is wrong', async () => {
    expect(await refusal({ PORT: 'http' })).toMatch(
      /^PORT must be a number\.\nCorrect the environment variable/,
    );
  });

  it('says that the address is none of this machine', async () => {
    expect(await refusal({ HOST: '203.0.113.7', EPILOT_DEMO: '0', PORT: '54399' })).toContain(
      '203.0.113.7 is no address of this machine.',
    );
  });

  it('says that a file stands in the place of the data directory', async () => {
    writeFileSync(root.dataDir, '');
    expect(await refusal({})).toContain(`A file stands where the data directory ${root.dataDir} should be.`);
  });

  it('says that the data directory holds something else', async () => {
    await mkdir(join(root.dataDir, 'postgres'), { recursive: true, mode: 0o700 });
    writeFileSync(join(root.dataDir, 'postgres', 'thesis.txt'), 'mine');
    expect(await refusal({})).toContain('holds files that are no PostgreSQL cluster.');
  });

  it('says that one’s own PostgreSQL cannot be reached, or refuses', async () => {
    expect(await refusal({ DATABASE_URL: 'postgres://me:x@127.0.0.1:9/epilot' })).toContain(
      'PostgreSQL at 127.0.0.1:9 cannot be reached',
    );
  });

  it('does not open demo accounts to the network unless asked to', async () => {
    expect(await refusal({ HOST: '0.0.0.0' })).toContain(
      'Demo accounts with a published password would be open to everyone who can reach 0.0.0.0.',
    );
    // Accounts made at an earlier start count as well.
    const earlier = root.start();
    await earlier.ready();
    earlier.child.kill('SIGTERM');
    await earlier.ended();
    expect(await refusal({ HOST: '0.0.0.0' })).toContain('Demo accounts with a published password');
    expect(await refusal({ HOST: '0.0.0.0', EPILOT_DEMO: '0' })).toContain(
      'Demo accounts with a published password',
    );

    // Behind a proxy a server on loopback is as open as any other.
    const proxied = { EPILOT_TRUSTED_PROXIES: '127.0.0.1' };
    for (const environment of [proxied, { ...proxied, EPILOT_DEMO: '0' }]) {
      expect(await refusal(environment)).toContain(
        'Demo accounts with a published password would be open to everyone who can reach the proxies 127.0.0.1.',
      );
    }

    const asked = root.start({ HOST: '0.0.0.0', EPILOT_DEMO: '1' });
    await vi.waitFor(() => expect(asked.output()).toContain('E-Pilot  http://0.0.0.0:'), 30_000);
  });
});

describe('npm start behind a reverse proxy', () => {
  it('offers no demo accounts, and tells its metrics to who holds the secret key alone', async () => {
    const root = await createServerRoot();
    try {
      const server = root.start({ EPILOT_DEMO: '0', EPILOT_TRUSTED_PROXIES: '127.0.0.1' });
      const { url, secretKey, publishableKey } = await server.ready();
      expect(await (await fetch(`${url}/config.json`)).json()).toMatchObject({ demo: false });
      const metrics = async (apikey = ''): Promise<number> =>
        (await fetch(`${url}/metrics`, { headers: { apikey } })).status;
      expect([await metrics(), await metrics(publishableKey), await metrics(secretKey)]).toEqual([
        401, 401, 200,
      ]);
      server.child.kill('SIGTERM');
      await server.ended();
    } finally {
      await root.remove();
    }
  });

  it('refuses a data directory that is open to others', async () => {
    const root = await createServerRoot();
    try {
      await mkdir(root.dataDir, { mode: 0o755 });
      const server = root.start();
      expect(await server.ended()).toBe(1);
      expect(server.output()).toContain(`Run: chmod 700 '${root.dataDir}', then start again.`);
    } finally {
      await root.remove();
    }
  });
});

describe('npm start without demo data', () => {
  it('makes no account, and may listen on the network', async () => {
    const root = await createServerRoot();
    try {
      const server = root.start({ EPILOT_DEMO: '0', HOST: '0.0.0.0' });
      const runtime = await server.ready();
      expect(await countGroups(runtime)).toBe(0);
      expect(server.output()).not.toContain(DEMO_PASSWORD);
      expect(await (await fetch(`${runtime.url}/config.json`)).json()).toMatchObject({ demo: false });
    } finally {
      await root.remove();
    }
  });
});

describe('npm start on one’s own PostgreSQL', () => {
  let database: TestDatabase;
  let root: ServerRoot;
  beforeEach(async () => {
    database = await createTestDatabase({ empty: true });
    root = await createServerRoot();
  });
  afterEach(async () => {
    await root.remove();
    await database.drop();
  });

  it('brings it up to date, adds demo data only when asked, and leaves it running', async () => {
    await mkdir(root.dataDir, { mode: 0o700 });
    await writeTestSecrets(root.dataDir);
    const server = root.start({ DATABASE_URL: database.adminUrl });
    const runtime = await server.ready();
    expect(await countGroups(runtime)).toBe(0);
    expect(existsSync(join(root.dataDir, 'postgres'))).toBe(false);
    server.child.kill('SIGTERM');
    expect(await server.ended()).toBe(0);

    const again = root.start({ DATABASE_URL: database.adminUrl, EPILOT_DEMO: '1' });
    expect(await countGroups(await again.ready())).toBeGreaterThan(3);
    const owners = await database.query(
      `select distinct tableowner from pg_tables where schemaname in ('public', 'private')`,
    );
    expect(owners.rows).toEqual([{ tableowner: 'postgres' }]);
  });
});
