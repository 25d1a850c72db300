/** One refresh token used twice: one session comes of it, and nobody is signed out. */
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { claimsOf, createSignIn, refresh, signIn } from '../../tests/helpers/accounts.ts';
import { type TestServer, startTestServer } from '../../tests/helpers/server.ts';

let server: TestServer;
let other: TestServer;
let email: string;
let userId: string;

beforeAll(async () => {
  server = await startTestServer({ seeds: false });
  other = await startTestServer({ database: server.database });
  ({ email, id: userId } = await createSignIn(server.database));
});
afterAll(async () => {
  await other.stop();
  await server.stop();
});

/** Makes the time that a session's tokens were used, or the session refreshed, lie in the past. */
async function age(seconds: number): Promise<void> {
  await server.database.query(
    `update auth.refresh_tokens set updated_at = updated_at - make_interval(secs => $1)`,
    [seconds],
  );
  await server.database.query(
    `update auth.sessions set created_at = created_at - make_interval(secs => $1), refreshed_at = refreshed_at - make_interval(secs => $1)`,
    [seconds],
  );
}

async function sessionOf(token: string): Promise<unknown> {
  const { rows } = await server.database.query(
    'select session_id from auth.refresh_tokens where token = $1',
    [token],
  );
  return rows[0]?.['session_id'];
}

describe('a refresh token used twice', () => {
  it.each([
    ['at one server', () => server],
    ['at two servers on one database', () => other],
  ])(
    '0 to 10 ms apart %s, 500 pairs: one session, one token, nobody out',
    async (_where, second) => {
      let { refresh_token: token } = await signIn(server, email);
      const session = await sessionOf(token);
      for (let pair = 0; pair < 500; pair++) {
        // Each pair has an exchange to race for.
        await server.database.query(
          `update auth.sessions set refreshed_at = refreshed_at - interval '6 s' where id = $1`,
          [session],
        );
        const first = refresh(server, token);
        if (pair % 11 > 0) await pause(pair % 11);
        const both = await Promise.all([first, refresh(second(), token)]);
        expect(both.map(({ status }) => status)).toEqual([200, 200]);
        expect(new Set(both.map((answer) => answer.refresh_token)).size).toBe(1);
        token = both[0].refresh_token;
      }
      expect(await sessionOf(token)).toBe(session);
      const { rows } = await server.database.query(
        'select count(*)::int as valid from auth.refresh_tokens where session_id = $1 and not revoked',
        [session],
      );
      expect(rows).toEqual([{ valid: 1 }]);
    },
    240_000,
  );

  it('by ten at once gives each a token of that session', async () => {
    const { refresh_token: token } = await signIn(server, email);
    const all = await Promise.all(
      Array.from({ length: 10 }, (_, n) => refresh(n % 2 ? server : other, token)),
    );
    expect(new Set(all.map((answer) => answer.refresh_token)).size).toBe(1);
    for (const { access_token: access } of all) {
      expect(claimsOf(access)).toMatchObject({
        sub: userId,
        session_id: await sessionOf(token),
        aal: 'aal1',
      });
    }
  });

  it('within ten seconds leads to the present token, also when that was used meanwhile', async () => {
    const { refresh_token: first } = await signIn(server, email);
    const second = await refresh(server, first);
    await age(6);
    const third = await refresh(server, second.refresh_token);
    expect(third.refresh_token).not.toBe(second.refresh_token);
    await age(3);
    expect(await refresh(server, first)).toMatchObject({ status: 200, refresh_token: third.refresh_token });
  });

  it('beyond ten seconds ends the session, for the thief and for the owner', async () => {
    const { refresh_token: stolen } = await signIn(server, email);
    const owner = await refresh(server, stolen);
    await age(11);
    expect(await refresh(server, stolen)).toMatchObject({
      status: 400,
      error_code: 'refresh_token_already_used',
    });
    expect(await refresh(server, owner.refresh_token)).toMatchObject({
      status: 400,
      error_code: 'refresh_token_not_found',
    });
  });

  it('that nobody ever had is refused', async () => {
    expect(await refresh(server, 'nobodys-token')).toMatchObject({
      status: 400,
      error_code: 'refresh_token_not_found',
    });
  });
});

describe('a session', () => {
  const DAY = 86_400;

  it('ends after thirty days without a refresh, and not before', async () => {
    const { refresh_token: first } = await signIn(server, email);
    await age(29 * DAY);
    const second = await refresh(server, first);
    expect(second.status).toBe(200);
    await age(31 * DAY);
    expect(await refresh(server, second.refresh_token)).toMatchObject({
      status: 400,
      error_code: 'session_expired',
    });
    expect(await sessionOf(second.refresh_token)).toBeUndefined();
  });

  it('ends after a hundred and eighty days at the latest, and its last access token with it', async () => {
    let { refresh_token: token } = await signIn(server, email);
    for (let month = 0; month < 6; month++) {
      await age(month < 5 ? 29 * DAY : 35 * DAY - 600);
      if (month === 5) await server.database.query('update auth.sessions set refreshed_at = now()');
      const answer = await refresh(server, token);
      expect(answer.status).toBe(200);
      if (month === 5) expect(answer.expires_in).toBeLessThanOrEqual(600);
      token = answer.refresh_token;
    }
    await age(601);
    expect(await refresh(server, token)).toMatchObject({ status: 400, error_code: 'session_expired' });
  });

  it('of an account that was blocked is not renewed', async () => {
    const account = await createSignIn(server.database);
    const { refresh_token: token } = await signIn(server, account.email);
    await server.database.query(
      `update auth.users set banned_until = now() + interval '1 day' where id = $1`,
      [account.id],
    );
    expect(await refresh(server, token)).toMatchObject({ status: 400, error_code: 'user_banned' });
    expect(await signIn(server, account.email)).toMatchObject({ status: 400, error_code: 'user_banned' });
  });
});

describe('a refresh that races', () => {
  it('with a sign-out everywhere leaves no session', async () => {
    for (let round = 0; round < 40; round++) {
      const account = await createSignIn(server.database);
      const { access_token: access, refresh_token: token } = await signIn(server, account.email);
      const [answer] = await Promise.all([
        refresh(other, token),
        fetch(`${server.url}/auth/v1/logout?scope=global`, {
          method: 'POST',
          headers: { apikey: server.publishableKey, authorization: `Bearer ${access}` },
        }),
      ]);
      expect([200, 400]).toContain(answer.status);
      const { rows } = await server.database.query('select from auth.sessions where user_id = $1', [
        account.id,
      ]);
      expect(rows).toEqual([]);
      if (answer.status === 200) expect((await refresh(server, answer.refresh_token)).status).toBe(400);
    }
  });
});
