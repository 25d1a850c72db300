/** I4, I7: a plan is edited while others edit it too, sell it, or fall back to it. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../tests/helpers/database.ts';
import { committedState, messagesOf, stateMessages } from '../tests/helpers/messages.ts';
import { refusal } from '../tests/helpers/refusal.ts';
import { doneOrWaiting, openSessions, type Session } from '../tests/helpers/sessions.ts';
import { createPlan, createTenant, idOf, revOf, type Tenant } from '../tests/helpers/tenants.ts';

let db: TestDatabase;
let one: Session;
let two: Session;
beforeAll(async () => {
  db = await createTestDatabase();
  [one, two] = (await openSessions(db, 2)) as [Session, Session];
});
afterAll(() => db.drop());
afterEach(async () => expect(await wrongCategories()).toEqual([]));

/** What I7 forbids: a plan's category without a module of it in the plan, or the other way round. */
async function wrongCategories(): Promise<unknown[]> {
  const { rows } = await db.query(
    `select * from (select distinct pm.plan_id, m.category_id from public.plan_modules pm
                    join public.modules m on m.id = pm.module_id) derived
     full join public.plan_categories pc using (plan_id, category_id)
     where derived.plan_id is null or pc.plan_id is null`,
  );
  return rows;
}

async function createCategory(): Promise<string> {
  return idOf(
    db,
    `insert into public.business_categories (slug, name, icon, color, position)
     values ('c-' || gen_random_uuid(), 'Essai', 'Box', '#000000', 99) returning id`,
  );
}
async function createModule(category: string): Promise<string> {
  return idOf(
    db,
    `insert into public.modules (slug, category_id, name, icon, position)
     values ('m-' || gen_random_uuid(), $1, 'Essai', 'Box', 99) returning id`,
    [category],
  );
}
const ATTACH = `insert into public.plan_modules (plan_id, module_id)
  select id, $2 from public.subscription_plans where slug = $1`;
const RECATEGORISE = 'update public.modules set category_id = $2 where id = $1';

async function versionsOf(plan: string): Promise<{ version: number; modules: number }[]> {
  const { rows } = await db.query<{ version: number; modules: number }>(
    `select v.version, jsonb_array_length(v.definition->'modules') as modules from public.plan_versions v
     join public.subscription_plans p on p.id = v.plan_id where p.slug = $1 order by v.version`,
    [plan],
  );
  return rows;
}

/** Runs `first` in an open transaction, starts `second`, then commits the first and the second. */
async function interleave(
  first: (session: Session) => Promise<unknown>,
  second: (session: Session) => Promise<unknown>,
): Promise<void> {
  await one.client.query('begin');
  await two.client.query('begin');
  await first(one);
  const running = second(two);
  await doneOrWaiting(db, two, running);
  await one.client.query('commit');
  await running;
  await two.client.query('commit');
}

async function expectTold(group: Tenant): Promise<void> {
  const last = (await stateMessages(db, group.id)).at(-1)?.payload;
  const { rev, plan, pv, limits } = await committedState(db, group.id);
  expect(last).toMatchObject({ rev, plan, pv, limits });
}

