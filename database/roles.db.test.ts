/** I6: who reads and who writes what. Every table and every function, tried by every caller. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type pg from 'pg';
import { attempt, CALLERS, createCast, type Cast, type Verdicts } from '../tests/helpers/cast.ts';
import { createTestDatabase, type TestDatabase } from '../tests/helpers/database.ts';
import { add } from '../tests/helpers/tenants.ts';

let db: TestDatabase;
let client: pg.Client;
let cast: Cast;
beforeAll(async () => {
  db = await createTestDatabase();
  client = await db.connect();
  cast = await createCast(db);
  // One row of everything in both groups.
  for (const tenant of [cast.group, cast.foreign]) {
    await add(db, tenant, 'schools', 2);
    for (const resource of ['students', 'staff', 'storage'] as const) await add(db, tenant, resource);
    await db.as(cast.actors['super admin'], (as) =>
      as.query(`select change_plan($1, 'pro', 'Essai', now() + interval '1 day')`, [tenant.id]),
    );
    await db.as(tenant.admin, (as) =>
      as.query('insert into notification_reads (notification_id) select id from notifications'),
    );
  }
});
afterAll(() => db.drop());

/** `-` refused · `` sees nothing · `g` sees the group · `f` sees the foreign group · `all` sees the catalogue. */
type Sight = '-' | '' | 'g' | 'f' | 'gf' | 'all';

const SIGHTS: Record<string, Verdicts<Sight>> = {
  //                   anonymous stranger disabled staff admin foreign super service
  school_groups: ['-', '', '', 'g', 'g', 'f', 'gf', 'gf'],
  schools: ['-', '', '', 'g', 'g', 'f', 'gf', 'gf'],
  students: ['-', '', '', 'g', 'g', 'f', 'gf', 'gf'],
  staff: ['-', '', '', 'g', 'g', 'f', 'gf', 'gf'],
  documents: ['-', '', '', 'g', 'g', 'f', 'gf', 'gf'],
  profiles: ['-', '', 'g', 'g', 'g', 'f', 'gf', 'gf'],
  subscriptions: ['-', '', '', 'g', 'g', 'f', 'gf', 'gf'],
  subscription_events: ['-', '', '', '', 'g', 'f', 'gf', 'gf'],
  scheduled_changes: ['-', '', '', '', 'g', 'f', 'gf', 'gf'],
  audit_log: ['-', '', '', '', '', '', 'gf', 'gf'],
  usage_counters: ['-', '', '', 'g', 'g', 'f', 'gf', 'gf'],
  school_group_usage: ['-', '', '', 'g', 'g', 'f', 'gf', 'gf'],
  notifications: ['-', '', '', '', 'g', 'f', 'gf', 'gf'],
  notification_reads: ['-', '', '', '', 'g', 'f', '', '-'],
  business_categories: ['-', '', '', 'all', 'all', 'all', 'all', 'all'],
  modules: ['-', '', '', 'all', 'all', 'all', 'all', 'all'],
  subscription_plans: ['-', '', '', 'all', 'all', 'all', 'all', 'all'],
  plan_modules: ['-', '', '', 'all', 'all', 'all', 'all', 'all'],
  plan_categories: ['-', '', '', 'all', 'all', 'all', 'all', 'all'],
  plan_versions: ['-', '', '', '', '', '', 'all', 'all'],
};
const GROUP_COLUMN: Record<string, string> = {
  school_groups: 'id',
  notification_reads: '(select school_group_id from profiles p where p.id = profile_id)',
};
const CATALOGUE = /^(business_categories|modules|subscription_plans|plan_\w+)$/;

