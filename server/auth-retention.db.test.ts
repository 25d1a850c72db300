/** What signing in leaves behind goes when nobody can use it any more, and who is signed in stays signed in. */
import type { SupabaseClient } from '@supabase/supabase-js';
import { createClient } from '@supabase/supabase-js';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type TestServer, startTestServer } from '../tests/helpers/server.ts';
import { sweepAuth } from './auth-retention.ts';
import { DEMO_PASSWORD } from './demo.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());
beforeEach(async () => {
  await server.database.query(
    'truncate auth.sessions, auth.refresh_tokens, auth.audit_log_entries, auth.flow_state cascade',
  );
});

async function signedIn(): Promise<SupabaseClient> {
  const client = createClient(server.url, server.publishableKey, {
    auth: { persistSession: false, autoRefreshToken: false },
  });
  const { error } = await client.auth.signInWithPassword({
    email: 'vianney@lamarelle.demo',
    password: DEMO_PASSWORD,
  });
  expect(error).toBeNull();
  return client;
}

const sweep = (): ReturnType<typeof sweepAuth> => sweepAuth(server.database.url);
const count = async (table: string): Promise<number> =>
  (await server.database.query(`select from auth.${table}`)).rowCount ?? 0;

/** Makes everything there is so many days older. */
async function age(days: number): Promise<void> {
  const older = `- interval '${days} days'`;
  for (const table of ['sessions', 'refresh_tokens'])
    await server.database.query(
      `update auth.${table} set created_at = created_at ${older}, updated_at = updated_at ${older}`,
    );
  await server.database.query(`update auth.sessions set refreshed_at = refreshed_at ${older}`);
  await server.database.query(`update auth.audit_log_entries set created_at = created_at ${older}`);
}

describe('a session that is in use', () => {
  it('goes on after the night, and loses only the tokens that were used up a week ago', async () => {
    const client = await signedIn();
    for (let refresh = 0; refresh < 5; refresh++) {
      await server.database.query(
        `update auth.sessions set refreshed_at = refreshed_at - interval '1 minute'`,
      );
      expect((await client.auth.refreshSession()).error).toBeNull();
    }
    await age(8);
    expect((await client.auth.refreshSession()).error).toBeNull();
    expect(await count('refresh_tokens')).toBe(7);
    expect(await sweep()).toMatchObject({ sessions_swept: 0, tokens_swept: 5 });
    expect(await count('refresh_tokens')).toBe(2);

    expect((await client.auth.refreshSession()).error).toBeNull();
    expect((await client.auth.getUser()).error).toBeNull();
    expect((await client.from('schools').select('id')).data?.length).toBeGreaterThan(0);
  });

  it('goes on after 29 days of silence', async () => {
    const client = await signedIn();
    await age(29);
    expect(await sweep()).toMatchObject({ sessions_swept: 0, tokens_swept: 0 });
    expect((await client.auth.refreshSession()).error).toBeNull();
  });
});

describe('a session that nobody can or will use', () => {
  it('goes after 30 days of silence, with its tokens; its owner must sign in again, and can', async () => {
    const client = await signedIn();
    await age(31);
    expect(await sweep()).toMatchObject({ sessions_swept: 1 });
    expect([await count('sessions'), await count('refresh_tokens')]).toEqual([0, 0]);
    expect((await client.auth.refreshSession()).error).not.toBeNull();
    await signedIn();
  });

  it('goes after a day when its tokens are all revoked', async () => {
    await signedIn();
    await server.database.query('update auth.refresh_tokens set revoked = true');
    expect(await sweep()).toMatchObject({ sessions_swept: 0 });
    await age(2);
    expect(await sweep()).toMatchObject({ sessions_swept: 1 });
  });

  it('is swept also when there are thousands, and one that somebody holds waits for the next night', async () => {
    await signedIn();
    const { rows } = await server.database.query<{ id: string; user_id: string }>(
      'select id, user_id from auth.sessions',
    );
    await server.database.query(
      `insert into auth.sessions (id, user_id, created_at, updated_at)
       select gen_random_uuid(), $1, now() - interval '40 days', now() - interval '40 days' from generate_series(1, 2500)`,
      [rows[0]?.user_id],
    );
    const holder = await server.database.connect();
    await holder.query(
      `begin; select from auth.sessions where updated_at < now() - interval '30 days' limit 1 for update`,
    );
    expect(await sweep()).toMatchObject({ sessions_swept: 2_499 });
    await holder.query('rollback');
    expect(await sweep()).toMatchObject({ sessions_swept: 1 });
    expect((await server.database.query('select id from auth.sessions')).rows).toEqual([{ id: rows[0]?.id }]);
  });
});

it('what signing in recorded goes after 90 days, and a flow that was not finished after a day', async () => {
  await signedIn();
  const recorded = await count('audit_log_entries');
  expect(recorded).toBeGreaterThan(0);
  await age(89);
  expect(await sweep()).toMatchObject({ audit_entries_swept: 0 });
  await age(2);
  await server.database.query(
    `insert into auth.flow_state (id, authentication_method, provider_type, created_at)
     values (gen_random_uuid(), 'oauth', 'email', now() - interval '2 days'), (gen_random_uuid(), 'oauth', 'email', now())`,
  );
  expect(await sweep()).toMatchObject({ audit_entries_swept: recorded, flows_swept: 1 });
});

it('the tables of another sign-in server are left alone', async () => {
  await signedIn();
  await age(100);
  await server.database.query('create table auth.schema_migrations (version text)');
  expect(await sweep()).toEqual({
    sessions_swept: 0,
    tokens_swept: 0,
    audit_entries_swept: 0,
    flows_swept: 0,
  });
  await server.database.query('drop table auth.schema_migrations');
});
