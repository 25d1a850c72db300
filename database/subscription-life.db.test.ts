/** The life of a subscription: legal moves, dates that act, a plan that changes later. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { at, callAs, inDays, refusedAs, runDueJobsAt } from '../tests/helpers/acting.ts';
import { createTestDatabase, type Actor, type TestDatabase } from '../tests/helpers/database.ts';
import { stateMessages } from '../tests/helpers/messages.ts';
import { refusal } from '../tests/helpers/refusal.ts';
import { openSessions } from '../tests/helpers/sessions.ts';
import { createAccount, createTenant, revOf, type Tenant } from '../tests/helpers/tenants.ts';

let db: TestDatabase;
let superAdmin: Actor;
let group: Tenant;
beforeAll(async () => {
  db = await createTestDatabase();
  superAdmin = await createAccount(db, { role: 'super_admin' });
});
afterAll(() => db.drop());
beforeEach(async () => {
  // The jobs act on every group: what other tests left behind is out of the way.
  await runDueJobsAt(db, inDays(3000));
  group = await createTenant(db, 'pro');
});

const STATUSES = ['trial', 'active', 'past_due', 'grace', 'suspended', 'cancelled', 'expired'] as const;
type Status = (typeof STATUSES)[number];
/** Which states each state may be left for: the diagram of 008, written a second time. */
const LEGAL: Record<Status, Status[]> = {
  trial: ['active', 'cancelled', 'expired'],
  active: ['trial', 'past_due', 'suspended', 'cancelled', 'expired'],
  past_due: ['active', 'grace', 'suspended', 'cancelled'],
  grace: ['active', 'suspended', 'cancelled', 'expired'],
  suspended: ['active', 'cancelled'],
  cancelled: ['trial', 'active'],
  expired: ['active', 'cancelled'],
};
/** A way from `active` to each state. */
const WAY: Record<Status, Status[]> = {
  trial: ['trial'],
  active: [],
  past_due: ['past_due'],
  grace: ['past_due', 'grace'],
  suspended: ['suspended'],
  cancelled: ['cancelled'],
  expired: ['expired'],
};

const setStatus = (status: string, until: Date | null = null, when?: Date) =>
  callAs<{ rev: number; from_status: string; to_status: string }>(
    db,
    superAdmin,
    `set_subscription_status($1, $2, 'Essai', $3)`,
    [group.id, status, until],
    when,
  );
const until = (status: Status): Date | null => (['trial', 'grace'].includes(status) ? inDays(20) : null);
const subscription = async () =>
  (
    await db.query<Record<string, unknown>>(
      `select s.status, cancel_at_period_end, current_period_end, past_due_until, grace_ends_at, trial_ends_at, p.slug as plan
       from public.subscriptions s join public.subscription_plans p on p.id = s.plan_id where school_group_id = $1`,
      [group.id],
    )
  ).rows[0] ?? {};
const events = async () =>
  (
    await db.query<{ step: string }>(
      `select from_status || ' → ' || to_status as step from public.subscription_events
       where school_group_id = $1 and kind = 'status_changed' order by id`,
      [group.id],
    )
  ).rows.map(({ step }) => step);

describe('from every state to every state', () => {
  it.each(STATUSES.flatMap((from) => STATUSES.map((to) => [from, to] as const)))(
    '%s → %s',
    async (from, to) => {
      for (const step of WAY[from]) await setStatus(step, until(step));
      const [rev, before] = [await revOf(db, group.id), await events()];
      if (LEGAL[from].includes(to)) {
        expect(await setStatus(to, until(to))).toMatchObject({
          from_status: from,
          to_status: to,
          rev: rev + 1,
        });
        expect((await events()).slice(before.length)).toEqual([`${from} → ${to}`]);
        expect((await stateMessages(db, group.id, rev)).map(({ event }) => event)).toEqual(['plan_changed']);
        return;
      }
      const refused = await refusedAs(db, superAdmin, `set_subscription_status($1, $2, 'Essai', $3)`, [
        group.id,
        to,
        until(to),
      ]);
      if (from === to) {
        expect(refused).toMatchObject({ sqlstate: 'PT409', code: 'same_status' });
      } else {
        expect(refused).toMatchObject({
          sqlstate: 'PT409',
          code: 'illegal_transition',
          detail: { from, to },
        });
        expect(refused.hint.split(', ').toSorted()).toEqual(LEGAL[from].toSorted());
        const byHand = db.query('update public.subscriptions set status = $2 where school_group_id = $1', [
          group.id,
          to,
        ]);
        expect((await refusal(byHand)).code).toBe('illegal_transition');
      }
      expect([await revOf(db, group.id), await events()]).toEqual([rev, before]);
    },
  );

  it('is what the database’s own table says', async () => {
    const { rows } = await db.query<{ from: Status; to: Status[] }>(
      `select from_status as from, array_agg(to_status::text order by to_status) as to
       from private.subscription_transitions group by 1 order by 1`,
    );
    expect(Object.fromEntries(rows.map(({ from, to }) => [from, to]))).toEqual(LEGAL);
  });
});

