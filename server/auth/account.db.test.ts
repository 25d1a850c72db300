/** One's own account: old hashes, another password, and what the doors refuse. */
import type { SupabaseClient } from '@supabase/supabase-js';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Account, PASSWORD, createSignIn, signIn } from '../../tests/helpers/accounts.ts';
import { createApiClient, requestApi } from '../../tests/helpers/api.ts';
import { type TestServer, startTestServer } from '../../tests/helpers/server.ts';

const ANOTHER = 'Un-autre-mot-de-passe-43';
let server: TestServer;
let account: Account;
let client: SupabaseClient;

beforeAll(async () => {
  server = await startTestServer({ seeds: false });
});
afterAll(() => server.stop());
beforeEach(async () => {
  account = await createSignIn(server.database);
  client = createApiClient(server);
  await client.auth.signInWithPassword({ email: account.email, password: PASSWORD });
});

describe('a hash made elsewhere', () => {
  it.each([
    // Of this password by pgcrypto, by Supabase's auth server, and by bcryptjs.
    ['$2a$', `extensions.crypt('${PASSWORD}', extensions.gen_salt('bf', 10))`],
    ['$2b$', `replace(extensions.crypt('${PASSWORD}', extensions.gen_salt('bf', 10)), '$2a$', '$2b$')`],
    ['$2y$', `replace(extensions.crypt('${PASSWORD}', extensions.gen_salt('bf', 10)), '$2a$', '$2y$')`],
  ])('that begins with %s signs in', async (prefix, made) => {
    await server.database.query(`update auth.users set encrypted_password = ${made} where id = $1`, [
      account.id,
    ]);
    const { rows } = await server.database.query<{ hash: string }>(
      'select encrypted_password as hash from auth.users where id = $1',
      [account.id],
    );
    expect(rows[0]?.hash.slice(0, 7)).toBe(`${prefix}10$`);
    expect((await signIn(server, account.email)).status).toBe(200);
    expect((await signIn(server, account.email, 'wrong')).status).toBe(400);
  });

  it('of another kind signs nobody in', async () => {
    for (const hash of ['$argon2id$v=19$m=1,t=1,p=1$c2FsdA$aGFzaA', '', 'plain', PASSWORD]) {
      await server.database.query('update auth.users set encrypted_password = $2 where id = $1', [
        account.id,
        hash,
      ]);
      expect((await signIn(server, account.email, hash || PASSWORD)).status).toBe(400);
    }
  });
});

