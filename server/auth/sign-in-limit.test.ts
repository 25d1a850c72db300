// @vitest-environment node
import { beforeEach, describe, expect, it } from 'vitest';
import { type Attempt, SignInLimiter } from './sign-in-limit.ts';

let now = 0;
let limiter: SignInLimiter;

beforeEach(() => {
  now = 1_000_000;
  limiter = new SignInLimiter(() => now, {
    perAccount: 3,
    perNetwork: 5,
    windowMs: 60_000,
    mostWindows: 50,
  });
});

function attempt(address: string, account: string): Attempt {
  const outcome = limiter.begin(address, account);
  if ('retryAfterSeconds' in outcome) throw new Error(`wait ${outcome.retryAfterSeconds} s`);
  return outcome;
}

function fail(times: number, address: string, account: string): void {
  for (let i = 0; i < times; i++) attempt(address, account).failed();
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

  it('over many accounts leaves one guess at each of the others, told late', () => {
    for (let i = 0; i < 5; i++) fail(1, '10.0.0.1', `user${i}@b.cg`);
    expect(() => attempt('10.0.0.1', 'user0@b.cg')).toThrow('wait 60 s');
    const first = attempt('10.0.0.1', 'another@b.cg');
    expect(first.suspect).toBe(true);
    first.failed();
    expect(() => attempt('10.0.0.1', 'another@b.cg')).toThrow('wait 60 s');
  });

  it('by many at once refuses nobody else behind the same address', () => {
    for (let i = 0; i < 5; i++) fail(1, '10.0.0.1', `user${i}@b.cg`);
    const guesses = Array.from({ length: 12 }, (_, i) => attempt('10.0.0.1', `guess${i}@b.cg`));
    for (let i = 0; i < 12; i++) expect(() => attempt('10.0.0.1', `honest${i}@b.cg`)).not.toThrow();
    for (const guess of guesses) guess.failed();
  });

  it('is not helped by pushing the blocked account out with others', () => {
    fail(3, '10.0.0.1', 'a@b.cg');
    for (let i = 0; i < 500; i++) fail(1, `10.0.1.${i}`, `user${i}@b.cg`);
    expect(() => attempt('10.0.0.1', 'a@b.cg')).toThrow('wait 60 s');
  });

  it('leaves no trace of what was never compared', () => {
    fail(2, '10.0.0.9', 'early@b.cg');
    for (let i = 0; i < 500; i++) attempt('10.0.0.1', `more${i}@b.cg`).undecided();
    fail(1, '10.0.0.9', 'early@b.cg');
    expect(() => attempt('10.0.0.9', 'early@b.cg')).toThrow('wait 60 s');
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

  it('gets in though others behind the same address have spent its failures, again and again', () => {
    for (let i = 0; i < 5; i++) fail(1, '10.0.0.1', `user${i}@b.cg`);
    for (let i = 0; i < 5; i++) attempt('10.0.0.1', 'owner@b.cg').succeeded();
    expect(() => attempt('10.0.0.1', 'user0@b.cg')).toThrow('wait 60 s');
  });

  it('is not punished while the database is away', () => {
    for (let i = 0; i < 10; i++) attempt('10.0.0.1', 'a@b.cg').undecided();
    expect(() => attempt('10.0.0.1', 'a@b.cg')).not.toThrow();
  });
});
