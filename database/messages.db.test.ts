/** I4: one state message a group and commit, with the state as it commits. `realtime.send` swallows errors: the row is looked for. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type pg from 'pg';
import { createTestDatabase, type TestDatabase } from '../tests/helpers/database.ts';
import { committedState, messagesOf, stateMessages, type SentMessage } from '../tests/helpers/messages.ts';
import { inTransaction, openSessions, type Session } from '../tests/helpers/sessions.ts';
import { entitlementsMessageShape, usageMessageShape } from '../tests/helpers/shapes.ts';
import { add, createPlan, createTenant, revOf, setPlan, type Tenant } from '../tests/helpers/tenants.ts';

let db: TestDatabase;
let session: Session;
let group: Tenant;
let rev: number;
beforeAll(async () => {
  db = await createTestDatabase();
  [session] = (await openSessions(db, 1)) as [Session];
});
afterAll(() => db.drop());
beforeEach(async () => {
  group = await createTenant(db, 'premium');
  rev = await revOf(db, group.id);
});

/** The state messages that `act`, run in one transaction, sends to the group. */
async function sentBy(act: (client: pg.Client) => Promise<unknown>): Promise<SentMessage[]> {
  await inTransaction(session, act);
  return stateMessages(db, group.id, rev);
}
const toPlan = (client: pg.Client, slug: string): Promise<unknown> =>
  client.query(
    `update public.subscriptions set plan_id = (select id from public.subscription_plans where slug = $2)
     where school_group_id = $1`,
    [group.id, slug],
  );

describe('I4: exactly one state message', () => {
  it('for one row: usage_changed, private, with usage in the order of the resources', async () => {
    const [message, ...more] = await sentBy((client) => add(client, group, 'students'));
    expect(more).toEqual([]);
    expect(message).toMatchObject({ event: 'usage_changed', private: true, topic: `group:${group.id}` });
    const payload = usageMessageShape.parse(message?.payload);
    expect([payload.rev, payload.usage]).toEqual([rev + 1, [1, 1, 0, 0]]);
  });

  it('of usage names the epoch, and the instant of the next change when there is one', async () => {
    const [undated] = await sentBy((client) => add(client, group, 'students'));
    expect(undated?.payload).toMatchObject({ e: 1 });
    expect(undated?.payload).not.toHaveProperty('next_at');
    const nextAt = new Date('2027-01-15T10:00:00.123Z');
    await db.query('update private.group_states set next_at = $2 where school_group_id = $1', [
      group.id,
      nextAt,
    ]);
    const [, dated] = await sentBy(async (client) => {
      await client.query('update private.platform set epoch = 7');
      await add(client, group, 'students');
    });
    await db.query('update private.platform set epoch = 1');
    const payload = usageMessageShape.parse(dated?.payload);
    expect([payload.e, new Date(payload.next_at ?? '')]).toEqual([7, nextAt]);
  });

  it('for a plan change: plan_changed, with all that the new plan means', async () => {
    const [message, ...more] = await sentBy((client) => toPlan(client, 'pro'));
    expect(more).toEqual([]);
    const { id, at, ...state } = entitlementsMessageShape.parse(message?.payload);
    expect(message?.event).toBe('plan_changed');
    expect(id).toBeDefined();
    expect(Math.abs(at - Date.now())).toBeLessThan(60_000);
    expect(state).toEqual(await committedState(db, group.id));
  });

  it('for a transaction of many statements, over several tables, with a plan change among them', async () => {
    const sent = await sentBy(async (client) => {
      await add(client, group, 'students', 3);
      await toPlan(client, 'pro');
      await add(client, group, 'staff', 2);
      await client.query(`update public.students set status = 'inactive' where school_group_id = $1`, [
        group.id,
      ]);
      await add(client, group, 'storage');
    });
    expect(sent.map(({ event, payload }) => [event, payload.rev])).toEqual([['plan_changed', rev + 1]]);
    expect(sent[0]?.payload).toMatchObject({ plan: 'pro', usage: [1, 0, 2, 1] });
    expect(await revOf(db, group.id)).toBe(rev + 1);
  });

  it('for each group that a statement touches, and none for the others', async () => {
    const [other, bystander] = [await createTenant(db), await createTenant(db)];
    const revs = [await revOf(db, other.id), await revOf(db, bystander.id)];
    const sent = await sentBy(async (client) => {
      await add(client, group, 'students');
      await add(client, other, 'students');
      await add(client, group, 'staff');
    });
    expect(sent).toHaveLength(1);
    expect(await stateMessages(db, other.id, revs[0])).toHaveLength(1);
    expect(await stateMessages(db, bystander.id, revs[1])).toHaveLength(0);
  });

  it('when what grew is rolled back to a savepoint: of what remains', async () => {
    const sent = await sentBy(async (client) => {
      await client.query('savepoint before');
      await toPlan(client, 'pro');
      await add(client, group, 'students', 5);
      await client.query('rollback to before');
      await add(client, group, 'students', 2);
    });
    expect(sent.map(({ event, payload }) => [event, payload.rev, payload['usage']])).toEqual([
      ['usage_changed', rev + 1, [1, 2, 0, 0]],
    ]);
  });

  it('when a statement of it was refused and the rest goes on', async () => {
    const sent = await sentBy(async (client) => {
      await client.query('savepoint before');
      await expect(add(client, group, 'schools', 9)).rejects.toMatchObject({ code: 'PT402' });
      await client.query('rollback to before');
      await add(client, group, 'schools');
    });
    expect(sent.map(({ payload }) => payload['usage'])).toEqual([[2, 0, 0, 0]]);
  });

  it('for a new group, which is born knowing its plan', async () => {
    const born = await createTenant(db, 'gratuit');
    const [first] = await stateMessages(db, born.id);
    expect(first).toMatchObject({
      event: 'plan_changed',
      payload: { rev: 1, plan: 'gratuit', usage: [0, 0, 0, 0] },
    });
  });
});