describe('a date', () => {
  it('ends a trial: trial_expired, and the data stays', async () => {
    await setStatus('trial', inDays(14));
    expect(await runDueJobsAt(db, inDays(13))).toMatchObject({ subscriptions: 0 });
    const rev = await revOf(db, group.id);
    expect(await runDueJobsAt(db, inDays(15))).toMatchObject({ subscriptions: 1 });
    expect(await runDueJobsAt(db, inDays(15))).toMatchObject({ subscriptions: 0 });
    expect(await subscription()).toMatchObject({ status: 'expired', plan: 'pro' });
    const decision = await callAs(db, group.admin, `check_plan_restrictions('schools')`);
    expect(decision).toMatchObject({ plan: 'gratuit', reason: 'trial_expired', state: 'blocked' });
    const sent = await stateMessages(db, group.id, rev);
    expect(sent.map(({ payload }) => [payload.rev, payload['plan'], payload['status']])).toEqual([
      [rev + 1, 'gratuit', 'expired'],
    ]);
  });

  it('leads a paid period to past due, to grace, to its end', async () => {
    await callAs(db, superAdmin, `renew_subscription($1, $2, 'Payé')`, [group.id, inDays(30)]);
    const seen = [];
    for (const day of [29, 31, 36, 38, 50, 52]) {
      await runDueJobsAt(db, inDays(day));
      seen.push((await subscription())['status']);
    }
    expect(seen).toEqual(['active', 'past_due', 'past_due', 'grace', 'grace', 'expired']);
    expect(await callAs(db, group.admin, `check_plan_restrictions('schools')`)).toMatchObject({
      reason: 'grace_expired',
    });
  });

  it('acts in as many steps as are due after a long stop, and tells the end once', async () => {
    await callAs(db, superAdmin, `renew_subscription($1, $2, 'Payé')`, [group.id, inDays(30)]);
    const rev = await revOf(db, group.id);
    expect(await runDueJobsAt(db, inDays(400))).toMatchObject({ subscriptions: 3 });
    expect(await events()).toEqual(['active → past_due', 'past_due → grace', 'grace → expired']);
    expect((await stateMessages(db, group.id, rev)).map(({ payload }) => payload['status'])).toEqual([
      'expired',
    ]);
  });

  it('cancels what was to be cancelled, unless that was withdrawn', async () => {
    const plan = (cancel: boolean) =>
      callAs(db, superAdmin, `cancel_at_period_end($1, $2, 'Lettre')`, [group.id, cancel]);
    expect(
      (await refusedAs(db, superAdmin, `cancel_at_period_end($1, true, 'Lettre')`, [group.id])).code,
    ).toBe('illegal_transition');
    await callAs(db, superAdmin, `renew_subscription($1, $2, 'Payé')`, [group.id, inDays(30)]);
    for (const cancel of [true, true, false, true]) await plan(cancel);
    await runDueJobsAt(db, inDays(31));
    expect(await subscription()).toMatchObject({ status: 'cancelled', cancel_at_period_end: false });
    const { rows } = await db.query<{ action: string }>(
      `select action from public.audit_log where school_group_id = $1 and action like 'cancellation%' order by id`,
      [group.id],
    );
    expect(rows.map(({ action }) => action)).toEqual([
      'cancellation_planned',
      'cancellation_withdrawn',
      'cancellation_planned',
    ]);
  });

  it('is written by the database where somebody wrote the state alone: unpaid is not for ever', async () => {
    await db.query(`update public.subscriptions set status = 'past_due' where school_group_id = $1`, [
      group.id,
    ]);
    await runDueJobsAt(db, inDays(8));
    expect((await subscription())['status']).toBe('grace');
    await runDueJobsAt(db, inDays(30));
    expect((await subscription())['status']).toBe('expired');
  });

  it('is forgotten with its state: a renewed subscription does not expire of an old one', async () => {
    await setStatus('past_due');
    await setStatus('grace', inDays(5));
    await callAs(db, superAdmin, `renew_subscription($1, $2, 'Payé')`, [group.id, inDays(60)]);
    expect(await subscription()).toMatchObject({
      status: 'active',
      past_due_until: null,
      grace_ends_at: null,
    });
    await runDueJobsAt(db, inDays(59));
    expect((await subscription())['status']).toBe('active');
  });
});

