// @vitest-environment node
import { beforeEach, describe, expect, it } from 'vitest';
import { type Attempt, SignInLimiter } from './sign-in-limit.ts';

let now = 0;
let limiter: SignInLimiter;

beforeEach(() => {
  now = 1_000_000;
  limiter = new SignInLimiter(() => now, { perAccount: 3, perAddress: 5, windowMs: 60_000 });
});

function attempt(address: string, account: string): Attempt {
  const outcome = limiter.begin(address, account);
  if ('retryAfterSeconds' in outcome) throw new Error(`wait ${outcome.retryAfterSeconds} s`);
  return outcome;
}

function fail(times: number, address: string, account: string): void {
  for (let i = 0; i < times; i++) attempt(address, account);
}

describe('guessing a password', () => {
  it('is stopped after as many failures of one address on one account, and told how long to wait', () => {
    fail(3, '10.0.0.1', 'a@b.cg');
    now += 20_000;
    expect(limiter.begin('10.0.0.1', 'a@b.cg')).toEqual({ retryAfterSeconds: 40 });
  });

  it('does not lock out the owner, who comes from another address', () => {
    fail(3, '10.0.0.1', 'a@b.cg');
    expect(() => attempt('10.0.0.2', 'a@b.cg')).not.toThrow();
  });

  it('is not helped by writing the account differently', () => {
    fail(3, '10.0.0.1', 'a@b.cg');
    expect(() => attempt('10.0.0.1', ' A@B.CG ')).toThrow('wait 60 s');
  });

  it('over many accounts is stopped by the address', () => {
    for (let i = 0; i < 5; i++) attempt('10.0.0.1', `user${i}@b.cg`);
    expect(() => attempt('10.0.0.1', 'another@b.cg')).toThrow('wait 60 s');
  });

  it('is not helped by asking many times at once', () => {
    const atOnce = Array.from({ length: 10 }, () => limiter.begin('10.0.0.1', 'a@b.cg'));
    expect(atOnce.filter((outcome) => 'succeeded' in outcome)).toHaveLength(3);
  });

  it('is forgotten when the window ends', () => {
    fail(3, '10.0.0.1', 'a@b.cg');
    now += 60_000;
    expect(() => attempt('10.0.0.1', 'a@b.cg')).not.toThrow();
  });
});

describe('an owner who remembers the password', () => {
  it('starts afresh', () => {
    fail(2, '10.0.0.1', 'a@b.cg');
    attempt('10.0.0.1', 'a@b.cg').succeeded();
    expect(() => fail(2, '10.0.0.1', 'a@b.cg')).not.toThrow();
  });

  it('is not punished while the database is away', () => {
    for (let i = 0; i < 10; i++) attempt('10.0.0.1', 'a@b.cg').undecided();
    expect(() => attempt('10.0.0.1', 'a@b.cg')).not.toThrow();
  });
});
