/** The law of CONVENTIONS.md, read from PostgreSQL's own catalogue after the migrations have run as role `postgres`. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../tests/helpers/database.ts';
import { unfilteredWrites } from '../tests/helpers/unfiltered.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.drop());

/** The first column of each row of a query that lists offenders or grants. */
async function list(sql: string, parameters: unknown[] = []): Promise<unknown[]> {
  const { rows } = await db.query(sql, parameters);
  return rows.map((row) => Object.values(row)[0] as unknown);
}
const OURS = `('public'::regnamespace, 'private'::regnamespace)`;

describe('the ground the migrations stand on', () => {
  it('is Supabase’s: role postgres is no superuser, and public grants everything to the API’s roles', async () => {
    const empty = await createTestDatabase({ empty: true });
    const { rows } = await empty.query<Record<string, boolean>>(
      `select rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls from pg_roles where rolname = 'postgres'`,
    );
    expect(rows).toEqual([
      { rolsuper: false, rolcreatedb: true, rolcreaterole: true, rolreplication: true, rolbypassrls: true },
    ]);
    const owner = await empty.connect();
    await owner.query(
      'create table public.forgotten (id int); create function public.forgotten() returns int return 1',
    );
    const granted = await empty.query(
      `select role, has_table_privilege(role, 'public.forgotten', 'select, insert, update, delete') as rows,
              has_function_privilege(role, 'public.forgotten()', 'execute') as calls
       from unnest(array['anon', 'authenticated', 'service_role']) role`,
    );
    expect(granted.rows).toEqual(
      ['anon', 'authenticated', 'service_role'].map((role) => ({ role, rows: true, calls: true })),
    );
    await empty.drop();
  });

  it('is left closed: what a later migration forgets to revoke is granted to nobody', async () => {
    const owner = await db.connect();
    await owner.query('begin');
    await owner.query(
      `create table public.forgotten (id int generated always as identity);
       create function public.forgotten() returns int return 1; create function private.forgotten() returns int return 1`,
    );
    const { rows } = await owner.query(
      `select role, has_table_privilege(role, 'public.forgotten', 'select') or
              has_sequence_privilege(role, 'public.forgotten_id_seq', 'usage') or
              has_function_privilege(role, 'public.forgotten()', 'execute') or
              has_function_privilege(role, 'private.forgotten()', 'execute') as open
       from unnest(array['anon', 'authenticated', 'service_role']) role`,
    );
    await owner.query('rollback');
    expect(rows.filter(({ open }) => open)).toEqual([]);
  });

  it('is owned by others: role postgres is a member of none of the admins of auth, realtime and storage', async () => {
    const sql = `select rolname::text from pg_roles where rolname ~ '^supabase_(auth|realtime|storage)_admin$'
      and not pg_has_role('postgres', oid, 'member') order by 1`;
    expect(await list(sql)).toEqual([
      'supabase_auth_admin',
      'supabase_realtime_admin',
      'supabase_storage_admin',
    ]);
  });

  it('owns nothing outside public and private', async () => {
    expect(
      await list(
        `select distinct n.nspname from (select relnamespace as ns, relowner as owner from pg_class
           union all select pronamespace, proowner from pg_proc) o join pg_namespace n on n.oid = o.ns
         where o.owner = 'postgres'::regrole and n.nspname !~ '^pg_' order by 1`,
      ),
    ).toEqual(['private', 'public', 'supabase_migrations']);
  });
});

