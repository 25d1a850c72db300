/** A second factor through the unmodified official client. */
import type { SupabaseClient } from '@supabase/supabase-js';
import { TOTP, Secret } from 'otpauth';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Account, PASSWORD, claimsOf, createSignIn, signIn } from '../../tests/helpers/accounts.ts';
import { createApiClient, requestApi } from '../../tests/helpers/api.ts';
import { type TestServer, startTestServer } from '../../tests/helpers/server.ts';

let server: TestServer;
let account: Account;
let client: SupabaseClient;

beforeAll(async () => {
  server = await startTestServer({ seeds: false, trustedProxies: ['127.0.0.1'] });
});
afterAll(() => server.stop());
beforeEach(async () => {
  account = await createSignIn(server.database, { role: 'super_admin' });
  client = await signedIn();
});

async function signedIn(): Promise<SupabaseClient> {
  const created = createApiClient(server);
  await created.auth.signInWithPassword({ email: account.email, password: PASSWORD });
  return created;
}

/** The code of a secret, so many steps of 30 s from now. */
const codeOf = (secret: string, steps = 0): string =>
  new TOTP({ secret: Secret.fromBase32(secret) }).generate({ timestamp: Date.now() + steps * 30_000 });

async function enrol(on = client): Promise<{ id: string; secret: string; uri: string; qr_code: string }> {
  const { data, error } = await on.auth.mfa.enroll({
    factorType: 'totp',
    friendlyName: 'Téléphone',
    issuer: 'E-Pilot',
  });
  expect(error).toBeNull();
  return { id: data?.id ?? '', ...(data?.totp as { secret: string; uri: string; qr_code: string }) };
}

async function withFactor(): Promise<{ id: string; secret: string }> {
  const factor = await enrol();
  const { error } = await client.auth.mfa.challengeAndVerify({
    factorId: factor.id,
    code: codeOf(factor.secret, -1),
  });
  expect(error).toBeNull();
  return factor;
}

const aal = async (on: SupabaseClient): Promise<unknown> =>
  (await on.auth.mfa.getAuthenticatorAssuranceLevel()).data;
const acts = async (on: SupabaseClient): Promise<string | undefined> => {
  const { error } = await on.rpc('list_school_groups');
  if (!error) return undefined;
  return error.details ? (JSON.parse(error.details) as { code: string }).code : error.code;
};

