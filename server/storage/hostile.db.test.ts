/** Uploads by strangers and cheats, against the real server: rights before the first byte, and never more than is reserved. */
import { randomUUID } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { SupabaseClient } from '@supabase/supabase-js';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createApiClient } from '../../tests/helpers/api.ts';
import { type TestServer, startTestServer } from '../../tests/helpers/server.ts';
import { drift } from '../../tests/helpers/tenants.ts';
import { DEMO_PASSWORD } from '../demo.ts';

const MEGABYTE = 1_000_000;
const ABSENT = [false, 0];
let server: TestServer;
let admin: SupabaseClient;
let group: string;
const tokens: Record<'admin' | 'staff' | 'foreign', string> = { admin: '', staff: '', foreign: '' };

beforeAll(async () => {
  server = await startTestServer();
  admin = createApiClient(server);
  const signIn = async (client: SupabaseClient, email: string): Promise<string> => {
    const { data } = await client.auth.signInWithPassword({ email, password: DEMO_PASSWORD });
    return data.session?.access_token ?? '';
  };
  tokens.admin = await signIn(admin, 'vianney@lamarelle.demo');
  tokens.staff = await signIn(createApiClient(server), 'secretariat@lamarelle.demo');
  tokens.foreign = await signIn(createApiClient(server), 'admin@ngongo.demo');
  const { data } = await admin.from('school_groups').select('id').limit(1).single<{ id: string }>();
  group = data?.id ?? '';
});
afterAll(() => server.stop());
afterEach(async () => expect(await drift(server.database)).toEqual([]));

async function reserve(bytes: number, id: string = randomUUID()): Promise<{ id: string; path: string }> {
  const { data, error } = await admin
    .from('documents')
    .insert({ id, school_group_id: group, name: 'Bulletin', size_bytes: bytes })
    .select('storage_path')
    .single<{ storage_path: string }>();
  expect(error).toBeNull();
  return { id, path: data?.storage_path ?? '' };
}
const bucket = () => admin.storage.from('documents');
const filesOf = (directory: string): Promise<string[]> =>
  readdir(join(server.dataDir, 'storage', directory)).catch(() => []);
const isStored = async (path: string): Promise<[boolean, number | null]> => [
  (await filesOf('documents')).includes(encodeURIComponent(path)),
  (await server.database.query('select from storage.objects where name = $1', [path])).rowCount,
];
const expireNow = () => server.database.query('select private.expire_reservations(private.now())');

/** An upload that has begun: its headers are sent, its body is not. */
function begin(path: string, token: string | null, headers: Record<string, string | number>): ClientRequest {
  const sent = httpRequest(`${server.url}/storage/v1/object/documents/${path}`, {
    method: 'POST',
    agent: false,
    headers: {
      apikey: server.publishableKey,
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...headers,
    },
  });
  sent.on('error', () => {});
  sent.flushHeaders();
  return sent;
}
const answerOf = (sent: ClientRequest): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    sent.on('response', resolve);
    sent.on('error', reject);
  });
async function statusAndCode(sent: ClientRequest): Promise<[number | undefined, string]> {
  const answer = await answerOf(sent);
  const body = await text(answer);
  sent.destroy();
  return [answer.statusCode, (JSON.parse(body) as { code: string }).code];
}
/** The answer to a whole request of raw bytes. */
async function send(path: string, headers: Record<string, string>, body: Buffer | string) {
  const sent = begin(path, tokens.admin, { ...headers, 'content-length': Buffer.byteLength(body) });
  sent.end(body);
  return statusAndCode(sent);
}

