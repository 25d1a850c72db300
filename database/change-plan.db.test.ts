/** `change_plan`: now or scheduled, by a super admin, with a reason, on the revision that they saw. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase, type Actor, type TestDatabase } from '../tests/helpers/database.ts';
import { stateMessages } from '../tests/helpers/messages.ts';
import { refusal, type Refusal } from '../tests/helpers/refusal.ts';
import { changeResultShape } from '../tests/helpers/shapes.ts';
import { createAccount, createTenant, revOf, setPlan, type Tenant } from '../tests/helpers/tenants.ts';

let db: TestDatabase;
let superAdmin: Required<Pick<Actor, 'sub'>>;
let group: Tenant;
let rev: number;
beforeAll(async () => {
  db = await createTestDatabase();
  superAdmin = await createAccount(db, { role: 'super_admin' });
});
afterAll(() => db.drop());
beforeEach(async () => {
  group = await createTenant(db, 'pro');
  rev = await revOf(db, group.id);
});

interface Change {
  group?: string | null;
  plan?: string | null;
  reason?: string | null;
  effective?: string | Date | null;
  rev?: number | string | null;
}
/** Calls change_plan as `actor`; what is not given is a change of the test's group to Premium, now. */
async function change(given: Change = {}, actor: Actor = superAdmin): Promise<unknown> {
  const to = { group: group.id, plan: 'premium', reason: 'Essai', effective: null, rev: null, ...given };
  const { rows } = await db.as(actor, (client) =>
    client.query<{ it: unknown }>('select change_plan($1, $2, $3, $4, $5) as it', [
      to.group,
      to.plan,
      to.reason,
      to.effective,
      to.rev,
    ]),
  );
  return rows[0]?.it;
}
const refused = (given?: Change, actor?: Actor): Promise<Refusal> => refusal(change(given, actor));

async function planOf(tenant: Tenant): Promise<unknown> {
  const { rows } = await db.query(
    `select p.slug from public.subscriptions s join public.subscription_plans p on p.id = s.plan_id
     where s.school_group_id = $1`,
    [tenant.id],
  );
  return rows[0]?.['slug'];
}
const historyOf = async (tenant: Tenant): Promise<Record<string, unknown>[]> =>
  (
    await db.query(
      `select e.kind, f.slug as from, t.slug as to, e.reason, e.actor_id, e.rev::int from public.subscription_events e
       left join public.subscription_plans f on f.id = e.from_plan_id join public.subscription_plans t on t.id = e.to_plan_id
       where e.school_group_id = $1 order by e.id`,
      [tenant.id],
    )
  ).rows;
const scheduledFor = async (tenant: Tenant): Promise<Record<string, unknown>[]> =>
  (
    await db.query(
      `select p.slug as plan, c.status, c.reason, c.created_by from public.scheduled_changes c
       join public.subscription_plans p on p.id = c.plan_id where c.school_group_id = $1 order by c.created_at`,
      [tenant.id],
    )
  ).rows;
const APPLIED = `(private.run_due_jobs($1)->>'scheduled_changes')::int as n`;
const runDueJobs = async (at: Date): Promise<unknown> =>
  (await db.query(`select ${APPLIED}`, [at])).rows[0]?.['n'];
const inDays = (days: number): Date => new Date(Date.now() + days * 86_400_000);

