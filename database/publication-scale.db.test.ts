/** A plan of 3,500 groups is simulated and published: one message each, in seconds. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createTestDatabase, type Actor, type TestDatabase } from '../tests/helpers/database.ts';
import { draftOf, publish, simulate } from '../tests/helpers/drafts.ts';
import { createAccount, createPlan, createTenant, revOf } from '../tests/helpers/tenants.ts';

const GROUPS = 3_500;

let db: TestDatabase;
let superAdmin: Actor;
let plan: string;
beforeAll(async () => {
  db = await createTestDatabase();
  superAdmin = await createAccount(db, { role: 'super_admin' });
  plan = await createPlan(db, { schools: 5, students: 100, staff: 10, storage: 1 });
  await db.query(
    `insert into school_groups (name) select 'GROUPE ' || i from generate_series(1, $1::int) i`,
    [GROUPS],
  );
  await db.query(
    `update subscriptions set plan_id = (select id from subscription_plans where slug = $1)
     where school_group_id in (select id from school_groups where name like 'GROUPE %')`,
    [plan],
  );
  await db.query(
    `insert into schools (school_group_id, name) select id, 'École ' || n from school_groups, generate_series(1, 3) n where name like 'GROUPE %'`,
  );
  await db.query('analyze');
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
    max_schools: 2,
    modules: ['infirmerie', 'suivi-eleves'],
  });

  const result = await seconds('simulate', () => simulate(db, superAdmin, draft));
  expect([result.touched, result.over_limit, result.groups.length]).toEqual([GROUPS, GROUPS, GROUPS]);
  expect(await told()).toEqual({ messages: 0, groups: 0 });

  await seconds('publish with the groups', () => publish(db, superAdmin, draft));
  expect(await told()).toEqual({ messages: GROUPS, groups: GROUPS });

  const next = await draftOf(db, superAdmin, plan, { max_schools: 9 });
  await seconds('publish without the groups', () => publish(db, superAdmin, next, 'grandfather'));
  expect(await told()).toEqual({ messages: GROUPS, groups: GROUPS });
  expect(await revOf(db, outsider.id)).toBe(rev);
});
