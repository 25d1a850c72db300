/** A token is worth what its session is: the law that every policy and every function asks. */
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../tests/helpers/database.ts';
import { refusal } from '../tests/helpers/refusal.ts';
import { createAccount, createTenant, type Tenant } from '../tests/helpers/tenants.ts';

let db: TestDatabase;
let tenant: Tenant;
let superAdmin: string;

beforeAll(async () => {
  db = await createTestDatabase();
  ({ sub: superAdmin } = await createAccount(db, { role: 'super_admin' }));
});
afterAll(() => db.drop());
beforeEach(async () => {
  tenant = await createTenant(db);
});

async function createSession(user: string): Promise<string> {
  const id = randomUUID();
  await db.query(
    `insert into auth.sessions (id, user_id, aal, user_agent, ip) values ($1, $2, 'aal1', 'Firefox', '10.1.2.3')`,
    [id, user],
  );
  return id;
}

/** Runs one statement with a token that says so. */
async function withToken<Row extends pg.QueryResultRow>(
  claims: Record<string, unknown>,
  sql: string,
  parameters: unknown[] = [],
): Promise<Row[]> {
  const client = new pg.Client({ connectionString: db.url });
  await client.connect();
  try {
    await client.query('begin');
    await client.query(
      `select set_config('request.jwt.claims', $1, true), set_config('role', 'authenticated', true)`,
      [JSON.stringify({ role: 'authenticated', ...claims })],
    );
    const { rows } = await client.query<Row>(sql, parameters);
    await client.query('commit');
    return rows;
  } finally {
    await client.end();
  }
}

const admin = (session_id?: string): Record<string, unknown> => ({ sub: tenant.admin.sub, session_id });
const schools = (claims: Record<string, unknown>): Promise<unknown[]> =>
  withToken(claims, 'select from public.schools');

describe('a session that has ended', () => {
  it.each([['schools'], ['profiles'], ['school_groups'], ['subscription_plans'], ['usage_counters']])(
    'reads nothing of %s',
    async (table) => {
      const session = await createSession(tenant.admin.sub ?? '');
      const sql = `select from public.${table}`;
      expect((await withToken(admin(session), sql)).length).toBeGreaterThan(0);
      await db.query('delete from auth.sessions where id = $1', [session]);
      expect(await withToken(admin(session), sql)).toEqual([]);
    },
  );

  it('writes nothing, and is told by functions to sign in', async () => {
    const session = randomUUID();
    const insert = `insert into public.schools (school_group_id, name) values ('${tenant.id}', 'Une autre')`;
    expect((await refusal(withToken(admin(session), insert))).sqlstate).toBe('42501');
    expect(await withToken(admin(session), `update public.schools set city = 'Oyo' returning id`)).toEqual(
      [],
    );
    for (const call of [
      'get_entitlements()',
      'get_catalogue()',
      'mark_notifications_read(1)',
      'my_sessions()',
    ]) {
      expect(await refusal(withToken(admin(session), `select public.${call}`))).toMatchObject({
        sqlstate: 'PT401',
        code: 'not_authenticated',
      });
    }
  });

  it('is one of another account, past its end, or no session at all', async () => {
    const foreign = await createSession(superAdmin);
    const over = await createSession(tenant.admin.sub ?? '');
    await db.query(`update auth.sessions set not_after = now() - interval '1 second' where id = $1`, [over]);
    for (const session of [foreign, over, 'x', '', "' or true"])
      expect(await schools(admin(session))).toEqual([]);
    expect(await schools(admin())).toHaveLength(1);
  });
});

describe('an archived group', () => {
  it('is nothing any more to its members, at once; a super admin still sees it', async () => {
    await db.query(`update public.school_groups set status = 'archived' where id = $1`, [tenant.id]);
    expect(await schools(admin())).toEqual([]);
    expect(await refusal(withToken(admin(), 'select public.get_entitlements()'))).toMatchObject({
      code: 'forbidden',
    });
    expect(
      await withToken({ sub: superAdmin }, `select from public.schools where school_group_id = $1`, [
        tenant.id,
      ]),
    ).toHaveLength(1);
  });
});

