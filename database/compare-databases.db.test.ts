/** `npm run compare-databases` proves that a change of the migrations changes nothing else; here it is proven itself. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compareDescriptions } from '../scripts/compare-descriptions.ts';
import { describeDatabase, wordsOf, type Description } from '../scripts/describe-database.ts';
import { withClient } from '../scripts/throwaway-cluster.ts';
import { createTestDatabase, type TestDatabase } from '../tests/helpers/database.ts';

const databases: TestDatabase[] = [];
let before: Description;

async function describeAfter(sql: string): Promise<Description> {
  const database = await createTestDatabase();
  databases.push(database);
  if (sql !== '') await database.query(sql);
  return withClient(database.adminUrl, describeDatabase);
}

beforeAll(async () => {
  before = await describeAfter('');
});
afterAll(() => Promise.all(databases.map((database) => database.drop())));

it('a database equals another that the same migrations made', async () => {
  expect(before.size).toBeGreaterThan(500);
  expect(compareDescriptions(before, await describeAfter(''))).toEqual({ differences: [], moved: [] });
});

describe('a difference is named', () => {
  it.each([
    [
      'the body of a function',
      `create or replace function private.place_of(p_resource public.resource) returns int
      language sql immutable parallel safe set search_path = '' as $$ select 1 $$`,
      '± function private.place_of(public.resource)',
    ],
    [
      'the comment of a function',
      `comment on function private.today() is 'Today.'`,
      '± function private.today()',
    ],
    [
      'a right on a function',
      'grant execute on function private.today() to anon',
      '± function private.today()',
    ],
    [
      'a function more',
      `create function private.more() returns int language sql as 'select 1'`,
      '+ function private.more()',
    ],
    [
      'a policy',
      `alter policy "group members see the schools" on public.schools using (true)`,
      `± policy 'group members see the schools' on public.schools`,
    ],
    [
      'a policy less',
      `drop policy "documents: remove one's group's" on storage.objects`,
      `- policy 'documents: remove one''s group''s' on storage.objects`,
    ],
    ['a right on a table', 'grant delete on public.schools to authenticated', '± table public.schools'],
    [
      'a right on a column',
      'grant update (code) on public.school_groups to authenticated',
      '± column public.school_groups.code',
    ],
    ['a right on a schema', 'grant usage on schema private to anon', '± schema private'],
    [
      'a right on a sequence',
      'grant usage on sequence public.refusals_id_seq to anon',
      '± sequence public.refusals_id_seq',
    ],
    [
      'a default right',
      'alter default privileges for role postgres in schema public grant select on tables to anon',
      '± default rights postgres public r',
    ],
    [
      'row-level security',
      'alter table private.daily_acts disable row level security',
      '± table private.daily_acts',
    ],
    [
      'a trigger',
      'alter table public.schools disable trigger count_insert',
      '± trigger count_insert on public.schools',
    ],
    [
      'a trigger less',
      'drop trigger kept on public.entitlement_overrides',
      '- trigger kept on public.entitlement_overrides',
    ],
    [
      'a constraint',
      `alter table public.profiles drop constraint profiles_status_check,
      add constraint profiles_status_check check (status <> '')`,
      '± constraint public.profiles profiles_status_check',
    ],
    ['an index', 'drop index public.refusals_group_idx', '- index public.refusals_group_idx'],
    [
      'the default of a column',
      `alter table public.schools alter column city set default 'Ouesso'`,
      '± column public.schools.city',
    ],
    ['a view', 'alter view public.usage_counters reset (security_invoker)', '± view public.usage_counters'],
    ['an enum', `alter type public.resource add value 'sms'`, '± type public.resource'],
    [
      'a publication',
      'alter publication supabase_realtime add table public.schools',
      '± publication supabase_realtime',
    ],
    [
      'a plan',
      `update public.subscription_plans set price_xaf = 1 where slug = 'pro'`,
      '± row of public.subscription_plans pro',
    ],
    [
      'a step of a subscription',
      `delete from private.subscription_transitions where to_status = 'trial' and from_status = 'active'`,
      '- row of private.subscription_transitions active trial',
    ],
  ])('%s', async (_what, sql, name) => {
    const { differences } = compareDescriptions(before, await describeAfter(sql));
    expect(differences.map((difference) => difference.split('\n')[0])).toContain(name);
  });

  it('with the words that changed', () => {
    const a = new Map([['function f()', 'returns the first of two']]);
    const b = new Map([['function f()', 'returns the last of two']]);
    expect(compareDescriptions(a, b).differences).toEqual([
      '± function f()\n    - returns the first of two\n    + returns the last of two',
    ]);
  });
});

describe('no difference is', () => {
  it('a column that stands at another place of its table: it is named apart', async () => {
    const after = await describeAfter(`
      alter table public.schools add column moved text; alter table public.schools add column last text`);
    const other = await describeAfter(`
      alter table public.schools add column last text; alter table public.schools add column moved text`);
    const { differences, moved } = compareDescriptions(after, other);
    expect([differences, moved.length]).toEqual([[], 1]);
    expect(moved[0]).toContain('~ column order public.schools');
  });

  it('how the lines of a function are broken, nor what its comments say', async () => {
    const after = await describeAfter(`create or replace function private.second_factor_given()
      returns boolean language sql stable security definer set search_path = '' as $$
        -- Or has none to give.
        select coalesce(auth.jwt() ->> 'aal' = 'aal2', false)
          or not exists (select 1 from auth.mfa_factors where user_id = auth.uid()
                         and status = 'veri'
                                      'fied');
      $$`);
    expect(compareDescriptions(before, after).differences).toEqual([]);
  });

  it('but a space inside a literal is', () => {
    expect(wordsOf(`select 'a  b' -- it's one\n, "c  d"`)).toBe(`select 'a  b' , "c  d"`);
    expect(wordsOf(`select 'a '\n 'b'`)).toBe(`select 'a b'`);
    expect(wordsOf(`select 'it''s'`)).toBe(`select 'it''s'`);
    expect(wordsOf(`a->>'b'`)).not.toBe(wordsOf(`a->'b'`));
  });
});
