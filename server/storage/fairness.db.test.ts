/** Storage's few sessions of the database: strangers ask nothing, and one bearer leaves places for the others. */
import { randomUUID } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { type ClientRequest, request as httpRequest } from 'node:http';
import { join } from 'node:path';
import type { SupabaseClient } from '@supabase/supabase-js';
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createApiClient, requestApi } from '../../tests/helpers/api.ts';
import { type TestServer, startTestServer } from '../../tests/helpers/server.ts';
import { DEMO_PASSWORD } from '../demo.ts';

let server: TestServer;
let admin: SupabaseClient;
let staff: SupabaseClient;
let group: string;
/** A confirmed document that both may read. */
let stored: string;
let address: string;

beforeAll(async () => {
  server = await startTestServer();
  [admin, staff] = await Promise.all([
    signIn('vianney@lamarelle.demo'),
    signIn('secretariat@lamarelle.demo'),
  ]);
  group = (await admin.from('school_groups').select('id').single<{ id: string }>()).data?.id ?? '';
  const { data: school } = await staff.from('schools').select('id').limit(1).single<{ id: string }>();
  const { id, path } = await reserve(100, school?.id);
  expect((await bucket(admin).upload(path, new Blob(['notes']))).error).toBeNull();
  expect((await admin.rpc('confirm_document', { p_document_id: id })).error).toBeNull();
  stored = path;
  address = (await bucket(staff).createSignedUrl(path, 600)).data?.signedUrl ?? '';
  expect(await (await fetch(address)).text()).toBe('notes');
});
afterAll(() => server.stop());

async function signIn(email: string): Promise<SupabaseClient> {
  const client = createApiClient(server);
  expect((await client.auth.signInWithPassword({ email, password: DEMO_PASSWORD })).error).toBeNull();
  return client;
}
const bucket = (client: SupabaseClient) => client.storage.from('documents');
/** Sends the request at once: the client's own builder waits until somebody asks for its answer. */
const download = async (client: SupabaseClient): Promise<{ error: unknown }> =>
  bucket(client).download(stored);
const tokenOf = async (client: SupabaseClient): Promise<string> =>
  (await client.auth.getSession()).data.session?.access_token ?? '';

async function reserve(bytes: number, school?: string): Promise<{ id: string; path: string }> {
  const { data, error } = await admin
    .from('documents')
    .insert({ id: randomUUID(), school_group_id: group, school_id: school, name: 'B', size_bytes: bytes })
    .select('id, storage_path')
    .single<{ id: string; storage_path: string }>();
  expect(error).toBeNull();
  return { id: data?.id ?? '', path: data?.storage_path ?? '' };
}

/** A request whose head is sent, and a part of its body. */
function begin(path: string, token: string, length: number, part: Buffer | string): ClientRequest {
  const sent = httpRequest(`${server.url}/storage/v1/object/${path}`, {
    method: 'POST',
    agent: false,
    headers: {
      apikey: server.publishableKey,
      authorization: `Bearer ${token}`,
      'content-type': path.startsWith('list') ? 'application/json' : 'application/pdf',
      'content-length': length,
    },
  });
  sent.on('error', () => {});
  sent.write(part);
  return sent;
}

/** Lets every statement on stored objects wait, until `work` is done. */
async function whileObjectsAreLocked(work: () => Promise<void>): Promise<void> {
  const client = await server.database.connect();
  try {
    await client.query('begin; lock table storage.buckets, storage.objects in access exclusive mode');
    await work();
  } finally {
    await client.query('rollback');
    await client.end();
  }
}

/** How many statements of the API wait for a lock. */
async function waitingStatements(): Promise<number> {
  const { rows } = await server.database.query<pg.QueryResultRow & { count: number }>(
    `select count(*)::int from pg_stat_activity
     where datname = current_database() and application_name = 'e-pilot api' and wait_event_type = 'Lock'`,
  );
  return rows[0]?.count ?? 0;
}