describe('tables', () => {
  it('have row-level security, every one', async () => {
    const sql = `select oid::regclass::text from pg_class where relnamespace in ${OURS} and relkind in ('r', 'p') and not relrowsecurity`;
    expect(await list(sql)).toEqual([]);
  });

  it('say what they are for, unless their name says it all', async () => {
    const plain = ['business_categories', 'modules', 'plan_modules', 'scheduled_changes'];
    const sql = `select relname::text from pg_class where relnamespace in ${OURS} and relkind in ('r', 'v')
      and obj_description(oid, 'pg_class') is null and relname <> all ($1) order by 1`;
    expect(await list(sql, [[...plain, 'subscription_plans', 'effective_entitlements']])).toEqual([]);
  });

  it('have an index that leads with the columns of each foreign key', async () => {
    const sql = `
      select c.conrelid::regclass || ' ' || c.conname from pg_constraint c
      where c.contype = 'f' and c.connamespace in ${OURS} and not exists (
        select 1 from pg_index i where i.indrelid = c.conrelid and i.indpred is null
          and (i.indkey::int2[])[0:cardinality(c.conkey) - 1] @> c.conkey)`;
    expect(await list(sql)).toEqual([]);
  });

  it('say on every foreign key what a delete does', async () => {
    const sql = `select conrelid::regclass || ' ' || conname from pg_constraint
      where contype = 'f' and connamespace in ${OURS} and confdeltype = 'a'`;
    expect(await list(sql)).toEqual([]);
  });

  it('take the words that a column of text may hold from a domain where two columns may hold the same', async () => {
    const sql = `
      select string_agg(c.conrelid::regclass || '.' || a.attname, ', ' order by 1) from pg_constraint c
      join pg_attribute a on a.attrelid = c.conrelid and a.attnum = c.conkey[1]
      where c.contype = 'c' and c.connamespace in ${OURS} and a.atttypid = 'text'::regtype and cardinality(c.conkey) = 1
        and pg_get_constraintdef(c.oid) ~ '= ANY \\(ARRAY|~ '''
      group by replace(pg_get_constraintdef(c.oid), quote_ident(a.attname), '') having count(*) > 1`;
    expect(await list(sql)).toEqual([]);
  });

  it('have policies that ask their helpers once a statement, not once a row', async () => {
    const sql = `select tablename || ': ' || policyname from pg_policies where schemaname = 'public'
      and regexp_replace(coalesce(qual, '') || coalesce(with_check, ''), '\\( SELECT [^)]*\\(\\)', '', 'g') ~ '(private|auth)\\.\\w+\\('`;
    expect(await list(sql)).toEqual([]);
  });

  it('have policies for signed-in users only', async () => {
    const sql = `select tablename || ': ' || policyname from pg_policies
      where schemaname in ('public', 'private') and roles <> '{authenticated}'`;
    expect(await list(sql)).toEqual([]);
  });

  it('have one permissive policy for a command and a role: two are judged for every row, and read as either', async () => {
    const sql = `
      select schemaname || '.' || tablename || ': ' || command || ' to ' || role
      from pg_policies cross join unnest(roles) role
      cross join unnest(case cmd when 'ALL' then array['SELECT', 'INSERT', 'UPDATE', 'DELETE'] else array[cmd] end) command
      where permissive = 'PERMISSIVE' and schemaname in ('public', 'private', 'storage', 'realtime')
      group by schemaname, tablename, command, role having count(*) > 1`;
    expect(await list(sql)).toEqual([]);
  });

  it('are in the publication of row changes where the founding document says so, and only there', async () => {
    const sql = `select tablename::text from pg_publication_tables where pubname = 'supabase_realtime' order by 1`;
    expect(await list(sql)).toEqual(['plan_categories', 'plan_modules', 'subscriptions']);
  });
});

describe('views', () => {
  it('ask as the reader: security_invoker', async () => {
    const sql = `select oid::regclass::text from pg_class where relnamespace in ${OURS} and relkind in ('v', 'm')
      and not coalesce(reloptions @> '{security_invoker=true}', false)`;
    expect(await list(sql)).toEqual([]);
  });
});