describe('another password', () => {
  it('is in force at once, as Supabase stores it, and ends all other sessions', async () => {
    const elsewhere = await signIn(server, account.email);
    const { data, error } = await client.auth.updateUser({ password: ANOTHER, current_password: PASSWORD });
    expect(error).toBeNull();
    expect(data.user?.id).toBe(account.id);
    expect((await signIn(server, account.email)).status).toBe(400);
    expect((await signIn(server, account.email, ANOTHER)).status).toBe(200);
    expect((await client.auth.getUser()).data.user?.id).toBe(account.id);
    expect((await client.auth.refreshSession()).error).toBeNull();
    const user = await createApiClient(server).auth.getUser(elsewhere.access_token);
    expect(user.error?.name).toBe('AuthSessionMissingError');
    const { rows } = await server.database.query<{ hash: string }>(
      'select encrypted_password as hash from auth.users where id = $1',
      [account.id],
    );
    expect(rows[0]?.hash).toMatch(/^\$2a\$10\$/);
  });

  it('needs the present one, unless the sign-in is fresh', async () => {
    expect((await client.auth.updateUser({ password: ANOTHER })).error).toBeNull();
    await server.database.query(`update auth.sessions set created_at = created_at - interval '16 minutes'`);
    expect((await client.auth.updateUser({ password: PASSWORD })).error).toMatchObject({
      status: 400,
      code: 'reauthentication_needed',
    });
    expect(
      (await client.auth.updateUser({ password: PASSWORD, current_password: 'wrong' })).error,
    ).toMatchObject({
      status: 400,
      code: 'invalid_credentials',
    });
    expect(
      (await client.auth.updateUser({ password: PASSWORD, current_password: ANOTHER })).error,
    ).toBeNull();
  });

  it.each([
    ['too short', 'neuf-----', 422, 'weak_password'],
    ['the same', PASSWORD, 422, 'same_password'],
    ['longer than bcrypt reads', 'é'.repeat(37), 400, 'validation_failed'],
    ['with a NUL', 'un-mot-de\0passe', 400, 'validation_failed'],
  ])('that is %s is refused', async (_what, password, status, code) => {
    for (const current of [{}, { current_password: PASSWORD }]) {
      expect((await client.auth.updateUser({ password, ...current })).error).toMatchObject({ status, code });
    }
    expect((await signIn(server, account.email)).status).toBe(200);
  });

  it('guessed at by a stolen session is slowed down like a sign-in', async () => {
    const guess = (): Promise<string | undefined> =>
      client.auth
        .updateUser({ password: ANOTHER, current_password: 'wrong' })
        .then(({ error }) => error?.code);
    for (let n = 0; n < 10; n++) expect(await guess()).toBe('invalid_credentials');
    expect(await guess()).toBe('over_request_rate_limit');
  });

  it('leaves no session to who signs in with the old one at that moment', async () => {
    for (let round = 0; round < 10; round++) {
      const each = await createSignIn(server.database);
      const owner = createApiClient(server);
      await owner.auth.signInWithPassword({ email: each.email, password: PASSWORD });
      await Promise.all([
        owner.auth.updateUser({ password: ANOTHER, current_password: PASSWORD }),
        ...Array.from({ length: 6 }, () => signIn(server, each.email)),
      ]);
      const { rows } = await server.database.query<{ id: string }>(
        'select id from auth.sessions where user_id = $1',
        [each.id],
      );
      expect(rows).toHaveLength(1);
    }
  });
});

describe('the doors of one’s account', () => {
  it('tell of a session that has ended, and of no token at all', async () => {
    const { data } = await client.auth.getSession();
    await server.database.query('delete from auth.sessions where user_id = $1', [account.id]);
    const headers = { authorization: `Bearer ${data.session?.access_token}` };
    for (const [method, path] of [
      ['GET', '/user'],
      ['PUT', '/user'],
      ['POST', '/logout'],
      ['POST', '/factors'],
    ] as const) {
      const ended = await requestApi(server, `/auth/v1${path}`, {
        method,
        headers,
        ...(method === 'GET' ? {} : { body: '{}' }),
      });
      expect([path, ended.status, await ended.json()]).toMatchObject([
        path,
        403,
        { error_code: 'session_not_found' },
      ]);
      const nobody = await requestApi(server, `/auth/v1${path}`, {
        method,
        ...(method === 'GET' ? {} : { body: '{}' }),
      });
      expect([path, nobody.status, await nobody.json()]).toMatchObject([
        path,
        401,
        { error_code: 'no_authorization' },
      ]);
    }
  });

  it.each([
    '{"__proto__": {"password": "x"}}',
    '{"constructor": 1}',
    '{"password": {"a": 1}}',
    '[]',
    'null',
    '',
  ])('take %o for no body', async (body) => {
    const { data } = await client.auth.getSession();
    const headers = { authorization: `Bearer ${data.session?.access_token}` };
    const response = await requestApi(server, '/auth/v1/user', { method: 'PUT', headers, body });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error_code: 'validation_failed' });
  });

  it('answer preflights of other origins', async () => {
    for (const path of ['/token?grant_type=password', '/user', '/factors', '/logout']) {
      const response = await fetch(`${server.url}/auth/v1${path}`, {
        method: 'OPTIONS',
        headers: {
          origin: 'https://elsewhere.test',
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'apikey,content-type,x-client-info,x-supabase-api-version',
        },
      });
      expect([path, response.status, response.headers.get('access-control-allow-origin')]).toEqual([
        path,
        204,
        '*',
      ]);
    }
  });
});
