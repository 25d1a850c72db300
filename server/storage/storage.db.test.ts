/** Stored documents through the official client and the real server: bytes only where they were reserved. */
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import type { SupabaseClient } from '@supabase/supabase-js';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createApiClient, requestApi } from '../../tests/helpers/api.ts';
import { type TestServer, startTestServer } from '../../tests/helpers/server.ts';
import { LARGEST_DOCUMENT } from './limits.ts';
import { openFileStorage } from './file-adapter.ts';
import { sweepStorage } from './sweep.ts';

const PASSWORD = 'Demo-epilot-2025';
const MIME = 'application/pdf';
let server: TestServer;
let admin: SupabaseClient;
let staff: SupabaseClient;
let foreign: SupabaseClient;
let anonymous: SupabaseClient;
let group: { id: string; school: string };

beforeAll(async () => {
  server = await startTestServer();
  anonymous = createApiClient(server);
  [admin, staff, foreign] = await Promise.all([
    signIn('vianney@lamarelle.demo'),
    signIn('secretariat@lamarelle.demo'),
    signIn('admin@ngongo.demo'),
  ]);
  const { rows } = await server.database.query<{ id: string; school: string }>(
    `select school_group_id as id, school_id as school from public.profiles p join auth.users u on u.id = p.id
     where u.email = 'secretariat@lamarelle.demo'`,
  );
  group = rows[0] ?? { id: '', school: '' };
});
afterAll(() => server.stop());

async function signIn(email: string): Promise<SupabaseClient> {
  const client = createApiClient(server);
  const { error } = await client.auth.signInWithPassword({ email, password: PASSWORD });
  expect(error).toBeNull();
  return client;
}

async function reserve(bytes: number): Promise<{ id: string; path: string }> {
  const { data, error } = await admin
    .from('documents')
    .insert({
      id: randomUUID(),
      school_group_id: group.id,
      school_id: group.school,
      name: 'Bulletin',
      size_bytes: bytes,
    })
    .select('id, storage_path')
    .single();
  expect(error).toBeNull();
  const { id, storage_path: path } = data as { id: string; storage_path: string };
  return { id, path };
}

const bucket = (client: SupabaseClient) => client.storage.from('documents');
const filesOf = async (directory: string): Promise<string[]> =>
  readdir(join(server.dataDir, 'storage', directory)).catch(() => []);
const isStored = async (path: string): Promise<[boolean, number | null]> => [
  (await filesOf('documents')).includes(encodeURIComponent(path)),
  (await server.database.query('select from storage.objects where name = $1', [path])).rowCount,
];
const ABSENT = [false, 0];

