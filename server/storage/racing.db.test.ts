/** One document's path under many hands at once: whatever the order, no byte lies where none is reserved (I2). */
import { randomUUID } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import type { SupabaseClient } from '@supabase/supabase-js';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createApiClient } from '../../tests/helpers/api.ts';
import { type TestServer, startTestServer } from '../../tests/helpers/server.ts';
import { drift } from '../../tests/helpers/tenants.ts';
import { DEMO_PASSWORD } from '../demo.ts';

type Act =
  | { do: 'reserve' | 'upload' | 'form' | 'break off'; bytes: number }
  | { do: 'confirm' | 'remove' | 'delete' | 'expire' | 'lose the row' };
const bytes = fc.integer({ min: 1, max: 200_000 });
const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('reserve' as const), bytes }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constantFrom('upload', 'form', 'break off'), bytes }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('confirm', 'remove', 'delete') }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('expire', 'lose the row') }) },
);

let server: TestServer;
let admin: SupabaseClient;
let token: string;
let group: string;
beforeAll(async () => {
  server = await startTestServer();
  admin = createApiClient(server);
  const { data } = await admin.auth.signInWithPassword({
    email: 'vianney@lamarelle.demo',
    password: DEMO_PASSWORD,
  });
  token = data.session?.access_token ?? '';
  group = (await admin.from('school_groups').select('id').single<{ id: string }>()).data?.id ?? '';
});
afterAll(() => server.stop());

/** Sends half of a file, then goes away. */
function breakOff(path: string, size: number): Promise<unknown> {
  return new Promise((resolve) => {
    const sent = request(`${server.url}/storage/v1/object/documents/${path}`, {
      method: 'POST',
      headers: {
        apikey: server.publishableKey,
        authorization: `Bearer ${token}`,
        'content-length': size + 1,
      },
    });
    sent.on('error', resolve).on('close', resolve).on('response', resolve);
    sent.write(Buffer.alloc(size), () => sent.destroy());
  });
}

/** Uploads that were stored: a race that stores nothing proves nothing. */
let stored = 0;

function perform(id: string, path: string, step: Act): PromiseLike<unknown> {
  const bucket = admin.storage.from('documents');
  switch (step.do) {
    case 'reserve':
      return admin
        .from('documents')
        .insert({ id, school_group_id: group, name: 'A', size_bytes: step.bytes });
    case 'upload':
      return bucket.upload(path, new Uint8Array(step.bytes));
    case 'form':
      return bucket.upload(path, new Blob([new Uint8Array(step.bytes)]));
    case 'break off':
      return breakOff(path, step.bytes);
    case 'confirm':
      return admin.rpc('confirm_document', { p_document_id: id });
    case 'remove':
      return bucket.remove([path]);
    case 'delete':
      return admin.rpc('delete_document', { p_document_id: id });
    case 'expire':
      return server.database
        .query('update documents set reserved_until = private.now() where id = $1 and status = $2', [
          id,
          'reserved',
        ])
        .then(() => server.database.query('select private.expire_reservations(private.now())'));
    case 'lose the row':
      return server.database.query('delete from public.documents where id = $1', [id]);
  }
}

/** What breaks the law now: an object beside a claim that is smaller, or a counter that lies. */
async function faults(path: string): Promise<unknown[]> {
  const { rows } = await server.database.query(
    `select d.status, d.size_bytes, o.metadata->>'size' as size from storage.objects o
     join public.documents d on d.storage_path = o.name
     where o.name = $1 and (o.metadata->>'size')::bigint > d.size_bytes`,
    [path],
  );
  return [...rows, ...(await drift(server.database))];
}

it('sessions that reserve, upload, break off, confirm, remove, delete and let expire, all at once', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(act, { minLength: 4, maxLength: 12 }), { minLength: 2, maxLength: 5 }),
      async (sessions) => {
        const id = randomUUID();
        const path = `${group}/${id}`;
        await Promise.all(
          sessions.map(async (acts) => {
            for (const step of acts) {
              const outcome = (await perform(id, path, step)) as { error?: unknown };
              if ((step.do === 'upload' || step.do === 'form') && outcome.error === null) stored += 1;
              expect(await faults(path)).toEqual([]);
            }
          }),
        );
        const directory = join(server.dataDir, 'storage');
        await expect.poll(() => readdir(join(directory, '.incoming'))).toEqual([]);
        const { rows } = await server.database.query<{ size: number }>(
          `select (metadata->>'size')::int as size from storage.objects where name = $1`,
          [path],
        );
        const place = join(directory, 'documents', encodeURIComponent(path), 'content');
        const onDisk = await stat(place).then(
          ({ size }) => [{ size }],
          () => [],
        );
        expect(onDisk).toEqual(rows);
      },
    ),
    { numRuns: 40 },
  );
  expect(stored).toBeGreaterThan(0);
}, 120_000);