describe('one editor', () => {
  it('delete-all and insert-all of a plan’s modules is one version and one message', async () => {
    const category = await createCategory();
    const plan = await createPlan(db);
    for (let n = 0; n < 3; n += 1) await db.query(ATTACH, [plan, await createModule(category)]);
    const group = await createTenant(db, plan);
    const [rev, versions] = [await revOf(db, group.id), await versionsOf(plan)];
    await one.client.query('begin');
    await one.client.query(
      `delete from public.plan_modules where plan_id = (select id from public.subscription_plans where slug = $1)`,
      [plan],
    );
    await one.client.query(
      `insert into public.plan_modules (plan_id, module_id)
       select p.id, m.id from public.subscription_plans p, public.modules m where p.slug = $1 and m.category_id = $2`,
      [plan, category],
    );
    await one.client.query(`update public.subscription_plans set max_staff = 7 where slug = $1`, [plan]);
    await one.client.query('commit');
    expect(await versionsOf(plan)).toEqual([...versions, { version: versions.length + 1, modules: 3 }]);
    const sent = await stateMessages(db, group.id, rev);
    expect(sent.map(({ event }) => event)).toEqual(['entitlements_changed']);
    await expectTold(group);
  });

  it('wakes only the groups of the plan, and tells the catalogue’s readers once', async () => {
    const [edited, other] = [await createPlan(db, { staff: 3 }), await createPlan(db)];
    const [mine, theirs] = [await createTenant(db, edited), await createTenant(db, other)];
    const revs = [await revOf(db, mine.id), await revOf(db, theirs.id)];
    await db.query('update public.subscription_plans set max_staff = 4 where slug = $1', [edited]);
    expect([await revOf(db, mine.id), await revOf(db, theirs.id)]).toEqual([(revs[0] ?? 0) + 1, revs[1]]);
    const published = await messagesOf(db, 'catalogue');
    expect(
      published.filter(({ payload }) => payload['plan'] === edited).map(({ payload }) => payload['pv']),
    ).toEqual([1, 2]);
  });

  it.each([[`name = 'Autre nom'`], [`price_xaf = 12`], [`max_staff = max_staff`], [`warn_at = 0.8`]])(
    '%s is no new version and wakes nobody',
    async (change) => {
      const plan = await createPlan(db, { staff: 3 });
      const group = await createTenant(db, plan);
      const rev = await revOf(db, group.id);
      await db.query(`update public.subscription_plans set ${change} where slug = $1`, [plan]);
      expect(await revOf(db, group.id)).toBe(rev);
      expect(await versionsOf(plan)).toHaveLength(1);
    },
  );

  it('a published version is never rewritten', async () => {
    for (const sql of [
      `update public.plan_versions set definition = '{}'`,
      'delete from public.plan_versions',
      'truncate public.plan_versions cascade',
    ]) {
      expect((await refusal(db.query(sql))).code).toBe('append_only');
    }
  });

  it('I7: the derived categories are nobody’s to write', async () => {
    for (const sql of [
      'insert into public.plan_categories select p.id, c.id from public.subscription_plans p, public.business_categories c',
      'delete from public.plan_categories',
      'update public.plan_categories set category_id = category_id',
    ]) {
      expect((await refusal(db.query(sql))).sqlstate).toBe('PT403');
    }
  });

  it('I7: a category opens with its first module and closes with its last', async () => {
    const [here, there] = [await createCategory(), await createCategory()];
    const [first, second] = [await createModule(here), await createModule(here)];
    const plan = await createPlan(db);
    const open = async (): Promise<string[]> => {
      const { rows } = await db.query<{ id: string }>(
        `select category_id as id from public.plan_categories pc join public.subscription_plans p on p.id = pc.plan_id
         where p.slug = $1 order by 1`,
        [plan],
      );
      return rows.map(({ id }) => id);
    };
    await db.query(ATTACH, [plan, first]);
    await db.query(ATTACH, [plan, second]);
    expect(await open()).toEqual([here]);
    await db.query(RECATEGORISE, [second, there]);
    expect(await open()).toEqual([here, there].toSorted());
    await db.query('update public.plan_modules set module_id = $2 where module_id = $1', [
      first,
      await createModule(there),
    ]);
    expect(await open()).toEqual([there]);
    await db.query('delete from public.modules where category_id = $1', [there]);
    expect(await open()).toEqual([]);
    expect((await versionsOf(plan)).length).toBe(6);
  });
});