describe('a renewal', () => {
  it.each(['trial', 'past_due', 'grace', 'suspended', 'cancelled', 'expired'] as const)(
    'brings %s back to active',
    async (from) => {
      for (const step of WAY[from]) await setStatus(step, until(step));
      const result = callAs(db, superAdmin, `renew_subscription($1, $2, 'Payé')`, [group.id, inDays(90)]);
      expect(await result).toMatchObject({ status: 'active', rev: await revOf(db, group.id) });
      expect(await subscription()).toMatchObject({ status: 'active', trial_ends_at: null });
    },
  );

  it('of what is active changes no right, so the group hears nothing; it is audited all the same', async () => {
    const rev = await revOf(db, group.id);
    await callAs(db, superAdmin, `renew_subscription($1, $2, 'Payé')`, [group.id, inDays(30)]);
    expect(await revOf(db, group.id)).toBe(rev);
    const { rowCount } = await db.query(
      `select 1 from public.audit_log where school_group_id = $1 and action = 'subscription_renewed'`,
      [group.id],
    );
    expect(rowCount).toBe(1);
  });

  it('goes forward only', async () => {
    await callAs(db, superAdmin, `renew_subscription($1, $2, 'Payé')`, [group.id, inDays(30)]);
    for (const end of [inDays(29), inDays(-1), null, 'infinity']) {
      const refused = refusedAs(db, superAdmin, `renew_subscription($1, $2, 'Payé')`, [group.id, end]);
      expect(await refused).toMatchObject({ code: 'invalid_request', hint: 'p_period_end' });
    }
  });
});

describe('a change of plan at a later date', () => {
  const schedule = (day: number) =>
    callAs(db, superAdmin, `change_plan($1, 'premium', 'Contrat', $2)`, [group.id, inDays(day)]);
  const undo = `cancel_scheduled_change($1, 'Erreur')`;

  it('is undone until it is due, with one message, and not after', async () => {
    await schedule(10);
    const rev = await revOf(db, group.id);
    expect(await callAs(db, superAdmin, undo, [group.id])).toMatchObject({ plan: 'premium', rev: rev + 1 });
    const sent = await stateMessages(db, group.id, rev);
    expect(sent.map(({ event, payload }) => [event, payload['pending']])).toEqual([
      ['entitlements_changed', undefined],
    ]);
    expect((await refusedAs(db, superAdmin, undo, [group.id])).code).toBe('nothing_scheduled');
    await runDueJobsAt(db, inDays(11));
    expect((await subscription())['plan']).toBe('pro');

    await schedule(10);
    expect((await refusedAs(db, superAdmin, undo, [group.id], inDays(11))).code).toBe('nothing_scheduled');
    expect(await runDueJobsAt(db, inDays(11))).toMatchObject({ scheduled_changes: 1 });
    expect((await subscription())['plan']).toBe('premium');
  });

  it('that is due with an end of period and an exception is told with them in one message', async () => {
    await callAs(db, superAdmin, `renew_subscription($1, $2, 'Payé')`, [group.id, inDays(9)]);
    await callAs(db, superAdmin, `set_limit_override($1, 'staff', 7, 'Accord', $2)`, [group.id, inDays(9)]);
    await schedule(9);
    const rev = await revOf(db, group.id);
    expect(await runDueJobsAt(db, inDays(10))).toEqual({
      subscriptions: 1,
      scheduled_changes: 1,
      overrides: 1,
      add_ons: 0,
    });
    const sent = await stateMessages(db, group.id, rev);
    expect(sent.map(({ payload }) => [payload['plan'], payload['status'], payload['limits']])).toEqual([
      ['premium', 'past_due', [3, 500, 20, 10_000_000_000]],
    ]);
  });
});