describe('a change now', () => {
  it('is applied at the revision it tells, and remembered with who, from, to and why', async () => {
    const result = changeResultShape.parse(await change({ reason: '  Demande écrite  ', rev }));
    expect(result).toMatchObject({
      school_group_id: group.id,
      from_plan: 'pro',
      to_plan: 'premium',
      rev: rev + 1,
      outcome: 'applied',
    });
    expect(await planOf(group)).toBe('premium');
    expect((await historyOf(group)).at(-1)).toEqual({
      kind: 'plan_changed',
      from: 'pro',
      to: 'premium',
      reason: 'Demande écrite',
      actor_id: superAdmin.sub,
      rev: rev + 1,
    });
    const { rows } = await db.query(
      `select * from public.audit_log where school_group_id = $1 order by id desc`,
      [group.id],
    );
    expect(rows[0]).toMatchObject({
      actor_id: superAdmin.sub,
      action: 'subscription_plan_changed',
      detail: { from_plan: 'pro', to_plan: 'premium', reason: 'Demande écrite' },
    });
  });

  it('I4: sends one message, whose revision is the answer’s', async () => {
    await change();
    const sent = await stateMessages(db, group.id, rev);
    expect(sent.map(({ event, payload }) => [event, payload.rev])).toEqual([['plan_changed', rev + 1]]);
  });

  it('takes a date that has come for now', async () => {
    for (const [plan, effective] of [
      ['premium', inDays(-1)],
      ['gratuit', '-infinity'],
    ] as const) {
      expect(await change({ plan, effective })).toMatchObject({ outcome: 'applied', to_plan: plan });
    }
  });

  it('does not leave its reason to the next statement of the session', async () => {
    await db.as(superAdmin, async (client) => {
      await client.query(`select change_plan($1, 'premium', 'Premier motif')`, [group.id]);
      await client.query(
        `update subscriptions set plan_id = (select id from subscription_plans where slug = 'gratuit')
         where school_group_id = $1`,
        [group.id],
      );
    });
    expect((await historyOf(group)).slice(-2).map(({ reason }) => reason)).toEqual(['Premier motif', null]);
  });

  it('I3: a group keeps exactly one subscription, and its past is never rewritten', async () => {
    await change();
    await change({ plan: 'pro' });
    const { rowCount } = await db.query('select from public.subscriptions where school_group_id = $1', [
      group.id,
    ]);
    expect(rowCount).toBe(1);
    expect((await historyOf(group)).map(({ kind, to }) => [kind, to])).toEqual([
      ['created', 'gratuit'],
      ['plan_changed', 'pro'],
      ['plan_changed', 'premium'],
      ['plan_changed', 'pro'],
    ]);
    for (const sql of [
      'delete from public.subscriptions where school_group_id = $1',
      'delete from public.subscription_events where school_group_id = $1',
      `update public.subscription_events set reason = 'Autre' where school_group_id = $1`,
      `update public.audit_log set action = 'rien' where school_group_id = $1`,
      'delete from public.audit_log where school_group_id = $1',
    ]) {
      expect(await refusal(db.query(sql, [group.id]))).toMatchObject({
        sqlstate: 'PT403',
        code: 'append_only',
      });
    }
    const second = db.query(
      'insert into public.subscriptions (school_group_id, plan_id) select school_group_id, plan_id from public.subscriptions',
    );
    expect((await refusal(second)).sqlstate).toBe('23505');
    const other = await createTenant(db);
    const moved = db.query(
      'update public.subscriptions set school_group_id = $2 where school_group_id = $1',
      [group.id, other.id],
    );
    expect((await refusal(moved)).code).toBe('forbidden');
  });
});

describe('a change is refused', () => {
  it.each([
    ['an unknown plan', { plan: 'platinum' }, 'PT404', 'unknown_plan'],
    ['no plan', { plan: null }, 'PT404', 'unknown_plan'],
    ['no reason', { reason: null }, 'PT400', 'reason_required'],
    ['a reason of spaces', { reason: ' \t ' }, 'PT400', 'reason_required'],
    ['a reason of 501 letters', { reason: 'x'.repeat(501) }, 'PT400', 'invalid_request'],
    ['the plan it has', { plan: 'pro' }, 'PT409', 'same_plan'],
    [
      'a group that does not exist',
      { group: '00000000-0000-4000-8000-000000000000' },
      'PT404',
      'group_not_found',
    ],
    ['no group', { group: null }, 'PT400', 'invalid_request'],
    ['a date beyond two years', { effective: inDays(800) }, 'PT400', 'invalid_request'],
    ['the end of time', { effective: 'infinity' }, 'PT400', 'invalid_request'],
    ['a revision of the past', { rev: 0 }, 'PT409', 'stale_revision'],
    ['a revision of the future', { rev: '9223372036854775807' }, 'PT409', 'stale_revision'],
    ['a revision below zero', { rev: -1 }, 'PT409', 'stale_revision'],
  ] as const)('for %s', async (_what, given, sqlstate, code) => {
    expect(await refused(given)).toMatchObject({ sqlstate, code });
    expect(await planOf(group)).toBe('pro');
    expect(await revOf(db, group.id)).toBe(rev);
  });

  it('on a stale revision with the present one, so that the client reads again', async () => {
    expect((await refused({ rev: rev - 1 })).detail).toEqual({ code: 'stale_revision', rev });
  });

  it('of a draft and of a plan withdrawn from sale', async () => {
    await db.query(
      `insert into public.subscription_plans (slug, name, rank, price_xaf, status)
       values ('brouillon', 'Brouillon', 8, 0, 'draft'), ('ancien', 'Ancien', 9, 0, 'archived')`,
    );
    for (const plan of ['brouillon', 'ancien'])
      expect(await refused({ plan })).toMatchObject({ code: 'unknown_plan' });
  });

  it('to everybody but an active super admin, before anything is told of the group', async () => {
    const disabled = await createAccount(db, { role: 'super_admin', status: 'disabled' });
    const stranger = await createAccount(db, {});
    for (const actor of [group.admin, group.staff, disabled, stranger]) {
      expect(await refused({}, actor)).toMatchObject({ sqlstate: 'PT403', code: 'forbidden' });
      expect(await refused({ plan: 'platinum', reason: null }, actor)).toMatchObject({ code: 'forbidden' });
    }
    expect(await refused({}, {})).toMatchObject({ sqlstate: 'PT401', code: 'not_authenticated' });
  });
});

