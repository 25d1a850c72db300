/** What one account can leave behind is bounded, whatever it repeats. */
import type { SupabaseClient } from '@supabase/supabase-js';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Account, PASSWORD, createSignIn, refresh, signIn } from '../../tests/helpers/accounts.ts';
import { createApiClient } from '../../tests/helpers/api.ts';
import { type TestServer, startTestServer } from '../../tests/helpers/server.ts';

let server: TestServer;
let account: Account;
beforeAll(async () => {
  server = await startTestServer({ seeds: false });
});
afterAll(() => server.stop());
beforeEach(async () => {
  account = await createSignIn(server.database);
});

const query = (sql: string): ReturnType<TestServer['database']['query']> =>
  server.database.query(sql, [account.id]);
const sessions = async (): Promise<unknown[]> =>
  (await query('select id from auth.sessions where user_id = $1 order by created_at')).rows.map(
    (row) => row['id'] as unknown,
  );
/** Makes what the account's sessions did lie so long in the past. */
const age = (seconds: number): Promise<unknown> =>
  query(`with s as (
      update auth.sessions set created_at = created_at - interval '${seconds} s', refreshed_at = refreshed_at - interval '${seconds} s'
      where user_id = $1)
    update auth.refresh_tokens set updated_at = updated_at - interval '${seconds} s'
    where session_id in (select id from auth.sessions where user_id = $1)`);

describe('sessions', () => {
  it('are fifty at most: the one refreshed longest ago ends when another begins', async () => {
    const first = await signIn(server, account.email);
    const second = await signIn(server, account.email);
    await query(`insert into auth.sessions (id, user_id, created_at, updated_at)
      select gen_random_uuid(), $1, now() - interval '1 h', now() from generate_series(1, 48)`);
    await age(7_200);
    const kept = await refresh(server, first.refresh_token);
    expect(kept.status).toBe(200);
    await query(`update auth.sessions set created_at = created_at - interval '1 day' where user_id = $1
      and refreshed_at is null and aal is not null`);
    await Promise.all([signIn(server, account.email), signIn(server, account.email)]);
    expect(await sessions()).toHaveLength(50);
    expect((await refresh(server, second.refresh_token)).error_code).toBe('refresh_token_not_found');
    await age(60);
    expect((await refresh(server, kept.refresh_token)).status).toBe(200);
  });
});

describe('refresh tokens', () => {
  const stored = async (): Promise<number | null> =>
    (
      await query(
        'select from auth.refresh_tokens t join auth.sessions s on s.id = t.session_id where s.user_id = $1',
      )
    ).rowCount;

  it('are not exchanged again within five seconds: the present one is given back', async () => {
    const { refresh_token: first } = await signIn(server, account.email);
    const { refresh_token: present } = await refresh(server, first);
    expect(present).not.toBe(first);
    const answers = await Promise.all(Array.from({ length: 10 }, () => refresh(server, present)));
    expect(new Set(answers.map(({ refresh_token: token }) => token))).toEqual(new Set([present]));
    expect(await stored()).toBe(2);
    await age(4);
    expect((await refresh(server, first)).refresh_token).toBe(present);
    expect((await refresh(server, present)).refresh_token).toBe(present);
    await age(2);
    expect((await refresh(server, present)).refresh_token).not.toBe(present);
  });

  it('that were used are kept twenty; an older one is unknown and continues nothing', async () => {
    const { refresh_token: first } = await signIn(server, account.email);
    let token = first;
    const used: string[] = [];
    for (let n = 0; n < 30; n++) {
      await age(60);
      used.push(token);
      ({ refresh_token: token } = await refresh(server, token));
    }
    expect(await stored()).toBe(21);
    await age(60);
    expect((await refresh(server, first)).error_code).toBe('refresh_token_not_found');
    const next = await refresh(server, token);
    expect(next.status).toBe(200);
    // One that is still known is a copy that came back: the session ends.
    expect((await refresh(server, used.at(-5) ?? '')).error_code).toBe('refresh_token_already_used');
    expect((await refresh(server, next.refresh_token)).error_code).toBe('refresh_token_not_found');
  });
});

describe('second factors and the audit', () => {
  let client: SupabaseClient;
  beforeEach(async () => {
    client = createApiClient(server);
    await client.auth.signInWithPassword({ email: account.email, password: PASSWORD });
  });

  it('twenty enrolments a day are enough, however many were removed', async () => {
    const enrol = () => client.auth.mfa.enroll({ factorType: 'totp' });
    for (let n = 0; n < 20; n++) {
      const { data, error } = await enrol();
      expect(error).toBeNull();
      expect((await client.auth.mfa.unenroll({ factorId: data?.id ?? '' })).error).toBeNull();
    }
    expect((await enrol()).error).toMatchObject({
      status: 429,
      code: 'over_request_rate_limit',
      message: 'Trop de facteurs ajoutés aujourd’hui ; réessayez demain.',
    });
    await query(
      `update auth.audit_log_entries set created_at = created_at - interval '25 h' where payload ->> 'actor_id' = $1::text`,
    );
    expect((await enrol()).error).toBeNull();
  });

  it('one entry stands for the same act of one account within a minute', async () => {
    await Promise.all(Array.from({ length: 20 }, () => signIn(server, account.email)));
    const { rows } = await query(
      `select count(*)::int as entries, count(distinct date_trunc('minute', created_at))::int as minutes
       from auth.audit_log_entries where payload ->> 'actor_id' = $1::text and payload ->> 'action' = 'login'`,
    );
    expect(rows[0]?.['entries']).toBe(rows[0]?.['minutes']);
  });
});