describe('functions', () => {
  const FUNCTIONS = `from pg_proc p where p.pronamespace in ${OURS}`;

  it('pin an empty search_path, definer or not, but for standard bodies, which resolved their names', async () => {
    const sql = `select p.oid::regprocedure::text ${FUNCTIONS} and (p.prosecdef or p.prosqlbody is null)
      and not coalesce(p.proconfig @> array['search_path=""'], false)`;
    expect(await list(sql)).toEqual([]);
  });

  it('that write are volatile, and those that are immutable read nothing', async () => {
    const writes = `select p.oid::regprocedure::text ${FUNCTIONS} and p.provolatile <> 'v'
      and p.prosrc ~* '\\m(insert into|update [a-z_.]+ (set|[a-z] set)|delete from|set_config|pg_notify|realtime\\.send)\\M'`;
    const reads = `select p.oid::regprocedure::text ${FUNCTIONS} and p.provolatile = 'i' and p.prosrc ~* '\\m(public|private)\\.\\w+ '`;
    expect([await list(writes), await list(reads)]).toEqual([[], []]);
  });

  it('update and delete rows that they name: without WHERE hosted Supabase refuses them with 21000', async () => {
    const { rows } = await db.query<{ name: string; body: string }>(
      `select p.oid::regprocedure::text as name, coalesce(pg_get_function_sqlbody(p.oid), p.prosrc) as body ${FUNCTIONS}`,
    );
    expect(rows.length).toBeGreaterThan(100);
    expect(
      rows.flatMap(({ name, body }) => unfilteredWrites(body).map((write) => `${name}: ${write}`)),
    ).toEqual([]);
  });

  it('of the API have one name each: PostgREST begins a transaction that only reads by the function it finds', async () => {
    const sql = `select p.proname ${FUNCTIONS} and p.pronamespace = 'public'::regnamespace group by 1 having count(*) > 1`;
    expect(await list(sql)).toEqual([]);
  });

  it('have names that say whose trigger they are', async () => {
    const sql = `select p.oid::regprocedure::text ${FUNCTIONS} and p.prorettype = 'trigger'::regtype
      and p.proname !~ '^tg_' and p.proname <> 'notify_plan_change'`;
    expect(await list(sql)).toEqual([]);
  });

  it('of the API say what they answer', async () => {
    const sql = `select p.oid::regprocedure::text from pg_proc p where p.pronamespace = 'public'::regnamespace
      and p.prorettype <> 'trigger'::regtype and obj_description(p.oid, 'pg_proc') is null`;
    expect(await list(sql)).toEqual([]);
  });

  it('are for nobody but whom they are granted to', async () => {
    const sql = (role: string): string =>
      `select distinct p.pronamespace::regnamespace || '.' || p.proname ${FUNCTIONS} and has_function_privilege('${role}', p.oid, 'execute') order by 1`;
    expect(await list(sql('anon'))).toEqual([]);
    const HELPERS = [
      'private.decide',
      'private.due_status',
      'private.in_force',
      'private.is_member',
      'private.is_super_admin',
      'private.largest_document',
      'private.limit_of',
      'private.merged_limits',
      'private.my_admin_group_id',
      'private.my_group_id',
      'private.my_profile_id',
      'private.my_school_id',
      'private.now',
      'private.place_of',
    ];
    // It writes groups, whose key the search is by.
    const UPLOADS = ['begin', 'end', 'keep'].map((verb) => `public.${verb}_upload`);
    const MORE = ['private.search_key', 'private.status_ends_at'];
    expect(await list(sql('service_role'))).toEqual([...HELPERS, ...MORE, ...UPLOADS]);
    expect(await list(sql('authenticated'))).toEqual(
      [
        ...HELPERS,
        'private.can_read_topic',
        'private.least_size',
        'private.may_delete_document',
        'private.may_read_document',
        'private.may_upload',
        'private.my_notification_kinds',
        'private.status_ends_at',
        'public.begin_upload',
        'public.can_access_category',
        'public.can_access_module',
        'public.cancel_at_period_end',
        'public.cancel_plan_change_request',
        'public.cancel_scheduled_change',
        'public.change_plan',
        'public.check_plan_restrictions',
        'public.confirm_document',
        'public.create_plan_draft',
        'public.delete_document',
        'public.delete_plan_draft',
        'public.end_override',
        'public.end_session',
        'public.get_all_plan_restrictions',
        'public.get_catalogue',
        'public.get_entitlements',
        'public.get_school_group',
        'public.get_usage_history',
        'public.grant_quantity',
        'public.import_staff',
        'public.import_students',
        'public.list_school_groups',
        'public.mark_notifications_read',
        'public.my_sessions',
        'public.preview_plan_change',
        'public.publish_plan_version',
        'public.renew_subscription',
        'public.repair_usage',
        'public.report_refusal',
        'public.request_plan_change',
        'public.review_plan_change_request',
        'public.set_limit_override',
        'public.set_module_override',
        'public.set_subscription_status',
        'public.simulate_plan_publication',
        'public.update_plan_draft',
        'public.verify_usage',
      ].toSorted(),
    );
  });
});

