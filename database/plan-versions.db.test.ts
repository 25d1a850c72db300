/** Plan versions: a draft is edited, simulated on the real groups, published; groups move along or keep what they have. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { callAs, refusedAs } from '../tests/helpers/acting.ts';
import { createTestDatabase, type Actor, type TestDatabase } from '../tests/helpers/database.ts';
import { draftOf, publish, simulate, type Draft } from '../tests/helpers/drafts.ts';
import { messagesOf, stateMessages } from '../tests/helpers/messages.ts';
import { refusal } from '../tests/helpers/refusal.ts';
import { snapshotShape } from '../tests/helpers/shapes.ts';
import {
  add,
  createAccount,
  createPlan,
  createTenant,
  revOf,
  type Tenant,
} from '../tests/helpers/tenants.ts';

let db: TestDatabase;
let superAdmin: Required<Pick<Actor, 'sub'>>;
let plan: string;
let group: Tenant;
let bystander: Tenant;
beforeAll(async () => {
  db = await createTestDatabase();
  superAdmin = await createAccount(db, { role: 'super_admin' });
});
afterAll(() => db.drop());
beforeEach(async () => {
  plan = await createPlan(db, { schools: 3, students: 100, staff: 10, storage: 1 });
  group = await createTenant(db, plan);
  bystander = await createTenant(db, 'premium');
});

const draft = (changes: Record<string, unknown>): Promise<Draft> => draftOf(db, superAdmin, plan, changes);
const versions = async () =>
  (
    await db.query<{ version: number | null; status: string; staff: number | null }>(
      `select version, status, (definition->>'max_staff')::int as staff from public.plan_versions
       where plan_id = (select id from public.subscription_plans where slug = $1) order by version nulls last`,
      [plan],
    )
  ).rows.map(({ version, status, staff }) => [version, status, staff]);
const snapshot = async (tenant: Tenant) =>
  snapshotShape.parse(await callAs(db, tenant.admin, 'get_entitlements()'));
const heard = async (tenant: Tenant, after: number) =>
  (await stateMessages(db, tenant.id, after)).map(({ event, payload }) => [
    event,
    payload['pv'],
    payload['limits'],
  ]);

describe('a draft', () => {
  it('begins as what the plan gives, is edited field by field, and is nothing to any group', async () => {
    const rev = await revOf(db, group.id);
    const made = await callAs<Draft>(db, superAdmin, 'create_plan_draft($1)', [plan]);
    expect(made).toMatchObject({ based_on: 1, definition: { max_staff: 10, modules: [], warn_at: 0.8 } });
    await callAs(db, superAdmin, 'update_plan_draft($1, $2)', [made.id, { max_staff: null }]);
    const edited = await callAs<Draft>(db, superAdmin, 'update_plan_draft($1, $2)', [
      made.id,
      { modules: ['suivi-eleves', 'infirmerie', 'suivi-eleves'] },
    ]);
    expect(edited.definition).toMatchObject({
      max_staff: null,
      max_schools: 3,
      modules: ['infirmerie', 'suivi-eleves'],
    });
    expect([await revOf(db, group.id), await versions()]).toEqual([
      rev,
      [
        [1, 'published', 10],
        [null, 'draft', null],
      ],
    ]);
    await callAs(db, superAdmin, 'delete_plan_draft($1)', [made.id]);
    expect(await versions()).toEqual([[1, 'published', 10]]);
  });

  it.each([
    [{ max_staff: -1 }, 'invalid_request', 'max_staff'],
    [{ max_staff: 1.5 }, 'invalid_request', 'max_staff'],
    [{ max_staff: '12' }, 'invalid_request', 'max_staff'],
    [{ max_storage: 3e9 }, 'invalid_request', 'max_storage'],
    [{ max_students: { a: 1 } }, 'invalid_request', 'max_students'],
    [{ price_xaf: null }, 'invalid_request', 'price_xaf'],
    [{ price_xaf: 0.5 }, 'invalid_request', 'price_xaf'],
    [{ billing_period: 'week' }, 'invalid_request', 'billing_period'],
    [{ billing_period: null }, 'invalid_request', 'billing_period'],
    [{ warn_at: 0 }, 'invalid_request', 'warn_at'],
    [{ warn_at: 1.2 }, 'invalid_request', 'warn_at'],
    [{ modules: 'suivi-eleves' }, 'invalid_request', 'modules'],
    [{ modules: [null] }, 'invalid_request', 'modules'],
    [{ modules: [['suivi-eleves']] }, 'invalid_request', 'modules'],
    [{ modules: ['suivi-eleves', 'rien', 'vide'] }, 'feature_not_found', 'modules'],
    [{ max_shools: 4 }, 'invalid_request', 'max_shools'],
    [[1, 2], 'invalid_request', 'p_definition'],
  ])('is not made %o', async (changes, code, hint) => {
    const { id } = await draft({});
    const update = refusedAs(db, superAdmin, 'update_plan_draft($1, $2)', [id, JSON.stringify(changes)]);
    expect(await update).toMatchObject({ code, hint });
  });

  it('is none of a plan that is not on sale, and not the record of a version', async () => {
    expect((await refusedAs(db, superAdmin, `create_plan_draft('rien')`)).code).toBe('unknown_plan');
    const { rows } = await db.query<{ id: string }>(
      `select id from public.plan_versions where status = 'published' limit 1`,
    );
    for (const call of [`update_plan_draft($1, '{}')`, 'delete_plan_draft($1)', 'publish_plan_version($1)']) {
      expect((await refusedAs(db, superAdmin, call, [rows[0]?.id])).code).toBe('already_closed');
      expect((await refusedAs(db, superAdmin, call, [group.id])).code).toBe('version_not_found');
    }
  });
});

describe('publishing with the groups', () => {
  it('is one version, one message to each group of the plan, one to the catalogue, none to others', async () => {
    const [rev, other] = [await revOf(db, group.id), await revOf(db, bystander.id)];
    const told = (await messagesOf(db, 'catalogue')).length;
    const made = await draft({ max_staff: 20, price_xaf: 9000, modules: ['infirmerie', 'suivi-eleves'] });
    expect(await publish(db, superAdmin, made, 'move', 1)).toEqual({ plan, version: 2, existing: 'move' });
    expect(await versions()).toEqual([
      [1, 'archived', 10],
      [2, 'published', 20],
    ]);
    expect(await heard(group, rev)).toEqual([['entitlements_changed', 2, [3, 100, 20, 1_000_000_000]]]);
    expect([await heard(bystander, other), await revOf(db, bystander.id)]).toEqual([[], other]);
    const catalogue = await messagesOf(db, 'catalogue');
    expect(catalogue).toHaveLength(told + 1);
    expect(catalogue.filter(({ payload }) => payload['plan'] === plan && payload['pv'] === 2)).toHaveLength(
      1,
    );
    expect((await snapshot(group)).modules).toEqual(['infirmerie', 'suivi-eleves']);
    const { rows } = await db.query(
      `select pc.category_id from public.plan_categories pc join public.subscription_plans p on p.id = pc.plan_id where p.slug = $1`,
      [plan],
    );
    expect(rows).toHaveLength(2);
  });

  it('gives the versions their numbers: one that is written by hand is the next', async () => {
    await db.query('update public.subscription_plans set version = 40, max_staff = 11 where slug = $1', [
      plan,
    ]);
    expect(await versions()).toEqual([
      [1, 'archived', 10],
      [2, 'published', 11],
    ]);
  });

  it('of a price alone is a version, too; of nothing it is refused', async () => {
    await publish(db, superAdmin, await draft({ price_xaf: 1 }));
    expect((await versions()).map(([version]) => version)).toEqual([1, 2]);
    const { id } = await draft({});
    expect((await refusedAs(db, superAdmin, 'publish_plan_version($1)', [id])).code).toBe(
      'nothing_to_publish',
    );
    expect((await refusedAs(db, superAdmin, 'simulate_plan_publication($1)', [id])).code).toBe(
      'nothing_to_publish',
    );
  });

  it('on a version that somebody published meanwhile is refused, and names the present one', async () => {
    const [first, second] = [await draft({ max_staff: 20 }), await draft({ max_staff: 30 })];
    await publish(db, superAdmin, first, 'move', 1);
    expect(await refusedAs(db, superAdmin, `publish_plan_version($1, 'move', 1)`, [second.id])).toMatchObject(
      {
        sqlstate: 'PT409',
        code: 'stale_revision',
        detail: { version: 2 },
      },
    );
    expect((await refusedAs(db, superAdmin, `publish_plan_version($1, 'move', 2)`, [first.id])).code).toBe(
      'already_closed',
    );
    for (const existing of ['keep', null]) {
      const call = refusedAs(db, superAdmin, 'publish_plan_version($1, $2)', [second.id, existing]);
      expect(await call).toMatchObject({ code: 'invalid_request', hint: 'p_existing' });
    }
  });

  it('in the transaction of an edit by hand records both, and the groups left behind keep the edit', async () => {
    const made = await draft({ max_staff: 12 });
    const operator = await db.connect();
    await operator.query('begin');
    await operator.query(`select set_config('request.jwt.claims', $1, true)`, [JSON.stringify(superAdmin)]);
    await operator.query('update public.subscription_plans set max_staff = 11 where slug = $1', [plan]);
    await operator.query(`select public.publish_plan_version($1, 'grandfather')`, [made.id]);
    await operator.query('commit');
    expect(await versions()).toEqual([
      [1, 'archived', 10],
      [2, 'archived', 11],
      [3, 'published', 12],
    ]);
    expect((await snapshot(group)).plan_version).toBe(2);
    await db.query('update public.subscription_plans set max_staff = 13 where slug = $1', [plan]);
    expect((await versions()).at(-1)).toEqual([4, 'published', 13]);
  });

  it('after an edit by hand leaves one published version', async () => {
    await db.query('update public.subscription_plans set max_staff = 11 where slug = $1', [plan]);
    await publish(db, superAdmin, await draft({ max_staff: 12 }));
    await db.query('update public.subscription_plans set max_staff = 13 where slug = $1', [plan]);
    expect(await versions()).toEqual([
      [1, 'archived', 10],
      [2, 'archived', 11],
      [3, 'archived', 12],
      [4, 'published', 13],
    ]);
  });
});

describe('publishing without them', () => {
  it('leaves the groups on what they have: they hear nothing, then or at later versions', async () => {
    const rev = await revOf(db, group.id);
    await publish(db, superAdmin, await draft({ max_staff: 2, modules: ['infirmerie'] }), 'grandfather');
    await publish(db, superAdmin, await draft({ max_staff: 3 }), 'move');
    await db.query('update public.subscription_plans set max_staff = 4 where slug = $1', [plan]);
    expect([await heard(group, rev), await revOf(db, group.id)]).toEqual([[], rev]);
    const kept = await snapshot(group);
    expect([kept.plan, kept.plan_version, kept.modules, kept.restrictions.staff.limit]).toEqual([
      plan,
      1,
      [],
      10,
    ]);
    expect(kept.sources.limits.staff).toEqual([{ source: 'plan', plan, version: 1, amount: 10 }]);
    await add(db, group, 'staff', 10);
    await refusal(add(db, group, 'staff'));
    const newcomer = await createTenant(db, plan);
    expect((await snapshot(newcomer)).restrictions.staff.limit).toBe(4);
  });

  it('shows school staff the kept limits, in the view as in the function', async () => {
    await publish(db, superAdmin, await draft({ max_staff: 2 }), 'grandfather');
    const { rows } = await db.as(group.staff, (client) =>
      client.query(`select "limit"::int from public.school_group_usage where resource = 'staff'`),
    );
    expect(rows).toEqual([{ limit: 10 }]);
  });

  it('ends with the next change of plan, also to the same plan as it is sold now', async () => {
    await publish(db, superAdmin, await draft({ max_staff: 20 }), 'grandfather');
    const rev = await revOf(db, group.id);
    await callAs(db, superAdmin, `change_plan($1, $2, 'Nouvelle offre')`, [group.id, plan]);
    expect(await heard(group, rev)).toEqual([['entitlements_changed', 2, [3, 100, 20, 1_000_000_000]]]);
    expect((await refusedAs(db, superAdmin, `change_plan($1, $2, 'Encore')`, [group.id, plan])).code).toBe(
      'same_plan',
    );
    await callAs(db, superAdmin, `change_plan($1, 'premium', 'Autre')`, [group.id]);
    await callAs(db, superAdmin, `change_plan($1, $2, 'Retour')`, [group.id, plan]);
    expect((await snapshot(group)).plan_version).toBe(2);
  });

  it('keeps its version through a fall and a return', async () => {
    await publish(db, superAdmin, await draft({ max_staff: 20 }), 'grandfather');
    await callAs(db, superAdmin, `set_subscription_status($1, 'suspended', 'Impayé')`, [group.id]);
    expect((await snapshot(group)).plan).toBe('gratuit');
    await callAs(db, superAdmin, `set_subscription_status($1, 'active', 'Payé')`, [group.id]);
    expect((await snapshot(group)).plan_version).toBe(1);
  });

  it('pins to nothing but a published version of the group’s own plan', async () => {
    const { id } = await draft({ max_staff: 20 });
    for (const version of [
      id,
      await db
        .query<{ id: string }>(`select id from public.plan_versions where plan_id =
      (select id from public.subscription_plans where slug = 'pro')`)
        .then(({ rows }) => rows[0]?.id),
    ]) {
      const pin = db.query(
        'update public.subscriptions set pinned_version_id = $2 where school_group_id = $1',
        [group.id, version],
      );
      expect(await refusal(pin)).toMatchObject({ code: 'invalid_request', hint: 'pinned_version_id' });
    }
  });
});

describe('a simulation', () => {
  it('says for each group what it gains, loses and how far it would be over; and leaves nothing', async () => {
    const other = await createTenant(db, plan);
    await add(db, other, 'staff', 9);
    await publish(db, superAdmin, await draft({ modules: ['infirmerie', 'suivi-eleves'] }));
    const before = await db.query('select * from private.group_states order by 1');
    const [messages] = (await db.query('select count(*) from realtime.messages')).rows;
    const history = await versions();

    const made = await draft({
      max_staff: 4,
      max_students: null,
      modules: ['suivi-eleves', 'paie-indemnites'],
    });
    const result = await simulate(db, superAdmin, made);
    expect(result).toMatchObject({ plan, existing: 'move', touched: 2, over_limit: 1 });
    expect(result.groups.map(({ id }) => id)).toEqual([other.id, group.id]);
    expect(result.groups[0]).toEqual({
      id: other.id,
      name: other.name,
      usage: [1, 0, 9, 0],
      limits_before: [3, 100, 10, 1_000_000_000],
      limits_after: [3, null, 4, 1_000_000_000],
      modules_gained: ['paie-indemnites'],
      modules_lost: ['infirmerie'],
      overage: [0, 0, 5, 0],
    });

    expect((await db.query('select * from private.group_states order by 1')).rows).toEqual(before.rows);
    expect((await db.query('select count(*) from realtime.messages')).rows).toEqual([messages]);
    expect(await versions()).toEqual([...history, [null, 'draft', 4]]);
    expect((await snapshot(other)).restrictions.staff.limit).toBe(10);
    await publish(db, superAdmin, made);
  });

  it('of a publication that leaves the groups behind touches none', async () => {
    const made = await draft({ max_staff: 4 });
    expect(await simulate(db, superAdmin, made, 'grandfather')).toMatchObject({ touched: 0, groups: [] });
  });

  it('reckons with the group’s own exceptions', async () => {
    await callAs(db, superAdmin, `set_limit_override($1, 'staff', 50, 'Accord')`, [group.id]);
    await callAs(db, superAdmin, `set_module_override($1, 'infirmerie', true, 'Accord')`, [group.id]);
    const { groups } = await simulate(db, superAdmin, await draft({ max_staff: 1, modules: ['infirmerie'] }));
    expect(groups[0]).toMatchObject({
      limits_after: [3, 100, 50, 1_000_000_000],
      modules_gained: [],
      overage: [0, 0, 0, 0],
    });
  });
});