describe('two editors at the same time', () => {
  it('each attaches a module: two versions, and the groups hear of both', async () => {
    const category = await createCategory();
    const [a, b] = [await createModule(category), await createModule(category)];
    const plan = await createPlan(db);
    const group = await createTenant(db, plan);
    const rev = await revOf(db, group.id);
    await interleave(
      ({ client }) => client.query(ATTACH, [plan, a]),
      ({ client }) => client.query(ATTACH, [plan, b]),
    );
    expect(await versionsOf(plan)).toEqual([
      { version: 1, modules: 0 },
      { version: 2, modules: 1 },
      { version: 3, modules: 2 },
    ]);
    expect(await revOf(db, group.id)).toBe(rev + 2);
    await expectTold(group);
  });

  it('one edits a limit, the other a module: two versions', async () => {
    const plan = await createPlan(db, { staff: 3 });
    const added = await createModule(await createCategory());
    const group = await createTenant(db, plan);
    await interleave(
      ({ client }) =>
        client.query('update public.subscription_plans set max_staff = 4 where slug = $1', [plan]),
      ({ client }) => client.query(ATTACH, [plan, added]),
    );
    expect(await versionsOf(plan)).toHaveLength(3);
    await expectTold(group);
  });

  it('I7: one takes a category’s only module away while the other adds one to it', async () => {
    const [here, there] = [await createCategory(), await createCategory()];
    const [moved, added] = [await createModule(here), await createModule(here)];
    const plan = await createPlan(db);
    await db.query(ATTACH, [plan, moved]);
    await interleave(
      ({ client }) => client.query(ATTACH, [plan, added]),
      ({ client }) => client.query(RECATEGORISE, [moved, there]),
    );
    expect(await wrongCategories()).toEqual([]);
  });

  it.each(['attaching first', 'recategorising first'])(
    'I7: one attaches a module while the other puts it into another category (%s)',
    async (order) => {
      const [here, there] = [await createCategory(), await createCategory()];
      const both = await createModule(here);
      const plan = await createPlan(db);
      const steps = [
        ({ client }: Session) => client.query(ATTACH, [plan, both]),
        ({ client }: Session) => client.query(RECATEGORISE, [both, there]),
      ] as const;
      await (order === 'attaching first' ? interleave(steps[0], steps[1]) : interleave(steps[1], steps[0]));
      expect(await wrongCategories()).toEqual([]);
    },
  );
});

describe('a plan edited while a group comes, goes or falls', () => {
  const raiseStaff =
    (plan: string, to: number) =>
    ({ client }: Session): Promise<unknown> =>
      client.query('update public.subscription_plans set max_staff = $2 where slug = $1', [plan, to]);
  const subscribe =
    (group: Tenant, plan: string) =>
    ({ client }: Session): Promise<unknown> =>
      client.query(
        `update public.subscriptions set plan_id = (select id from public.subscription_plans where slug = $2)
       where school_group_id = $1`,
        [group.id, plan],
      );
  const suspend =
    (group: Tenant) =>
    ({ client }: Session): Promise<unknown> =>
      client.query(`update public.subscriptions set status = 'suspended' where school_group_id = $1`, [
        group.id,
      ]);

  it.each(['edit first', 'arrival first'])(
    'I4: a group that subscribes meanwhile knows the new limit (%s)',
    async (order) => {
      const [plan, old] = [await createPlan(db, { staff: 3 }), await createPlan(db)];
      const group = await createTenant(db, old);
      const steps = [raiseStaff(plan, 4), subscribe(group, plan)] as const;
      await (order === 'edit first' ? interleave(steps[0], steps[1]) : interleave(steps[1], steps[0]));
      await expectTold(group);
    },
  );

  it.each(['edit first', 'fall first'])(
    'I4: a group that falls to gratuit meanwhile knows its new limit (%s)',
    async (order) => {
      const group = await createTenant(db, await createPlan(db));
      const to = order === 'edit first' ? 11 : 12;
      const steps = [raiseStaff('gratuit', to), suspend(group)] as const;
      await (order === 'edit first' ? interleave(steps[0], steps[1]) : interleave(steps[1], steps[0]));
      expect(await committedState(db, group.id)).toMatchObject({ limits: [1, 100, to, 1_000_000_000] });
      await expectTold(group);
    },
  );

  it('I4, I10: a group that leaves meanwhile is neither woken nor warned by what it no longer has', async () => {
    const [tight, wide] = [await createPlan(db, { schools: 9 }), await createPlan(db)];
    const group = await createTenant(db, tight);
    const rev = await revOf(db, group.id);
    await interleave(subscribe(group, wide), ({ client }) =>
      client.query('update public.subscription_plans set max_schools = 1 where slug = $1', [tight]),
    );
    const { rows } = await db.query(
      'select params from public.notifications where school_group_id = $1 and level > 0',
      [group.id],
    );
    expect(rows).toEqual([]);
    expect((await stateMessages(db, group.id, rev)).map(({ event }) => event)).toEqual(['plan_changed']);
    await expectTold(group);
  });
});