describe('run_due_jobs', () => {
  it('may be called by many at once: each date acts once, and nobody waits or falls', async () => {
    const tenants: Tenant[] = [];
    for (let n = 0; n < 8; n += 1) {
      tenants.push(await createTenant(db, 'pro'));
      await callAs(db, superAdmin, `renew_subscription($1, $2, 'Payé')`, [tenants[n]?.id, inDays(5)]);
      await callAs(db, superAdmin, `set_limit_override($1, 'staff', 7, 'Accord', $2)`, [
        tenants[n]?.id,
        inDays(5),
      ]);
    }
    const sessions = await openSessions(db, 4);
    const reports = await Promise.all(
      sessions.map(async ({ client }) => {
        const { rows } = await client.query<{ it: Record<string, number> }>(
          'select private.run_due_jobs($1) as it',
          [inDays(6)],
        );
        return rows[0]?.it ?? {};
      }),
    );
    const sum = (key: string): number => reports.reduce((total, report) => total + (report[key] ?? 0), 0);
    expect([sum('subscriptions'), sum('overrides')]).toEqual([8, 8]);
    for (const { id } of tenants) {
      const { rowCount } = await db.query(
        `select 1 from public.subscription_events where school_group_id = $1 and to_status = 'past_due'`,
        [id],
      );
      expect(rowCount).toBe(1);
    }
  });

  it('leaves a subscription that somebody holds to the next call', async () => {
    await callAs(db, superAdmin, `renew_subscription($1, $2, 'Payé')`, [group.id, inDays(5)]);
    const holder = await db.connect();
    await holder.query('begin');
    await holder.query('select 1 from public.subscriptions where school_group_id = $1 for update', [
      group.id,
    ]);
    expect(await runDueJobsAt(db, inDays(6))).toMatchObject({ subscriptions: 0 });
    await holder.query('rollback');
    expect(await runDueJobsAt(db, inDays(6))).toMatchObject({ subscriptions: 1 });
  });
});

describe('what is refused', () => {
  it.each([
    [`set_subscription_status($1, 'paused', 'Essai')`, 'invalid_request'],
    [`set_subscription_status($1, null, 'Essai')`, 'invalid_request'],
    [`set_subscription_status($1, 'trial', 'Essai')`, 'invalid_request'],
    [`set_subscription_status($1, 'grace', 'Essai')`, 'invalid_request'],
    [`set_subscription_status($1, 'trial', 'Essai', now() - interval '1 day')`, 'invalid_request'],
    [`set_subscription_status($1, 'trial', 'Essai', 'infinity')`, 'invalid_request'],
    [`set_subscription_status($1, 'suspended', ' ')`, 'reason_required'],
    [`set_subscription_status($1, 'suspended', 'Essai', null, -1)`, 'stale_revision'],
    [`renew_subscription($1, now() + interval '1 year', 'Essai', -1)`, 'stale_revision'],
    [`renew_subscription($1, now() + interval '1 year', null)`, 'reason_required'],
    [`cancel_at_period_end($1, null, 'Essai')`, 'invalid_request'],
    [`cancel_scheduled_change($1, 'Essai')`, 'nothing_scheduled'],
  ])('%s', async (call, code) => {
    const rev = await revOf(db, group.id);
    expect((await refusedAs(db, superAdmin, call, [group.id])).code).toBe(code);
    expect(await revOf(db, group.id)).toBe(rev);
  });

  it('also at another instant: only an operator’s session travels', async () => {
    const rows = await at<{ it: string }>(db, inDays(100), 'select private.today()::text as it');
    expect(rows[0]?.it.slice(0, 7)).toBe(inDays(100).toISOString().slice(0, 7));
  });
});
