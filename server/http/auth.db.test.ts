import type { SupabaseClient } from '@supabase/supabase-js';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type RawRequest, bearer, createApiClient, requestApi } from '../../tests/helpers/api.ts';
import { type TestServer, startTestServer } from '../../tests/helpers/server.ts';
import { DEMO_PASSWORD } from '../demo.ts';

const VIANNEY = 'vianney@lamarelle.demo';

let server: TestServer;
let client: SupabaseClient;

beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());
beforeEach(() => {
  client = createApiClient(server);
});

function request(path: string, options?: RawRequest): Promise<Response> {
  return requestApi(server, path, options);
}

describe('sign-in', () => {
  it('with a wrong password, or for nobody, is refused in the same words', async () => {
    for (const email of [VIANNEY, 'nobody@nowhere.demo']) {
      const { error } = await client.auth.signInWithPassword({ email, password: 'wrong' });
      expect(error).toMatchObject({ status: 400, code: 'invalid_credentials' });
    }
  });

  it.each([
    ['', 'validation_failed'],
    ['null', 'validation_failed'],
    ['[]', 'validation_failed'],
    ['{', 'validation_failed'],
    ['{"email":1,"password":{}}', 'validation_failed'],
    ['{"email":"a\\u0000@b.cg","password":"x"}', 'validation_failed'],
    ['{"email":"a@b.cg"}', 'validation_failed'],
  ])('with the body %o is a bad request', async (body, code) => {
    const response = await request('/auth/v1/token?grant_type=password', { method: 'POST', body });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code });
  });

  it.each(['', '?grant_type=', '?grant_type=pkce', '?grant_type=id_token'])(
    'by a way that is not offered (%o) is a bad request',
    async (query) =>
      expect((await request(`/auth/v1/token${query}`, { method: 'POST', body: '{}' })).status).toBe(400),
  );

  it('is slowed down after ten wrong passwords', async () => {
    const attempts = await Promise.all(
      Array.from({ length: 12 }, () =>
        client.auth.signInWithPassword({ email: 'admin@ngongo.demo', password: 'wrong' }),
      ),
    );
    const codes = attempts.map(({ error }) => error?.code);
    expect(codes.filter((code) => code === 'over_request_rate_limit')).toHaveLength(2);
    const { error } = await client.auth.signInWithPassword({ email: VIANNEY, password: DEMO_PASSWORD });
    expect(error).toBeNull();
  });
});

describe('an account', () => {
  it('cannot be made by a stranger', async () => {
    const { error } = await client.auth.signUp({ email: 'me@stranger.cg', password: 'long enough 42' });
    expect(error).toMatchObject({ status: 422, code: 'signup_disabled' });
    const otp = await client.auth.signInWithOtp({
      email: 'me@stranger.cg',
      options: { shouldCreateUser: true },
    });
    expect(otp.error?.status).toBe(404);
    const { rows } = await server.database.query(`select from auth.users where email = 'me@stranger.cg'`);
    expect(rows).toEqual([]);
  });

  it.each([
    '/otp',
    '/magiclink',
    '/recover',
    '/resend',
    '/verify',
    '/authorize?provider=github',
    '/callback',
    '/admin/users',
  ])('is not reached through %s', async (path) =>
    expect((await request(`/auth/v1${path}`)).status).toBe(404),
  );
});

describe('a token', () => {
  const SUB = 'd0000000-0000-4000-8000-000000000002';

  it('that has expired is refused with 401, and says so', async () => {
    const response = await request(
      '/rest/v1/rpc/get_catalogue',
      await bearer({ sub: SUB, role: 'authenticated' }, '-1h'),
    );
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({ code: 'PGRST303', message: 'JWT expired' });
  });

  it.each(['garbage', 'a.b.c', 'eyJhbGciOiJub25lIn0.eyJyb2xlIjoic2VydmljZV9yb2xlIn0.'])(
    'that is %o is refused with 401, and never taken for no token',
    async (token) => {
      const response = await request('/rest/v1/rpc/get_catalogue', {
        headers: { authorization: `Bearer ${token}` },
      });
      expect(response.status).toBe(401);
      expect(await response.json()).toMatchObject({ code: 'PGRST301' });
    },
  );

  it('that somebody else signed is refused', async () => {
    const forged = await bearer(
      { sub: SUB, role: 'service_role' },
      '1h',
      'another-secret-that-is-long-enough-too',
    );
    expect((await request('/rest/v1/rpc/get_catalogue', forged)).status).toBe(401);
  });

  it.each(['postgres', 'supabase_admin', 'authenticator', 'none'])(
    'cannot make its bearer %s',
    async (role) => {
      expect(
        (await request('/rest/v1/rpc/get_catalogue', await bearer({ sub: SUB, role }, '1h'))).status,
      ).toBe(401);
    },
  );

  it('that has expired does not tell who its bearer was', async () => {
    const response = await request('/auth/v1/user', await bearer({ sub: SUB, role: 'authenticated' }, '-1h'));
    expect(response.status).toBe(403);
    expect(await response.json()).toMatchObject({ error_code: 'bad_jwt' });
  });
});

describe('a key', () => {
  it.each([
    ['/rest/v1/schools', {}],
    ['/auth/v1/user', {}],
    ['/rest/v1/schools', { apikey: 'sb_publishable_guess' }],
    ['/auth/v1/settings', { apikey: 'sb_secret_guess' }],
  ])('is needed for %s, and %o is none', async (path, headers) => {
    const response = await fetch(`${server.url}${path}`, { headers });
    expect(response.status).toBe(401);
  });
});