describe('reading', () => {
  it('knows every table and view of the API', async () => {
    const { rows } = await db.query<{ name: string }>(
      `select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'v', 'm', 'p')`,
    );
    expect(rows.map(({ name }) => name).toSorted()).toEqual(Object.keys(SIGHTS).toSorted());
  });

  it.each(Object.entries(SIGHTS))('I6: %s', async (table, expected) => {
    const group = CATALOGUE.test(table) ? `'all'` : `${GROUP_COLUMN[table] ?? 'school_group_id'}::text`;
    const seen: string[] = [];
    for (const caller of CALLERS) {
      const result = await attempt(
        client,
        cast.actors[caller],
        `select distinct ${group} as "group" from public.${table} where ${group} is not null`,
      );
      if (!result.done) {
        seen.push(result.sqlstate === '42501' ? '-' : result.sqlstate);
        continue;
      }
      const groups = new Set(result.rows.map((row) => row['group']));
      if (groups.has('all')) seen.push('all');
      else seen.push([cast.group, cast.foreign].map(({ id }, i) => (groups.has(id) ? 'gf'[i] : '')).join(''));
    }
    expect(seen).toEqual(expected);
  });

  it('I6: school staff see pupils, staff and documents of their own school only', async () => {
    const [other] = (
      await db.query<{ id: string }>(
        'select id from schools where school_group_id = $1 and id <> $2 limit 1',
        [cast.group.id, cast.group.school],
      )
    ).rows;
    const elsewhere = { id: cast.group.id, school: other?.id ?? '' };
    for (const [resource, table] of [
      ['students', 'students'],
      ['staff', 'staff'],
      ['storage', 'documents'],
    ] as const) {
      await add(db, elsewhere, resource);
      const sql = `select distinct school_id from public.${table}`;
      const result = await attempt(client, cast.actors['school staff'], sql);
      expect(result).toMatchObject({ done: true, rows: [{ school_id: cast.group.school }] });
    }
  });

  it.each([
    'auth.users',
    'auth.identities',
    'auth.sessions',
    'auth.refresh_tokens',
    'private.group_revisions',
  ])('nobody of the API reads %s', async (table) => {
    for (const caller of CALLERS) {
      const result = await attempt(client, cast.actors[caller], `select * from ${table}`);
      expect([caller, result]).toMatchObject([caller, { done: false, sqlstate: '42501' }]);
    }
  });
});

describe('writing whole rows', () => {
  // Nobody may write a row as they please: ids, owners, states and dates are the database's. Only the service
  // role writes customers' rows whole, and only documents may be deleted, by the admin of their group.
  const SERVICE = new Set(['school_groups', 'schools', 'students', 'staff', 'profiles', 'documents']);
  const tables = Object.keys(SIGHTS).filter((name) => name !== 'school_group_usage');

  it.each(tables)('I6: %s', async (table) => {
    const { rows } = await db.query<{ column_name: string }>(
      `select column_name from information_schema.columns
       where table_schema = 'public' and table_name = $1 and is_generated = 'NEVER' and is_identity = 'NO'
       order by ordinal_position`,
      [table],
    );
    const first = rows[0]?.column_name ?? 'id';
    const columns = rows.map(({ column_name }) => `"${column_name}"`).join(', ');
    const verbs = {
      insert: `insert into public.${table} (${columns}) select ${columns} from public.${table} limit 1`,
      update: `update public.${table} set "${first}" = "${first}"`,
      delete: `delete from public.${table}`,
      truncate: `truncate public.${table}`,
    };
    for (const caller of CALLERS) {
      for (const [verb, sql] of Object.entries(verbs)) {
        if (caller === 'service role' && SERVICE.has(table) && verb !== 'truncate') continue;
        const result = await attempt(client, cast.actors[caller], sql);
        if (table === 'documents' && verb === 'delete' && caller !== 'anonymous') {
          const own = caller === 'group admin' ? 2 : caller === 'foreign admin' ? 1 : 0;
          expect([caller, verb, result]).toMatchObject([caller, verb, { done: true, count: own }]);
        } else {
          expect([caller, verb, result]).toMatchObject([caller, verb, { done: false, sqlstate: '42501' }]);
        }
      }
    }
  });

  it('the service role keeps customers’ rows, not the records that the database keeps of them', async () => {
    const service = cast.actors['service role'];
    const tries: [string, boolean][] = [
      [`insert into school_groups (name) values ('Nouveau groupe')`, true],
      [`update schools set city = 'Oyo'`, true],
      [`update profiles set role = 'admin_groupe', school_id = null where role = 'personnel'`, true],
      [`delete from students`, true],
      [`update subscriptions set status = 'suspended'`, true],
      [`delete from school_groups`, false],
      [`update subscriptions set started_at = now()`, false],
      [`update usage_counters set used = 0`, false],
      [`insert into audit_log (action) values ('rien')`, false],
    ];
    for (const [sql, done] of tries)
      expect([sql, await attempt(client, service, sql)]).toMatchObject([sql, { done }]);
  });

  it('I1: the service role is held to the limits like everybody', async () => {
    const school = `insert into schools (school_group_id, name) values ('${cast.group.id}', 'Une de trop')`;
    expect(await attempt(client, cast.actors['service role'], school)).toMatchObject({ sqlstate: 'PT402' });
  });
});

