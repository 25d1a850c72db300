/** I10: crossing 80 %, 90 % and 100 % upwards makes one notification each, re-armed when usage falls below. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type Actor, type TestDatabase } from '../tests/helpers/database.ts';
import { refusal } from '../tests/helpers/refusal.ts';
import {
  add,
  createAccount,
  createPlan,
  createTenant,
  setPlan,
  type Tenant,
} from '../tests/helpers/tenants.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.drop());

/** Thresholds told to the group for its pupils, oldest first. */
async function told(group: Tenant): Promise<number[]> {
  const { rows } = await db.query<{ threshold: number }>(
    `select (params->>'threshold')::float as threshold from public.notifications
     where school_group_id = $1 and params->>'resource' = 'students' order by id`,
    [group.id],
  );
  return rows.map(({ threshold }) => threshold);
}
const remove = (group: Tenant, count: number): Promise<unknown> =>
  db.query(
    'delete from public.students where id in (select id from public.students where school_group_id = $1 limit $2)',
    [group.id, count],
  );
const groupOf = async (students: number | null, warnAt = 0.8): Promise<Tenant> =>
  createTenant(db, await createPlan(db, { students, warnAt }));

describe('I10: a threshold notifies once per crossing', () => {
  it('one pupil after the other: at 8, 9 and 10 of 10, and not in between', async () => {
    const group = await groupOf(10);
    const after: number[][] = [];
    for (let n = 0; n < 10; n += 1) {
      await add(db, group, 'students');
      after.push(await told(group));
    }
    expect(after.slice(6)).toEqual([[], [0.8], [0.8, 0.9], [0.8, 0.9, 1]]);
  });

  it('a jump over all three tells all three, once', async () => {
    const group = await groupOf(10);
    await add(db, group, 'students', 10);
    await refusal(add(db, group, 'students'));
    expect(await told(group)).toEqual([0.8, 0.9, 1]);
  });

  it('falling below re-arms what was left, and only that', async () => {
    const group = await groupOf(10);
    await add(db, group, 'students', 10);
    await remove(group, 1);
    await add(db, group, 'students');
    expect(await told(group)).toEqual([0.8, 0.9, 1, 1]);
    await remove(group, 3);
    await add(db, group, 'students', 2);
    expect(await told(group)).toEqual([0.8, 0.9, 1, 1, 0.8, 0.9]);
  });

  it('a smaller plan crosses without a pupil more, a larger one re-arms', async () => {
    const group = await groupOf(null);
    await add(db, group, 'students', 9);
    expect(await told(group)).toEqual([]);
    await setPlan(db, group.id, await createPlan(db, { students: 10 }));
    expect(await told(group)).toEqual([0.8, 0.9]);
    await setPlan(db, group.id, await createPlan(db, { students: 100 }));
    await setPlan(db, group.id, await createPlan(db, { students: 5 }));
    expect(await told(group)).toEqual([0.8, 0.9, 0.8, 0.9, 1]);
  });

  it('an edit of the plan crosses too, in every group of it', async () => {
    const plan = await createPlan(db, { students: 20 });
    const groups = [await createTenant(db, plan), await createTenant(db, plan)];
    for (const group of groups) await add(db, group, 'students', 10);
    await db.query('update public.subscription_plans set max_students = 12 where slug = $1', [plan]);
    for (const group of groups) expect(await told(group)).toEqual([0.8]);
  });

  it.each([
    [0.5, [0.5, 0.9, 1]],
    [0.9, [0.9, 1]],
    [0.95, [0.95, 1]],
    [1, [1]],
  ])('a plan that warns at %d tells %j', async (warnAt, thresholds) => {
    const group = await groupOf(10, warnAt);
    await add(db, group, 'students', 10);
    expect(await told(group)).toEqual(thresholds);
  });

  it('unlimited and nothing-of-nothing never warn', async () => {
    for (const limit of [null, 0]) {
      const group = await groupOf(limit);
      await add(db, group, 'students', limit === null ? 500 : 0);
      expect(await told(group)).toEqual([]);
    }
  });

  it('what is rolled back was never crossed', async () => {
    const group = await groupOf(10);
    const client = await db.connect();
    await client.query('begin');
    await add(client, group, 'students', 9);
    await client.query('rollback');
    expect(await told(group)).toEqual([]);
    await add(db, group, 'students', 9);
    expect(await told(group)).toEqual([0.8, 0.9]);
  });
});

describe('reading notices', () => {
  it('each admin reads for themself, each notice once, and only their group’s', async () => {
    const [group, other] = [await groupOf(1), await groupOf(1)];
    const colleague = await createAccount(db, { role: 'admin_groupe', group: group.id });
    await add(db, group, 'students');
    await add(db, other, 'students');
    const unread = (actor: Actor): Promise<unknown> =>
      db.as(actor, async (client) => {
        const { rows } = await client.query<{ n: number }>(
          `select (get_entitlements()->'unread_notices')::int as n`,
        );
        return rows[0]?.n;
      });
    const read = `insert into notification_reads (notification_id)
      select id from notifications where school_group_id = $1`;
    await db.as(group.admin, (client) => client.query(read, [group.id]));
    expect([await unread(group.admin), await unread(colleague)]).toEqual([0, 3]);

    const again = db.as(group.admin, (client) => client.query(read, [group.id]));
    expect((await refusal(again)).sqlstate).toBe('23505');
    const { rows } = await db.query<{ id: string }>(
      'select id from notifications where school_group_id = $1',
      [other.id],
    );
    const foreign = db.as(group.admin, (client) =>
      client.query('insert into notification_reads (notification_id) values ($1)', [rows[0]?.id]),
    );
    expect((await refusal(foreign)).sqlstate).toBe('42501');
  });
});
