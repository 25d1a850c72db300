/**
 * What splinter, Supabase's database linter, would say of this database, asked of PostgreSQL's catalogue; each test names
 * the rules it stands for. `law.db.test.ts` holds the rest: `unindexed_foreign_keys`, `auth_rls_initplan`,
 * `multiple_permissive_policies`, `security_definer_view`, `rls_disabled_in_public`, `policy_exists_rls_disabled` and
 * `anon_security_definer_function_executable`.
 *
 * Four rules name something here and are right to do so. `function_search_path_mutable`: the helpers of
 * `standard-bodies.db.test.ts`, which have nothing to pin. `rls_enabled_no_policy` and
 * `authenticated_security_definer_function_executable`: see below. `unused_index`: every index of a database that
 * nobody has asked anything yet.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../tests/helpers/database.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.drop());

/** The first column of each row of a query that lists offenders. */
async function list(sql: string): Promise<unknown[]> {
  const { rows } = await db.query(sql);
  return rows.map((row) => Object.values(row)[0] as unknown);
}
const OURS = `('public'::regnamespace, 'private'::regnamespace)`;

it('every table has a primary key, without which no change of a row can be replicated (no_primary_key)', async () => {
  const sql = `select oid::regclass::text from pg_class c where relnamespace in ${OURS} and relkind in ('r', 'p')
    and not exists (select from pg_index i where i.indrelid = c.oid and i.indisprimary)`;
  expect(await list(sql)).toEqual([]);
});

it('no index does what another does: the same columns, or the first of them (duplicate_index)', async () => {
  // Collation, operators and order are compared too: names in French order are another index than unique names.
  const sql = `
    with plain as (
      select i.*, i.indkey::int2[] as columns, i.indclass::oid[] as classes, i.indcollation::oid[] as collations,
        i.indoption::int2[] as options
      from pg_index i join pg_class c on c.oid = i.indrelid
      where c.relnamespace in ${OURS} and i.indexprs is null
    )
    select a.indexrelid::regclass || ' is the beginning of ' || b.indexrelid::regclass
    from plain a join plain b using (indrelid)
    where a.indexrelid <> b.indexrelid and not a.indisunique and a.indnatts = a.indnkeyatts
      and pg_get_expr(a.indpred, a.indrelid) is not distinct from pg_get_expr(b.indpred, b.indrelid)
      and (b.columns)[0:a.indnkeyatts - 1] = a.columns and (b.classes)[0:a.indnkeyatts - 1] = a.classes
      and (b.collations)[0:a.indnkeyatts - 1] = a.collations and (b.options)[0:a.indnkeyatts - 1] = a.options`;
  expect(await list(sql)).toEqual([]);
});

it('tables without a policy are those that only functions read (rls_enabled_no_policy)', async () => {
  const sql = `select oid::regclass::text from pg_class c where relnamespace in ${OURS} and relkind in ('r', 'p')
    and not exists (select from pg_policy p where p.polrelid = c.oid) order by 1`;
  expect(await list(sql)).toEqual([
    'private.daily_acts',
    'private.notification_kinds',
    'private.platform',
    'private.subscription_transitions',
    'private.uploads',
    'private.usage_marks',
  ]);
});

it('no policy lets everybody write, or believes what users write of themselves (rls_policy_always_true, rls_references_user_metadata)', async () => {
  const sql = `select tablename || ': ' || policyname from pg_policies
    where schemaname in ('public', 'private', 'storage', 'realtime') and (
      concat(qual, with_check) ~ 'user_metadata'
      or cmd <> 'SELECT' and 'true' in (btrim(qual, '() '), btrim(with_check, '() ')))`;
  expect(await list(sql)).toEqual([]);
});

it('the API shows no view of accounts, and nothing to which policies do not apply (auth_users_exposed, materialized_view_in_api, foreign_table_in_api)', async () => {
  const accounts = `select distinct r.ev_class::regclass::text from pg_depend d join pg_rewrite r on r.oid = d.objid
    join pg_class c on c.oid = r.ev_class
    where d.classid = 'pg_rewrite'::regclass and d.refobjid = 'auth.users'::regclass and c.relnamespace in ${OURS}`;
  const unruled = `select oid::regclass::text from pg_class where relnamespace in ${OURS} and relkind in ('m', 'f')`;
  expect([await list(accounts), await list(unruled)]).toEqual([[], []]);
});

it('one account is one profile: a key that refers to auth.users is unique (fkey_to_auth_unique)', async () => {
  const sql = `select c.conrelid::regclass || ' ' || c.conname from pg_constraint c
    where c.contype = 'f' and c.confrelid = 'auth.users'::regclass and c.connamespace in ${OURS} and not exists (
      select from pg_index i where i.indrelid = c.conrelid and i.indisunique and i.indpred is null
        and i.indkey::int2[] <@ c.conkey)`;
  expect(await list(sql)).toEqual([]);
});

it('no column is of a type that an upgrade of PostgreSQL refuses (unsupported_reg_types)', async () => {
  const sql = `select attrelid::regclass || '.' || attname from pg_attribute a join pg_class c on c.oid = a.attrelid
    where c.relnamespace in ${OURS} and c.relkind in ('r', 'p') and a.attnum > 0 and a.atttypid::regtype::text like 'reg%'`;
  expect(await list(sql)).toEqual([]);
});

it('the migrations add no extension to public, and no bucket that the world may list (extension_in_public, public_bucket_allows_listing)', async () => {
  const extensions = `select extname::text from pg_extension where extnamespace in ${OURS}`;
  const buckets = `select id from storage.buckets where public`;
  expect([await list(extensions), await list(buckets)]).toEqual([[], []]);
});

it('each definer function that a signed-in user may call asks who calls, itself or through a helper (authenticated_security_definer_function_executable)', async () => {
  const sql = `
    with recursive asking as (
      select oid, proname from pg_proc where pronamespace = 'private'::regnamespace
        and (prosrc ~ 'auth\\.(uid|role|jwt)\\(\\)' or proname ~ '^(require_signed_in|my_|is_super_admin|is_member)')
      union
      select p.oid, p.proname from asking a join pg_proc p
        on p.pronamespace in ${OURS} and p.prosrc ~ ('private\\.' || a.proname || '\\(')
    )
    select p.oid::regprocedure::text from pg_proc p
    where p.pronamespace = 'public'::regnamespace and p.prosecdef
      and has_function_privilege('authenticated', p.oid, 'execute')
      and p.prosrc !~ 'auth\\.(uid|role|jwt)\\(\\)' and p.oid not in (select oid from asking)`;
  expect(await list(sql)).toEqual([]);
});
