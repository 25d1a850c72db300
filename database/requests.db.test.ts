/** A group admin asks for a plan, a super admin answers; both see it live. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { callAs, inDays, refusedAs, runDueJobsAt } from '../tests/helpers/acting.ts';
import { createTestDatabase, type Actor, type TestDatabase } from '../tests/helpers/database.ts';
import { messagesOf } from '../tests/helpers/messages.ts';
import { refusal } from '../tests/helpers/refusal.ts';
import { add, createAccount, createTenant, revOf, type Tenant } from '../tests/helpers/tenants.ts';

let db: TestDatabase;
let superAdmin: Actor;
let group: Tenant;
let foreign: Tenant;
beforeAll(async () => {
  db = await createTestDatabase();
  superAdmin = await createAccount(db, { role: 'super_admin' });
});
afterAll(() => db.drop());
beforeEach(async () => {
  group = await createTenant(db, 'premium');
  foreign = await createTenant(db, 'premium');
});

interface Request {
  id: string;
  plan: string;
  status: string;
  review_note: string | null;
  change?: { outcome: string; effective_at: string; rev: number } | null;
}
const day = (days: number): string => inDays(days).toISOString().slice(0, 10);
const ask = (plan = 'pro', wished: string | null = null, actor = group.admin) =>
  callAs<Request>(db, actor, `request_plan_change($1, 'Nous grandissons', $2)`, [plan, wished]);
const review = (id: string, approve: boolean, note: string | null = null, accept = false) =>
  callAs<Request>(db, superAdmin, 'review_plan_change_request($1, $2, $3, $4)', [id, approve, note, accept]);
const refusedReview = (id: string, approve: boolean | null, note: string | null = null) =>
  refusedAs(db, superAdmin, 'review_plan_change_request($1, $2, $3)', [id, approve, note]);
const planOf = async () => (await callAs<{ plan: string }>(db, group.admin, 'get_entitlements()')).plan;
const heard = async (topic: string) =>
  (await messagesOf(db, topic))
    .filter(({ event }) => event === 'request_changed')
    .map(({ payload }) => payload);
const count = async () =>
  (await db.query('select 1 from public.plan_change_requests where school_group_id = $1', [group.id]))
    .rowCount;

describe('asking', () => {
  it('makes one request; a double submit is the same one', async () => {
    const [first, second] = [await ask(), await ask()];
    expect(second).toEqual(first);
    expect(first).toMatchObject({ plan: 'pro', status: 'pending' });
    expect(await count()).toBe(1);
  });

  it('makes one request also when both come at the same moment', async () => {
    const answers = await Promise.all([ask(), ask(), ask(), ask()]);
    expect(new Set(answers.map(({ id }) => id)).size).toBe(1);
    expect(await count()).toBe(1);
  });

  it('for another plan while one is pending is refused, and says which', async () => {
    const { id } = await ask();
    expect(await refusedAs(db, group.admin, `request_plan_change('institutionnel', 'Plus')`)).toMatchObject({
      sqlstate: 'PT409',
      code: 'request_pending',
      detail: { id, plan: 'pro' },
    });
    await callAs(db, group.admin, 'cancel_plan_change_request($1)', [id]);
    expect((await ask('institutionnel')).status).toBe('pending');
  });

  it.each([
    [`request_plan_change('premium', 'Encore')`, 'same_plan'],
    [`request_plan_change('platine', 'Mieux')`, 'unknown_plan'],
    [`request_plan_change(null, 'Mieux')`, 'unknown_plan'],
    [`request_plan_change('pro', E'\\n')`, 'reason_required'],
    [`request_plan_change('pro', repeat('x', 501))`, 'invalid_request'],
    [`request_plan_change('pro', 'Mieux', current_date - 2)`, 'invalid_request'],
    [`request_plan_change('pro', 'Mieux', current_date + 800)`, 'invalid_request'],
    [`request_plan_change('pro', 'Mieux', 'infinity')`, 'invalid_request'],
  ])('is refused: %s', async (call, code) => {
    expect((await refusedAs(db, group.admin, call)).code).toBe(code);
    expect(await count()).toBe(0);
  });

  it('is not for school staff, nor for a super admin in somebody’s name', async () => {
    for (const actor of [group.staff, superAdmin]) {
      expect((await refusedAs(db, actor, `request_plan_change('pro', 'Mieux')`)).code).toBe('forbidden');
    }
  });
});

describe('withdrawing', () => {
  it('closes the request once; another group’s admin finds no such request', async () => {
    const { id } = await ask();
    const call = 'cancel_plan_change_request($1)';
    expect((await refusedAs(db, foreign.admin, call, [id])).code).toBe('request_not_found');
    expect((await refusedAs(db, group.staff, call, [id])).code).toBe('forbidden');
    expect(await callAs<Request>(db, group.admin, call, [id])).toMatchObject({ status: 'cancelled' });
    expect((await refusedAs(db, group.admin, call, [id])).code).toBe('already_closed');
    expect((await refusedReview(id, true)).code).toBe('already_closed');
    expect(await planOf()).toBe('premium');
  });
});

describe('approving', () => {
  it('applies the plan at once, with the group’s reason in its history', async () => {
    const { id } = await ask();
    const answer = await review(id, true);
    expect(answer).toMatchObject({
      status: 'approved',
      change: { outcome: 'applied', rev: await revOf(db, group.id) },
    });
    expect(await planOf()).toBe('pro');
    const { rows } = await db.query(
      `select reason, actor_id from public.subscription_events where school_group_id = $1 order by id desc limit 1`,
      [group.id],
    );
    expect(rows).toEqual([{ reason: 'Nous grandissons', actor_id: superAdmin.sub }]);
  });

  it('applies it on the wished day, at midnight in Brazzaville', async () => {
    const { id } = await ask('pro', day(20));
    const { change } = await review(id, true, 'Entendu');
    expect(change?.outcome).toBe('scheduled');
    expect(new Date(change?.effective_at ?? '')).toEqual(new Date(`${day(20)}T00:00:00+01:00`));
    expect(await planOf()).toBe('premium');
    await runDueJobsAt(db, inDays(21));
    expect(await planOf()).toBe('pro');
  });

  it('says so when the usage no longer fits, and does it all the same when that is accepted', async () => {
    const { id } = await ask('gratuit');
    await add(db, group, 'staff', 9);
    const refused = await refusedReview(id, true);
    expect(refused).toMatchObject({ sqlstate: 'PT409', code: 'no_longer_fits' });
    expect((refused.detail['restrictions'] as { staff: unknown }).staff).toMatchObject({
      usage: 9,
      new_limit: 5,
      overage: 4,
    });
    expect([await planOf(), (await ask('gratuit')).status]).toEqual(['premium', 'pending']);
    await review(id, true, 'Accepté avec dépassement', true);
    expect(await planOf()).toBe('gratuit');
  });

  it('of what was answered already is refused, whatever the answer', async () => {
    const { id } = await ask();
    await review(id, false, 'Pas maintenant');
    for (const approve of [true, false]) {
      expect((await refusedReview(id, approve, 'Encore')).code).toBe('already_closed');
    }
    const rewrite = db.query(`update public.plan_change_requests set status = 'approved' where id = $1`, [
      id,
    ]);
    expect(await refusal(rewrite)).toMatchObject({ sqlstate: 'PT403', code: 'append_only' });
  });

  it('by two at the same moment is one answer', async () => {
    const { id } = await ask();
    const answers = await Promise.allSettled([review(id, true), review(id, true), review(id, false, 'Non')]);
    expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });
});

describe('refusing', () => {
  it('needs a note, which the group reads; the plan stays', async () => {
    const { id } = await ask();
    for (const note of [null, ' ', '\t\n'])
      expect((await refusedReview(id, false, note)).code).toBe('reason_required');
    expect((await refusedReview(id, null)).code).toBe('invalid_request');
    await review(id, false, '  Après l’audit ');
    const { rows } = await db.as(group.admin, (client) =>
      client.query('select status, review_note from plan_change_requests'),
    );
    expect(rows).toEqual([{ status: 'refused', review_note: 'Après l’audit' }]);
    expect(await planOf()).toBe('premium');
  });

  it('is for super admins alone: not even the group’s own admin approves', async () => {
    const { id } = await ask();
    for (const actor of [group.admin, group.staff, foreign.admin]) {
      const call = refusedAs(db, actor, 'review_plan_change_request($1, true)', [id]);
      expect((await call).code).toBe('forbidden');
    }
  });
});

describe('both sides', () => {
  it('hear each step: the group that there is one, the platform what it says', async () => {
    const { id } = await ask();
    await review(id, false, 'mot-secret');
    const inGroup = await heard(`group:${group.id}`);
    expect(inGroup.map(({ status }) => status)).toEqual(['pending', 'refused']);
    // School staff listen to this topic, too.
    expect(JSON.stringify(inGroup)).not.toContain('mot-secret');
    const platform = (await heard('platform')).filter((payload) => payload['id'] === id);
    expect(platform.map(({ status, review_note }) => [status, review_note])).toEqual([
      ['pending', null],
      ['refused', 'mot-secret'],
    ]);
    expect(await heard(`group:${foreign.id}`)).toEqual([]);
  });

  it.each([
    [true, 'approved', ['plan_changed', 'request_decided']],
    [false, 'refused', ['request_decided']],
  ])(
    'find the answer among the group’s notices, unread until it is read: %s',
    async (approve, status, kinds) => {
      await callAs(db, group.admin, 'mark_notifications_read(9223372036854775807)');
      const { id } = await ask();
      await review(id, approve, 'Après lecture');
      const unread = async () =>
        (await callAs<{ unread_notices: number }>(db, group.admin, 'get_entitlements()')).unread_notices;
      expect(await unread()).toBe(kinds.length);
      const { rows } = await db.as(group.admin, (client) =>
        client.query<{ turn: string; kind: string; params: unknown }>(
          'select turn, kind, params from notices where unread order by turn',
        ),
      );
      expect(rows.map(({ kind }) => kind)).toEqual(kinds);
      expect(rows.at(-1)?.params).toMatchObject({ id, plan: 'pro', status, review_note: 'Après lecture' });
      await callAs(db, group.admin, 'mark_notifications_read($1)', [rows.at(-1)?.turn]);
      expect(await unread()).toBe(0);
      const pushed = (await messagesOf(db, `group:${group.id}`)).filter(
        ({ event }) => event === 'notification',
      );
      // The change of plan has its state message.
      expect(pushed.map(({ payload }) => payload)).toEqual([
        { rev: await revOf(db, group.id), kind: 'request_decided', id: expect.any(String) as string },
      ]);
    },
  );
});