const READS = [
  ['GET', 'object/documents'],
  ['HEAD', 'object/documents'],
  ['GET', 'object/info/documents'],
] as const;

describe('strangers', () => {
  it.each(READS)('are answered at %s %s without a question to the database', async (method, door) => {
    await whileObjectsAreLocked(async () => {
      const answers = await Promise.all(
        Array.from({ length: 100 }, (_, n) =>
          requestApi(server, `/storage/v1/${door}/${n % 2 ? stored : `a/b${n}`}`, { method }),
        ),
      );
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([400]));
      if (method === 'GET') expect(await answers[0]?.json()).toMatchObject({ code: 'Unauthorized' });
      expect(await waitingStatements()).toBe(0);
    });
  });

  it('with a forged address are answered without a question to the database', async () => {
    await whileObjectsAreLocked(async () => {
      const answers = await Promise.all(Array.from({ length: 100 }, () => fetch(`${address}x`)));
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([400]));
      expect(await waitingStatements()).toBe(0);
    });
  });

  it('in a flood leave a signed-in account its list and its downloads', async () => {
    const flood = Promise.all(
      Array.from({ length: 600 }, (_, n) =>
        requestApi(server, `/storage/v1/object/documents/a/b${n}`).then(({ status }) => status),
      ),
    );
    for (let n = 0; n < 10; n += 1) {
      expect((await bucket(staff).list(group)).error).toBeNull();
      expect(await (await bucket(staff).download(stored)).data?.text()).toBe('notes');
    }
    expect(new Set(await flood)).toEqual(new Set([400]));
  });
});

describe('one bearer', () => {
  const MANY = 12;
  const crowds: [string, number, () => Promise<unknown>[]][] = [
    ['downloads', 2, () => Array.from({ length: MANY }, () => download(admin))],
    ['lists', 2, () => Array.from({ length: MANY }, () => bucket(admin).list(group))],
    ['addresses to be signed', 2, () => [bucket(admin).createSignedUrls(Array(100).fill(stored), 60)]],
    ['signed addresses', 1, () => Array.from({ length: MANY }, () => fetch(address))],
  ];

  it.each(crowds)('with many %s has %i places, and others are served', async (_what, places, ask) => {
    let crowd: Promise<unknown>[] = [];
    let other: Promise<{ error: unknown }> | undefined;
    await whileObjectsAreLocked(async () => {
      crowd = ask();
      await vi.waitFor(async () => expect(await waitingStatements()).toBeGreaterThanOrEqual(places));
      other = download(staff);
      await vi.waitFor(async () => expect(await waitingStatements()).toBe(places + 1));
    });
    expect((await other)?.error).toBeNull();
    await Promise.all(crowd);
  });
});

describe('a body on its way', () => {
  let token: string;
  beforeEach(async () => {
    token = await tokenOf(admin);
  });

  it('holds no turn: an account that sends files reads, and sends one more', async () => {
    const reserved = await Promise.all(Array.from({ length: 4 }, () => reserve(1_000)));
    const open = reserved.map(({ path }) => begin(`documents/${path}`, token, 1_000, Buffer.alloc(500)));
    await vi.waitFor(async () =>
      expect(await readdir(join(server.dataDir, 'storage', '.incoming'))).toHaveLength(4),
    );
    expect((await bucket(admin).list(group)).error).toBeNull();
    const { path } = await reserve(10);
    expect((await bucket(admin).upload(path, new Blob(['x']))).error).toBeNull();
    const answers = open.map(
      (sent) => new Promise((resolve) => sent.on('response', ({ statusCode }) => resolve(statusCode))),
    );
    for (const sent of open) sent.end(Buffer.alloc(500));
    expect(await Promise.all(answers)).toEqual([200, 200, 200, 200]);
  });

  it('holds no turn: half a question keeps nobody waiting', async () => {
    const open = Array.from({ length: 4 }, () => begin('list/documents', token, 100, '{'));
    expect((await bucket(admin).list(group)).error).toBeNull();
    for (const sent of open) sent.destroy();
  });
});