describe('an upload', () => {
  const bytes = randomBytes(300_000);

  it.each([
    ['a File, as a browser sends it', new File([bytes], 'bulletin "été".pdf', { type: MIME })],
    ['a Blob', new Blob([bytes], { type: MIME })],
    ['an ArrayBuffer', new Uint8Array(bytes).buffer],
    ['a form', formOf(new File([bytes], 'a.pdf', { type: MIME }))],
  ])('of %s is stored, confirmed and read back as it was', async (_what, body) => {
    const { id, path } = await reserve(bytes.length);
    const upload = await bucket(admin).upload(path, body, { contentType: MIME });
    expect(upload).toMatchObject({ error: null, data: { path, fullPath: `documents/${path}` } });
    const confirmed = await admin.rpc('confirm_document', { p_document_id: id });
    expect(confirmed.data).toEqual({ id, size_bytes: bytes.length, status: 'stored' });
    const { data } = await bucket(admin).download(path);
    expect(data?.type).toBe(MIME);
    expect(Buffer.from((await data?.arrayBuffer()) ?? new ArrayBuffer()).equals(bytes)).toBe(true);
    expect((await bucket(admin).info(path)).data).toMatchObject({ name: path });
    expect((await bucket(admin).exists(path)).data).toBe(true);
    expect((await bucket(foreign).exists(path)).data).toBe(false);
  });

  it('of nothing is a file of no bytes', async () => {
    const { id, path } = await reserve(1);
    expect((await bucket(admin).upload(path, new Blob([]))).error).toBeNull();
    await admin.rpc('confirm_document', { p_document_id: id });
    expect((await bucket(admin).download(path)).data?.size).toBe(0);
  });

  it.each([
    ['a Blob', new Blob([bytes])],
    ['an ArrayBuffer', new Uint8Array(bytes).buffer],
  ])('of %s one byte larger than what was reserved leaves nothing', async (_what, body) => {
    const { path } = await reserve(bytes.length - 1);
    expect((await bucket(admin).upload(path, body)).error?.message).toContain('row-level security');
    expect(await isStored(path)).toEqual(ABSENT);
  });

  it('is refused at another group’s path, to staff, to nobody, and where nothing was reserved', async () => {
    const { path } = await reserve(10);
    for (const [client, where] of [
      [foreign, path],
      [staff, path],
      [anonymous, path],
      [admin, `${group.id}/${randomUUID()}`],
      [admin, '../../secrets.json'],
    ] as const) {
      expect((await bucket(client).upload(where, new Blob(['x']))).error).not.toBeNull();
    }
    expect(await isStored(path)).toEqual(ABSENT);
  });

  it('is refused when the reservation has expired', async () => {
    const { id, path } = await reserve(10);
    await server.database.query(
      `update documents set reserved_until = now() - interval '1 second' where id = $1`,
      [id],
    );
    expect((await bucket(admin).upload(path, new Blob(['x']))).error).not.toBeNull();
    expect(await isStored(path)).toEqual(ABSENT);
  });

  it('does not replace what is there, asked to or not', async () => {
    const { id, path } = await reserve(10);
    await bucket(admin).upload(path, new Blob(['first']));
    await admin.rpc('confirm_document', { p_document_id: id });
    for (const upsert of [false, true]) {
      expect((await bucket(admin).upload(path, new Blob(['second']), { upsert })).error).not.toBeNull();
    }
    expect((await bucket(admin).update(path, new Blob(['second']))).error).not.toBeNull();
    expect(await (await bucket(admin).download(path)).data?.text()).toBe('first');
  });

  it('at the same path as another at once succeeds once, and its bytes are the ones kept', async () => {
    const { id, path } = await reserve(1_000);
    const bodies = Array.from({ length: 6 }, (_, n) => String(n).repeat(100 + n));
    const answers = await Promise.all(bodies.map((body) => bucket(admin).upload(path, new Blob([body]))));
    const kept = answers.findIndex(({ error }) => !error);
    expect(answers.filter(({ error }) => !error)).toHaveLength(1);
    await admin.rpc('confirm_document', { p_document_id: id });
    expect(await (await bucket(admin).download(path)).data?.text()).toBe(bodies[kept]);
  });

  it('must say how large it is, and is not larger than the largest', async () => {
    const { path } = await reserve(10);
    const stream = new Blob(['x']).stream();
    expect((await bucket(admin).upload(path, stream, { duplex: 'half' })).error).toMatchObject({
      status: 411,
    });
    const token = (await admin.auth.getSession()).data.session?.access_token;
    const status = await new Promise((resolve, reject) => {
      const sent = httpRequest(`${server.url}/storage/v1/object/documents/${path}`, {
        method: 'POST',
        headers: {
          apikey: server.publishableKey,
          authorization: `Bearer ${token}`,
          'content-length': LARGEST_DOCUMENT + 1,
        },
      });
      sent.on('response', (response) => {
        resolve(response.statusCode);
        sent.destroy();
      });
      sent.on('error', reject);
      sent.flushHeaders();
    });
    expect(status).toBe(413);
  });

  it('that breaks off in the middle leaves nothing', async () => {
    const { path } = await reserve(1_000_000);
    const token = (await admin.auth.getSession()).data.session?.access_token;
    const sent = httpRequest(`${server.url}/storage/v1/object/documents/${path}`, {
      method: 'POST',
      headers: {
        apikey: server.publishableKey,
        authorization: `Bearer ${token}`,
        'content-length': 1_000_000,
      },
    });
    sent.on('error', () => {});
    sent.write(Buffer.alloc(500_000));
    await vi.waitFor(async () => expect(await filesOf('.incoming')).toHaveLength(1));
    sent.destroy();
    await vi.waitFor(async () => expect(await filesOf('.incoming')).toEqual([]));
    expect(await isStored(path)).toEqual(ABSENT);
  });

  it('with a form that does not end behind its file is refused', async () => {
    const { path } = await reserve(1_000);
    const { data } = await admin.auth.getSession();
    const response = await requestApi(server, `/storage/v1/object/documents/${path}`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${data.session?.access_token}`,
        'content-type': 'multipart/form-data; boundary=b',
      },
      body: '--b\r\nContent-Disposition: form-data; name=""; filename="a"\r\n\r\nbytes\r\n--b\r\nmore--b--\r\n..',
    });
    expect([response.status, await response.json()]).toMatchObject([400, { code: 'upload_malformed' }]);
    expect(await isStored(path)).toEqual(ABSENT);
  });
});

function formOf(file: File): FormData {
  const form = new FormData();
  form.append('', file);
  return form;
}

describe('a stored document', () => {
  async function store(text: string, type = 'text/plain'): Promise<{ id: string; path: string }> {
    const reserved = await reserve(1_000);
    expect((await bucket(admin).upload(reserved.path, new Blob([text], { type }))).error).toBeNull();
    expect((await admin.rpc('confirm_document', { p_document_id: reserved.id })).error).toBeNull();
    return reserved;
  }

  it('is read by the staff of its school, and by no other group and nobody', async () => {
    const { path } = await store('notes');
    expect(await (await bucket(staff).download(path)).data?.text()).toBe('notes');
    for (const client of [foreign, anonymous]) {
      expect((await bucket(client).download(path)).error).not.toBeNull();
      expect((await bucket(client).info(path)).error).not.toBeNull();
      expect((await bucket(client).createSignedUrl(path, 60)).error).not.toBeNull();
      expect((await bucket(client).list(group.id)).data ?? []).toEqual([]);
      expect((await bucket(client).remove([path])).data ?? []).toEqual([]);
    }
    expect((await isStored(path))[0]).toBe(true);
  });

  it('gives an address to read by to whoever may read it, for its time only', async () => {
    const { path } = await store('notes');
    const { data } = await bucket(staff).createSignedUrl(path, 60);
    const response = await fetch(data?.signedUrl ?? '');
    expect(await response.text()).toBe('notes');
    expect((await fetch(`${data?.signedUrl}x`)).status).toBe(400);
    expect((await fetch(`${data?.signedUrl}`.replace(path, `${path}-2`))).status).toBe(400);
    const many = await bucket(staff).createSignedUrls([path, `${group.id}/nothing`], 60);
    expect(many.error).toBeNull();
    expect(many.data?.map(({ error }) => error === null)).toEqual([true, false]);
    expect((await bucket(staff).createSignedUrl(path, 10_000_000)).error?.message).toContain('expiresIn');
  });

  it.each([
    ['text/html', 'application/octet-stream'],
    ['text/javascript', 'application/octet-stream'],
    ['image/svg+xml', 'application/octet-stream'],
    ['image/png', 'image/png'],
  ])(
    'of type %s comes as an attachment of type %s: it never acts as a page of the app',
    async (type, served) => {
      const { path } = await store('<script>', type);
      const { data } = await bucket(admin).createSignedUrl(path, 60);
      const { headers } = await fetch(data?.signedUrl ?? '');
      expect(headers.get('content-disposition')).toBe('attachment');
      expect(headers.get('content-type')).toBe(served);
    },
  );

  it('is deleted file first; then its bytes come back', async () => {
    const { id, path } = await store('notes');
    const early = await admin.rpc('delete_document', { p_document_id: id });
    expect(early.status).toBe(409);
    expect((await bucket(staff).remove([path])).data).toEqual([]);
    expect((await bucket(admin).remove([path])).data).toHaveLength(1);
    expect(await isStored(path)).toEqual(ABSENT);
    expect((await admin.rpc('delete_document', { p_document_id: id })).error).toBeNull();
  });
});

describe('what would go around the reservation', () => {
  it('is closed, whoever asks', async () => {
    const { path } = await reserve(10);
    const service = createApiClient(server, server.secretKey);
    for (const client of [admin, service]) {
      expect((await bucket(client).createSignedUploadUrl(path)).error).toMatchObject({ status: 404 });
      expect((await bucket(client).copy(path, `${path}-2`)).error).toMatchObject({ status: 404 });
      expect((await bucket(client).move(path, `${path}-2`)).error).toMatchObject({ status: 404 });
      expect((await client.storage.createBucket('mine')).error).toMatchObject({ status: 404 });
      expect((await client.storage.listBuckets()).error).toMatchObject({ status: 404 });
      expect((await client.storage.emptyBucket('documents')).error).toMatchObject({ status: 404 });
    }
    for (const hidden of [
      'public/documents',
      'documents/%2e%2e/public',
      'documents/../upload/sign/documents',
    ]) {
      expect((await requestApi(server, `/storage/v1/object/${hidden}/${path}`)).status).toBe(404);
    }
  });

  it('includes asking without a key, or with a bad token', async () => {
    const { path } = await reserve(10);
    const ask = (headers: Record<string, string>) =>
      requestApi(server, `/storage/v1/object/documents/${path}`, { headers });
    expect((await ask({ apikey: 'wrong' })).status).toBe(401);
    expect((await ask({ authorization: 'Bearer nonsense' })).status).toBe(401);
  });
});

describe('the sweep of a night', () => {
  const files = () => openFileStorage(join(server.dataDir, 'storage'));
  const tomorrow = () => new Date(Date.now() + 90_000_000);

  it('leaves what has an owner, and takes what has none after a day', async () => {
    const owned = await reserve(10);
    await bucket(admin).upload(owned.path, new Blob(['kept']));
    const lost = await reserve(10);
    await bucket(admin).upload(lost.path, new Blob(['lost']));
    await server.database.query('delete from public.documents where id = $1', [lost.id]);
    const orphan = join(server.dataDir, 'storage', 'documents', 'orphan');
    await mkdir(orphan);
    await writeFile(join(orphan, 'content'), 'x');

    expect(await sweepStorage(server.databaseUrl, files())).toEqual({ objects_swept: 0, files_swept: 0 });
    await utimes(orphan, 0, 0);
    expect(await sweepStorage(server.databaseUrl, files())).toEqual({ objects_swept: 0, files_swept: 1 });
    expect((await sweepStorage(server.databaseUrl, files(), tomorrow())).objects_swept).toBe(1);
    expect(await isStored(lost.path)).toEqual(ABSENT);
    expect(await isStored(owned.path)).toEqual([true, 1]);
  });
});
