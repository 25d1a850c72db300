/** Pure SQL helpers with a standard body: the one exception to a pinned search_path. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../tests/helpers/database.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.drop());

/**
 * Their names were resolved when they were made, so there is nothing to pin, and PostgreSQL puts their text into the
 * query that calls them. Splinter names them all the same (`function_search_path_mutable`).
 */
const STANDARD_BODIES = [
  'add_ons_in_force',
  'amount_text',
  'cell',
  'decide',
  'due_status',
  'first_that_is_no_text',
  'gains_and_losses',
  'has_own_modules',
  'in_force',
  'is_whole_number',
  'largest_document',
  'least_size',
  'limit_of',
  'merged_limits',
  'now',
  'overrides_in_force',
  'place_of',
  'plan_limits',
  'search_key',
  'status_ends_at',
  'time_of_grace',
  'time_to_pay',
  'today',
  'unix_ms',
  'upload_lease',
  'warning_level',
];

it('these functions, and no others, have a standard body', async () => {
  const { rows } = await db.query<{ name: string }>(
    `select distinct proname::text as name from pg_proc
     where pronamespace in ('public'::regnamespace, 'private'::regnamespace) and prosqlbody is not null order by 1`,
  );
  expect(rows.map(({ name }) => name)).toEqual(STANDARD_BODIES);
});

it('every pure SQL helper has one, without exception: no setting is pinned and unpinned at each call', async () => {
  const { rows } = await db.query(
    `select oid::regprocedure::text as name from pg_proc
     where pronamespace in ('public'::regnamespace, 'private'::regnamespace) and not prosecdef and provolatile <> 'v'
       and prolang = (select oid from pg_language where lanname = 'sql') and prosqlbody is null`,
  );
  expect(rows).toEqual([]);
});

it('they are private, write nothing, and have no more rights than their caller', async () => {
  const { rows } = await db.query(
    `select oid::regprocedure::text as name from pg_proc where prosqlbody is not null and proname = any ($1)
       and (prosecdef or provolatile = 'v' or pronamespace <> 'private'::regnamespace)`,
    [STANDARD_BODIES],
  );
  expect(rows).toEqual([]);
});

it('what is in force names none of them: PostgreSQL puts their text into the view', async () => {
  const { rows } = await db.query<{ line: string }>(
    'explain (verbose) select * from private.effective_entitlements',
  );
  const called = rows.flatMap((row) => Object.values(row)[0]?.match(/private\.\w+(?=\()/g) ?? []);
  expect([...new Set(called)]).toEqual([]);
});
