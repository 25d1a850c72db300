/** The browser's decision and the law are one: every case of the table, and thousands that nobody thought of. */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { decide } from '../../src/core/decide.ts';
import { RESOURCES, type Decision, type Resource } from '../../src/core/entitlements.ts';
import type { FallbackReason } from '../../src/core/reasons.ts';
import cases from '../cases/decisions.json' with { type: 'json' };
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';

interface Given {
  resource: Resource;
  limit: number | null;
  usage: number;
  requested: number;
  warn_at: number;
  fallback_reason: FallbackReason | null;
}

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.drop());

/** What PostgreSQL decides, in the order of the inputs. */
async function decideInSql(inputs: Given[]): Promise<Partial<Decision>[]> {
  const { rows } = await db.query<{ decision: Partial<Decision> }>(
    `select private.decide(resource::public.resource, "limit", usage, requested, warn_at, fallback_reason) as decision
     from rows from (json_to_recordset($1) as (resource text, "limit" bigint, usage bigint, requested bigint,
                                               warn_at numeric, fallback_reason text))
          with ordinality as given (resource, "limit", usage, requested, warn_at, fallback_reason, place)
     order by place`,
    [JSON.stringify(inputs)],
  );
  return rows.map(({ decision }) => decision);
}

/** The same in TypeScript, without what `private.decide` leaves to its callers. */
function decideHere({ warn_at, fallback_reason, ...rest }: Given): Partial<Decision> {
  const decision: Partial<Decision> = decide({
    ...rest,
    warnAt: warn_at,
    fallback: fallback_reason,
    plan: 'pro',
    planVersion: 1,
    rev: 1,
  });
  const { plan: _plan, plan_version: _version, rev: _rev, ...own } = decision;
  return own;
}

test('the table of cases, judged by SQL', async () => {
  const decisions = await decideInSql(cases.map(({ input }) => input as Given));
  for (const [index, { name, expected }] of cases.entries()) {
    expect({ name, ...decisions[index] }).toMatchObject({ name, ...expected });
  }
});

const count = fc.oneof(fc.nat({ max: 50 }), fc.nat({ max: 3_000 }), fc.maxSafeNat());
const anything: fc.Arbitrary<Given> = fc.record({
  resource: fc.constantFrom(...RESOURCES),
  limit: fc.option(count),
  usage: count,
  requested: count,
  warn_at: fc.integer({ min: 1, max: 1_000 }).map((thousandths) => thousandths / 1_000),
  fallback_reason: fc.constantFrom(
    null,
    'no_active_subscription',
    'subscription_past_due',
    'subscription_suspended',
    'trial_expired',
    'grace_expired',
  ),
});

// Above that a percentage leaves the numbers JSON can carry exactly, and those a person reads.
const given = anything.filter(({ limit, usage }) => !limit || usage / limit < 1e9);

test('whatever is asked, SQL and TypeScript decide the same', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(given, { minLength: 100, maxLength: 300 }), async (inputs) => {
      expect(await decideInSql(inputs)).toEqual(inputs.map(decideHere));
    }),
    { numRuns: 20 },
  );
});
