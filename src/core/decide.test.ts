import { describe, expect, test } from 'vitest';
import cases from '../../tests/cases/decisions.json' with { type: 'json' };
import { decide, decideAgain, type DecisionInput } from './decide.ts';

const input = (over: Partial<DecisionInput> = {}): DecisionInput => ({
  resource: 'schools',
  limit: 10,
  usage: 8,
  requested: 1,
  warnAt: 0.8,
  fallback: null,
  plan: 'pro',
  planVersion: 1,
  rev: 7,
  ...over,
});

describe('decide, case by case (the same cases judge the SQL)', () => {
  test.each(cases)('$name', ({ input: given, expected }) => {
    const { warn_at, fallback_reason, ...rest } = given;
    const decision = decide(
      input({ ...rest, warnAt: warn_at, fallback: fallback_reason } as Partial<DecisionInput>),
    );
    expect(decision).toMatchObject(expected);
    expect(decision).toMatchObject({
      resource: given.resource,
      limit: given.limit,
      usage: given.usage,
      requested: given.requested,
      warn_at,
    });
  });
});

test('a decision says by which plan and revision it was made', () => {
  expect(decide(input())).toMatchObject({ plan: 'pro', plan_version: 1, rev: 7 });
});

test.each([
  { usage: -1 },
  { usage: 1.5 },
  { requested: -1 },
  { requested: Number.NaN },
  { limit: -1 },
  { limit: 2 ** 53 },
])('a count that is no count decides nothing: %o', (over) => {
  expect(() => decide(input(over))).toThrow(RangeError);
});

describe('deciding again', () => {
  test('judges another quantity by the same limit', () => {
    const known = decide(input());
    expect(decideAgain(known, 2, 'active')).toMatchObject({ allowed: true, requested: 2 });
    expect(decideAgain(known, 3, 'active')).toMatchObject({
      allowed: false,
      reason: 'requested_exceeds_limit',
    });
  });

  test('keeps the reason that names the subscription', () => {
    const known = decide(input({ limit: 1, fallback: 'trial_expired' }));
    expect(decideAgain(known, 5, 'expired')).toMatchObject({ reason: 'trial_expired' });
  });

  test('explains by the status when the known decision allowed', () => {
    const known = decide(input({ limit: 10, usage: 0, fallback: 'subscription_suspended' }));
    expect(known.reason).toBe('ok');
    expect(decideAgain(known, 11, 'suspended')).toMatchObject({ reason: 'subscription_suspended' });
  });
});