describe('before the first byte of a body', () => {
  it.each([
    ['nobody', () => null],
    ['school staff', () => tokens.staff],
    ['the admin of another group', () => tokens.foreign],
  ])('%s is refused', async (_who, token) => {
    const { path } = await reserve(10 * MEGABYTE);
    for (const type of ['application/pdf', 'multipart/form-data; boundary=b']) {
      const sent = begin(path, token(), { 'content-type': type, 'content-length': 5 * MEGABYTE });
      expect(await statusAndCode(sent)).toEqual([400, 'Unauthorized']);
    }
  });

  it('the owner is, where nothing is reserved and for more than is', async () => {
    const { path } = await reserve(MEGABYTE);
    for (const [where, length] of [
      [`${group}/${randomUUID()}`, 10],
      [path, MEGABYTE + 1],
    ] as const) {
      const sent = begin(where, tokens.admin, { 'content-length': length });
      expect(await statusAndCode(sent)).toEqual([400, 'Unauthorized']);
    }
    const sent = begin(path, tokens.admin, {
      'content-type': 'multipart/form-data; boundary=b',
      'content-length': MEGABYTE + 70_000,
    });
    expect(await statusAndCode(sent)).toEqual([400, 'Unauthorized']);
  });

  it.each([
    ['POST', 'object/list/documents'],
    ['POST', 'object/sign/documents'],
    ['DELETE', 'object/documents'],
  ])('nobody is refused at %s %s', async (method, path) => {
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
    socket.write(
      `${method} /storage/v1/${path} HTTP/1.1\r\nhost: 127.0.0.1\r\napikey: ${server.publishableKey}\r\n` +
        'content-type: application/json\r\ncontent-length: 50000\r\n\r\n{',
    );
    // The answer comes and the connection ends, though the body never does.
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 400 .*"Unauthorized"/s);
  });

  it('a stranger’s upload does not stand in the owner’s way', async () => {
    const { path } = await reserve(100);
    const strangers = [null, tokens.staff, tokens.foreign].map((token) =>
      begin(path, token, { 'content-length': 100 }),
    );
    const { error } = await bucket().upload(path, new Blob(['mine']));
    expect(error).toBeNull();
    for (const stranger of strangers) stranger.destroy();
  });
});