describe('I4: no message', () => {
  it('from a transaction that is rolled back', async () => {
    await session.client.query('begin');
    await add(session.client, group, 'students');
    await toPlan(session.client, 'pro');
    await session.client.query('rollback');
    expect(await stateMessages(db, group.id, rev)).toEqual([]);
    expect(await revOf(db, group.id)).toBe(rev);
  });

  it.each([
    [
      'a payment date',
      `update public.subscriptions set current_period_end = now() where school_group_id = $1`,
    ],
    ['a trial date', `update public.subscriptions set trial_ends_at = now() where school_group_id = $1`],
    ['the same plan again', `update public.subscriptions set plan_id = plan_id where school_group_id = $1`],
    ['the same status again', `update public.subscriptions set status = 'active' where school_group_id = $1`],
    ['a new name of a school', `update public.schools set name = name || ' bis' where school_group_id = $1`],
    ['a new city of the group', `update public.school_groups set city = 'Oyo' where id = $1`],
    ['no row at all', `delete from public.students where school_group_id = $1`],
  ])('from %s', async (_what, sql) => {
    expect(await sentBy((client) => client.query(sql, [group.id]))).toEqual([]);
    expect(await revOf(db, group.id)).toBe(rev);
  });
});

describe('I4: constraints made immediate', () => {
  it.each(['all', 'private.announce'])('(%s) still end with the state as it commits', async (names) => {
    const sent = await sentBy(async (client) => {
      await client.query(`set constraints ${names} immediate`);
      await add(client, group, 'students', 2);
      await toPlan(client, 'pro');
      await add(client, group, 'staff');
    });
    const { rev: last, usage } = await committedState(db, group.id);
    expect(sent.at(-1)?.payload).toMatchObject({ rev: last, usage });
    const revs = sent.map(({ payload }) => payload.rev);
    expect(revs).toEqual([...new Set(revs)].toSorted((a, b) => a - b));
    const newest = sent.findLast(({ event }) => event === 'plan_changed');
    expect(newest?.payload).toMatchObject({ plan: 'pro' });
  });

  it('in the middle of a transaction end so too', async () => {
    const sent = await sentBy(async (client) => {
      await add(client, group, 'students');
      await client.query('set constraints all immediate');
      await client.query('set constraints all deferred');
      await add(client, group, 'students');
      await add(client, group, 'students');
    });
    expect(sent.map(({ payload }) => [payload.rev, payload['usage']])).toEqual([
      [rev + 1, [1, 1, 0, 0]],
      [rev + 2, [1, 3, 0, 0]],
    ]);
  });
});

describe('a message on the wire', () => {
  it('is at most 300 bytes, at the largest plan and the largest numbers; usage alone at most 200', async () => {
    const plan = await createPlan(db, {
      schools: 2e9,
      students: 2e9,
      staff: 2e9,
      storage: 2e9,
      warnAt: 0.925,
    });
    await setPlan(db, group.id, plan);
    await add(db, group, 'students', 3);
    const sent = await stateMessages(db, group.id, rev);
    const bytes = sent.map(({ payload }) => Buffer.byteLength(JSON.stringify(payload)));
    expect(bytes[0]).toBeLessThanOrEqual(300);
    expect(bytes[1]).toBeLessThanOrEqual(200);

    // With an end of the state that is announced, after a restore.
    await inTransaction(session, async (client) => {
      await client.query('update private.platform set epoch = 9000000 where one');
      await client.query(
        `update public.subscriptions set current_period_end = now() + interval '9 days' where school_group_id = $1`,
        [group.id],
      );
      await client.query('select private.tell_entitlements($1)', [group.id]);
      await add(client, group, 'students');
    });
    const last = (await stateMessages(db, group.id, rev)).at(-1)?.payload;
    expect(last).toMatchObject({ e: 9_000_000, next_at: expect.any(Number) as number });
    expect(Buffer.byteLength(JSON.stringify(last))).toBeLessThanOrEqual(300);
    await db.query('update private.platform set epoch = 1 where one');
  });

  it('tells back-end listeners, the group and the super admins of one plan change under one revision', async () => {
    const heard: unknown[] = [];
    const listener = await db.connect();
    listener.on('notification', ({ channel, payload }) => heard.push([channel, JSON.parse(payload ?? '')]));
    await listener.query('listen plan_changed');
    await inTransaction(session, (client) => toPlan(client, 'pro'));
    await listener.query('select 1');
    const activity = (await messagesOf(db, 'platform')).findLast(
      ({ payload }) => payload['school_group_id'] === group.id,
    );
    const { id, ...told } = { id: undefined, ...activity?.payload };
    expect(id).toBeDefined();
    expect(told).toEqual({
      school_group_id: group.id,
      kind: 'plan_changed',
      from: 'premium',
      to: 'pro',
      rev: rev + 1,
      at: expect.any(Number) as number,
    });
    expect(activity).toMatchObject({ event: 'activity', private: true });
    expect(heard).toEqual([['plan_changed', told]]);
    const last = (await stateMessages(db, group.id, rev)).at(-1);
    expect(last?.payload.rev).toBe(rev + 1);
  });

  it('is followed by one `notification` when a threshold is crossed', async () => {
    await inTransaction(session, (client) => add(client, group, 'schools', 2));
    const notices = (await messagesOf(db, `group:${group.id}`)).filter(
      ({ event }) => event === 'notification',
    );
    expect(notices.map(({ payload }) => payload)).toEqual([
      { rev: rev + 1, kind: 'usage_threshold', resource: 'schools', id: expect.any(String) as string },
    ]);
  });
});
