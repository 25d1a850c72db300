// @vitest-environment node
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { Hono } from 'hono';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { CallerEnv } from './caller.ts';
import { openFileStorage } from './file-adapter.ts';
import { createUploadHandler } from './upload.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'epilot-upload-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

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
    createUploadHandler({ admit, files, forward }),
  );
  const response = await app.request('/a', { method: 'POST', body: 'x', headers: { 'content-length': '1' } });
  expect([response.status, await response.json()]).toMatchObject([507, { code: 'storage_full' }]);
  expect(await readdir(root, { recursive: true })).toEqual(['.incoming']);
});
