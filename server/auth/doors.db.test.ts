import type { SupabaseClient } from '@supabase/supabase-js';
import { SignJWT } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type RawRequest, bearer, createApiClient, requestApi } from '../../tests/helpers/api.ts';
import { TEST_JWT_SECRET, type TestServer, startTestServer } from '../../tests/helpers/server.ts';
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

describe('behind a reverse proxy', () => {
  let behind: TestServer;
  beforeAll(async () => {
    behind = await startTestServer({ trustedProxies: ['127.0.0.1'] });
  });
  afterAll(() => behind.stop());

  function signIn(email: string, password: string, forwarded: Record<string, string>): Promise<Response> {
    const body = JSON.stringify({ email, password });
    return requestApi(behind, '/auth/v1/token?grant_type=password', {
      method: 'POST',
      headers: forwarded,
      body,
    });
  }

  it('the page is told the address that the proxy says it has', async () => {
    const headers = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'epilot.example' };
    const response = await fetch(`${behind.url}/config.json`, { headers });
    expect(await response.json()).toMatchObject({ url: 'https://epilot.example' });
    expect(response.headers.get('content-security-policy')).toContain('wss://epilot.example');
  });

  it('wrong passwords lock out those who send them, and nobody else', async () => {
    const attacker = { 'x-forwarded-for': '203.0.113.7' };
    // As many at once as leave the server time for each.
    for (let i = 0; i < 100; i += 10) {
      const guesses = Array.from({ length: 10 }, (_, n) =>
        signIn(`user${i + n}@nowhere.demo`, 'wrong', attacker),
      );
      const statuses = (await Promise.all(guesses)).map(({ status }) => status);
      expect(statuses.filter((status) => status !== 400)).toEqual([]);
    }
    expect((await signIn('user0@nowhere.demo', 'wrong', attacker)).status).toBe(429);
    // Somebody in the same school, and somebody elsewhere.
    expect((await signIn(VIANNEY, DEMO_PASSWORD, attacker)).status).toBe(200);
    const elsewhere = { 'x-forwarded-for': '203.0.113.8' };
    expect((await signIn('user0@nowhere.demo', 'wrong', elsewhere)).status).toBe(400);
  }, 240_000);
});

describe('an account', () => {
  it('is not betrayed by the time that a refusal takes', async () => {
    const took = async (email: string): Promise<number> => {
      const start = performance.now();
      const { error } = await client.auth.signInWithPassword({ email, password: 'wrong' });
      expect(error?.code).toBe('invalid_credentials');
      return performance.now() - start;
    };
    const known: number[] = [];
    const unknown: number[] = [];
    for (let i = 0; i < 5; i++) {
      known.push(await took('secretariat@lamarelle.demo'));
      unknown.push(await took('nobody-at-all@lamarelle.demo'));
    }
    expect(Math.min(...unknown)).toBeGreaterThan(Math.min(...known) / 2);
  });

  it('that was never confirmed, or has no password, is not betrayed either', async () => {
    await server.database.query(`
      insert into auth.users (id, aud, role, email, encrypted_password) values
        (gen_random_uuid(), 'authenticated', 'authenticated', 'unconfirmed@b.cg',
          extensions.crypt('right', extensions.gen_salt('bf', 10))),
        (gen_random_uuid(), 'authenticated', 'authenticated', 'invited@b.cg', null)`);
    for (const email of ['unconfirmed@b.cg', 'invited@b.cg']) {
      const { error } = await client.auth.signInWithPassword({ email, password: 'right' });
      expect(error?.code).toBe('invalid_credentials');
    }
  });

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

describe('a token for sign-in and realtime', () => {
  const SUB = 'd0000000-0000-4000-8000-000000000002';
  const sign = (claims: Record<string, unknown>): Promise<string> =>
    new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(new TextEncoder().encode(TEST_JWT_SECRET));
  const exp = Math.floor(Date.now() / 1000) + 60;

  it.each([
    ['never expires', { sub: SUB, role: 'authenticated' }],
    ['names postgres', { sub: SUB, role: 'postgres', exp }],
  ])('that %s tells nobody who its bearer is', async (_what, claims) => {
    const headers = { authorization: `Bearer ${await sign(claims)}` };
    for (const [path, method] of [
      ['/user', 'GET'],
      ['/logout', 'POST'],
    ] as const) {
      const response = await request(`/auth/v1${path}`, { method, headers });
      expect(response.status).toBe(403);
      expect(await response.json()).toMatchObject({ error_code: 'bad_jwt' });
    }
  });

  it('cannot make its bearer postgres over HTTP broadcasts', async () => {
    const body = JSON.stringify({ messages: [{ topic: 'room', event: 'e', payload: {} }] });
    const broadcast = async (role: string): Promise<number> => {
      const headers = { authorization: `Bearer ${await sign({ sub: SUB, role, exp })}` };
      return (await request('/realtime/v1/api/broadcast', { method: 'POST', headers, body })).status;
    };
    expect(await broadcast('postgres')).toBe(401);
    // Known, and refused for want of a public channel.
    expect(await broadcast('authenticated')).toBe(403);
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