describe('a change at a later date', () => {
  it('changes nothing but what is pending, tells the group, and comes when it is due', async () => {
    const day = inDays(30);
    const result = changeResultShape.parse(await change({ effective: day }));
    expect(result).toMatchObject({
      outcome: 'scheduled',
      rev: rev + 1,
      from_plan: 'pro',
      to_plan: 'premium',
    });
    expect(new Date(result.effective_at)).toEqual(day);
    expect(await planOf(group)).toBe('pro');
    const [told] = await stateMessages(db, group.id, rev);
    expect(told).toMatchObject({
      event: 'entitlements_changed',
      payload: { plan: 'pro', pending: ['premium', day.getTime()] },
    });

    expect(await runDueJobs(inDays(29))).toBe(0);
    expect(await runDueJobs(inDays(31))).toBe(1);
    expect(await runDueJobs(inDays(31))).toBe(0);
    expect(await planOf(group)).toBe('premium');
    expect((await historyOf(group)).at(-1)).toMatchObject({ from: 'pro', to: 'premium', reason: 'Essai' });
    expect(await scheduledFor(group)).toEqual([
      { plan: 'premium', status: 'applied', reason: 'Essai', created_by: superAdmin.sub },
    ]);
    const last = (await stateMessages(db, group.id, rev)).at(-1);
    expect(last).toMatchObject({ event: 'plan_changed', payload: { rev: rev + 2, plan: 'premium' } });
    expect(last?.payload).not.toHaveProperty('pending');
  });

  it('is replaced by the next change, later or now: a group has one future', async () => {
    await change({ plan: 'premium', effective: inDays(10) });
    await change({ plan: 'gratuit', effective: inDays(20) });
    expect((await scheduledFor(group)).map(({ plan, status }) => [plan, status])).toEqual([
      ['premium', 'cancelled'],
      ['gratuit', 'pending'],
    ]);
    await change({ plan: 'institutionnel' });
    expect((await scheduledFor(group)).filter(({ status }) => status === 'pending')).toEqual([]);
    expect(await runDueJobs(inDays(40))).toBe(0);
    expect((await stateMessages(db, group.id)).at(-1)?.payload).not.toHaveProperty('pending');
  });

  it('that is due for several groups is shared by concurrent callers: each is applied once', async () => {
    const tenants: Tenant[] = [];
    for (let n = 0; n < 6; n += 1) tenants.push(await createTenant(db, 'pro'));
    for (const { id } of tenants) await change({ group: id, effective: inDays(5) });
    const clients = await Promise.all([1, 2, 3].map(() => db.connect()));
    const counts = await Promise.all(
      clients.map(async (client) => {
        const { rows } = await client.query<{ n: number }>(`select ${APPLIED}`, [inDays(6)]);
        return rows[0]?.n ?? 0;
      }),
    );
    // A caller passes over what another holds; whatever was passed over is done by who held it.
    expect(counts.reduce((sum, n) => sum + n, 0)).toBe(6);
    for (const tenant of tenants) {
      expect(await planOf(tenant)).toBe('premium');
      expect((await historyOf(tenant)).filter(({ to }) => to === 'premium')).toHaveLength(1);
    }
  });

  it('that finds its plan in force already closes without a second history row', async () => {
    await change({ effective: inDays(5) });
    await setPlan(db, group.id, 'premium');
    const before = (await historyOf(group)).length;
    expect(await runDueJobs(inDays(6))).toBe(1);
    expect(await historyOf(group)).toHaveLength(before);
  });
});

describe('the plain update of a super admin', () => {
  it('takes the same path: history, audit, actor, message', async () => {
    const update = `update subscriptions set plan_id = (select id from subscription_plans where slug = 'premium')
      where school_group_id = $1`;
    await db.as(superAdmin, (client) => client.query(update, [group.id]));
    expect((await historyOf(group)).at(-1)).toMatchObject({
      to: 'premium',
      actor_id: superAdmin.sub,
      rev: rev + 1,
    });
    expect(await stateMessages(db, group.id, rev)).toHaveLength(1);
  });

  it('reaches the plan and no other column', async () => {
    for (const assignment of [
      `status = 'trial'`,
      'school_group_id = school_group_id',
      'current_period_end = now()',
    ]) {
      const attempt = db.as(superAdmin, (client) => client.query(`update subscriptions set ${assignment}`));
      expect((await refusal(attempt)).sqlstate).toBe('42501');
    }
  });
});
