import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createClient } from '@supabase/supabase-js';
import { expect, test, vi } from 'vitest';
import { createTestDatabase } from '../../tests/helpers/database.ts';
import { joined } from '../../tests/helpers/gateway.ts';

test('the example of the README serves REST and realtime on one port', async () => {
  const database = await createTestDatabase({ empty: true });
  await database.query(`
    create table public.notes (id int primary key, body text);
    insert into public.notes values (1, 'from REST');
    grant select on public.notes to anon;
  `);
  const readme = await readFile(join(import.meta.dirname, 'README.md'), 'utf8');
  const example = /```ts\n([^]*?)```/.exec(readme)?.[1] ?? '';
  const port = await freePort();
  const child = spawn(process.execPath, ['--input-type=module-typescript', '--eval', example], {
    cwd: import.meta.dirname,
    env: {
      PATH: process.env['PATH'],
      DATABASE_URL: database.adminUrl,
      JWT_SECRET: 'x'.repeat(32),
      PORT: `${port}`,
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const ended = once(child, 'exit');
  try {
    await vi.waitFor(() => fetch(`http://127.0.0.1:${port}/rest/v1/`), 45_000);
    const client = createClient(`http://127.0.0.1:${port}`, 'sb_publishable_example', {
      auth: { persistSession: false, autoRefreshToken: false },
    });
    const { data } = await client.from('notes').select();
    expect(data).toEqual([{ id: 1, body: 'from REST' }]);
    const { messages } = await joined(client, 'hall');
    await database.query(`select realtime.send('{"n": 1}', 'hello', 'hall', false)`);
    expect(await messages.next()).toMatchObject({ event: 'hello', payload: { n: 1 } });
    expect(await client.channel('other').httpSend('hello', {})).toEqual({ success: true });
    await client.realtime.disconnect();
  } finally {
    child.kill('SIGTERM');
    await ended;
    await database.drop();
  }
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
