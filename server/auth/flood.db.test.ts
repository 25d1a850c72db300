/** A flood of refresh tokens that nobody was given: the database hears nothing of it, and who is signed in is served. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSignIn, refresh, signIn } from '../../tests/helpers/accounts.ts';
import { requestApi } from '../../tests/helpers/api.ts';
import { type TestServer, startTestServer } from '../../tests/helpers/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ seeds: false, trustedProxies: ['127.0.0.1'] });
});
afterAll(() => server.stop());

const random = (length: number): string => randomBytes(length).toString('base64url').slice(0, length);

async function present(token: string, address: string): Promise<{ status: number; code: string }> {
  const response = await requestApi(server, '/auth/v1/token?grant_type=refresh_token', {
    method: 'POST',
    headers: { 'x-forwarded-for': address },
    body: JSON.stringify({ refresh_token: token }),
  });
  return { status: response.status, code: ((await response.json()) as { code: string }).code };
}

/** The time in the database; and how many of the sign-in's sessions were sent a statement since another time. */
async function heardSince(since: string | null): Promise<{ now: string; heard: number } | undefined> {
  const { rows } = await server.database.query<{ now: string; heard: number }>(
    `select clock_timestamp()::text as now, count(*) filter (where query_start > $1::timestamptz)::int as heard
     from pg_stat_activity where application_name = 'e-pilot sign-in' and datname = current_database()`,
    [since],
  );
  return rows[0];
}

describe('a refresh token that nobody made', () => {
  it('is refused without a statement, whatever it looks like', async () => {
    const { email } = await createSignIn(server.database);
    const { refresh_token: real } = await signIn(server, email);
    const last = real.at(-1) === 'A' ? 'B' : 'A';
    const madeUp = [
      '',
      'x',
      '=',
      'é'.repeat(real.length),
      random(24),
      random(64),
      random(255),
      random(real.length),
      real.slice(0, -1),
      real.slice(0, -1) + last,
      `${random(22)}${real.slice(22)}`,
      `${real}A`,
      ` ${real}`,
    ];
    const before = await heardSince(null);
    for (const [n, token] of madeUp.entries()) {
      expect(await present(token, `127.0.1.${n}`)).toEqual({ status: 400, code: 'refresh_token_not_found' });
    }
    expect(await heardSince(before?.now ?? null)).toMatchObject({ heard: 0 });
    expect((await refresh(server, real)).status).toBe(200);
    expect((await heardSince(before?.now ?? null))?.heard).toBeGreaterThan(0);
  });

  it('in the shape of a token that moved from Supabase is looked up, and such a token is honoured', async () => {
    const { email } = await createSignIn(server.database);
    const { refresh_token: made } = await signIn(server, email);
    await server.database.query('update auth.refresh_tokens set token = $2 where token = $1', [
      made,
      'abcdefghij12',
    ]);
    expect(await refresh(server, 'abcdefghij13')).toMatchObject({ status: 400 });
    const next = await refresh(server, 'abcdefghij12');
    expect(next.status).toBe(200);
    expect(next.refresh_token.length).toBeGreaterThan(30);
    expect(next.refresh_token.length).toBeLessThanOrEqual(64);
  });
});

it.each([
  ['of any shape', 34],
  ['in the shape of tokens from Supabase', 12],
])(
  'beside a flood %s from forty addresses, who is signed in is served',
  async (_shape, length) => {
    const { email } = await createSignIn(server.database);
    let { access_token: access, refresh_token: token } = await signIn(server, email);
    const stopping = new AbortController();
    const flood = Array.from({ length: 40 }, async (_, loop) => {
      while (!stopping.signal.aborted) await present(random(length), `127.0.2.${loop}`);
    });
    const statuses: number[] = [];
    for (let round = 0; round < 20; round++) {
      const answer = await requestApi(server, '/auth/v1/user', {
        headers: { authorization: `Bearer ${access}` },
      });
      await answer.body?.cancel();
      const refreshed = await refresh(server, token);
      ({ access_token: access, refresh_token: token } = refreshed);
      statuses.push(answer.status, refreshed.status);
    }
    stopping.abort();
    await Promise.all(flood);
    expect(statuses).toEqual(Array.from({ length: 40 }, () => 200));
  },
  120_000,
);
