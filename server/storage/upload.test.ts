// @vitest-environment node
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { Hono } from 'hono';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Admission } from './admission.ts';
import type { CallerEnv } from './caller.ts';
import { type FileStorage, openFileStorage } from './file-adapter.ts';
import { createUploadHandler } from './upload.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'epilot-upload-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const readTaker = async () => async () => ({ end: () => {} });

async function* untilTheDiskIsFull(): AsyncGenerator<Buffer> {
  yield Buffer.from('half');
  throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
}

it('an upload that fills the disk is answered with 507, and nothing of it stays', async () => {
  const files = openFileStorage(root);
  const forward = async (): Promise<Response> => {
    const body = Readable.toWeb(Readable.from(untilTheDiskIsFull()));
    // As @supabase/lite does, which answers every failure alike.
    return files
      .uploadObject('documents', 'a', undefined, body, 'text/plain', '')
      .then(() => new Response())
      .catch(() => Response.json({ error: 'server_error' }, { status: 500 }));
  };
  const admit = async () => ({ most: 100, end: async () => false });
  const app = new Hono<CallerEnv>().post(
    '*',
    async (context, next) => {
      context.set('caller', null);
      await next();
    },
    createUploadHandler({ admit, files, forward, readTaker }),
  );
  const response = await app.request('/a', { method: 'POST', body: 'x', headers: { 'content-length': '1' } });
  expect([response.status, await response.json()]).toMatchObject([507, { code: 'storage_full' }]);
  expect(await readdir(root, { recursive: true })).toEqual(['.incoming']);
});

it('an upload that is admitted while the one before it is cleared away is refused, and its path is free afterwards', async () => {
  const taken = new Set<string>();
  const admit = async (request: Request): Promise<Admission> => {
    const upload = request.headers.get('x-caller') ?? '';
    taken.add(upload);
    return {
      most: 100,
      end: async () => {
        taken.delete(upload);
        return false;
      },
    };
  };
  const clearing = Promise.withResolvers<void>();
  const cleared = Promise.withResolvers<void>();
  const files = openFileStorage(root);
  const slow: Pick<FileStorage, 'deleteObject'> = {
    async deleteObject(bucket, key, version) {
      clearing.resolve();
      await cleared.promise;
      await files.deleteObject(bucket, key, version);
    },
  };
  const forward = async (): Promise<Response> => {
    await files.uploadObject('documents', 'a', undefined, Buffer.from('x'), 'text/plain', '');
    return Response.json({ error: 'refused' }, { status: 400 });
  };
  const app = new Hono<CallerEnv>().post(
    '/:key',
    async (context, next) => {
      context.set('caller', context.req.header('x-caller') ?? null);
      await next();
    },
    createUploadHandler({ admit, files: slow, forward, readTaker }),
  );
  const send = async (caller: string): Promise<Response> =>
    app.request('/a', { method: 'POST', body: 'x', headers: { 'content-length': '1', 'x-caller': caller } });
  const first = send('one');
  await clearing.promise;
  expect((await send('two')).status).toBe(409);
  expect([...taken]).toEqual([]);
  // The sender of the first one does not ask the database again.
  expect((await send('one')).status).toBe(409);
  cleared.resolve();
  expect((await first).status).toBe(400);
  expect((await send('two')).status).toBe(400);
  expect([...taken]).toEqual([]);
});