describe('a second factor', () => {
  it('is enrolled, shown, verified and listed', async () => {
    const factor = await enrol();
    expect(factor.uri).toMatch(/^otpauth:\/\/totp\/E-Pilot:.+secret=/);
    expect(factor.qr_code).toMatch(/^data:image\/svg\+xml;utf-8,<svg/);
    expect((await client.auth.mfa.listFactors()).data).toMatchObject({
      totp: [],
      all: [{ status: 'unverified' }],
    });
    expect(await aal(client)).toMatchObject({ currentLevel: 'aal1', nextLevel: 'aal1' });

    const { data, error } = await client.auth.mfa.challengeAndVerify({
      factorId: factor.id,
      code: codeOf(factor.secret),
    });
    expect(error).toBeNull();
    expect(claimsOf(data?.access_token ?? '')).toMatchObject({
      aal: 'aal2',
      amr: [{ method: 'totp' }, { method: 'password' }],
    });
    expect(await aal(client)).toMatchObject({ currentLevel: 'aal2', nextLevel: 'aal2' });
    expect((await client.auth.mfa.listFactors()).data?.totp).toMatchObject([
      { id: factor.id, status: 'verified', friendly_name: 'Téléphone' },
    ]);
    expect(JSON.stringify(await client.auth.getUser())).not.toContain(factor.secret);
    expect((await client.auth.refreshSession()).error).toBeNull();
    expect(await aal(client)).toMatchObject({ currentLevel: 'aal2' });
  });

  it('is asked of a super admin from then on, at every session', async () => {
    const before = await signedIn();
    expect(await acts(before)).toBeUndefined();
    const { id, secret } = await withFactor();
    expect(await acts(client)).toBeUndefined();
    // It was begun without the factor that the account now asks for.
    expect(['not_authenticated', 'PGRST303']).toContain(await acts(before));

    const again = await signedIn();
    expect(await aal(again)).toMatchObject({ currentLevel: 'aal1', nextLevel: 'aal2' });
    expect(await acts(again)).toBe('second_factor_required');
    await again.auth.mfa.challengeAndVerify({ factorId: id, code: codeOf(secret) });
    expect(await acts(again)).toBeUndefined();
  });

  it('cannot be removed, joined by another, or gone around, without giving it', async () => {
    const { id } = await withFactor();
    const thief = await signedIn();
    expect((await thief.auth.mfa.unenroll({ factorId: id })).error).toMatchObject({
      status: 422,
      code: 'insufficient_aal',
    });
    expect((await thief.auth.mfa.enroll({ factorType: 'totp', friendlyName: 'Autre' })).error).toMatchObject({
      code: 'insufficient_aal',
    });
    expect(
      (await thief.auth.updateUser({ password: 'Un-autre-mot-de-passe-43', current_password: PASSWORD }))
        .error,
    ).toMatchObject({
      status: 401,
      code: 'insufficient_aal',
    });
    expect((await client.auth.mfa.unenroll({ factorId: id })).data).toEqual({ id });
    await client.auth.refreshSession();
    expect(await aal(client)).toMatchObject({ currentLevel: 'aal1', nextLevel: 'aal1' });
    expect(await acts(client)).toBeUndefined();
  });

  it('of somebody else is not there', async () => {
    const { id } = await withFactor();
    const other = await createSignIn(server.database);
    const stranger = createApiClient(server);
    await stranger.auth.signInWithPassword({ email: other.email, password: PASSWORD });
    for (const outcome of [
      await stranger.auth.mfa.challenge({ factorId: id }),
      await stranger.auth.mfa.unenroll({ factorId: id }),
      await stranger.auth.mfa.challengeAndVerify({ factorId: id, code: '000000' }),
    ]) {
      expect(outcome.error).toMatchObject({ status: 404, code: 'mfa_factor_not_found' });
    }
  });

  it('has a name of its own', async () => {
    await enrol();
    expect(
      (await client.auth.mfa.enroll({ factorType: 'totp', friendlyName: 'Téléphone' })).error,
    ).toMatchObject({
      code: 'mfa_factor_name_conflict',
    });
  });
});

