/** A subscription that gives nothing leaves the group on `gratuit`: its data stays, growth is judged by 1 / 100 / 5 / 1 Go. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Decision, EntitlementSnapshot } from '../src/core/entitlements.ts';
import { createTestDatabase, type TestDatabase } from '../tests/helpers/database.ts';
import { stateMessages } from '../tests/helpers/messages.ts';
import { refusal } from '../tests/helpers/refusal.ts';
import {
  add,
  createPlan,
  createTenant,
  revOf,
  setPlan,
  usageOf,
  type Tenant,
} from '../tests/helpers/tenants.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.drop());

const setStatus = (group: Tenant, status: string, dates: Record<string, string> = {}): Promise<unknown> =>
  db.query(
    `update public.subscriptions set status = $2, trial_ends_at = $3, grace_ends_at = $4 where school_group_id = $1`,
    [group.id, status, dates['trial'] ?? null, dates['grace'] ?? null],
  );

async function asAdmin<Row>(group: Tenant, call: string): Promise<Row> {
  const { rows } = await db.as(group.admin, (client) => client.query<{ it: Row }>(`select ${call} as it`));
  return rows[0]?.it as Row;
}

describe.each([
  ['suspended', {}, 'subscription_suspended'],
  ['cancelled', {}, 'no_active_subscription'],
  ['expired', { trial: '2025-01-01' }, 'trial_expired'],
  ['expired', { grace: '2025-01-01' }, 'grace_expired'],
  ['expired', { trial: '2025-01-01', grace: '2025-01-09' }, 'grace_expired'],
] as const)('a subscription that is %s %o', (status, dates, reason) => {
  it(`falls to gratuit, refuses with ${reason} at the table and at the function, and keeps the data`, async () => {
    const group = await createTenant(db, 'premium');
    await add(db, group, 'schools', 2);
    await add(db, group, 'staff', 5);
    await setStatus(group, status, dates);

    const refused = await refusal(add(db, group, 'staff'));
    expect(refused).toMatchObject({ sqlstate: 'PT402', code: reason });
    const decision = await asAdmin<Decision>(group, `check_plan_restrictions('staff')`);
    expect(refused.detail).toEqual(decision);
    expect(decision).toMatchObject({ allowed: false, reason, limit: 5, usage: 5, plan: 'gratuit' });

    const over = await asAdmin<Decision>(group, `check_plan_restrictions('schools')`);
    expect(over).toMatchObject({
      allowed: false,
      reason,
      state: 'over_limit',
      limit: 1,
      usage: 3,
      overage: 2,
    });
    expect(await usageOf(db, group.id)).toEqual([3, 0, 5, 0]);

    const snapshot = await asAdmin<EntitlementSnapshot>(group, 'get_entitlements()');
    expect(snapshot).toMatchObject({ plan: 'gratuit', subscribed_plan: 'premium', status });
    expect(snapshot.modules).toHaveLength(10);
    expect(await asAdmin<boolean>(group, `can_access_module('emplois-du-temps')`)).toBe(false);
  });
});

describe.each([['trial'], ['active'], ['past_due'], ['past_due', 'grace']])(
  'a subscription that is %s %s',
  (...steps) => {
    it('gives what was bought', async () => {
      const group = await createTenant(db, 'premium');
      for (const status of steps) await setStatus(group, status);
      await add(db, group, 'schools', 2);
      expect(await refusal(add(db, group, 'schools'))).toMatchObject({ code: 'limit_reached' });
      expect(await asAdmin<boolean>(group, `can_access_module('emplois-du-temps')`)).toBe(true);
    });
  },
);

describe('a group that fell', () => {
  it('is told by one plan_changed message, and rises again by another', async () => {
    const group = await createTenant(db, 'pro');
    const rev = await revOf(db, group.id);
    await setStatus(group, 'suspended');
    await setStatus(group, 'active');
    const sent = await stateMessages(db, group.id, rev);
    expect(sent.map(({ event, payload }) => [event, payload['plan'], payload['status']])).toEqual([
      ['plan_changed', 'gratuit', 'suspended'],
      ['plan_changed', 'pro', 'active'],
    ]);
  });

  it('may go on editing and deleting, and grow within gratuit', async () => {
    const group = await createTenant(db, 'premium');
    await add(db, group, 'students', 99);
    await setStatus(group, 'cancelled');
    await add(db, group, 'students');
    await refusal(add(db, group, 'students'));
    await db.query(`delete from public.students where school_group_id = $1`, [group.id]);
    expect(await usageOf(db, group.id)).toEqual([1, 0, 0, 0]);
  });

  it('hears of an edit of gratuit, and keeps its subscription’s own plan in history', async () => {
    const group = await createTenant(db, 'premium');
    await setStatus(group, 'suspended');
    const rev = await revOf(db, group.id);
    await db.query(`update public.subscription_plans set max_staff = 6 where slug = 'gratuit'`);
    const sent = await stateMessages(db, group.id, rev);
    expect(sent.map(({ event, payload }) => [event, payload['limits']])).toEqual([
      ['entitlements_changed', [1, 100, 6, 1_000_000_000]],
    ]);
  });

  it('cannot be let out by renaming gratuit: slugs are the contract of the code', async () => {
    const free = `update public.subscription_plans set slug = 'libre' where slug = 'gratuit'`;
    expect(await refusal(db.query(free))).toMatchObject({ sqlstate: 'PT403', code: 'forbidden' });
    await refusal(db.query(`delete from public.subscription_plans where slug = 'gratuit'`));
  });
});

describe('a group whose plan was withdrawn from sale', () => {
  it('keeps it, and its members still read it and their usage', async () => {
    const plan = await createPlan(db, { schools: 2 });
    const group = await createTenant(db, plan);
    await setPlan(db, group.id, plan);
    await db.query(`update public.subscription_plans set status = 'archived' where slug = $1`, [plan]);
    const snapshot = await asAdmin<EntitlementSnapshot>(group, 'get_entitlements()');
    expect(snapshot.plan).toBe(plan);
    await db.as(group.admin, async (client) => {
      const usage = await client.query('select resource from school_group_usage order by resource');
      expect(usage.rows.map(({ resource }) => resource as string)).toEqual([
        'schools',
        'students',
        'staff',
        'storage',
      ]);
      const plans = await client.query('select 1 from subscription_plans where slug = $1', [plan]);
      expect(plans.rowCount).toBe(1);
    });
  });
});
