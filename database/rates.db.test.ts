/** What one person can do in a loop has an end each day, where each turn leaves a row that stays. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { callAs, inDays, refusedAs } from '../tests/helpers/acting.ts';
import { createTestDatabase, type Actor, type TestDatabase } from '../tests/helpers/database.ts';
import { messagesOf } from '../tests/helpers/messages.ts';
import { openSessions } from '../tests/helpers/sessions.ts';
import { add, createAccount, createPlan, createTenant, type Tenant } from '../tests/helpers/tenants.ts';

let db: TestDatabase;
let superAdmin: Actor;
let group: Tenant;
beforeAll(async () => {
  db = await createTestDatabase();
  superAdmin = await createAccount(db, { role: 'super_admin' });
});
afterAll(() => db.drop());

const rows = async (table: string): Promise<number> =>
  (await db.query(`select from ${table} where school_group_id = $1`, [group.id])).rowCount ?? 0;

describe('a group admin who asks for a plan and withdraws in a loop', () => {
  beforeEach(async () => {
    group = await createTenant(db, 'premium');
  });
  const ask = `request_plan_change('pro', 'Nous grandissons')`;
  async function askAndWithdraw(instant?: Date): Promise<void> {
    const { id } = await callAs<{ id: string }>(db, group.admin, ask, [], instant);
    await callAs(db, group.admin, 'cancel_plan_change_request($1)', [id], instant);
  }

  it('is refused at the eleventh request of the day, in French, and may ask again the next day', async () => {
    for (let request = 0; request < 10; request++) await askAndWithdraw();
    expect(await refusedAs(db, group.admin, ask)).toMatchObject({
      sqlstate: 'PT429',
      code: 'too_many_today',
      message: 'Dix demandes par jour au plus : réessayez demain.',
    });
    expect(await rows('public.plan_change_requests')).toBe(10);
    await askAndWithdraw(inDays(1));
    expect(await rows('public.plan_change_requests')).toBe(11);
  });

  it('has ten turns also with twenty-five sessions at once', async () => {
    const sessions = await openSessions(db, 25);
    const turns = await Promise.all(
      sessions.map(async ({ client }) => {
        const { rows: answers } = await client.query<{ within: boolean }>(
          `select private.within_rate($1, 'plan_change_request') as within`,
          [group.id],
        );
        return answers[0]?.within;
      }),
    );
    expect(turns.filter(Boolean)).toHaveLength(10);
    expect((await refusedAs(db, group.admin, ask)).code).toBe('too_many_today');
  });

  it('asks in the name of its own group alone: another group has its own ten', async () => {
    for (let request = 0; request < 10; request++) await askAndWithdraw();
    const full = group;
    group = await createTenant(db, 'premium');
    await askAndWithdraw();
    expect((await refusedAs(db, full.admin, ask)).code).toBe('too_many_today');
  });

  it('is not counted for asking the same thing twice', async () => {
    for (let request = 0; request < 15; request++) await callAs(db, group.admin, ask);
    expect(await rows('public.plan_change_requests')).toBe(1);
  });
});

describe('an account that provokes refusals in a loop', () => {
  beforeEach(async () => {
    group = await createTenant(db, await createPlan(db, { staff: 2, students: 0 }));
  });
  const spent = (actor: Actor, act: string, done: number): Promise<unknown> =>
    db.query(
      `insert into private.daily_acts (subject, act, day, done) values ($1, $2, private.today(), $3)
       on conflict (subject, act) do update set done = excluded.done`,
      [actor.sub, act, done],
    );

  it('is answered as before, and recorded two hundred times a day', async () => {
    await spent(group.admin, 'refusal', 199);
    const importing = `import_students($1, 'first_that_fit', $2)`;
    const pupils = JSON.stringify([{ first_name: 'Ada', last_name: 'Lovelace' }]);
    for (let attempt = 0; attempt < 3; attempt++) {
      const answer = await callAs<{ ready: number }>(db, group.admin, importing, [pupils, group.school]);
      expect(answer.ready).toBe(0);
    }
    expect(await callAs(db, group.admin, `report_refusal('staff', 3)`)).toMatchObject({ allowed: false });
    expect(await rows('public.refusals')).toBe(1);
  });

  it('does not keep a colleague’s refusal from the record', async () => {
    await spent(group.admin, 'refusal', 200);
    await callAs(db, group.staff, `report_refusal('staff', 3)`);
    expect(await rows('public.refusals')).toBe(1);
  });
});

describe('a group that crosses a threshold in a loop', () => {
  const notices = async (): Promise<unknown[]> => {
    const { rows: found } = await db.query(
      `select level, resolved_at is null as open from public.notifications
       where school_group_id = $1 and level > 0 order by id`,
      [group.id],
    );
    return found;
  };
  const pushed = async (): Promise<number> => {
    const messages = await messagesOf(db, `group:${group.id}`);
    return messages.filter(({ event }) => event === 'notification').length;
  };
  const empty = () => db.query('delete from public.staff where school_group_id = $1', [group.id]);

  beforeEach(async () => {
    group = await createTenant(db, await createPlan(db, { staff: 10 }));
    await db.query(
      `insert into private.daily_acts (subject, act, day, done) values ($1, 'threshold_notice', private.today(), 98)`,
      [group.id],
    );
  });

  it('gets a hundred notices a day, and a hundred pushes', async () => {
    for (let turn = 0; turn < 4; turn++) {
      await add(db, group, 'staff', 10);
      await empty();
    }
    expect(await notices()).toEqual([
      { level: 3, open: false },
      { level: 3, open: false },
    ]);
    expect(await pushed()).toBe(2);
  });

  it('still sees the present level of the notice that is open, which rises without a push', async () => {
    await add(db, group, 'staff', 8);
    for (let turn = 0; turn < 4; turn++) {
      await add(db, group, 'staff', 2);
      await db.query(
        `delete from public.staff where id in (select id from public.staff where school_group_id = $1 limit 2)`,
        [group.id],
      );
    }
    await add(db, group, 'staff', 1);
    expect(await notices()).toEqual([{ level: 2, open: true }]);
    expect(await pushed()).toBe(2);
    await empty();
    expect(await notices()).toEqual([{ level: 2, open: false }]);
  });
});

it('the count of a day that is over goes with the night', async () => {
  await db.query(
    `insert into private.daily_acts (subject, act, day, done) values ($1, 'refusal', private.today() - 1, 5)`,
    [superAdmin.sub],
  );
  await db.query('select private.run_nightly_jobs()');
  expect((await db.query('select from private.daily_acts where day < private.today()')).rowCount).toBe(0);
});
