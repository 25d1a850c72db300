/** Planning what is in force costs ten times as much as reading it, so a session does it once a function. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../tests/helpers/database.ts';
import { createTenant } from '../tests/helpers/tenants.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
  const { admin } = await createTenant(db, 'pro');
  await db.query(`select set_config('request.jwt.claims', $1, false)`, [JSON.stringify(admin)]);
});
afterAll(() => db.drop());

/** Plans of what is in force that the session keeps for its next calls. */
async function keptPlans(): Promise<number> {
  const { rows } = await db.query<{ count: number }>(
    `select count(*)::int as count from pg_backend_memory_contexts
     where name = 'CachedPlan' and ident like '%private.effective_entitlements%' and ident not like '%pg_backend%'`,
  );
  return rows[0]?.count ?? 0;
}

test.each([
  'get_entitlements()',
  'get_all_plan_restrictions()',
  `check_plan_restrictions('students')`,
  `can_access_module('gestion-classes')`,
  `can_access_category('scolarite')`,
])('a session that asks %s keeps the plan from its first call on', async (call) => {
  const before = await keptPlans();
  await db.query(`select public.${call}`);
  const after = await keptPlans();
  expect(after).toBeGreaterThan(before);
  await db.query(`select public.${call}`);
  expect(await keptPlans()).toBe(after);
});
