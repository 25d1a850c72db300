import { randomUUID } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createApiClient } from '../../tests/helpers/api.ts';
import { type ServerRoot, createServerRoot } from '../../tests/helpers/process.ts';
import { DEMO_PASSWORD } from '../demo.ts';

let root: ServerRoot;
beforeAll(async () => {
  root = await createServerRoot();
});
afterAll(() => root.remove());

describe('a server that is killed in the middle of an upload', () => {
  it('leaves no object, and no file after the next start', async () => {
    const server = root.start();
    const runtime = await server.ready();
    const admin = createApiClient(runtime);
    await admin.auth.signInWithPassword({ email: 'vianney@lamarelle.demo', password: DEMO_PASSWORD });
    const { data: profile } = await admin
      .from('school_groups')
      .select('id')
      .limit(1)
      .single<{ id: string }>();
    const { data } = await admin
      .from('documents')
      .insert({
        id: randomUUID(),
        school_group_id: profile?.id,
        name: 'Bulletin',
        mime_type: 'application/pdf',
        size_bytes: 1_000_000,
      })
      .select('storage_path')
      .single<{ storage_path: string }>();
    const path = data?.storage_path ?? '';
    const token = (await admin.auth.getSession()).data.session?.access_token;
    const upload = request(`${runtime.url}/storage/v1/object/documents/${path}`, {
      method: 'POST',
      headers: {
        apikey: runtime.publishableKey,
        authorization: `Bearer ${token}`,
        'content-length': 1_000_000,
      },
    });
    upload.on('error', () => {});
    upload.write(Buffer.alloc(500_000));
    const filesOf = (directory: string) => readdir(join(root.dataDir, 'storage', directory));
    await vi.waitFor(async () => expect(await filesOf('.incoming')).toHaveLength(1));

    server.child.kill('SIGKILL');
    await server.ended();
    expect(await filesOf('.incoming')).toHaveLength(1);
    const { databaseUrl } = await root.start().ready();
    expect(await filesOf('.')).toEqual(['.incoming']);
    expect(await filesOf('.incoming')).toEqual([]);
    const client = new pg.Client({ connectionString: databaseUrl });
    await client.connect();
    const { rowCount } = await client.query('select from storage.objects where name = $1', [path]);
    await client.end();
    expect(rowCount).toBe(0);
  });
});
