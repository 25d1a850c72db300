/** Inside a counter's calm corridor a write is one update; whatever moves a limit must end that calm at once. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createAddOn, ownAddOn } from '../tests/helpers/addOns.ts';
import { inDays } from '../tests/helpers/acting.ts';
import { createTestDatabase, type TestDatabase } from '../tests/helpers/database.ts';
import { stateMessages } from '../tests/helpers/messages.ts';
import { refusal } from '../tests/helpers/refusal.ts';
import { add, createTenant, revOf, setPlan, type Tenant } from '../tests/helpers/tenants.ts';

let db: TestDatabase;
let group: Tenant;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.drop());
beforeEach(async () => {
  group = await createTenant(db, 'pro');
  // Ten of fifty: far from any threshold, so that the next write finds the corridor open.
  await add(db, group, 'staff', 10);
});

const corridor = async () =>
  (
    await db.query<{ calm_from: string; calm_to: string; until: Date }>(
      `select calm_from[3] as calm_from, calm_to[3] as calm_to, calm_until[3] as until
       from private.group_states where school_group_id = $1`,
      [group.id],
    )
  ).rows[0];

const override = (amount: number, expires: Date | null): Promise<unknown> =>
  db.query(
    `insert into public.entitlement_overrides (school_group_id, kind, resource, amount, reason, expires_at)
     values ($1, 'limit', 'staff', $2, 'Accord écrit', $3)`,
    [group.id, amount, expires],
  );

const refused = { sqlstate: 'PT402', code: 'limit_reached' };

describe('the calm corridor', () => {
  it('ends below the first warning, and at midnight at the latest', async () => {
    expect(await corridor()).toMatchObject({ calm_from: '0', calm_to: '39' });
    expect((await corridor())?.until.getTime()).toBeLessThanOrEqual(inDays(1).getTime());
  });

  it('lies between two thresholds once the first is crossed, and is none at the limit', async () => {
    await add(db, group, 'staff', 30);
    expect(await corridor()).toMatchObject({ calm_from: '40', calm_to: '44' });
    await add(db, group, 'staff', 10);
    expect(await corridor()).toMatchObject({ calm_from: null, calm_to: null });
  });

  it('I1: is narrowed by a plan that gives less', async () => {
    await setPlan(db, group.id, 'gratuit');
    expect(await refusal(add(db, group, 'staff'))).toMatchObject(refused);
  });

  it('I1, I4: is narrowed by an override written in plain SQL, which the group is told of', async () => {
    const rev = await revOf(db, group.id);
    await override(10, null);
    expect(await stateMessages(db, group.id, rev)).toHaveLength(1);
    expect(await refusal(add(db, group, 'staff'))).toMatchObject(refused);
  });

  it('I1: does not outlive the exception that widened it, on the same day', async () => {
    await setPlan(db, group.id, 'gratuit');
    await db.query(`set epilot.now = '2027-01-15 10:00+00'`);
    await override(1_000, new Date('2027-01-15T11:00:00Z'));
    await add(db, group, 'staff', 2);
    await db.query(`set epilot.now = '2027-01-15 11:00+00'`);
    expect(await refusal(add(db, group, 'staff'))).toMatchObject(refused);
    await db.query('reset epilot.now');
  });

  it('I1: does not outlive the add-on that widened it, nor last beyond the start of one, on the same day', async () => {
    await db.query(`set epilot.now = '2027-01-15 10:00+00'`);
    const [starts, ends] = [new Date('2027-01-15T11:00:00Z'), new Date('2027-01-15T12:00:00Z')];
    await setPlan(db, group.id, 'gratuit');
    await ownAddOn(db, group.id, await createAddOn(db, { limits: { staff: 1_000 } }), { starts, ends });
    expect(await refusal(add(db, group, 'staff'))).toMatchObject(refused);
    await db.query(`set epilot.now = '2027-01-15 11:30+00'`);
    await add(db, group, 'staff');
    expect(await corridor()).toMatchObject({ calm_from: '0', until: new Date(ends.getTime() - 1) });
    await add(db, group, 'staff');
    await db.query(`set epilot.now = '2027-01-15 12:00+00'`);
    expect(await refusal(add(db, group, 'staff'))).toMatchObject(refused);
    await db.query('reset epilot.now');
  });

  it('I1: does not outlive a trial, which ends at its instant and not when a job comes by', async () => {
    await db.query(`set epilot.now = '2027-01-15 10:00+00'`);
    await db.query(
      `update public.subscriptions set status = 'trial', trial_ends_at = '2027-01-15 11:00+00' where school_group_id = $1`,
      [group.id],
    );
    await add(db, group, 'staff', 2);
    await db.query(`set epilot.now = '2027-01-15 11:00+00'`);
    expect(await refusal(add(db, group, 'staff'))).toMatchObject({
      sqlstate: 'PT402',
      code: 'trial_expired',
    });
    const { rows } = await db.query(
      'select plan, status, fallback_reason from private.effective_entitlements where school_group_id = $1',
      [group.id],
    );
    expect(rows).toEqual([{ plan: 'gratuit', status: 'expired', fallback_reason: 'trial_expired' }]);
    // A date that moves is a corridor that ends elsewhere.
    await db.query(
      `update public.subscriptions set trial_ends_at = '2027-01-15 12:00+00' where school_group_id = $1`,
      [group.id],
    );
    await add(db, group, 'staff');
    await db.query('reset epilot.now');
  });

  it('is forgotten when the subscription is pinned to another version', async () => {
    await db.query(
      `update public.subscriptions s set pinned_version_id = v.id from public.plan_versions v
       where s.school_group_id = $1 and v.plan_id = s.plan_id`,
      [group.id],
    );
    expect(await corridor()).toMatchObject({ until: null });
    await add(db, group, 'staff');
    expect(await corridor()).toMatchObject({ calm_to: '39' });
  });
});