describe('a file that calls itself a form', () => {
  const inner = `--x\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\n${'i'.repeat(1_000)}\r\n--x--\r\n`;

  it('in a form is stored as the bytes it is: no parser sees it', async () => {
    const { id, path } = await reserve(10_000);
    const body =
      '--b\r\ncontent-disposition: form-data; name=""; filename="a"\r\n' +
      `content-type: multipart/form-data; boundary=x\r\n\r\n${inner}\r\n--b--\r\n`;
    expect((await send(path, { 'content-type': 'multipart/form-data; boundary=b' }, body))[0]).toBe(200);
    await admin.rpc('confirm_document', { p_document_id: id });
    const { data } = await bucket().download(path);
    expect([data?.type, await data?.text()]).toEqual(['application/octet-stream', inner]);
  });

  it.each([
    ['multipart/mixed; boundary=x', 'application/octet-stream'],
    ['MULTIPART/FORM-DATA', 'refused'],
    ['application/json', 'application/json'],
    ['application/x-www-form-urlencoded', 'application/x-www-form-urlencoded'],
    ['text/plain; charset=utf-8', 'text/plain; charset=utf-8'],
    ['not a type', 'application/octet-stream'],
    [`text/${'x'.repeat(200)}`, 'application/octet-stream'],
  ])('raw, as %s, is kept as %s', async (type, kept) => {
    const { path } = await reserve(100);
    const [status] = await send(path, { 'content-type': type }, '{"__proto__":{"a":1}}');
    const { rows } = await server.database.query<{ type: string; size: number }>(
      `select metadata->>'mimetype' as type, (metadata->>'size')::int as size from storage.objects where name = $1`,
      [path],
    );
    expect([status, ...rows]).toEqual(kept === 'refused' ? [400] : [200, { type: kept, size: 21 }]);
  });

  it('is neither replaced nor decoded nor described by headers', async () => {
    const { path } = await reserve(100);
    const headers = {
      'content-encoding': 'gzip',
      'x-upsert': 'true',
      'x-metadata': 'x'.repeat(8_000),
      metadata: 'x'.repeat(4_000),
      'cache-control': 'x'.repeat(2_000),
    };
    expect((await send(path, headers, 'plain'))[0]).toBe(200);
    expect((await send(path, headers, 'other'))[0]).toBeGreaterThanOrEqual(400);
    const { rows } = await server.database.query(
      `select length(metadata::text) < 500 as small, user_metadata from storage.objects where name = $1`,
      [path],
    );
    expect(rows).toEqual([{ small: true, user_metadata: {} }]);
  });

  it('of no declared length, or of two, is refused', async () => {
    const { path } = await reserve(100);
    const sent = begin(path, tokens.admin, { 'transfer-encoding': 'chunked' });
    expect(await statusAndCode(sent)).toEqual([411, 'length_required']);
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
    socket.write(
      `POST /storage/v1/object/documents/${path} HTTP/1.1\r\nhost: 127.0.0.1\r\napikey: ${server.publishableKey}\r\n` +
        `authorization: Bearer ${tokens.admin}\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
    );
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 400 /);
    expect(await isStored(path)).toEqual(ABSENT);
  });
});

describe('a form that cheats', () => {
  const FILE = '--b\r\ncontent-disposition: form-data; name=""; filename="a"\r\n\r\n';
  it.each([
    ['with a second file', `${FILE}one\r\n${FILE}two\r\n--b--\r\n`],
    [
      'with a field after its file',
      `${FILE}one\r\n--b\r\ncontent-disposition: form-data; name="c"\r\n\r\nd\r\n--b--\r\n`,
    ],
    ['without an end', `${FILE}one`],
    ['without a file', '--b\r\ncontent-disposition: form-data; name="c"\r\n\r\nd\r\n--b--\r\n'],
    ['with an endless head', 'x'.repeat(300_000)],
  ])('%s is a 400, and nothing is stored', async (_what, body) => {
    const { path } = await reserve(MEGABYTE);
    const answer = await send(path, { 'content-type': 'multipart/form-data; boundary=b' }, body);
    expect(answer).toEqual([400, 'upload_malformed']);
    expect([await isStored(path), await filesOf('.incoming')]).toEqual([ABSENT, []]);
    expect((await bucket().upload(path, new Blob(['again']))).error).toBeNull();
  });
});

describe('room that is given back while its bytes come', () => {
  /** An upload of a megabyte whose first half has come. */
  async function half(path: string): Promise<ClientRequest> {
    const sent = begin(path, tokens.admin, { 'content-length': MEGABYTE });
    sent.write(Buffer.alloc(MEGABYTE / 2));
    await vi.waitFor(async () => expect(await filesOf('.incoming')).toHaveLength(1));
    return sent;
  }

  it('is not: deletion is refused, expiry waits, and the file is whole in the end (I2)', async () => {
    const { id, path } = await reserve(MEGABYTE);
    const sent = await half(path);
    const refused = await admin.rpc('delete_document', { p_document_id: id });
    expect([refused.status, refused.error?.details]).toEqual([
      409,
      expect.stringContaining('upload_in_progress'),
    ]);
    await server.database.query('update documents set reserved_until = private.now() where id = $1', [id]);
    await expireNow();
    const again = await admin
      .from('documents')
      .insert({ id, school_group_id: group, name: 'B', size_bytes: 1 });
    expect(again.status).toBe(409);
    sent.end(Buffer.alloc(MEGABYTE / 2));
    expect((await answerOf(sent)).statusCode).toBe(200);
    expect((await admin.rpc('confirm_document', { p_document_id: id })).data).toMatchObject({
      size_bytes: MEGABYTE,
    });
  });

  it('all the same, as by the platform’s back end, stores and shows nothing larger than what is reserved now (I2)', async () => {
    const { id, path } = await reserve(MEGABYTE);
    const sent = await half(path);
    await server.database.query('delete from public.documents where id = $1', [id]);
    await reserve(1, id);
    sent.end(Buffer.alloc(MEGABYTE / 2));
    expect((await answerOf(sent)).statusCode).toBe(400);
    expect(await isStored(path)).toEqual(ABSENT);
    expect((await bucket().download(path)).error).not.toBeNull();
    expect((await bucket().upload(path, new Blob(['x']))).error).toBeNull();
  });

  it('is free again when the sender goes away', async () => {
    const { id, path } = await reserve(MEGABYTE);
    (await half(path)).destroy();
    await vi.waitFor(async () =>
      expect((await admin.rpc('delete_document', { p_document_id: id })).error).toBeNull(),
    );
    expect([await isStored(path), await filesOf('.incoming')]).toEqual([ABSENT, []]);
  });
});

describe('a document that is not confirmed', () => {
  it('is read by nobody, by no door, and can be removed', async () => {
    const { id, path } = await reserve(10);
    await bucket().upload(path, new Blob(['draft']));
    expect((await bucket().download(path)).error).not.toBeNull();
    expect((await bucket().info(path)).error).not.toBeNull();
    expect((await bucket().createSignedUrl(path, 60)).error).not.toBeNull();
    expect((await bucket().createSignedUrls([path], 60)).data?.[0]?.error).not.toBeNull();
    expect((await bucket().list(group, { search: id })).data).toEqual([]);
    expect((await bucket().remove([path])).data).toHaveLength(1);
    expect((await admin.rpc('delete_document', { p_document_id: id })).error).toBeNull();
  });

  it('is not read by an address that was signed for its predecessor', async () => {
    const { id, path } = await reserve(10);
    await bucket().upload(path, new Blob(['first']));
    await admin.rpc('confirm_document', { p_document_id: id });
    const address = (await bucket().createSignedUrl(path, 60)).data?.signedUrl ?? '';
    expect((await fetch(address)).status).toBe(200);
    await bucket().remove([path]);
    await admin.rpc('delete_document', { p_document_id: id });
    await reserve(10, id);
    await bucket().upload(path, new Blob(['second']));
    expect((await fetch(address)).status).toBe(400);
  });
});

describe('many uploads', () => {
  it('of one account at once are bounded; another account is not kept waiting', async () => {
    const reserved = await Promise.all(Array.from({ length: 7 }, () => reserve(MEGABYTE)));
    const open = reserved
      .slice(0, 6)
      .map(({ path }) => begin(path, tokens.admin, { 'content-length': MEGABYTE }));
    for (const sent of open) sent.write(Buffer.alloc(1_000));
    await vi.waitFor(async () => expect(await filesOf('.incoming')).toHaveLength(6));
    const last = reserved[6]?.path ?? '';
    const refused = begin(last, tokens.admin, { 'content-length': 4 });
    expect(await statusAndCode(refused)).toEqual([429, 'too_many_uploads']);
    for (const sent of open) sent.destroy();
    await vi.waitFor(async () => expect(await filesOf('.incoming')).toEqual([]));
    await vi.waitFor(async () => expect((await bucket().upload(last, new Blob(['x']))).error).toBeNull());
  });
});

describe('names that reach prototypes in a body', () => {
  it.each([
    [
      'POST',
      'object/list/documents',
      '{"prefix":"","__proto__":{"limit":1},"constructor":{"prototype":{"a":1}}}',
    ],
    ['POST', 'object/list/documents', '{"prefix":"","sortBy":{"column":"__proto__","order":"asc"}}'],
    ['DELETE', 'object/documents', '{"prefixes":["__proto__","constructor"]}'],
    ['DELETE', 'object/documents', '{"__proto__":{"prefixes":["a"]}}'],
    ['POST', 'object/sign/documents', '{"expiresIn":1,"paths":["__proto__"],"__proto__":{"x":1}}'],
    ['POST', 'object/list/documents', `${'['.repeat(30_000)}${']'.repeat(30_000)}`],
  ])('%s %s %.40s harm nothing', async (method, path, body) => {
    const response = await fetch(`${server.url}/storage/v1/${path}`, {
      method,
      headers: {
        apikey: server.publishableKey,
        authorization: `Bearer ${tokens.admin}`,
        'content-type': 'application/json',
      },
      body,
    });
    expect([200, 400]).toContain(response.status);
    expect(Object.keys(Object.prototype)).toEqual([]);
    expect(({} as { limit?: number }).limit).toBeUndefined();
  });
});
