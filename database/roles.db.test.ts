/** I6: who reads and who writes what. Every table and every function, tried by every caller. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type pg from 'pg';
import { attempt, CALLERS, createCast, type Cast, type Verdicts } from '../tests/helpers/cast.ts';
import { createAddOn, ownAddOn } from '../tests/helpers/addOns.ts';
import { createTestDatabase, type TestDatabase } from '../tests/helpers/database.ts';
import { add, idOf } from '../tests/helpers/tenants.ts';

let db: TestDatabase;
let client: pg.Client;
let cast: Cast;
/** What belongs to the group (or, a draft, to the platform), by the name that a call gives it in braces. */
const ids: Record<string, string> = {};
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
    await db.as(cast.actors['super admin'], async (as) => {
      await as.query(`select set_limit_override($1, 'storage', 20, 'Essai')`, [tenant.id]);
      const note = `insert into school_group_notes (school_group_id, body) values ($1, 'Essai')`;
      await as.query(note, [tenant.id]);
    });
    await db.as(tenant.admin, async (as) => {
      await as.query('select mark_notifications_read(9223372036854775807)');
      await as.query(`select request_plan_change('institutionnel', 'Essai'), report_refusal('staff', 1000)`);
    });
    await db.query(`insert into usage_daily values ($1, 'staff', '2025-01-01', 1, 20)`, [tenant.id]);
    await ownAddOn(db, tenant.id, await createAddOn(db, { limits: { staff: 1 } }));
  }
  const asSuper = (sql: string): Promise<pg.QueryResult<{ id: string }>> =>
    db.as(cast.actors['super admin'], (as) => as.query<{ id: string }>(sql));
  const [draft] = (await asSuper(`select create_plan_draft('premium')->>'id' as id`)).rows;
  ids['draft'] = draft?.id ?? '';
  await asSuper(`select update_plan_draft('${ids['draft']}', '{"max_staff": 21}')`);
  for (const table of ['entitlement_overrides', 'plan_change_requests', 'documents']) {
    const sql = `select id from ${table} where school_group_id = $1 limit 1`;
    ids[table] = await idOf(db, sql, [cast.group.id]);
  }
  ids['school'] = cast.group.school;
});
afterAll(() => db.drop());

/** `-` refused · `` sees nothing · `g` sees the group · `f` sees the foreign group · `all` sees the catalogue. */
type Sight = '-' | '' | 'g' | 'f' | 'gf' | 'all';

const CATALOGUE =
  'business_categories modules subscription_plans plan_modules plan_categories plan_versions add_ons add_on_versions'.split(
    ' ',
  );
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
  notices: ['-', '', '', '', 'g', 'f', 'gf', '-'],
  notification_reads: ['-', '', '', '', 'g', 'f', '', '-'],
  ...Object.fromEntries(
    CATALOGUE.map((table) => [table, ['-', '', '', 'all', 'all', 'all', 'all', 'all'] as Verdicts<Sight>]),
  ),
  entitlement_overrides: ['-', '', '', 'g', 'g', 'f', 'gf', 'gf'],
  subscription_add_ons: ['-', '', '', 'g', 'g', 'f', 'gf', 'gf'],
  plan_change_requests: ['-', '', '', '', 'g', 'f', 'gf', 'gf'],
  usage_daily: ['-', '', '', '', 'g', 'f', 'gf', 'gf'],
  refusals: ['-', '', '', '', 'g', 'f', 'gf', 'gf'],
  // Only the platform's people: not even its back end.
  school_group_notes: ['-', '', '', '', '', '', 'gf', '-'],
};
const GROUP_COLUMN: Record<string, string> = {
  school_groups: 'id',
  notification_reads: '(select school_group_id from profiles p where p.id = profile_id)',
};

