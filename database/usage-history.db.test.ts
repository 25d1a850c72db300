/** Usage day by day: written by the writes themselves, no day missing, a year of it in megabytes. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { at, callAs, inDays, refusedAs } from '../tests/helpers/acting.ts';
import { createTestDatabase, type Actor, type TestDatabase } from '../tests/helpers/database.ts';
import { createAccount, createPlan, createTenant, type Tenant } from '../tests/helpers/tenants.ts';

let db: TestDatabase;
let superAdmin: Actor;
let plan: string;
let group: Tenant;
beforeAll(async () => {
  db = await createTestDatabase();
  superAdmin = await createAccount(db, { role: 'super_admin' });
});
afterAll(() => db.drop());
beforeEach(async () => {
  plan = await createPlan(db, { students: 100 });
  group = await createTenant(db, plan);
});

interface Day {
  day: string;
  usage: number[];
  limits: (number | null)[];
}
const PUPILS = 1;
const history = async (days: number, seenFrom = 0): Promise<Day[]> =>
  callAs<Day[]>(db, group.admin, 'get_usage_history(null, $1)', [days], inDays(seenFrom));
/** [usage, limit] of pupils, oldest day first. */
const pupils = async (days: number, seenFrom: number) =>
  (await history(days, seenFrom)).map(({ usage, limits }) => [usage[PUPILS], limits[PUPILS]]);
const addOn = (day: number, count: number) =>
  at(
    db,
    inDays(day),
    `insert into students (school_group_id, school_id, first_name, last_name) select $1, $2, 'A', 'B' from generate_series(1, $3::int)`,
    [group.id, group.school, count],
  );
const closeOn = async (day: number) =>
  (await at<{ n: number }>(db, inDays(day), 'select private.close_days() as n'))[0]?.n;
const rowsOf = async () =>
  (
    await db.query<{ used: number; limit: number | null }>(
      `select used::int, "limit"::int from usage_daily where school_group_id = $1 and resource = 'students' order by day`,
      [group.id],
    )
  ).rows.map(({ used, limit }) => [used, limit]);

describe('the history', () => {
  it('has every day, also those on which nothing happened', async () => {
    await addOn(0, 5);
    await addOn(0, 2);
    await addOn(3, 1);
    await addOn(6, 1);
    expect(await pupils(9, 7)).toEqual([
      [0, null],
      [7, 100],
      [7, 100],
      [7, 100],
      [8, 100],
      [8, 100],
      [8, 100],
      [9, 100],
      [9, 100],
    ]);
    const days = (await history(9, 7)).map(({ day }) => Date.parse(day));
    expect(days.slice(1).map((day, i) => day - (days[i] ?? 0))).toEqual(Array(8).fill(86_400_000));
  });

  it('costs one row a day of change, however many writes there were', async () => {
    for (const day of [0, 0, 0, 1, 1, 5]) await addOn(day, 2);
    expect(await rowsOf()).toEqual([
      [6, 100],
      [10, 100],
    ]);
  });

  it('keeps a limit that changed, by plan, override or fall, with the usage that met it', async () => {
    await addOn(0, 5);
    await at(db, inDays(1), 'update subscription_plans set max_students = 50 where slug = $1', [plan]);
    await callAs(db, superAdmin, `set_limit_override($1, 'students', 7, 'Accord')`, [group.id], inDays(2));
    await callAs(db, superAdmin, `set_subscription_status($1, 'cancelled', 'Fin')`, [group.id], inDays(3));
    await callAs(db, superAdmin, `set_limit_override($1, 'schools', 9, 'Accord')`, [group.id], inDays(4));
    expect(await pupils(5, 4)).toEqual([
      [5, 100],
      [5, 50],
      [5, 7],
      [5, 100],
      [5, 100],
    ]);
  });

  it('has its days in Brazzaville: what is written at 23:30 in London in winter is of the next day', async () => {
    const late = new Date(`${inDays(40).toISOString().slice(0, 10)}T23:30:00Z`);
    const [row] = await at<{ today: string; utc: string }>(
      db,
      late,
      `select private.today()::text as today, private.now()::date::text as utc`,
    );
    expect(Date.parse(row?.today ?? '') - Date.parse(late.toISOString().slice(0, 10))).toBe(86_400_000);
  });

  it('is read by the group’s admin and super admins, within bounds', async () => {
    expect(await callAs(db, superAdmin, 'get_usage_history($1, 3)', [group.id])).toHaveLength(3);
    expect(await callAs(db, group.admin, 'get_usage_history()')).toHaveLength(90);
    expect((await refusedAs(db, group.staff, 'get_usage_history()')).code).toBe('forbidden');
    for (const days of [0, 732, null]) {
      expect((await refusedAs(db, group.admin, 'get_usage_history(null, $1)', [days])).code).toBe(
        'invalid_request',
      );
    }
  });
});

describe('the nightly job', () => {
  it('writes the last day of quiet counters, once, and changes no history', async () => {
    await addOn(0, 5);
    const before = await pupils(4, 3);
    expect(await closeOn(0)).toBe(0);
    expect(await closeOn(1)).toBeGreaterThan(0);
    expect(await rowsOf()).toEqual([[5, 100]]);
    expect([await closeOn(1), await closeOn(3)]).toEqual([0, 0]);
    expect(await pupils(4, 3)).toEqual(before);
    await addOn(4, 1);
    expect(await rowsOf()).toEqual([[5, 100]]);
  });

  it('is corrected by a transaction that began before midnight and ended after it', async () => {
    await addOn(0, 5);
    await closeOn(1);
    await addOn(0, 2);
    expect(await pupils(2, 1)).toEqual([
      [7, 100],
      [7, 100],
    ]);
    await addOn(1, 1);
    expect(await rowsOf()).toEqual([[7, 100]]);
  });

  it('does not wait for writers, nor they for it', async () => {
    await addOn(0, 5);
    const writer = await db.connect();
    await writer.query('begin');
    await writer.query('select private.lock_group($1)', [group.id]);
    await closeOn(1);
    await writer.query('rollback');
    expect(await rowsOf()).toEqual([[5, 100]]);
  });
});

describe('a year of 3,500 groups', () => {
  it('is megabytes: every counter that changes on 200 days of school', async () => {
    await db.query(`create table public.year (like public.usage_daily including all)`);
    await db.query(
      `insert into public.year select gen_random_uuid(), r, date '2025-01-01' + d, 1000 + d, 2000
       from unnest(enum_range(null::public.resource)) r cross join generate_series(1, 200) d cross join generate_series(1, 25)`,
    );
    const { rows } = await db.query<{ bytes: string }>(
      `select pg_total_relation_size('public.year')::numeric / count(*) as bytes from public.year`,
    );
    await db.query('drop table public.year');
    const bytesARow = Number(rows[0]?.bytes);
    const megabytes = (bytesARow * 3500 * 4 * 200) / 1e6;
    process.stdout.write(
      `usage_daily: ${bytesARow.toFixed(0)} bytes a row with its index, ${megabytes.toFixed(0)} MB a year of 3,500 groups\n`,
    );
    expect(bytesARow).toBeLessThan(160);
  });
});
