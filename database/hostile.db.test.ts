/** I6: what a hostile account tries with the rights it has: other ids, other columns, other people’s rows. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type pg from 'pg';
import { attempt, createCast, type Attempt, type Caller, type Cast } from '../tests/helpers/cast.ts';
import { createTestDatabase, type TestDatabase } from '../tests/helpers/database.ts';
import { add, idOf } from '../tests/helpers/tenants.ts';

let db: TestDatabase;
let client: pg.Client;
let cast: Cast;
/** Values that a statement names as `:group`, `:foreign`, `:school`, `:foreignSchool`, … */
let names: Record<string, string>;
beforeAll(async () => {
  db = await createTestDatabase();
  client = await db.connect();
  cast = await createCast(db);
  const { group, foreign, actors } = cast;
  for (const tenant of [group, foreign]) {
    for (const resource of ['students', 'staff', 'storage'] as const) await add(db, tenant, resource);
  }
  const first = (table: string, tenant: string): Promise<string> =>
    idOf(db, `select id from public.${table} where school_group_id = $1 limit 1`, [tenant]);
  names = {
    group: group.id,
    foreign: foreign.id,
    school: group.school,
    foreignSchool: foreign.school,
    pupil: await first('students', group.id),
    foreignPupil: await first('students', foreign.id),
    foreignDocument: await first('documents', foreign.id),
    admin: group.admin.sub ?? '',
    staff: group.staff.sub ?? '',
    foreignAdmin: foreign.admin.sub ?? '',
    disabled: actors['disabled admin'].sub ?? '',
  };
});
afterAll(() => db.drop());

const as = (caller: Caller, sql: string): Promise<Attempt> =>
  attempt(
    client,
    cast.actors[caller],
    sql.replaceAll(/:(\w+)\b(?<!::\w+)/g, (whole, name: string) =>
      names[name] ? `'${names[name]}'` : whole,
    ),
  );

const DENIED = { done: false, sqlstate: '42501' };
/** The counters are a view that only the triggers' own table stands behind. */
const READ_ONLY = { done: false, sqlstate: '55000' };
const NO_SUCH_SCHOOL = { done: false, sqlstate: '23503' };
const UNTOUCHED = { done: true, count: 0 };
const DONE = { done: true, count: 1 };

