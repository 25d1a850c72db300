/** I10: one open notice a group and resource; it rises with a push, falls without one, and is resolved below. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callAs, inDays, runDueJobsAt } from '../tests/helpers/acting.ts';
import { createTestDatabase, type TestDatabase } from '../tests/helpers/database.ts';
import { draftOf, publish } from '../tests/helpers/drafts.ts';
import { messagesOf } from '../tests/helpers/messages.ts';
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

/** The notices of a group's pupils, oldest first: the threshold of each, negative once it is resolved. */
async function noticed(group: Tenant): Promise<number[]> {
  const { rows } = await db.query<{ threshold: number }>(
    `select (params->>'threshold')::float * case when resolved_at is null then 1 else -1 end as threshold
     from public.notifications where school_group_id = $1 and kind = 'usage_threshold' and resource = 'students'
     order by id`,
    [group.id],
  );
  return rows.map(({ threshold }) => threshold);
}
/** How many times a notice of the group's usage was pushed to its screens. */
async function pushes(group: Tenant): Promise<number> {
  const messages = await messagesOf(db, `group:${group.id}`);
  return messages.filter(
    ({ event, payload }) => event === 'notification' && payload['kind'] === 'usage_threshold',
  ).length;
}
const remove = (group: Tenant, count: number): Promise<unknown> =>
  db.query(
    'delete from public.students where id in (select id from public.students where school_group_id = $1 limit $2)',
    [group.id, count],
  );
const groupOf = async (students: number | null, warnAt = 0.8): Promise<Tenant> =>
  createTenant(db, await createPlan(db, { students, warnAt }));
