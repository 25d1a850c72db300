/** What uploads cost the server's memory, seen from outside: the product as its own process. */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:http';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createApiClient } from '../../tests/helpers/api.ts';
import { type ServerRoot, createServerRoot } from '../../tests/helpers/process.ts';
import { DEMO_PASSWORD } from '../demo.ts';
import { LARGEST_DOCUMENT } from './limits.ts';

const UPLOADS = 6;
const CHUNK = Buffer.alloc(1_048_576, 'i');
const HEAD =
  '--b\r\ncontent-disposition: form-data; name=""; filename="a"\r\ncontent-type: multipart/form-data; boundary=x\r\n\r\n' +
  '--x\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\n';
const END = '\r\n--x--\r\n\r\n--b--\r\n';
const FILLER = LARGEST_DOCUMENT - 2 * CHUNK.length;

let root: ServerRoot;
beforeAll(async () => {
  root = await createServerRoot();
});
afterAll(() => root.remove());

/** Resident memory of a process, bytes. */
async function memoryOf(pid: number): Promise<number> {
  const { stdout } = await promisify(execFile)('ps', ['-o', 'rss=', '-p', String(pid)]);
  return Number(stdout) * 1_024;
}

it('six largest forms at once, each with a form inside, take less memory than half of what they bring', async () => {
  const server = root.start();
  const runtime = await server.ready();
  const pid = server.child.pid ?? 0;
  const admin = createApiClient(runtime);
  const { data } = await admin.auth.signInWithPassword({
    email: 'vianney@lamarelle.demo',
    password: DEMO_PASSWORD,
  });
  const group = await admin.from('school_groups').select('id').single<{ id: string }>();
  const send = async (): Promise<number | undefined> => {
    const row = {
      id: randomUUID(),
      school_group_id: group.data?.id,
      name: 'Grand',
      size_bytes: LARGEST_DOCUMENT,
    };
    const { data: reserved } = await admin
      .from('documents')
      .insert(row)
      .select('storage_path')
      .single<{ storage_path: string }>();
    const sent = request(`${runtime.url}/storage/v1/object/documents/${reserved?.storage_path}`, {
      method: 'POST',
      headers: {
        apikey: runtime.publishableKey,
        authorization: `Bearer ${data.session?.access_token}`,
        'content-type': 'multipart/form-data; boundary=b',
        'content-length': HEAD.length + FILLER + END.length,
      },
    });
    const answer = once(sent, 'response') as Promise<[{ statusCode: number }]>;
    sent.write(HEAD);
    for (let left = FILLER; left > 0; left -= CHUNK.length) {
      if (!sent.write(CHUNK.subarray(0, left))) await once(sent, 'drain');
      most = Math.max(most, await memoryOf(pid));
    }
    sent.end(END);
    return (await answer)[0].statusCode;
  };
  const before = await memoryOf(pid);
  let most = before;
  const answers = await Promise.all(Array.from({ length: UPLOADS }, send));
  most = Math.max(most, await memoryOf(pid));
  expect(answers).toEqual(Array(UPLOADS).fill(200));
  expect((most - before) / 1_048_576).toBeLessThan((UPLOADS * LARGEST_DOCUMENT) / 2 / 1_048_576);
});