describe('reading', () => {
  it('knows every table and view of the API', async () => {
    const { rows } = await db.query<{ name: string }>(
      `select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'v', 'm', 'p')`,
    );
    expect(rows.map(({ name }) => name).toSorted()).toEqual(Object.keys(SIGHTS).toSorted());
  });

  it.each(Object.entries(SIGHTS))('I6: %s', async (table, expected) => {
    const group = CATALOGUE.includes(table) ? `'all'` : `${GROUP_COLUMN[table] ?? 'school_group_id'}::text`;
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

  it('a draft of a plan is seen by the platform’s people alone', async () => {
    const drafts: unknown[] = [];
    for (const caller of CALLERS.slice(1)) {
      const result = await attempt(
        client,
        cast.actors[caller],
        `select id from plan_versions where status = 'draft'`,
      );
      drafts.push(result.done && result.count);
    }
    expect(drafts).toEqual([0, 0, 0, 0, 0, 1, 1]);
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
    'private.group_states',
    'private.usage_marks',
    'private.uploads',
  ])('nobody of the API reads %s', async (table) => {
    for (const caller of CALLERS) {
      const result = await attempt(client, cast.actors[caller], `select * from ${table}`);
      expect([caller, result]).toMatchObject([caller, { done: false, sqlstate: '42501' }]);
    }
  });
});

describe('writing whole rows', () => {
  // Nobody may write a row as they please: ids, owners, states and dates are the database's. Only the service
  // role writes customers' rows whole; what others delete, they delete through a function.
  const SERVICE = new Set(['school_groups', 'schools', 'students', 'staff', 'profiles', 'documents']);
  const views = new Set(['notices', 'school_group_usage', 'usage_counters']);
  const tables = Object.keys(SIGHTS).filter((name) => !views.has(name));

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
        expect([caller, verb, result]).toMatchObject([caller, verb, { done: false, sqlstate: '42501' }]);
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
      [`update private.group_states set used = '{0,0,0,0}'`, false],
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
  const SUPER = verdicts('forbidden', 'forbidden');
  const SERVER: Verdicts<string> = ['-', '-', '-', '-', '-', '-', '-', 'ok'];
  const named = (sql: string): string => sql.replaceAll(/\{(\w+)\}/g, (_, name: string) => ids[name] ?? '');
  /** `ok`, or the code of the refusal. `-`: may not even call. */
  const VERDICTS: Record<string, Verdicts<string>> = {
    [`check_plan_restrictions('schools', 1, $1)`]: verdicts('ok'),
    'get_all_plan_restrictions($1)': verdicts('ok'),
    [`can_access_module('suivi-eleves', $1)`]: verdicts('ok'),
    [`can_access_category('communication', $1)`]: verdicts('ok'),
    'get_entitlements($1)': verdicts('ok'),
    [`preview_plan_change('pro', $1)`]: verdicts('forbidden'),
    [`change_plan($1, 'institutionnel', 'Essai')`]: SUPER,
    'get_school_group($1)': SUPER,
    'list_school_groups()': SUPER,
    'get_catalogue()': ['-', 'forbidden', 'forbidden', 'ok', 'ok', 'ok', 'ok', '-'],
    'get_usage_history($1, 7)': verdicts('forbidden'),
    [`set_limit_override($1, 'staff', 30, 'Essai')`]: SUPER,
    [`grant_quantity($1, 'staff', 3, 'Essai', now() + interval '1 day')`]: SUPER,
    [`set_module_override($1, 'communication-notifications', true, 'Essai')`]: SUPER,
    [`end_override('{entitlement_overrides}', 'Essai')`]: SUPER,
    [`create_plan_draft('premium')`]: SUPER,
    [`update_plan_draft('{draft}', '{"max_staff": 22}')`]: SUPER,
    [`delete_plan_draft('{draft}')`]: SUPER,
    [`simulate_plan_publication('{draft}')`]: SUPER,
    [`publish_plan_version('{draft}')`]: SUPER,
    [`set_subscription_status($1, 'suspended', 'Essai')`]: SUPER,
    [`renew_subscription($1, now() + interval '1 year', 'Essai')`]: SUPER,
    [`cancel_at_period_end($1, false, 'Essai')`]: SUPER,
    [`cancel_scheduled_change($1, 'Essai')`]: SUPER,
    [`review_plan_change_request('{plan_change_requests}', false, 'Essai')`]: SUPER,
    'verify_usage()': SUPER,
    'repair_usage()': SUPER,
    [`request_plan_change('institutionnel', 'Essai')`]: own('ok'),
    [`cancel_plan_change_request('{plan_change_requests}')`]: own('request_not_found'),
    [`delete_document('{documents}')`]: own('document_not_found'),
    [`begin_upload('nowhere', 1)`]: [
      '-',
      'forbidden',
      'forbidden',
      'forbidden',
      'upload_refused',
      'upload_refused',
      'forbidden',
      'upload_refused',
    ],
    [`keep_upload('nowhere')`]: SERVER,
    [`end_upload('nowhere')`]: SERVER,
    [`confirm_document('{documents}')`]: own('document_not_found', 'object_missing'),
    [`import_students('[{"first_name": "A", "last_name": "B"}]', 'all_or_nothing', '{school}')`]:
      own('school_not_found'),
    [`import_staff('[{"first_name": "A", "last_name": "B"}]', 'all_or_nothing', '{school}')`]:
      own('school_not_found'),
    'mark_notifications_read(1)': own('ok'),
    'my_sessions()': ['-', 'ok', 'ok', 'ok', 'ok', 'ok', 'ok', '-'],
    'end_session(gen_random_uuid())': ['-', 'ok', 'ok', 'ok', 'ok', 'ok', 'ok', '-'],
    [`report_refusal('staff', 1000)`]: ['-', 'forbidden', 'forbidden', 'ok', 'ok', 'ok', 'forbidden', '-'],
  };
  /** For group admins, in their own group; a foreign one is told `foreign`. */
  function own(foreign: string, admin = 'ok'): Verdicts<string> {
    return ['-', 'forbidden', 'forbidden', 'forbidden', admin, foreign, 'forbidden', '-'];
  }
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
    const reads = `select from pg_proc where oid = $1::regproc and provolatile <> 'v'`;
    const { rows } = await db.query(reads, [`public.${sql.slice(0, sql.indexOf('('))}`]);
    for (const caller of CALLERS) {
      const parameters = sql.includes('$1') ? [cast.group.id] : [];
      const call = `select public.${named(sql)}`;
      const result = await attempt(client, cast.actors[caller], call, parameters, rows.length > 0);
      if (result.done) told.push('ok');
      else told.push(result.sqlstate === '42501' ? '-' : result.code);
    }
    expect(told).toEqual(expected);
  });

  it('a token without a user is told to sign in', async () => {
    for (const [sql, verdict] of Object.entries(VERDICTS)) {
      if (verdict === SERVER) continue;
      const parameters = sql.includes('$1') ? [cast.group.id] : [];
      const result = await attempt(
        client,
        { role: 'authenticated' },
        `select public.${named(sql)}`,
        parameters,
      );
      expect([sql, result]).toMatchObject([
        sql,
        { done: false, sqlstate: 'PT401', code: 'not_authenticated' },
      ]);
    }
  });

  it('the private functions that act are nobody’s to call', async () => {
    for (const sql of [
      `private.touch_group($1, 'plan_changed')`,
      `private.apply_usage('schools', $1, -1)`,
      'private.repair_usage()',
      'private.run_due_jobs()',
      'private.run_minute_jobs(), private.run_nightly_jobs()',
      `private.expire_reservations(now() + interval '1 year')`,
      `private.move_counter($1, 'staff', -1, null)`,
      `private.subscribe($1, gen_random_uuid(), 'Essai')`,
      `private.add_override($1, 'limit', 'staff', 9, null, 'Essai', null)`,
      `private.audit('rien', $1, '{}')`,
      `private.lock_group($1)`,
      'private.recount_usage()',
      `private.resolve_group($1)`,
    ]) {
      for (const caller of CALLERS) {
        const group = sql.includes('$1') ? [cast.group.id] : [];
        const result = await attempt(client, cast.actors[caller], `select ${sql}`, group);
        expect([caller, sql, result]).toMatchObject([caller, sql, { done: false, sqlstate: '42501' }]);
      }
    }
  });
});
