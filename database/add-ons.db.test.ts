/** What a group owns beside its plan: room and modules of add-ons, from their start to their end. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createAddOn, ownAddOn, type AddOn } from '../tests/helpers/addOns.ts';
import { at, callAs, inDays, runDueJobsAt } from '../tests/helpers/acting.ts';
import { createTestDatabase, type Actor, type TestDatabase } from '../tests/helpers/database.ts';
import { stateMessages } from '../tests/helpers/messages.ts';
import { refusal } from '../tests/helpers/refusal.ts';
import { snapshotShape } from '../tests/helpers/shapes.ts';
import { add, createAccount, createTenant, revOf, setPlan, type Tenant } from '../tests/helpers/tenants.ts';

let db: TestDatabase;
let superAdmin: Actor;
let group: Tenant;
let rev: number;
beforeAll(async () => {
  db = await createTestDatabase();
  superAdmin = await createAccount(db, { role: 'super_admin' });
});
afterAll(() => db.drop());
beforeEach(async () => {
  group = await createTenant(db, 'premium');
  rev = await revOf(db, group.id);
});

const CLOSED = 'communication-notifications';
const snapshot = async (when?: Date) =>
  snapshotShape.parse(await callAs(db, group.admin, 'get_entitlements()', [], when));
const staffLimit = async (when?: Date): Promise<number | null> =>
  (await snapshot(when)).restrictions.staff.limit;
const told = async () =>
  (await stateMessages(db, group.id, rev)).map(({ event, payload }) => [
    event,
    payload['limits'],
    payload['own'],
  ]);

describe('the room of add-ons', () => {
  it('adds up: plan, each add-on as often as it is owned, grants; one message each (I4)', async () => {
    await ownAddOn(db, group.id, await createAddOn(db, { limits: { staff: 10, storage: 5e9 } }));
    await ownAddOn(db, group.id, await createAddOn(db, { limits: { staff: 3 } }), { quantity: 4 });
    await callAs(db, superAdmin, `grant_quantity($1, 'staff', 100, 'Rentrée', $2)`, [group.id, inDays(9)]);
    expect(await staffLimit()).toBe(20 + 10 + 12 + 100);
    expect(await told()).toEqual([
      ['entitlements_changed', [3, 500, 30, 15e9], undefined],
      ['entitlements_changed', [3, 500, 42, 15e9], undefined],
      ['entitlements_changed', [3, 500, 142, 15e9], undefined],
    ]);
  });

  it('is enforced to the last one, and school staff see the same limit', async () => {
    await ownAddOn(db, group.id, await createAddOn(db, { limits: { staff: 2 } }));
    await add(db, group, 'staff', 22);
    expect(await refusal(add(db, group, 'staff'))).toMatchObject({
      sqlstate: 'PT402',
      code: 'limit_reached',
    });
    const { rows } = await db.as(group.staff, (client) =>
      client.query(`select "limit"::int from school_group_usage where resource = 'staff'`),
    );
    expect(rows).toEqual([{ limit: 22 }]);
  });

  it('is replaced by an override, and leaves unlimited what is unlimited', async () => {
    await ownAddOn(db, group.id, await createAddOn(db, { limits: { staff: 10, students: 10 } }));
    await callAs(db, superAdmin, `set_limit_override($1, 'staff', 7, 'Accord')`, [group.id]);
    await db.query(`update public.subscription_plans set max_students = null where slug = 'pro'`);
    await setPlan(db, group.id, 'pro');
    const { restrictions } = await snapshot();
    expect([restrictions.staff.limit, restrictions.students.limit]).toEqual([7, null]);
    await db.query(`update public.subscription_plans set max_students = 2000 where slug = 'pro'`);
  });

  it('is kept in the preview of a change of plan, and by the change', async () => {
    await ownAddOn(db, group.id, await createAddOn(db, { limits: { staff: 10 } }));
    const preview = await callAs(db, group.admin, `preview_plan_change('pro')`);
    expect(preview).toMatchObject({ restrictions: { staff: { current_limit: 30, new_limit: 60 } } });
    await setPlan(db, group.id, 'pro');
    expect(await staffLimit()).toBe(60);
  });

  it('rests while the group is fallen to gratuit, and comes back', async () => {
    await ownAddOn(db, group.id, await createAddOn(db, { limits: { staff: 10 }, modules: [CLOSED] }));
    await callAs(db, superAdmin, `set_subscription_status($1, 'suspended', 'Impayé')`, [group.id]);
    const fallen = await snapshot();
    expect([fallen.restrictions.staff.limit, fallen.modules.includes(CLOSED)]).toEqual([5, false]);
    expect([fallen.sources.limits.staff.length, fallen.sources.modules]).toEqual([1, []]);
    await callAs(db, superAdmin, `set_subscription_status($1, 'active', 'Payé')`, [group.id]);
    expect(await staffLimit()).toBe(30);
  });

  it('explains itself, by add-on and origin', async () => {
    const addOn = await createAddOn(db, { limits: { staff: 3 }, modules: [CLOSED] });
    const id = await ownAddOn(db, group.id, addOn, { source: 'trial', ends: inDays(14) });
    const { sources } = await snapshot();
    const source = {
      id,
      source: 'add_on',
      add_on: addOn.slug,
      origin: 'trial',
      expires_at: expect.any(String) as string,
    };
    expect(sources.limits.staff).toEqual([
      { source: 'plan', plan: 'premium', version: 1, amount: 20 },
      { ...source, amount: 3 },
    ]);
    expect([sources.limits.schools.length, sources.modules]).toEqual([1, [{ ...source, module: CLOSED }]]);
  });
});

describe('the modules of add-ons', () => {
  it('join those of the plan, once each; a removal closes them; the message says that no catalogue names them', async () => {
    const plain = (await snapshot()).modules;
    await ownAddOn(db, group.id, await createAddOn(db, { modules: [CLOSED, plain[0] ?? ''] }));
    await ownAddOn(db, group.id, await createAddOn(db, { modules: [CLOSED] }));
    expect((await snapshot()).modules).toEqual([...plain, CLOSED].toSorted());
    expect(await callAs(db, group.staff, `can_access_category('communication')`)).toBe(true);
    expect((await told()).map(([, , own]) => own)).toEqual([true, true]);
    await callAs(db, superAdmin, `set_module_override($1, $2, false, 'Accord')`, [group.id, CLOSED]);
    expect(await callAs(db, group.admin, `can_access_module('${CLOSED}')`)).toBe(false);
  });

  it('stay while another add-on gives them: ending one removes what no other gives', async () => {
    const both = await createAddOn(db, { modules: [CLOSED, 'infirmerie'] });
    await ownAddOn(db, group.id, both, { ends: inDays(5) });
    await ownAddOn(db, group.id, await createAddOn(db, { modules: [CLOSED] }));
    const { modules } = await snapshot(inDays(6));
    expect([modules.includes(CLOSED), modules.includes('infirmerie')]).toEqual([true, false]);
  });
});

describe('the dates of an add-on', () => {
  it('I13: an add-on gives nothing before its start nor from its end on, to every caller, without a job', async () => {
    const addOn = await createAddOn(db, { limits: { staff: 10 }, modules: [CLOSED] });
    await ownAddOn(db, group.id, addOn, { starts: inDays(2), ends: inDays(5) });
    const limits = [];
    for (const day of [0, 1, 3, 4, 6]) limits.push(await staffLimit(inDays(day)));
    expect(limits).toEqual([20, 20, 30, 30, 20]);
    const can = (when: Date): Promise<unknown> =>
      callAs(db, group.staff, `can_access_module('${CLOSED}')`, [], when);
    expect([await can(inDays(1)), await can(inDays(3)), await can(inDays(6))]).toEqual([false, true, false]);
    await add(db, group, 'staff', 20);
    const grow = `insert into public.staff (school_group_id, school_id, first_name, last_name) values ($1, $2, 'A', 'B')`;
    const growAt = (day: number): Promise<unknown> => at(db, inDays(day), grow, [group.id, group.school]);
    expect((await refusal(growAt(1))).code).toBe('limit_reached');
    await growAt(3);
    expect((await refusal(growAt(6))).code).toBe('limit_reached');
  });

  it('are closed by the next job with one message and one line of audit, and never again', async () => {
    await runDueJobsAt(db, inDays(300));
    await ownAddOn(db, group.id, await createAddOn(db, { limits: { staff: 10 } }), { ends: inDays(305) });
    rev = await revOf(db, group.id);
    expect(await runDueJobsAt(db, inDays(304))).toMatchObject({ add_ons: 0 });
    expect(await runDueJobsAt(db, inDays(306))).toMatchObject({ add_ons: 1 });
    expect(await runDueJobsAt(db, inDays(306))).toMatchObject({ add_ons: 0 });
    expect(await told()).toEqual([['entitlements_changed', [3, 500, 20, 10e9], undefined]]);
    const { rows } = await db.query(
      `select count(*)::int as n from public.audit_log where school_group_id = $1 and action = 'add_on_expired'`,
      [group.id],
    );
    expect(rows).toEqual([{ n: 1 }]);
  });
});

describe('what a group owns', () => {
  let addOn: AddOn;
  let id: string;
  beforeEach(async () => {
    addOn = await createAddOn(db, { limits: { staff: 1 } });
    id = await ownAddOn(db, group.id, addOn, { source: 'trial', ends: inDays(14) });
  });

  it('is tried once: another trial of the add-on is refused, also of a later version and after the end', async () => {
    await db.query('update public.subscription_add_ons set ended_at = now() where id = $1', [id]);
    await db.query(`update public.add_on_versions set status = 'archived' where id = $1`, [addOn.version]);
    const { rows } = await db.query<{ id: string }>(
      `insert into public.add_on_versions (add_on_id, version, status) values ($1, 2, 'published') returning id`,
      [addOn.id],
    );
    const later = { ...addOn, version: rows[0]?.id ?? '' };
    const again = ownAddOn(db, group.id, later, { source: 'trial', ends: inDays(14) });
    expect((await refusal(again)).sqlstate).toBe('23505');
    await ownAddOn(db, group.id, later);
    const other = await createTenant(db, 'premium');
    await ownAddOn(db, other.id, later, { source: 'trial', ends: inDays(14) });
  });

  it('ends once, moves its end until then, and is neither rewritten nor erased', async () => {
    const write = (sql: string): Promise<unknown> => db.query(sql, [id]);
    await write(`update public.subscription_add_ons set ends_at = ends_at + interval '1 day' where id = $1`);
    for (const sql of [
      'update public.subscription_add_ons set quantity = 9 where id = $1',
      'delete from public.subscription_add_ons where id = $1',
    ]) {
      expect(await refusal(write(sql))).toMatchObject({ sqlstate: 'PT403', code: 'append_only' });
    }
    await write('update public.subscription_add_ons set ended_at = now() where id = $1');
    expect(await staffLimit()).toBe(20);
    const back = write('update public.subscription_add_ons set ended_at = null where id = $1');
    expect((await refusal(back)).code).toBe('append_only');
  });

  it('is of a published version, which never changes', async () => {
    const raised = `update public.add_on_versions set limits = '{9,9,9,9}' where id = $1`;
    expect((await refusal(db.query(raised, [addOn.version]))).code).toBe('append_only');
    const { rows } = await db.query<{ id: string }>(
      'insert into public.add_on_versions (add_on_id) values ($1) returning id',
      [addOn.id],
    );
    const draft = { ...addOn, version: rows[0]?.id ?? '' };
    expect((await refusal(ownAddOn(db, group.id, draft))).code).toBe('invalid_request');
  });

  it('I6: is another group’s neither to have nor to hear of', async () => {
    const other = await createTenant(db, 'premium');
    const before = await revOf(db, other.id);
    await ownAddOn(db, group.id, await createAddOn(db, { limits: { staff: 5 }, modules: [CLOSED] }));
    expect(await callAs(db, other.admin, `can_access_module('${CLOSED}')`)).toBe(false);
    expect([await revOf(db, other.id), await stateMessages(db, other.id, before)]).toEqual([before, []]);
    const seen = await db.as(other.admin, (client) => client.query('select 1 from subscription_add_ons'));
    expect(seen.rowCount).toBe(0);
  });
});
