import { statSync } from 'node:fs';
import { join } from 'node:path';
import { createClient } from '@supabase/supabase-js';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ServerProcess, type ServerRoot, createServerRoot } from '../tests/helpers/process.ts';
import type { Runtime } from './data-directory.ts';
import { DEMO_PASSWORD } from './demo.ts';

let root: ServerRoot;
let server: ServerProcess;
let runtime: Runtime;
beforeAll(async () => {
  root = await createServerRoot();
  server = root.start();
  runtime = await server.ready();
});
afterAll(() => root.remove());

const logSize = (): number => statSync(join(root.dataDir, 'postgresql.log')).size;

/** Runs each request so many times, a few at once. */
async function repeat(times: number, requests: readonly (() => PromiseLike<unknown>)[]): Promise<void> {
  for (let done = 0; done < times; done += 5) {
    await Promise.all(Array.from({ length: 5 }, () => requests.map((request) => request())).flat());
  }
}

it(
  'thousands of refused requests write nothing into the log of PostgreSQL, and next to nothing into the server’s',
  { timeout: 240_000 },
  async () => {
    const client = createClient(runtime.url, runtime.publishableKey, {
      auth: { persistSession: false, autoRefreshToken: false },
    });
    await client.auth.signInWithPassword({ email: 'vianney@lamarelle.demo', password: DEMO_PASSWORD });
    const { data: school } = await client.from('schools').select('id, school_group_id').limit(1).single();
    const anonymous = { headers: { apikey: runtime.publishableKey } };
    const codes = new Set<string | undefined>();
    const refused = async (answer: PromiseLike<{ error: { code?: string } | null }>): Promise<void> =>
      void codes.add((await answer).error?.code);
    const before = { postgres: logSize(), server: server.output().length };

    await repeat(400, [
      () =>
        refused(
          client.rpc('change_plan', { p_plan_slug: 'premium', p_reason: 'x', p_school_group_id: null }),
        ),
      () => refused(client.from('schools').insert({ ...school, id: undefined, name: '' })),
      () => refused(client.from('audit_log').insert({ action: 'none of mine' })),
      () => refused(client.from('students').select('id').eq('birth_date', 'no date')),
      () => refused(client.from('no_such_table').select()),
      () => fetch(`${runtime.url}/rest/v1/schools?select=%00`, anonymous).then((answer) => answer.text()),
      () =>
        fetch(`${runtime.url}/storage/v1/object/documents/none`, anonymous).then((answer) => answer.text()),
      () => fetch(`${runtime.url}/auth/v1/user`, anonymous).then((answer) => answer.text()),
    ]);

    expect([...codes]).toEqual(expect.arrayContaining(['PT403', '23514', '42501', '22007']));
    expect(logSize() - before.postgres).toBe(0);
    expect(server.output().length - before.server).toBeLessThan(100_000);
  },
);

it('what an operator must hear still stands in the log of PostgreSQL', async () => {
  const before = logSize();
  const stranger = new pg.Client({ connectionString: runtime.databaseUrl.replace(/:[^:@]+@/, ':wrong@') });
  await expect(stranger.connect()).rejects.toThrow('password authentication failed');
  expect(logSize()).toBeGreaterThan(before);
});