describe('calling', () => {
  /** `ok`, or the code of the refusal. `-`: may not even call. */
  const VERDICTS: Record<string, Verdicts<string>> = {
    [`check_plan_restrictions('schools', 1, $1)`]: verdicts('ok'),
    'get_all_plan_restrictions($1)': verdicts('ok'),
    [`can_access_module('suivi-eleves', $1)`]: verdicts('ok'),
    [`can_access_category('communication', $1)`]: verdicts('ok'),
    'get_entitlements($1)': verdicts('ok'),
    [`preview_plan_change('pro', $1)`]: verdicts('forbidden'),
    [`change_plan($1, 'institutionnel', 'Essai')`]: verdicts('forbidden', 'forbidden'),
    'get_school_group($1)': verdicts('forbidden', 'forbidden'),
    'list_school_groups()': verdicts('forbidden', 'forbidden'),
    'get_catalogue()': ['-', 'forbidden', 'forbidden', 'ok', 'ok', 'ok', 'ok', '-'],
  };
  function verdicts(staff: string, admin = 'ok'): Verdicts<string> {
    return ['-', 'forbidden', 'forbidden', staff, admin, 'forbidden', 'ok', '-'];
  }

  it('knows every function of the API', async () => {
    const { rows } = await db.query<{ name: string }>(
      `select proname as name from pg_proc where pronamespace = 'public'::regnamespace and prorettype <> 'trigger'::regtype`,
    );
    const known = Object.keys(VERDICTS).map((sql) => sql.slice(0, sql.indexOf('(')));
    expect(rows.map(({ name }) => name).toSorted()).toEqual(known.toSorted());
  });

  it.each(Object.entries(VERDICTS))('I6: %s', async (sql, expected) => {
    const told: unknown[] = [];
    for (const caller of CALLERS) {
      const parameters = sql.includes('$1') ? [cast.group.id] : [];
      const result = await attempt(client, cast.actors[caller], `select public.${sql}`, parameters);
      if (result.done) told.push('ok');
      else told.push(result.sqlstate === '42501' ? '-' : result.code);
    }
    expect(told).toEqual(expected);
  });

  it('a token without a user is told to sign in', async () => {
    for (const sql of Object.keys(VERDICTS)) {
      const parameters = sql.includes('$1') ? [cast.group.id] : [];
      const result = await attempt(client, { role: 'authenticated' }, `select public.${sql}`, parameters);
      expect([sql, result]).toMatchObject([
        sql,
        { done: false, sqlstate: 'PT401', code: 'not_authenticated' },
      ]);
    }
  });

  it('the private functions that act are nobody’s to call', async () => {
    for (const sql of [
      `private.touch_group($1, 'plan_changed')`,
      `private.apply_usage('schools', array[$1::uuid], array[-1])`,
      'private.repair_usage()',
      'private.run_due_jobs()',
      'private.recount_usage()',
      `private.resolve_group($1)`,
    ]) {
      for (const caller of CALLERS) {
        const parameters = sql.includes('$1') ? [cast.group.id] : [];
        const result = await attempt(client, cast.actors[caller], `select ${sql}`, parameters);
        expect([caller, sql, result]).toMatchObject([caller, sql, { done: false, sqlstate: '42501' }]);
      }
    }
  });
});