describe('grants', () => {
  /** `table: verb` or `table: verb (columns)` that a role holds on ours, views included. */
  const granted = (role: string): Promise<unknown[]> =>
    list(
      `with columns as (
         select c.relnamespace::regnamespace || '.' || c.relname as "table", v.verb, a.attname, a.attnum,
                has_table_privilege($1, c.oid, v.verb) as whole
         from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
         cross join unnest(array['insert', 'update', 'delete', 'truncate', 'references', 'trigger']) v (verb)
         where c.relnamespace in ${OURS} and c.relkind in ('r', 'p', 'v', 'm') and case
           when v.verb in ('insert', 'update', 'references') then has_column_privilege($1, c.oid, a.attnum, v.verb)
           else has_table_privilege($1, c.oid, v.verb) end)
       select "table" || ': ' || verb || case when bool_or(whole) then '' else ' (' || string_agg(attname, ', ' order by attnum) || ')' end
       from columns group by "table", verb order by 1`,
      [role],
    );

  it('to anon there are none, not even to read', async () => {
    expect(await granted('anon')).toEqual([]);
    const sql = `select oid::regclass::text from pg_class where relnamespace in ${OURS} and relkind in ('r', 'p', 'v', 'm')
      and has_any_column_privilege('anon', oid, 'select')`;
    expect(await list(sql)).toEqual([]);
  });

  it('to signed-in users are by column, and these', async () => {
    expect(await granted('authenticated')).toEqual([
      'public.documents: insert (id, school_group_id, school_id, name, mime_type, size_bytes)',
      'public.profiles: update (first_name, last_name, locale)',
      'public.school_group_notes: insert (school_group_id, body)',
      'public.schools: insert (id, school_group_id, name, code, city, address)',
      'public.schools: update (name, code, city, address, status)',
      'public.staff: insert (id, school_group_id, school_id, first_name, last_name, job_title, email, phone)',
      'public.staff: update (school_id, first_name, last_name, job_title, email, phone, status)',
      'public.students: insert (id, school_group_id, school_id, first_name, last_name, registration_number, class_name, gender, birth_date)',
      'public.students: update (school_id, first_name, last_name, registration_number, class_name, gender, birth_date, status)',
      'public.subscriptions: update (plan_id)',
    ]);
  });

  it('to the platform’s back end are the customers’ rows and the state of a subscription', async () => {
    const rows = ['documents', 'profiles', 'schools', 'staff', 'students'];
    expect(await granted('service_role')).toEqual(
      [
        ...rows.flatMap((name) => ['delete', 'insert', 'update'].map((verb) => `public.${name}: ${verb}`)),
        'public.school_groups: insert',
        'public.school_groups: update',
        'public.subscriptions: update (plan_id, status)',
      ].toSorted(),
    );
  });

  it('reach no sequence and, in private, nothing but the columns behind usage_counters', async () => {
    for (const role of ['anon', 'authenticated', 'service_role']) {
      const sequences = `select s.seqrelid::regclass::text from pg_sequence s
        where has_sequence_privilege('${role}', s.seqrelid, 'usage, select, update')
          and s.seqrelid in (select oid from pg_class where relnamespace in ${OURS})`;
      const columns = `select c.relname || '.' || a.attname from pg_class c join pg_attribute a on a.attrelid = c.oid
        where c.relnamespace = 'private'::regnamespace and c.relkind = 'r' and not a.attisdropped
          and has_column_privilege('${role}', c.oid, a.attnum, 'select, insert, update')
        order by a.attnum`;
      const readable = role === 'anon' ? [] : ['group_states.school_group_id', 'group_states.used'];
      expect([await list(sequences), await list(columns)]).toEqual([[], readable]);
    }
  });
});
