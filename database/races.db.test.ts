/** I1, I2, I4 under real concurrency: many sessions, one group. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { RESOURCES } from '../src/core/entitlements.ts';
import { createTestDatabase, type TestDatabase } from '../tests/helpers/database.ts';
import { growthPastLimit } from '../tests/helpers/growth.ts';
import { committedState, stateMessages } from '../tests/helpers/messages.ts';
import { doneOrWaiting, inTransaction, openSessions, race, type Session } from '../tests/helpers/sessions.ts';
import {
  add,
  createAccount,
  createPlan,
  createTenant,
  drift,
  revOf,
  setPlan,
  usageOf,
  type Tenant,
} from '../tests/helpers/tenants.ts';

let db: TestDatabase;
let sessions: Session[];
beforeAll(async () => {
  db = await createTestDatabase();
  sessions = await openSessions(db, 32);
});
afterAll(() => db.drop());
afterEach(async () => expect(await drift(db)).toEqual([]));

const firstSessions = (count: number): Session[] => sessions.slice(0, count);

/** Every message told, none growing past a limit, the last one equal to what stands committed. */
async function expectSoundHistory(group: Tenant): Promise<void> {
  const messages = await stateMessages(db, group.id);
  expect(growthPastLimit(messages)).toEqual([]);
  const { rev, usage } = await committedState(db, group.id);
  expect(messages.at(-1)?.payload).toMatchObject({ rev, usage });
}

describe('writers at limit − 1', () => {
  it.each([2, 8, 32])('I1: of %i at once exactly one passes, for each resource', async (writers) => {
    const plan = await createPlan(db, { schools: 2, students: 1, staff: 1, storage: 1 });
    for (const resource of RESOURCES) {
      const group = await createTenant(db, plan);
      const attempt = (session: Session) => (): Promise<unknown> =>
        resource === 'storage'
          ? session.client.query(
              `insert into public.documents (school_group_id, school_id, name, size_bytes)
               select $1, $2, 'Pièce', 50000000 from generate_series(1, 20)`,
              [group.id, group.school],
            )
          : add(session.client, group, resource);
      const outcome = await race(firstSessions(writers).map(attempt));
      expect(outcome).toEqual({ passed: 1, refused: { PT402: writers - 1 } });
      await expectSoundHistory(group);
    }
  });

  it('I1: also when each writes several tables in one transaction, and a loser’s place is free again', async () => {
    const group = await createTenant(db, await createPlan(db, { students: 1 }));
    const attempt = (session: Session) => (): Promise<unknown> =>
      inTransaction(session, async (client) => {
        await add(client, group, 'staff');
        await add(client, group, 'students');
      });
    for (let round = 0; round < 3; round += 1) {
      const outcome = await race(firstSessions(8).map(attempt));
      expect(outcome).toEqual({ passed: 1, refused: { PT402: 7 } });
      expect(await usageOf(db, group.id)).toEqual([1, 1, round + 1, 0]);
      await db.query('delete from public.students where school_group_id = $1', [group.id]);
    }
    await expectSoundHistory(group);
  });

  it('I1: a writer of repeatable reads fails rather than judge by what it saw before', async () => {
    const group = await createTenant(db, await createPlan(db, { students: 1 }));
    const [early] = firstSessions(1) as [Session];
    await early.client.query('begin isolation level repeatable read');
    await early.client.query('select used from public.usage_counters');
    await add(db, group, 'students');
    const outcome = await race([() => add(early.client, group, 'students')]);
    await early.client.query('rollback');
    expect(outcome.refused).toEqual({ 40001: 1 });
  });
});

