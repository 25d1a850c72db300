/** A plan that 3,500 real groups subscribe to is simulated and published: one message each, in seconds. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createTestDatabase, type Actor, type TestDatabase } from '../tests/helpers/database.ts';
import { draftOf, publish, simulate } from '../tests/helpers/drafts.ts';
import { createAccount, createPlan, createTenant, revOf } from '../tests/helpers/tenants.ts';
import { loadDataset } from './dataset/load.ts';

const GROUPS = 3_500;
const STUDENTS_AFTER = 20;

let db: TestDatabase;
let superAdmin: Actor;
let plan: string;
beforeAll(async () => {
  db = await createTestDatabase();
  superAdmin = await createAccount(db, { role: 'super_admin' });
  plan = await createPlan(db, { schools: 1_000, students: 100_000, staff: 1_000, storage: 1_000 });
  const client = await db.connect();
  await client.query('begin');
  await loadDataset(client, { groups: GROUPS, students: 10 * GROUPS, days: 0 });
  await client.query(
    `update subscriptions set plan_id = (select id from subscription_plans where slug = $1)`,
    [plan],
  );
  await client.query('commit');
  await client.end();
});
afterAll(() => db.drop());

async function seconds<Result>(what: string, act: () => Promise<Result>): Promise<Result> {
  const start = performance.now();
  const result = await act();
  process.stdout.write(
    `${what} for ${GROUPS} groups: ${((performance.now() - start) / 1000).toFixed(1)} s\n`,
  );
  return result;
}
const told = async (): Promise<{ messages: number; groups: number }> =>
  (
    await db.query<{ messages: number; groups: number }>(
      `select count(*)::int as messages, count(distinct topic)::int as groups from realtime.messages
       where event = 'entitlements_changed' and payload->>'plan' = $1`,
      [plan],
    )
  ).rows[0] ?? { messages: 0, groups: 0 };

it('simulated, published with them and without them: each group is told once or not at all', async () => {
  const outsider = await createTenant(db, 'pro');
  const rev = await revOf(db, outsider.id);
  const draft = await draftOf(db, superAdmin, plan, {
    max_students: STUDENTS_AFTER,
    modules: ['infirmerie', 'suivi-eleves'],
  });
  // Who fell to the free plan is not judged by this one; who has a limit of their own keeps it.
  const { rows } = await db.query<{ following: number; above: number }>(
    `select count(*)::int as following, count(*) filter (where c.used > $2 and o.id is null)::int as above
     from private.effective_entitlements e
     join usage_counters c on c.school_group_id = e.school_group_id and c.resource = 'students'
     left join entitlement_overrides o on o.school_group_id = e.school_group_id and o.kind = 'limit' and o.resource = 'students'
     where e.plan = $1`,
    [plan, STUDENTS_AFTER],
  );
  const { following = 0, above = 0 } = rows[0] ?? {};
  expect(following).toBeGreaterThan(0.9 * GROUPS);
  expect(above).toBeGreaterThan(0);

  const result = await seconds('simulate', () => simulate(db, superAdmin, draft));
  expect([result.touched, result.over_limit, result.groups.length]).toEqual([following, above, following]);
  expect(await told()).toEqual({ messages: 0, groups: 0 });

  await seconds('publish with the groups', () => publish(db, superAdmin, draft));
  expect(await told()).toEqual({ messages: following, groups: following });

  const next = await draftOf(db, superAdmin, plan, { max_schools: 9 });
  await seconds('publish without the groups', () => publish(db, superAdmin, next, 'grandfather'));
  expect(await told()).toEqual({ messages: following, groups: following });
  expect(await revOf(db, outsider.id)).toBe(rev);
});