describe('I10: one notice of a resource is open, at the threshold that its usage stands at', () => {
  it('one pupil after the other: it opens at 8 of 10, rises at 9 and 10, and pushes at each', async () => {
    const group = await groupOf(10);
    const after: [number[], number][] = [];
    for (let n = 0; n < 10; n += 1) {
      await add(db, group, 'students');
      after.push([await noticed(group), await pushes(group)]);
    }
    expect(after.slice(6)).toEqual([
      [[], 0],
      [[0.8], 1],
      [[0.9], 2],
      [[1], 3],
    ]);
  });

  it('a jump over all three opens one, at the highest, and pushes once', async () => {
    const group = await groupOf(10);
    await add(db, group, 'students', 10);
    await refusal(add(db, group, 'students'));
    expect([await noticed(group), await pushes(group)]).toEqual([[1], 1]);
  });

  it('falling lowers it without a push, and the next crossing pushes again', async () => {
    const group = await groupOf(100);
    await add(db, group, 'students', 100);
    await remove(group, 8);
    expect([await noticed(group), await pushes(group)]).toEqual([[0.9], 1]);
    await add(db, group, 'students', 2);
    expect([await noticed(group), await pushes(group)]).toEqual([[0.9], 1]);
    await add(db, group, 'students', 6);
    expect([await noticed(group), await pushes(group)]).toEqual([[1], 2]);
  });

  it('falling below the lowest resolves it; the next crossing opens another', async () => {
    const group = await groupOf(10);
    await add(db, group, 'students', 10);
    await remove(group, 3);
    expect([await noticed(group), await pushes(group)]).toEqual([[-1], 1]);
    await add(db, group, 'students', 2);
    expect([await noticed(group), await pushes(group)]).toEqual([[-1, 0.9], 2]);
  });

  it('a fall tells the screens that show it to read again, under a name that alerts nobody', async () => {
    const group = await groupOf(10);
    await add(db, group, 'students', 10);
    await remove(group, 1);
    await remove(group, 9);
    await remove(group, 0);
    const quiet = (await messagesOf(db, `group:${group.id}`)).filter(
      ({ event }) => event === 'notice_changed',
    );
    expect(quiet.map(({ payload }) => [payload['kind'], payload['resource']])).toEqual([
      ['usage_threshold', 'students'],
      ['usage_threshold', 'students'],
    ]);
  });

  it('says what stood when the level last changed', async () => {
    const group = await groupOf(100);
    const params = async (): Promise<unknown> =>
      (
        await db.query(`select params from notifications where school_group_id = $1 and level > 0`, [
          group.id,
        ])
      ).rows;
    await add(db, group, 'students', 100);
    await remove(group, 8);
    expect(await params()).toMatchObject([{ params: { threshold: 0.9, usage: 92, limit: 100 } }]);
    await remove(group, 90);
    expect(await params()).toMatchObject([{ params: { threshold: 0.9, usage: 92, limit: 100 } }]);
  });

  it('each resource has its own', async () => {
    const group = await createTenant(db, await createPlan(db, { students: 10, staff: 10 }));
    await add(db, group, 'students', 8);
    await add(db, group, 'staff', 10);
    const { rows } = await db.query(
      'select resource, level from notices where school_group_id = $1 and level > 0 order by id',
      [group.id],
    );
    expect(rows).toEqual([
      { resource: 'students', level: 1 },
      { resource: 'staff', level: 3 },
    ]);
  });

  it('no second one is stored beside it, whoever writes', async () => {
    const group = await groupOf(10);
    await add(db, group, 'students', 8);
    const second = db.query(
      `insert into notifications (school_group_id, kind, resource, level, params, rev)
       values ($1, 'usage_threshold', 'students', 3, '{}', 1)`,
      [group.id],
    );
    expect((await refusal(second)).sqlstate).toBe('23505');
  });

  it('a smaller plan raises it without a pupil more, a larger one resolves it', async () => {
    const group = await groupOf(null);
    await add(db, group, 'students', 9);
    expect(await noticed(group)).toEqual([]);
    await setPlan(db, group.id, await createPlan(db, { students: 10 }));
    expect([await noticed(group), await pushes(group)]).toEqual([[0.9], 1]);
    await setPlan(db, group.id, await createPlan(db, { students: 100 }));
    expect([await noticed(group), await pushes(group)]).toEqual([[-0.9], 1]);
    await setPlan(db, group.id, await createPlan(db, { students: 5 }));
    expect([await noticed(group), await pushes(group)]).toEqual([[-0.9, 1], 2]);
    await setPlan(db, group.id, await createPlan(db, { students: null }));
    expect([await noticed(group), await pushes(group)]).toEqual([[-0.9, -1], 2]);
  });

  it('a limit that moves below the same usage is shown by the open notice, and nobody is alerted', async () => {
    const group = await groupOf(10);
    await add(db, group, 'students', 10);
    const smaller = await createPlan(db, { students: 5 });
    await setPlan(db, group.id, smaller);
    const { rows } = await db.query(
      'select params from notifications where school_group_id = $1 and level > 0',
      [group.id],
    );
    expect(rows).toEqual([{ params: { threshold: 1, usage: 10, limit: 5, plan: smaller } }]);
    const told = (await messagesOf(db, `group:${group.id}`)).map(({ event }) => event);
    expect([await pushes(group), told.filter((event) => event === 'notice_changed')]).toEqual([
      1,
      ['notice_changed'],
    ]);
  });

  it('an open notice names the share and the plan that are in force, at the same limit too', async () => {
    const group = await groupOf(10);
    await add(db, group, 'students', 8);
    const stricter = await createPlan(db, { students: 10, warnAt: 0.7 });
    await setPlan(db, group.id, stricter);
    const { rows } = await db.query(
      'select params from notifications where school_group_id = $1 and level > 0',
      [group.id],
    );
    expect(rows).toEqual([{ params: { threshold: 0.7, usage: 8, limit: 10, plan: stricter } }]);
    expect(await pushes(group)).toBe(1);
  });

  it('an edit of the plan crosses too, in every group of it', async () => {
    const plan = await createPlan(db, { students: 20 });
    const groups = [await createTenant(db, plan), await createTenant(db, plan)];
    for (const group of groups) await add(db, group, 'students', 10);
    await db.query('update public.subscription_plans set max_students = 12 where slug = $1', [plan]);
    for (const group of groups) expect([await noticed(group), await pushes(group)]).toEqual([[0.8], 1]);
  });

  it('an override and its end, a grant and its date, move it like a plan', async () => {
    const superAdmin = await createAccount(db, { role: 'super_admin' });
    const group = await groupOf(100);
    await add(db, group, 'students', 9);
    const set = (limit: number) =>
      callAs<{ id: string }>(db, superAdmin, `set_limit_override($1, 'students', $2, 'Essai')`, [
        group.id,
        limit,
      ]);
    const { id } = await set(10);
    expect(await noticed(group)).toEqual([0.9]);
    await callAs(db, superAdmin, `end_override($1, 'Fin')`, [id]);
    expect(await noticed(group)).toEqual([-0.9]);

    const small = await groupOf(10);
    await callAs(db, superAdmin, `grant_quantity($1, 'students', 10, 'Essai', $2)`, [small.id, inDays(3)]);
    await add(db, small, 'students', 10);
    expect(await noticed(small)).toEqual([]);
    await runDueJobsAt(db, inDays(4));
    expect(await noticed(small)).toEqual([1]);
    await runDueJobsAt(db, inDays(5));
    expect([await noticed(small), await pushes(small)]).toEqual([[1], 1]);
  });

  it('a published version crosses in the groups that move, and not in those that stay behind', async () => {
    const superAdmin = await createAccount(db, { role: 'super_admin' });
    for (const [existing, expected] of [
      ['grandfather', []],
      ['move', [0.8]],
    ] as const) {
      const plan = await createPlan(db, { students: 20 });
      const group = await createTenant(db, plan);
      await add(db, group, 'students', 10);
      await publish(db, superAdmin, await draftOf(db, superAdmin, plan, { max_students: 12 }), existing);
      expect(await noticed(group)).toEqual(expected);
    }
  });

  it.each([
    [0.5, [0.5, 0.9, 1]],
    [0.9, [0.9, 1]],
    [0.95, [0.95, 1]],
    [1, [1]],
  ])('a plan that warns at %d warns at %j, and pushes at each', async (warnAt, thresholds) => {
    const group = await groupOf(100, warnAt);
    const seen: number[] = [];
    for (let usage = 40; usage <= 100; usage += 5) {
      await add(db, group, 'students', usage === 40 ? 40 : 5);
      const [threshold] = await noticed(group);
      if (threshold !== undefined && threshold !== seen.at(-1)) seen.push(threshold);
    }
    expect([seen, await pushes(group)]).toEqual([thresholds, thresholds.length]);
  });

  it('unlimited and nothing-of-nothing never warn', async () => {
    for (const limit of [null, 0]) {
      const group = await groupOf(limit);
      await add(db, group, 'students', limit === null ? 500 : 0);
      expect(await noticed(group)).toEqual([]);
    }
  });

  it('what is rolled back was never crossed', async () => {
    const group = await groupOf(10);
    const client = await db.connect();
    await client.query('begin');
    await add(client, group, 'students', 9);
    await client.query('rollback');
    expect([await noticed(group), await pushes(group)]).toEqual([[], 0]);
    await add(db, group, 'students', 9);
    expect([await noticed(group), await pushes(group)]).toEqual([[0.9], 1]);
  });

  it('ten sessions that cross at the same moment leave one', async () => {
    const group = await groupOf(10);
    await Promise.all(Array.from({ length: 10 }, () => add(db, group, 'students')));
    expect([await noticed(group), await pushes(group)]).toEqual([[1], 3]);
  });
});
