/** The law of the resources: each is named where it is counted, and nowhere else in the counting. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../tests/helpers/database.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.drop());

describe('the resources', () => {
  it('are counted by one function, each on one table, after whatever changes its rows', async () => {
    const { rows } = await db.query(
      `select r.resource::text, count(distinct t.tgrelid)::int as tables,
              array_agg(distinct t.tgname::text) as triggers, array_agg(distinct t.tgfoid::regproc::text) as functions,
              bool_and(exists (select from pg_attribute a where a.attrelid = t.tgrelid and a.attname = 'counts'
                               and a.attgenerated = 's' and a.attnotnull)) as generated
       from unnest(enum_range(null::public.resource)) r (resource)
       left join pg_trigger t on t.tgname like 'count\\_%' and t.tgenabled = 'O'
         and split_part(encode(t.tgargs, 'escape'), '\\000', 1) = r.resource::text
       group by 1 order by 1`,
    );
    const triggers = ['count_delete', 'count_insert', 'count_truncate', 'count_update'];
    expect(rows).toEqual(
      ['schools', 'staff', 'storage', 'students'].map((resource) => ({
        resource,
        tables: 1,
        triggers,
        functions: ['private.tg_count_usage'],
        generated: true,
      })),
    );
  });

  it('have a place in every array of a group’s state', async () => {
    const sql = `select column_name::text from information_schema.columns
      where table_schema = 'private' and table_name = 'group_states' and data_type = 'ARRAY'
        and column_default not like '%enum_range(NULL::resource)%' and column_default not like '%enum_range(NULL::public.resource)%'`;
    expect((await db.query(sql)).rows).toEqual([]);
  });

  it('are counted in columns that nobody writes', async () => {
    const sql = `select table_name || ' to ' || grantee from information_schema.column_privileges
      where column_name = 'counts' and grantee = 'authenticated' and privilege_type in ('INSERT', 'UPDATE')`;
    expect((await db.query(sql)).rows).toEqual([]);
  });
});
