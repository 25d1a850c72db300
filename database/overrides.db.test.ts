/** Exceptions for one group: overrides and grants of limits, modules opened and closed. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { at, callAs, inDays, refusedAs, runDueJobsAt } from '../tests/helpers/acting.ts';
import { createTestDatabase, type Actor, type TestDatabase } from '../tests/helpers/database.ts';
import { stateMessages } from '../tests/helpers/messages.ts';
import { refusal } from '../tests/helpers/refusal.ts';
import { entitlementsMessageShape, snapshotShape } from '../tests/helpers/shapes.ts';
import { add, createAccount, createTenant, revOf, setPlan, type Tenant } from '../tests/helpers/tenants.ts';

let db: TestDatabase;
let superAdmin: Actor;
let group: Tenant;
let rev: number;
beforeAll(async () => {
  db = await createTestDatabase();
  superAdmin = await createAccount(db, { role: 'super_admin' });
});
afterAll(() => db.drop());
beforeEach(async () => {
  group = await createTenant(db, 'premium');
  rev = await revOf(db, group.id);
});

interface Added {
  id: string;
  rev: number;
}
const setLimit = (resource: string, limit: number | null, until?: Date): Promise<Added> =>
  callAs(db, superAdmin, `set_limit_override($1, $2, $3, 'Accord écrit', $4)`, [
    group.id,
    resource,
    limit,
    until ?? null,
  ]);
const grant = (resource: string, amount: number, until = inDays(30)): Promise<Added> =>
  callAs(db, superAdmin, `grant_quantity($1, $2, $3, 'Rentrée', $4)`, [group.id, resource, amount, until]);
const setModule = (module: string, open: boolean, until?: Date): Promise<Added> =>
  callAs(db, superAdmin, `set_module_override($1, $2, $3, 'Accord écrit', $4)`, [
    group.id,
    module,
    open,
    until ?? null,
  ]);
const end = (id: string): Promise<Added> => callAs(db, superAdmin, `end_override($1, 'Fin')`, [id]);
const snapshot = async (when?: Date) =>
  snapshotShape.parse(await callAs(db, group.admin, 'get_entitlements()', [], when));
const limitOf = async (resource: 'schools' | 'students' | 'staff' | 'storage', when?: Date) =>
  (await snapshot(when)).restrictions[resource].limit;
const told = async () =>
  (await stateMessages(db, group.id, rev)).map(({ event, payload }) => [event, payload['limits']]);
const audit = async (): Promise<string[]> =>
  (
    await db.query<{ action: string }>(
      `select action from public.audit_log where school_group_id = $1 and action like 'override%' order by id`,
      [group.id],
    )
  ).rows.map(({ action }) => action);

describe('a limit of the group’s own', () => {
  it.each([
    ['up', 30, 30],
    ['down', 5, 5],
    ['to nothing', 0, 0],
    ['away', null, null],
  ])('goes %s: it replaces the plan’s, is enforced, and told once', async (_where, limit, expected) => {
    const { rev: raised } = await setLimit('staff', limit);
    expect(raised).toBe(rev + 1);
    expect(await limitOf('staff')).toBe(expected);
    expect(await told()).toEqual([['entitlements_changed', [3, 500, expected, 10_000_000_000]]]);
    if (limit === null) return add(db, group, 'staff', 600);
    await add(db, group, 'staff', limit);
    expect(await refusal(add(db, group, 'staff'))).toMatchObject({
      sqlstate: 'PT402',
      code: 'limit_reached',
    });
  });

  it('below what is used deletes nothing and blocks growth only (I8)', async () => {
    await add(db, group, 'staff', 10);
    await setLimit('staff', 4);
    const { staff } = (await snapshot()).restrictions;
    expect(staff).toMatchObject({ state: 'over_limit', usage: 10, overage: 6 });
    await refusal(add(db, group, 'staff'));
    await db.query('delete from public.staff where school_group_id = $1', [group.id]);
  });

  it('explains itself: the plan’s amount, then what replaced it', async () => {
    const { id } = await setLimit('students', null, inDays(3));
    expect((await snapshot()).sources.limits.students).toEqual([
      { source: 'plan', plan: 'premium', version: 1, amount: 500 },
      {
        id,
        source: 'override',
        amount: null,
        reason: 'Accord écrit',
        expires_at: expect.any(String) as string,
      },
    ]);
  });

  it('set again ends the one before, which stays as it was written', async () => {
    const first = await setLimit('staff', 30);
    const second = await setLimit('staff', 40);
    const { rows } = await db.query(
      `select id, amount::int, ended_at is not null as ended, ended_by from public.entitlement_overrides
       where school_group_id = $1 order by created_at`,
      [group.id],
    );
    expect(rows).toEqual([
      { id: first.id, amount: 30, ended: true, ended_by: superAdmin.sub },
      { id: second.id, amount: 40, ended: false, ended_by: null },
    ]);
    expect(await audit()).toEqual(['override_added', 'override_added']);
  });

  it('is not rewritten, not brought back and not erased, whoever tries', async () => {
    const { id } = await setLimit('staff', 30);
    for (const sql of [
      'update public.entitlement_overrides set amount = 99 where id = $1',
      `update public.entitlement_overrides set reason = 'Autre' where id = $1`,
      'delete from public.entitlement_overrides where id = $1',
    ]) {
      expect(await refusal(db.query(sql, [id]))).toMatchObject({ sqlstate: 'PT403', code: 'append_only' });
    }
    await end(id);
    const back = db.query('update public.entitlement_overrides set ended_at = null where id = $1', [id]);
    expect((await refusal(back)).code).toBe('append_only');
    expect((await refusedAs(db, superAdmin, `end_override($1, 'Encore')`, [id])).code).toBe('already_closed');
  });
});

describe('a quantity granted', () => {
  it('adds to the plan’s; several add up, each with its own end', async () => {
    await grant('students', 100, inDays(10));
    await grant('students', 50, inDays(20));
    expect([
      await limitOf('students'),
      await limitOf('students', inDays(15)),
      await limitOf('students', inDays(25)),
    ]).toEqual([650, 550, 500]);
    expect((await snapshot()).sources.limits.students.map((source) => source.amount)).toEqual([500, 100, 50]);
  });

  it('adds nothing to a limit that is replaced, and nothing to unlimited', async () => {
    await grant('staff', 10);
    await setLimit('staff', 7);
    expect(await limitOf('staff')).toBe(7);
    await setLimit('staff', null);
    expect(await limitOf('staff')).toBeNull();
  });

  it('follows the group to another plan, and is nothing while it is fallen to gratuit', async () => {
    await grant('staff', 10);
    await setPlan(db, group.id, 'pro');
    expect(await limitOf('staff')).toBe(60);
    await callAs(db, superAdmin, `set_subscription_status($1, 'suspended', 'Impayé')`, [group.id]);
    expect(await limitOf('staff')).toBe(5);
    expect((await snapshot()).sources.limits.staff).toHaveLength(1);
    await callAs(db, superAdmin, `set_subscription_status($1, 'active', 'Payé')`, [group.id]);
    expect(await limitOf('staff')).toBe(60);
  });

  it('is kept in the preview of a change of plan', async () => {
    await add(db, group, 'staff', 20);
    await grant('staff', 16);
    const preview = await callAs<{ restrictions: { staff: unknown }; fits: boolean }>(
      db,
      group.admin,
      `preview_plan_change('gratuit')`,
    );
    expect(preview.restrictions.staff).toMatchObject({ current_limit: 36, new_limit: 21, overage: 0 });
    expect(preview.fits).toBe(true);
  });
});

describe('a module of the group’s own', () => {
  const OPEN = 'emplois-du-temps';
  const CLOSED = 'communication-notifications';

  it('is opened: with its category, until it is ended; the message says that no catalogue names it', async () => {
    const { id } = await setModule(CLOSED, true);
    let now = await snapshot();
    expect([now.modules.includes(CLOSED), now.categories.includes('communication')]).toEqual([true, true]);
    expect(now.sources.modules).toEqual([{ id, source: 'addition', module: CLOSED, reason: 'Accord écrit' }]);
    for (const call of [`can_access_module('${CLOSED}')`, `can_access_category('communication')`]) {
      expect(await callAs(db, group.staff, call)).toBe(true);
    }
    await end(id);
    now = await snapshot();
    expect([now.modules.includes(CLOSED), now.categories.includes('communication')]).toEqual([false, false]);
    const messages = (await stateMessages(db, group.id, rev)).map(({ payload }) =>
      entitlementsMessageShape.parse(payload),
    );
    expect(messages.map(({ own }) => own)).toEqual([true, undefined]);
  });

  it('is closed although the plan has it, whichever of slug and id names it', async () => {
    const { rows } = await db.query<{ id: string }>('select id from public.modules where slug = $1', [OPEN]);
    await setModule(rows[0]?.id.toUpperCase() ?? '', false);
    expect((await snapshot()).modules).not.toContain(OPEN);
    expect(await callAs(db, group.admin, `can_access_module('${OPEN}')`)).toBe(false);
    await setModule(OPEN, true);
    expect((await snapshot()).modules).toContain(OPEN);
  });

  it('is in no catalogue: another group of the plan sees nothing and hears nothing', async () => {
    const other = await createTenant(db, 'premium');
    const before = await revOf(db, other.id);
    await setModule(CLOSED, true);
    expect(await callAs(db, other.admin, `can_access_module('${CLOSED}')`)).toBe(false);
    expect([await revOf(db, other.id), await stateMessages(db, other.id, before)]).toEqual([before, []]);
  });
});

describe('an exception past its date', () => {
  // The jobs act on every group: what other tests left behind is out of the way.
  beforeEach(() => runDueJobsAt(db, inDays(300)));

  it('is out of force at that instant, closed by the next job with one message, and never again', async () => {
    await setLimit('staff', 30, inDays(5));
    await setModule('emplois-du-temps', false, inDays(5));
    await grant('staff', 5, inDays(50));
    rev = await revOf(db, group.id);
    expect([await limitOf('staff', inDays(4)), await limitOf('staff', inDays(6))]).toEqual([30, 25]);
    expect(await runDueJobsAt(db, inDays(4))).toMatchObject({ overrides: 0 });
    expect(await runDueJobsAt(db, inDays(6))).toMatchObject({ overrides: 2 });
    expect(await runDueJobsAt(db, inDays(6))).toMatchObject({ overrides: 0 });
    expect(await told()).toEqual([['entitlements_changed', [3, 500, 25, 10_000_000_000]]]);
    const { rows } = await db.query(
      `select 1 from public.entitlement_overrides
       where school_group_id = $1 and ended_at = expires_at and ended_by is null`,
      [group.id],
    );
    expect([rows.length, (await audit()).slice(-2)]).toEqual([2, ['override_expired', 'override_expired']]);
  });

  it('is nobody’s to end: who replaces it before the job came is not its end', async () => {
    const first = await setLimit('staff', 30, inDays(5));
    expect((await refusedAs(db, superAdmin, `end_override($1, 'Fin')`, [first.id], inDays(6))).code).toBe(
      'already_closed',
    );
    await callAs(db, superAdmin, `set_limit_override($1, 'staff', 31, 'Suite')`, [group.id], inDays(6));
    const { rows } = await db.query(
      'select ended_at = expires_at as it, ended_by from public.entitlement_overrides where id = $1',
      [first.id],
    );
    expect(rows).toEqual([{ it: true, ended_by: null }]);
  });

  it('is judged at the table by the travelled clock, too', async () => {
    await setLimit('staff', 0, inDays(5));
    const insert = `insert into public.staff (school_group_id, school_id, first_name, last_name) values ($1, $2, 'A', 'B')`;
    expect((await refusal(at(db, inDays(4), insert, [group.id, group.school]))).sqlstate).toBe('PT402');
    await at(db, inDays(6), insert, [group.id, group.school]);
  });
});

describe('what cannot be an exception', () => {
  it.each([
    [`set_limit_override($1, 'staff', -1, 'Essai')`, 'invalid_request', 'p_limit'],
    [`set_limit_override($1, 'staff', 9223372036854775807, 'Essai')`, 'invalid_request', 'p_limit'],
    [
      `set_limit_override($1, 'parents', 1, 'Essai')`,
      'unknown_resource',
      'schools, students, staff, storage',
    ],
    [`set_limit_override($1, null, 1, 'Essai')`, 'unknown_resource', 'schools, students, staff, storage'],
    [`set_limit_override($1, 'staff', 1, E' \\t\\n ')`, 'reason_required', 'p_reason'],
    [`set_limit_override($1, 'staff', 1, null)`, 'reason_required', 'p_reason'],
    [`set_limit_override($1, 'staff', 1, repeat('x', 501))`, 'invalid_request', 'p_reason'],
    [
      `set_limit_override($1, 'staff', 1, 'Essai', now() - interval '1 s')`,
      'invalid_request',
      'p_expires_at',
    ],
    [`set_limit_override($1, 'staff', 1, 'Essai', 'infinity')`, 'invalid_request', 'p_expires_at'],
    [`grant_quantity($1, 'staff', 0, 'Essai', now() + interval '1 day')`, 'invalid_request', 'p_amount'],
    [`grant_quantity($1, 'staff', null, 'Essai', now() + interval '1 day')`, 'invalid_request', 'p_amount'],
    [`grant_quantity($1, 'staff', 1, 'Essai', null)`, 'invalid_request', 'p_expires_at'],
    [`set_module_override($1, 'rien', true, 'Essai')`, 'feature_not_found', 'p_module'],
    [`set_module_override($1, null, true, 'Essai')`, 'feature_not_found', 'p_module'],
    [`set_module_override($1, 'suivi-eleves', null, 'Essai')`, 'invalid_request', 'p_open'],
    [`end_override(gen_random_uuid(), 'Essai')`, 'override_not_found', 'p_override_id'],
  ])('%s', async (call, code, hint) => {
    const parameters = call.includes('$1') ? [group.id] : [];
    expect(await refusedAs(db, superAdmin, call, parameters)).toMatchObject({ code, hint });
    expect(await revOf(db, group.id)).toBe(rev);
  });

  it('is one for no group, or for one that does not exist', async () => {
    const call = (id: string | null) =>
      refusedAs(db, superAdmin, `set_limit_override($1, 'staff', 1, 'Essai')`, [id]);
    expect((await call(null)).code).toBe('invalid_request');
    expect((await call(group.school)).code).toBe('group_not_found');
  });
});

describe('notes about a group', () => {
  it('are read by the platform’s people alone, signed by who wrote them, and never rewritten', async () => {
    const write = (client: { query: (sql: string, parameters: unknown[]) => Promise<unknown> }) =>
      client.query(
        `insert into public.school_group_notes (school_group_id, body) values ($1, 'Paie en retard')`,
        [group.id],
      );
    await db.as(superAdmin, write);
    expect((await refusal(db.as(group.admin, write))).sqlstate).toBe('42501');
    const seen = await db.as(group.admin, (client) =>
      client.query('select * from public.school_group_notes'),
    );
    expect(seen.rows).toEqual([]);
    const { rows } = await db.as(superAdmin, (client) =>
      client.query('select author_id from public.school_group_notes where school_group_id = $1', [group.id]),
    );
    expect(rows).toEqual([{ author_id: superAdmin.sub }]);
    expect((await refusal(db.query(`update public.school_group_notes set body = 'Rien'`))).code).toBe(
      'append_only',
    );
  });

  it('are in nothing that the group is sent or shown', async () => {
    await db.as(superAdmin, (client) =>
      client.query(
        `insert into public.school_group_notes (school_group_id, body) values ($1, 'mot-secret')`,
        [group.id],
      ),
    );
    await setLimit('staff', 30);
    const shown = JSON.stringify([await snapshot(), await stateMessages(db, group.id)]);
    expect(shown).not.toContain('mot-secret');
  });
});

describe('the clock', () => {
  it('is the server’s for whoever comes through the API: its sessions cannot travel', async () => {
    const pg = await import('pg');
    const api = new pg.default.Client({ connectionString: db.authenticatorUrl });
    await api.connect();
    await api.query(`set role authenticated`);
    await api.query(`select set_config('epilot.now', '2040-01-01', false)`);
    const { rows } = await api.query<{ it: boolean }>('select private.now() = now() as it');
    await api.end();
    expect(rows).toEqual([{ it: true }]);
  });
});
