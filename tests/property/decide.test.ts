import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decide, type DecisionInput } from '../../src/core/decide.ts';
import { RESOURCES } from '../../src/core/entitlements.ts';

const count = fc.oneof(fc.nat({ max: 3_000 }), fc.maxSafeNat());
const input: fc.Arbitrary<DecisionInput> = fc.record({
  resource: fc.constantFrom(...RESOURCES),
  limit: fc.option(count),
  usage: count,
  requested: count,
  warnAt: fc.integer({ min: 1, max: 1_000 }).map((thousandths) => thousandths / 1_000),
  fallback: fc.constantFrom(null, 'trial_expired', 'no_active_subscription'),
  plan: fc.constant('pro'),
  planVersion: fc.constant(1),
  rev: fc.nat(),
});

test('what remains is what may be added, and not one more', () => {
  fc.assert(
    fc.property(input, (given) => {
      const { remaining } = decide(given);
      if (remaining === null) {
        expect(decide(given).allowed).toBe(true);
        return;
      }
      expect(decide({ ...given, requested: remaining }).allowed).toBe(true);
      if (remaining < Number.MAX_SAFE_INTEGER) {
        expect(decide({ ...given, requested: remaining + 1 }).allowed).toBe(false);
      }
    }),
  );
});

test('asking for less is never refused where more is allowed', () => {
  fc.assert(
    fc.property(input, fc.double({ min: 0, max: 1, noNaN: true }), (given, share) => {
      fc.pre(decide(given).allowed);
      const less = Math.floor(given.requested * share);
      expect(decide({ ...given, requested: less }).allowed).toBe(true);
    }),
  );
});

test('a higher limit never refuses what a lower one allowed', () => {
  fc.assert(
    fc.property(input, count, (given, room) => {
      fc.pre(given.limit !== null && given.limit <= Number.MAX_SAFE_INTEGER - room);
      fc.pre(decide(given).allowed);
      expect(decide({ ...given, limit: given.limit + room }).allowed).toBe(true);
      expect(decide({ ...given, limit: null }).allowed).toBe(true);
    }),
  );
});

test('allowed, reason, state, remaining and overage agree', () => {
  fc.assert(
    fc.property(input, (given) => {
      const decision = decide(given);
      expect(decision.reason === 'ok').toBe(decision.allowed);
      expect(decision.unlimited).toBe(decision.limit === null);
      expect(decision.overage > 0).toBe(decision.state === 'over_limit');
      expect(decision.remaining === 0).toBe(decision.state === 'blocked' || decision.state === 'over_limit');
      if (decision.percentage !== null && decision.limit !== 0) {
        expect(decision.percentage >= 100).toBe(decision.usage >= (decision.limit ?? 0));
      }
    }),
  );
});