describe('a group admin', () => {
  it.each([
    ['creates a school', `insert into schools (school_group_id, name) values (:group, 'Nouvelle')`],
    [
      'creates one with an id of their own choice',
      `insert into schools (id, school_group_id, name) values (gen_random_uuid(), :group, 'N1')`,
    ],
    [
      'renames and archives their school',
      `update schools set name = 'Autre', status = 'archived' where id = :school`,
    ],
    [
      'enrols a pupil',
      `insert into students (school_group_id, school_id, first_name, last_name) values (:group, :school, 'A', 'B')`,
    ],
    ['deactivates a pupil', `update students set status = 'inactive' where id = :pupil`],
    [
      'claims a document for the whole group',
      `insert into documents (school_group_id, name, size_bytes) values (:group, 'Pièce', 10)`,
    ],
    [
      'edits their own name and language',
      `update profiles set first_name = 'A', last_name = 'B', locale = 'en' where id = :admin`,
    ],
  ])('%s', async (_what, sql) => {
    expect(await as('group admin', sql)).toMatchObject(DONE);
  });

  it.each([
    [
      'a school of another group',
      `insert into schools (school_group_id, name) values (:foreign, 'Intruse')`,
      DENIED,
    ],
    [
      'an archived school, past the count',
      `insert into schools (school_group_id, name, status) values (:group, 'Cachée', 'archived')`,
      DENIED,
    ],
    [
      'a school of yesterday',
      `insert into schools (school_group_id, name, created_at) values (:group, 'Vieille', '2020-01-01')`,
      DENIED,
    ],
    [
      'a pupil in another group',
      `insert into students (school_group_id, school_id, first_name, last_name) values (:foreign, :foreignSchool, 'A', 'B')`,
      DENIED,
    ],
    [
      'a pupil in a school of another group',
      `insert into students (school_group_id, school_id, first_name, last_name) values (:group, :foreignSchool, 'A', 'B')`,
      NO_SUCH_SCHOOL,
    ],
    [
      'an inactive pupil, past the count',
      `insert into students (school_group_id, school_id, first_name, last_name, status) values (:group, :school, 'A', 'B', 'inactive')`,
      DENIED,
    ],
    [
      'a member of staff in another group',
      `insert into staff (school_group_id, school_id, first_name, last_name) values (:foreign, :foreignSchool, 'A', 'B')`,
      DENIED,
    ],
    [
      'a document in another group',
      `insert into documents (school_group_id, name, size_bytes) values (:foreign, 'Pièce', 1)`,
      DENIED,
    ],
    [
      'a document in somebody else’s name',
      `insert into documents (school_group_id, name, size_bytes, uploaded_by) values (:group, 'Pièce', 1, :foreignAdmin)`,
      DENIED,
    ],
    [
      'a document of less than nothing',
      `insert into documents (school_group_id, name, size_bytes) values (:group, 'Pièce', -5)`,
      { done: false, sqlstate: '23514' },
    ],
    ['a group', `insert into school_groups (name) values ('Mon groupe')`, DENIED],
    ['a profile', `insert into profiles (id, role) values (gen_random_uuid(), 'super_admin')`, DENIED],
    [
      'a usage counter',
      `insert into usage_counters (school_group_id, resource) values (:group, 'schools')`,
      READ_ONLY,
    ],
    ['a group’s state', `insert into private.group_states (school_group_id) values (:group)`, DENIED],
    [
      'a plan',
      `insert into subscription_plans (slug, name, rank, price_xaf) values ('a-moi', 'À moi', 9, 0)`,
      DENIED,
    ],
  ])('does not create %s', async (_what, sql, expected) => {
    expect(await as('group admin', sql)).toMatchObject(expected);
  });

  it.each([
    [
      'move a school to another group',
      `update schools set school_group_id = :foreign where id = :school`,
      DENIED,
    ],
    [
      'move a pupil to another group',
      `update students set school_group_id = :foreign, school_id = :foreignSchool where id = :pupil`,
      DENIED,
    ],
    [
      'move a pupil into a school of another group',
      `update students set school_id = :foreignSchool where id = :pupil`,
      NO_SUCH_SCHOOL,
    ],
    [
      'edit a school of another group',
      `update schools set name = 'À moi' where id = :foreignSchool`,
      UNTOUCHED,
    ],
    [
      'archive every school there is, save their own',
      `update schools set status = 'archived' where school_group_id <> :group`,
      UNTOUCHED,
    ],
    [
      'edit a pupil of another group',
      `update students set status = 'inactive' where id = :foreignPupil`,
      UNTOUCHED,
    ],
    ['delete a document of another group', `delete from documents where id = :foreignDocument`, DENIED],
    ['shrink a document on paper', `update documents set size_bytes = 1`, DENIED],
    ['delete a school', `delete from schools where id = :school`, DENIED],
    [
      'change their own plan at the table',
      `update subscriptions set plan_id = (select id from subscription_plans where slug = 'pro')`,
      UNTOUCHED,
    ],
    [
      'become super admin',
      `update profiles set role = 'super_admin', school_group_id = null where id = :admin`,
      DENIED,
    ],
    ['change group', `update profiles set school_group_id = :foreign where id = :admin`, DENIED],
    ['enable a disabled account', `update profiles set status = 'active' where id = :disabled`, DENIED],
    ['rename a colleague', `update profiles set first_name = 'Zut' where id = :staff`, UNTOUCHED],
    ['rename their group', `update school_groups set name = 'À moi'`, DENIED],
    ['lower a counter', `update usage_counters set used = 0`, READ_ONLY],
    ['lower the counters', `update private.group_states set used = '{0,0,0,0}'`, DENIED],
    ['raise a limit', `update subscription_plans set max_schools = null`, DENIED],
    [
      'open a module',
      `insert into plan_modules select p.id, m.id from subscription_plans p, modules m`,
      DENIED,
    ],
  ])('does not %s', async (_what, sql, expected) => {
    expect(await as('group admin', sql)).toMatchObject(expected);
  });

  it.each([
    ['schools', `insert into schools (id, school_group_id, name) values (:foreignSchool, :group, 'Prise')`],
    [
      'students',
      `insert into students (id, school_group_id, school_id, first_name, last_name) values (:foreignPupil, :group, :school, 'A', 'B')`,
    ],
  ])('takes no row of another group by an upsert on its id: %s', async (_table, insert) => {
    const column = insert.startsWith('insert into schools') ? 'name' : 'first_name';
    const upsert = `${insert} on conflict (id) do update set ${column} = excluded.${column}`;
    expect(await as('group admin', upsert)).toMatchObject(DENIED);
    expect(await as('group admin', insert)).toMatchObject({ done: false, sqlstate: '23505' });
    expect(await as('group admin', `${insert} on conflict do nothing`)).toMatchObject(UNTOUCHED);
  });

  it('reads no row of another group through a returning clause, a join or a lock', async () => {
    const quiet = `update schools set name = name where id = :foreignSchool returning *`;
    expect(await as('group admin', quiet)).toMatchObject(UNTOUCHED);
    expect(
      await as('group admin', `select * from schools where id = :foreignSchool for update`),
    ).toMatchObject(UNTOUCHED);
    const joined = `select s.name from plan_modules p full join schools s on true where s.school_group_id = :foreign`;
    expect(await as('group admin', joined)).toMatchObject(UNTOUCHED);
  });
});

