/** I10: crossing 80 %, 90 % and 100 % upwards makes one notification each, re-armed when usage falls below. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callAs, inDays, runDueJobsAt } from '../tests/helpers/acting.ts';
import { createTestDatabase, type Actor, type TestDatabase } from '../tests/helpers/database.ts';
import { draftOf, publish } from '../tests/helpers/drafts.ts';
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

  it('an override and its end, a grant and its date, cross and re-arm like a plan', async () => {
    const superAdmin = await createAccount(db, { role: 'super_admin' });
    const group = await groupOf(100);
    await add(db, group, 'students', 9);
    const set = (limit: number) =>
      callAs<{ id: string }>(db, superAdmin, `set_limit_override($1, 'students', $2, 'Essai')`, [
        group.id,
        limit,
      ]);
    const { id } = await set(10);
    expect(await told(group)).toEqual([0.8, 0.9]);
    await callAs(db, superAdmin, `end_override($1, 'Fin')`, [id]);
    expect(await told(group)).toEqual([0.8, 0.9]);

    const small = await groupOf(10);
    await callAs(db, superAdmin, `grant_quantity($1, 'students', 10, 'Essai', $2)`, [small.id, inDays(3)]);
    await add(db, small, 'students', 10);
    expect(await told(small)).toEqual([]);
    await runDueJobsAt(db, inDays(4));
    expect(await told(small)).toEqual([0.8, 0.9, 1]);
    await runDueJobsAt(db, inDays(5));
    expect(await told(small)).toHaveLength(3);
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
      expect(await told(group)).toEqual(expected);
    }
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

  it('all up to one, by one call: those after it, and a colleague’s, stay unread', async () => {
    const group = await groupOf(10);
    const colleague = await createAccount(db, { role: 'admin_groupe', group: group.id });
    await add(db, group, 'students', 10);
    const { rows } = await db.query<{ id: string }>(
      'select id from notifications where school_group_id = $1 order by id',
      [group.id],
    );
    const mark = (upTo: string | null | undefined, actor: Actor = group.admin) =>
      callAs<number>(db, actor, 'mark_notifications_read($1)', [upTo]);
    const unread = async (actor: Actor) =>
      (await callAs<{ unread_notices: number }>(db, actor, 'get_entitlements()')).unread_notices;
    expect(await mark(null)).toBe(0);
    expect(await mark(rows[1]?.id)).toBe(2);
    expect(await mark(rows[1]?.id)).toBe(0);
    expect([await unread(group.admin), await unread(colleague)]).toEqual([1, 3]);
    expect([await mark('9223372036854775807'), await unread(group.admin)]).toEqual([1, 0]);
    // Nobody reads for another group, however large the number.
    const other = await groupOf(1);
    await add(db, other, 'students');
    await mark('9223372036854775807');
    expect(await unread(other.admin)).toBe(3);
  });

  it('hold what a sentence is made of in either language, and no sentence', async () => {
    const group = await groupOf(10);
    await add(db, group, 'students', 8);
    const { rows } = await db.query('select kind, params from notifications where school_group_id = $1', [
      group.id,
    ]);
    expect(rows).toEqual([
      {
        kind: 'usage_threshold',
        params: {
          resource: 'students',
          threshold: 0.8,
          usage: 8,
          limit: 10,
          plan: expect.stringMatching(/^plan-/) as string,
        },
      },
    ]);
  });
});