describe('one’s own sessions', () => {
  it('are listed, the one that asks marked, and nobody else’s', async () => {
    const sub = tenant.admin.sub ?? '';
    const [here, there] = [await createSession(sub), await createSession(sub)];
    await createSession(superAdmin);
    const rows = await withToken<{ id: string; current: boolean; ip: string; user_agent: string }>(
      admin(here),
      'select * from public.my_sessions()',
    );
    expect(rows.map(({ id }) => id).toSorted()).toEqual([here, there].toSorted());
    expect(rows.find(({ id }) => id === here)).toMatchObject({
      current: true,
      ip: '10.1.2.3',
      user_agent: 'Firefox',
    });
    expect(rows.find(({ id }) => id === there)).toMatchObject({ current: false });
  });

  it('can be ended, and nobody else’s', async () => {
    const sub = tenant.admin.sub ?? '';
    const [here, there, foreign] = [
      await createSession(sub),
      await createSession(sub),
      await createSession(superAdmin),
    ];
    const end = async (id: string): Promise<unknown> =>
      (await withToken(admin(here), 'select public.end_session($1) as ended', [id]))[0]?.['ended'];
    expect([await end(there), await end(there), await end(foreign)]).toEqual([true, false, false]);
    expect(await schools(admin(there))).toEqual([]);
    expect(await schools(admin(here))).toHaveLength(1);
    expect((await db.query('select from auth.sessions where id = $1', [foreign])).rowCount).toBe(1);
  });
});

describe('a super admin with a second factor', () => {
  const acts = async (claims: Record<string, unknown>): Promise<unknown> =>
    (await withToken({ ...claims }, 'select private.is_super_admin() as it'))[0]?.['it'];

  it('acts without it while there is none, and only with it from then on', async () => {
    const { sub } = await createAccount(db, { role: 'super_admin' });
    expect(await acts({ sub, aal: 'aal1' })).toBe(true);
    const factor = `insert into auth.mfa_factors (id, user_id, factor_type, status, secret, created_at, updated_at)
      values (gen_random_uuid(), $1, 'totp', 'unverified', 'X', now(), now())`;
    await db.query(factor, [sub]);
    expect(await acts({ sub, aal: 'aal1' })).toBe(true);
    await db.query(`update auth.mfa_factors set status = 'verified' where user_id = $1`, [sub]);
    expect(await acts({ sub, aal: 'aal1' })).toBe(false);
    expect(await acts({ sub })).toBe(false);
    expect(await acts({ sub, aal: 'aal2' })).toBe(true);
    expect(
      await refusal(withToken({ sub, aal: 'aal1' }, 'select public.list_school_groups()')),
    ).toMatchObject({
      sqlstate: 'PT403',
      code: 'second_factor_required',
    });
  });
});

describe('rights that are lost', () => {
  it('are made known: a session, a profile, a group', async () => {
    const heard: unknown[] = [];
    const listener = await db.connect();
    listener.on('notification', ({ payload }) => heard.push(JSON.parse(payload ?? '')));
    await listener.query('listen access_changed');
    const session = await createSession(tenant.admin.sub ?? '');
    await db.query('delete from auth.sessions where id = $1', [session]);
    await db.query(`update public.profiles set status = 'disabled' where id = $1`, [tenant.staff.sub]);
    await db.query(`update public.school_groups set status = 'archived' where id = $1`, [tenant.id]);
    await listener.query('select');
    expect(heard.slice(0, 2)).toEqual([{ session }, { subject: tenant.staff.sub }]);
    const members = new Set(heard.slice(2).map((each) => (each as { subject: string }).subject));
    expect(members).toEqual(new Set([tenant.admin.sub, tenant.staff.sub]));
  });
});