describe('a code', () => {
  it('is good once, also for a challenge of its own and for two at once', async () => {
    const { id, secret } = await withFactor();
    const [one, two] = [await signedIn(), await signedIn()];
    const code = codeOf(secret);
    const outcomes = await Promise.all(
      [one, two].map((each) => each.auth.mfa.challengeAndVerify({ factorId: id, code })),
    );
    expect(outcomes.filter(({ error }) => error === null)).toHaveLength(1);
    const third = await signedIn();
    expect((await third.auth.mfa.challengeAndVerify({ factorId: id, code })).error?.code).toBe(
      'mfa_verification_failed',
    );
  });

  it('that is wrong spends its challenge', async () => {
    const { id, secret } = await withFactor();
    const again = await signedIn();
    const challengeId = (await again.auth.mfa.challenge({ factorId: id })).data?.id ?? '';
    const answer = (code: string) => again.auth.mfa.verify({ factorId: id, challengeId, code });
    expect((await answer('000000')).error).toMatchObject({ status: 422, code: 'mfa_verification_failed' });
    expect((await answer(codeOf(secret))).error).toMatchObject({
      status: 422,
      code: 'mfa_challenge_expired',
    });
  });

  it('cannot be guessed: ten challenges in five minutes', async () => {
    const { id } = await withFactor();
    const thief = await signedIn();
    const codes: (string | undefined)[] = [];
    for (let n = 0; n < 11; n++) {
      codes.push((await thief.auth.mfa.challengeAndVerify({ factorId: id, code: '000000' })).error?.code);
    }
    expect(codes.filter((code) => code === 'over_request_rate_limit').length).toBeGreaterThan(0);
    expect(codes).not.toContain(undefined);
  });

  it('is still asked of the owner while a thief uses up challenges, in one session or in many', async () => {
    const { id, secret } = await withFactor();
    const behind = (address: string) => ({ 'x-forwarded-for': address });
    const challenge = async (access: string, address: string): Promise<number> => {
      const response = await requestApi(server, `/auth/v1/factors/${id}/challenge`, {
        method: 'POST',
        headers: { ...behind(address), authorization: `Bearer ${access}` },
        body: '{}',
      });
      await response.body?.cancel();
      return response.status;
    };
    // The one that enrolled the factor is forgotten.
    await server.database.query('delete from auth.mfa_challenges where factor_id = $1', [id]);
    const granted: number[] = [];
    for (let session = 0; session < 5; session++) {
      const { access_token: access } = await signIn(server, account.email);
      let given = 0;
      for (let n = 0; n < 6; n++) {
        const status = await challenge(access, `2001:db8:0:1::${session}${n}`);
        if (status === 200) given++;
        else expect(status).toBe(429);
      }
      granted.push(given);
    }
    expect(granted).toEqual([4, 2, 0, 0, 0]);

    const { access_token: access } = await signIn(server, account.email);
    const response = await requestApi(server, `/auth/v1/factors/${id}/challenge`, {
      method: 'POST',
      headers: { ...behind('198.51.100.7'), authorization: `Bearer ${access}` },
      body: '{}',
    });
    expect(response.status).toBe(200);
    const { id: challengeId } = (await response.json()) as { id: string };
    const answer = await requestApi(server, `/auth/v1/factors/${id}/verify`, {
      method: 'POST',
      headers: { ...behind('198.51.100.7'), authorization: `Bearer ${access}` },
      body: JSON.stringify({ challenge_id: challengeId, code: codeOf(secret) }),
    });
    expect(answer.status).toBe(200);
  });

  it('has ten challenges in five minutes at most, from wherever, and old ones are forgotten', async () => {
    const { id } = await withFactor();
    await server.database.query('delete from auth.mfa_challenges where factor_id = $1', [id]);
    const ask = async (network: number): Promise<number> => {
      const { access_token: access } = await signIn(server, account.email);
      const response = await requestApi(server, `/auth/v1/factors/${id}/challenge`, {
        method: 'POST',
        headers: { 'x-forwarded-for': `198.51.100.${network}`, authorization: `Bearer ${access}` },
        body: '{}',
      });
      await response.body?.cancel();
      return response.status;
    };
    const statuses: number[] = [];
    for (let network = 0; network < 12; network++) statuses.push(await ask(network));
    expect(statuses.filter((status) => status === 200)).toHaveLength(10);
    await server.database.query(
      `update auth.mfa_challenges set created_at = created_at - interval '2 hours' where factor_id = $1`,
      [id],
    );
    expect(await ask(0)).toBe(200);
    const { rows } = await server.database.query('select from auth.mfa_challenges where factor_id = $1', [
      id,
    ]);
    expect(rows).toHaveLength(1);
  });

  it.each(['', '12345', '1234567', 'abcdef', '１２３４５６', ' 12345'])('is no %o', async (code) => {
    const { id } = await withFactor();
    const again = await signedIn();
    expect((await again.auth.mfa.challengeAndVerify({ factorId: id, code })).error?.code).toBe(
      'mfa_verification_failed',
    );
  });

  it('answered too late is refused', async () => {
    const { id, secret } = await withFactor();
    const again = await signedIn();
    const challengeId = (await again.auth.mfa.challenge({ factorId: id })).data?.id ?? '';
    await server.database.query(
      `update auth.mfa_challenges set created_at = created_at - interval '6 minutes' where id = $1`,
      [challengeId],
    );
    expect(
      (await again.auth.mfa.verify({ factorId: id, challengeId, code: codeOf(secret) })).error?.code,
    ).toBe('mfa_challenge_expired');
    expect((await signIn(server, account.email)).status).toBe(200);
  });
});
