// @vitest-environment node
import { SignJWT } from 'jose';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createRealtimeVerifier } from './realtime-tokens.ts';
import { createTokenVerifier } from './tokens.ts';

const SECRET = 'a-secret-that-is-long-enough-for-hs256';
const verify = createTokenVerifier(SECRET);
const verifyForRealtime = createRealtimeVerifier(verify);

function token(claims: Record<string, unknown>, secret = SECRET): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(new TextEncoder().encode(secret));
}

const now = Math.floor(Date.now() / 1000);
const good = { sub: 'somebody', role: 'authenticated', exp: now + 60 };

afterEach(() => vi.useRealTimers());

describe('a token', () => {
  it('that is good says who its bearer is, to REST and to realtime', async () => {
    expect(await verify(await token(good))).toEqual(good);
    expect(await verifyForRealtime(await token(good))).toEqual(good);
  });

  it('that was good is refused from its end on, though it is remembered', async () => {
    const presented = await token(good);
    expect(await verify(presented)).toEqual(good);
    vi.useFakeTimers({ toFake: ['Date'], now: good.exp * 1_000 });
    await expect(verify(presented)).rejects.toMatchObject({ code: 'PGRST303' });
  });

  it('is known from its first verification to its end, and not before', async () => {
    const presented = await token({ ...good, jti: 'known' });
    expect(verify.knows(presented)).toBe(false);
    await verify(presented);
    expect(verify.knows(presented)).toBe(true);
    vi.useFakeTimers({ toFake: ['Date'], now: good.exp * 1_000 - 1 });
    expect(verify.knows(presented)).toBe(true);
    vi.setSystemTime(good.exp * 1_000);
    expect(verify.knows(presented)).toBe(false);
  });

  it('that was refused is not known', async () => {
    const presented = await token(good, 'x'.repeat(40));
    await expect(verify(presented)).rejects.toMatchObject({ code: 'PGRST301' });
    expect(verify.knows(presented)).toBe(false);
  });

  it('that had to make room for newer ones is not known until it is verified again', async () => {
    const small = createTokenVerifier(SECRET, 2);
    const sign = (jti: string): Promise<string> => token({ ...good, jti });
    const [first, second, third] = [await sign('first'), await sign('second'), await sign('third')];
    const known = (): boolean[] => [first, second, third].map((each) => small.knows(each));
    await small(first);
    await small(second);
    expect(known()).toEqual([true, true, false]);
    await small(third);
    expect(known()).toEqual([false, true, true]);
    await small(first);
    expect(known()).toEqual([true, false, true]);
  });

  it.each([
    [
      'has expired',
      token({ ...good, exp: now - 60 }),
      'PGRST303',
      'InvalidJWTToken',
      /has expired \d+ seconds ago/,
    ],
    ['is not yet valid', token({ ...good, nbf: now + 60 }), 'PGRST303', 'InvalidJWTToken', /not yet valid/],
    ['never expires', token({ sub: 'x', role: 'authenticated' }), 'PGRST301', 'InvalidJWTToken', /`exp`/],
    ['has no role', token({ sub: 'x', exp: now + 60 }), 'PGRST301', 'InvalidJWTToken', /`role`/],
    ['names postgres', token({ ...good, role: 'postgres' }), 'PGRST301', 'InvalidJWTToken', /unknown role/],
    ['names a list', token({ ...good, role: ['anon'] }), 'PGRST301', 'InvalidJWTToken', /unknown role/],
    ['somebody else signed', token(good, 'x'.repeat(40)), 'PGRST301', 'JwtSignatureError', /signature/],
    ['is none', Promise.resolve('garbage'), 'PGRST301', 'MalformedJWT', /not a valid JWT/],
    ['is nearly one', Promise.resolve('a.b.c'), 'PGRST301', 'MalformedJWT', /not a valid JWT/],
  ])(
    'that %s is refused by both, each in its own codes',
    async (_what, made, code, realtimeCode, sentence) => {
      const presented = await made;
      await expect(verify(presented)).rejects.toMatchObject({ code });
      const message = expect.stringMatching(sentence);
      await expect(verifyForRealtime(presented)).rejects.toMatchObject({ code: realtimeCode, message });
    },
  );
});