describe('writers against those who set the limits', () => {
  it('I1: while the plan goes up and down, nobody grows past the plan of the moment', async () => {
    const [low, high] = [await createPlan(db, { students: 5 }), await createPlan(db, { students: 9 })];
    const group = await createTenant(db, low);
    for (let round = 0; round < 4; round += 1) {
      const [changer, ...writers] = firstSessions(16) as [Session, ...Session[]];
      const outcome = await race([
        () =>
          changer.client.query(
            `update public.subscriptions set plan_id = (select id from public.subscription_plans where slug = $2)
             where school_group_id = $1`,
            [group.id, round % 2 === 0 ? high : low],
          ),
        ...writers.map((writer) => () => add(writer.client, group, 'students')),
      ]);
      expect(Object.keys(outcome.refused)).toEqual(['PT402']);
      await db.query('delete from public.students where school_group_id = $1', [group.id]);
    }
    await expectSoundHistory(group);
  });

  it('I1: while the plan itself is edited, nobody grows past its limit of the moment', async () => {
    const plan = await createPlan(db, { students: 4 });
    const groups = [await createTenant(db, plan), await createTenant(db, plan)];
    for (const limit of [8, 3, 6]) {
      const [editor, ...writers] = firstSessions(20) as [Session, ...Session[]];
      const outcome = await race([
        () =>
          editor.client.query('update public.subscription_plans set max_students = $2 where slug = $1', [
            plan,
            limit,
          ]),
        ...writers.map((writer, i) => () => add(writer.client, groups[i % 2] as Tenant, 'students')),
      ]);
      expect(Object.keys(outcome.refused)).toEqual(['PT402']);
      await db.query('delete from public.students where school_group_id = any ($1)', [
        groups.map(({ id }) => id),
      ]);
    }
    for (const group of groups) await expectSoundHistory(group);
  });

  it('a writer already past its check commits before a lower limit does', async () => {
    const plan = await createPlan(db, { students: 2 });
    const group = await createTenant(db, plan);
    const [writer, changer] = firstSessions(2) as [Session, Session];
    await writer.client.query('begin');
    await add(writer.client, group, 'students', 2);
    const change = changer.client.query(
      'update public.subscription_plans set max_students = 1 where slug = $1',
      [plan],
    );
    expect(await doneOrWaiting(db, changer, change)).toBe('waiting');
    await writer.client.query('commit');
    await change;
    await expectSoundHistory(group);
    expect((await stateMessages(db, group.id)).at(-1)?.payload).toMatchObject({
      usage: [1, 2, 0, 0],
      limits: [null, 1, null, null],
    });
  });
});

describe('no deadlock', () => {
  it('mixed transactions of one group, each over all four tables in its own order, all commit', async () => {
    const group = await createTenant(db, await createPlan(db));
    const before = await revOf(db, group.id);
    const orders = firstSessions(16).map(
      (session, i) => () =>
        inTransaction(session, async (client) => {
          for (let step = 0; step < 4; step += 1) {
            await add(client, group, RESOURCES[(i + step * (i % 2 === 0 ? 1 : 3)) % 4] ?? 'schools');
          }
        }),
    );
    expect(await race(orders)).toEqual({ passed: 16, refused: {} });
    expect(await usageOf(db, group.id)).toEqual([17, 16, 16, 16]);
    expect(await revOf(db, group.id)).toBe(before + 16);
    await expectSoundHistory(group);
  });

  it('bulk statements over the same groups in opposite orders all commit', async () => {
    const plan = await createPlan(db);
    const tenants = [];
    for (let n = 0; n < 6; n += 1) tenants.push(await createTenant(db, plan));
    const ids = tenants.map(({ id }) => id);
    const bulk = (session: Session, direction: string) => (): Promise<unknown> =>
      session.client.query(
        `insert into public.students (school_group_id, school_id, first_name, last_name)
         select school_group_id, id, 'Élève', 'x' from public.schools where school_group_id = any ($1)
         order by school_group_id ${direction}`,
        [ids],
      );
    const attempts = firstSessions(12).map((session, i) => bulk(session, i % 2 ? 'asc' : 'desc'));
    expect(await race(attempts)).toEqual({ passed: 12, refused: {} });
  });
});

describe('two super admins change the plan of one group at the same moment', () => {
  const change = (session: Session, actor: string, arguments_: unknown[]) => (): Promise<unknown> =>
    inTransaction(session, async (client) => {
      await client.query(`select set_config('request.jwt.claims', $1, true)`, [
        JSON.stringify({ sub: actor, role: 'authenticated' }),
      ]);
      await client.query('set local role authenticated');
      return client.query('select public.change_plan($1, $2, $3, p_expected_rev => $4)', arguments_);
    });

  it('I4: of those who saw the same revision exactly one is served, the others read again', async () => {
    const { sub } = await createAccount(db, { role: 'super_admin' });
    const group = await createTenant(db, 'pro');
    for (const plan of ['premium', 'institutionnel', 'gratuit']) {
      const rev = await revOf(db, group.id);
      const attempts = firstSessions(8).map((session) =>
        change(session, sub, [group.id, plan, 'Essai', rev]),
      );
      expect(await race(attempts)).toEqual({ passed: 1, refused: { PT409: 7 } });
      expect(await revOf(db, group.id)).toBe(rev + 1);
    }
    await expectSoundHistory(group);
  });

  it('a double submit without a revision is applied once and told apart as the same plan', async () => {
    const { sub } = await createAccount(db, { role: 'super_admin' });
    const group = await createTenant(db, 'pro');
    const rev = await revOf(db, group.id);
    const attempts = firstSessions(4).map((session) =>
      change(session, sub, [group.id, 'premium', 'Essai', null]),
    );
    expect(await race(attempts)).toEqual({ passed: 1, refused: { PT409: 3 } });
    expect(await revOf(db, group.id)).toBe(rev + 1);
    await setPlan(db, group.id, 'pro');
  });
});