describe('accounts with less', () => {
  it.each([
    [`insert into schools (school_group_id, name) values (:group, 'Intruse')`, DENIED],
    [
      `insert into students (school_group_id, school_id, first_name, last_name) values (:group, :school, 'A', 'B')`,
      DENIED,
    ],
    [`insert into documents (school_group_id, name, size_bytes) values (:group, 'Pièce', 1)`, DENIED],
    [`update schools set name = 'Intruse'`, UNTOUCHED],
    [`update students set status = 'inactive'`, UNTOUCHED],
    [`delete from documents`, DENIED],
    [`insert into notification_reads (notification_id) select 1`, DENIED],
  ])('neither school staff, nor a disabled admin, nor a stranger: %s', async (sql, expected) => {
    for (const caller of ['school staff', 'disabled admin', 'stranger'] as const) {
      expect([caller, await as(caller, sql)]).toMatchObject([caller, expected]);
    }
  });

  it('school staff edit their own name, a disabled account nothing, and nobody role, group, school or state', async () => {
    const rename = (name: string): string => `update profiles set first_name = 'Zoé' where id = :${name}`;
    expect(await as('school staff', rename('staff'))).toMatchObject(DONE);
    expect(await as('disabled admin', rename('disabled'))).toMatchObject(UNTOUCHED);
    for (const change of [
      `role = 'admin_groupe'`,
      'school_id = null',
      `status = 'active'`,
      'id = gen_random_uuid()',
    ]) {
      expect(await as('school staff', `update profiles set ${change} where id = :staff`)).toMatchObject(
        DENIED,
      );
    }
  });

  it('a super admin governs plans, not the rows of a group', async () => {
    const school = `insert into schools (school_group_id, name) values (:group, 'Imposée')`;
    expect(await as('super admin', school)).toMatchObject(DENIED);
    expect(await as('super admin', `update students set status = 'inactive'`)).toMatchObject(UNTOUCHED);
    expect(await as('super admin', `update subscription_plans set max_schools = 1`)).toMatchObject(DENIED);
    expect(await as('super admin', `delete from audit_log`)).toMatchObject(DENIED);
  });
});
