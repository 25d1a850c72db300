/** The large data set, at a small size: the same each time, true in every counter, and like the platform it stands for. */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callAs } from '../tests/helpers/acting.ts';
import { createTestDatabase, type TestDatabase } from '../tests/helpers/database.ts';
import { createAccount } from '../tests/helpers/tenants.ts';
import { applySeeds } from '../server/seed.ts';
import { type DatasetOptions, loadDataset, loadHistory } from './dataset/load.ts';

const SMALL = { groups: 200, students: 5_000, seed: 7 };
/** Sunday of a school year; a day that stands still. */
const NOW = '2026-03-01T10:00:00Z';
const TODAY = '2026-03-01';

async function inTransaction(db: TestDatabase, act: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = await db.connect();
  await client.query(`select set_config('epilot.now', $1, false)`, [NOW]);
  await client.query('begin');
  await act(client);
  await client.query('commit');
  await client.end();
}

async function createLoaded(options: Partial<DatasetOptions>): Promise<TestDatabase> {
  const db = await createTestDatabase();
  await inTransaction(db, (client) => loadDataset(client, options));
  return db;
}

let db: TestDatabase;
beforeAll(async () => {
  db = await createLoaded(SMALL);
});
afterAll(() => db.drop());

/** One value of each row. */
async function column<Value>(sql: string, parameters: unknown[] = []): Promise<Value[]> {
  const { rows } = await db.query<{ it: Value }>(sql, parameters);
  return rows.map((row) => row.it);
}

/** What a database holds, without what the clock or chance gives to any row that is written. */
async function contentsOf(database: TestDatabase): Promise<Record<string, string>> {
  const ignored = '{created_at,updated_at,published_at}';
  const tables = [
    ...['school_groups', 'schools', 'students', 'staff', 'documents', 'profiles', 'usage_daily'],
    ...['entitlement_overrides'],
  ];
  const contents: Record<string, string> = {};
  for (const table of tables) {
    const { rows } = await database.query<{ digest: string }>(
      `select count(*) || ' rows ' || md5(string_agg(x.it, E'\n' order by x.it)) as digest
       from (select (to_jsonb(t) - $1::text[])::text as it from public.${table} t) x`,
      [ignored],
    );
    contents[table] = rows[0]?.digest ?? '';
  }
  const { rows } = await database.query<{ digest: string }>(
    `select md5(string_agg(concat_ws(' ', school_group_id, plan_id, status, started_at, current_period_end, trial_ends_at,
       past_due_until, grace_ends_at), E'\n' order by school_group_id)) as digest from public.subscriptions`,
  );
  return { ...contents, subscriptions: rows[0]?.digest ?? '' };
}

describe('a seed', () => {
  it('gives the same data each time', async () => {
    const again = await createLoaded(SMALL);
    try {
      expect(await contentsOf(again)).toEqual(await contentsOf(db));
    } finally {
      await again.drop();
    }
  });

  it('gives other data than another seed', async () => {
    const other = await createLoaded({ ...SMALL, seed: 8 });
    try {
      const [ours, theirs] = [await contentsOf(db), await contentsOf(other)];
      for (const table of Object.keys(ours)) expect([table, theirs[table]]).not.toEqual([table, ours[table]]);
    } finally {
      await other.drop();
    }
  });

  it.each([{ groups: 0 }, { students: -1 }, { seed: 1.5 }, { days: Number.NaN }])(
    'is refused with %j',
    async (options) => {
      await expect(inTransaction(db, (client) => loadDataset(client, options))).rejects.toThrow(RangeError);
    },
  );
});

describe('the data', () => {
  it('counts true (I2), and sent each group one message', async () => {
    expect(await callAs(db, await createAccount(db, { role: 'super_admin' }), 'verify_usage()')).toEqual([]);
    expect(
      await column(
        `select count(*)::int as it from realtime.messages where topic like 'group:%' and event = 'plan_changed' group by topic having count(*) > 1`,
      ),
    ).toEqual([]);
    expect(
      await column(
        `select count(distinct topic)::int as it from realtime.messages where event = 'plan_changed'`,
      ),
    ).toEqual([SMALL.groups]);
  });

  it('has all students that were asked for, most of them in a few groups', async () => {
    const sizes = await column<number>(
      `select count(s.id)::int as it from school_groups g left join students s on s.school_group_id = g.id group by g.id order by 1 desc`,
    );
    const sum = (values: number[]): number => values.reduce((total, size) => total + size, 0);
    expect([sizes.length, sum(sizes)]).toEqual([SMALL.groups, SMALL.students]);
    expect(sum(sizes.slice(0, SMALL.groups / 10))).toBeGreaterThan(SMALL.students / 2);
    expect(sizes[0]).toBeGreaterThan(20 * (sizes[SMALL.groups / 2] as number));
  });

  it('has groups in every state and subscriptions in every status', async () => {
    const states = await column<string>(`select distinct state as it from school_group_usage`);
    expect(states).toEqual(expect.arrayContaining(['ok', 'warning', 'blocked', 'over_limit']));
    const statuses = await column<string>(`select distinct status::text as it from subscriptions`);
    expect(statuses.toSorted()).toEqual(
      ['active', 'cancelled', 'expired', 'grace', 'past_due', 'suspended', 'trial'].toSorted(),
    );
  });

  it('has nobody above a limit who did not come down to it', async () => {
    const above = await column<string>(
      `select distinct g.name as it from school_group_usage u join school_groups g on g.id = u.school_group_id
       join private.effective_entitlements e on e.school_group_id = g.id
       where u.state = 'over_limit' and e.fallback_reason is null
         and not exists (select from subscription_events v where v.school_group_id = g.id and v.reason = 'Passage à un plan inférieur')`,
    );
    expect(above).toEqual([]);
  });

  it('is due for nothing: no date has passed that would act', async () => {
    const client = await db.connect();
    await client.query(`select set_config('epilot.now', $1, false)`, [NOW]);
    const { rows } = await client.query('select private.run_due_jobs() as it');
    await client.end();
    expect(rows).toEqual([{ it: { subscriptions: 0, scheduled_changes: 0, overrides: 0, add_ons: 0 } }]);
  });

  it('is listed to a super admin by the very states that the view of usage tells', async () => {
    const superAdmin = await createAccount(db, { role: 'super_admin' });
    const { rows } = await db.query<{ state: string; total: number }>(
      `select case worst when 1 then 'near' when 2 then 'blocked' else 'over_limit' end as state, count(*)::int as total
       from (select max(coalesce(array_position(array['warning', 'blocked', 'over_limit'], state), 0)) as worst
             from school_group_usage group by school_group_id) w
       where worst > 0 group by worst`,
    );
    expect(rows).toHaveLength(3);
    for (const { state, total } of rows) {
      const list = await callAs<{ total: number; groups: { state: string }[] }>(
        db,
        superAdmin,
        'list_school_groups(p_state => $1)',
        [state],
      );
      expect([state, list.total]).toEqual([state, total]);
    }
  });

  it('lets the admin of a group in', async () => {
    const { rows } = await db.query<{ sub: string; group: string }>(
      `select id as sub, school_group_id as "group" from profiles where role = 'admin_groupe' limit 1`,
    );
    expect(await callAs(db, { sub: rows[0]?.sub ?? '' }, 'get_entitlements()')).toMatchObject({
      school_group_id: rows[0]?.group,
    });
  });
});

describe('the history', () => {
  it('reaches from a year ago, or from the day the group came, to yesterday, within the limits of its time', async () => {
    const { rows } = await db.query(
      `select count(*) filter (where h.day >= $1::date)::int as future, count(*) filter (where h.day < $1::date - 365)::int as old,
         count(*) filter (where h.day < (g.created_at at time zone 'Africa/Brazzaville')::date)::int as unborn,
         count(*) filter (where h.used > h."limit")::int as above, count(distinct (h.school_group_id, h.resource))::int as counters
       from usage_daily h join school_groups g on g.id = h.school_group_id`,
      [TODAY],
    );
    expect(rows).toEqual([{ future: 0, old: 0, unborn: 0, above: 0, counters: 4 * SMALL.groups }]);
  });

  it('has a row only where something changed, and ends at what the counter says', async () => {
    expect(
      await column(
        `select 1 as it from (select used, lag(used) over (partition by school_group_id, resource order by day) as before from usage_daily) h
         where used = before`,
      ),
    ).toEqual([]);
    expect(
      await column(
        `select distinct c.resource::text as it from usage_counters c
         join lateral (select used from usage_daily h where h.school_group_id = c.school_group_id and h.resource = c.resource
                       order by day desc limit 1) last on last.used <> c.used`,
      ),
    ).toEqual([]);
  });

  it('is drawn without a gap: every day of the year since the group came', async () => {
    const groups = await db.query<{ id: string; admin: string; age: number }>(
      `select g.id, p.id as admin, $1::date - (g.created_at at time zone 'Africa/Brazzaville')::date as age
       from school_groups g join profiles p on p.school_group_id = g.id and p.role = 'admin_groupe' order by g.code limit 10`,
      [TODAY],
    );
    for (const { admin, age } of groups.rows) {
      const days = await callAs<{ day: string; usage: number[]; limits: (number | null)[] }[]>(
        db,
        { sub: admin },
        'get_usage_history(null, 366)',
        [],
        new Date(NOW),
      );
      expect(days.map(({ limits }) => limits[0] !== null)).toEqual(
        days.map((_, index) => index >= 365 - age),
      );
    }
  });

  it('is given once: a group that has a past keeps it', async () => {
    const before = await contentsOf(db);
    await inTransaction(db, (client) => loadHistory(client, { seed: 9 }));
    expect(await contentsOf(db)).toEqual(before);
  });

  it('belongs to the demo data, too', async () => {
    const demo = await createTestDatabase({ seeds: true });
    try {
      const { rows } = await demo.query<{ counters: number; days: number }>(
        `select count(distinct (school_group_id, resource))::int as counters, private.today() - min(day) as days from usage_daily`,
      );
      expect(rows).toEqual([{ counters: 4 * 40, days: expect.any(Number) }]);
      // The seeds may have been laid down the day before.
      expect([365, 366]).toContain(rows[0]?.days);
    } finally {
      await demo.drop();
    }
  });
});

describe('the demo data', () => {
  it('takes the large data set in, once', async () => {
    const demo = await createTestDatabase();
    try {
      expect(await applySeeds(demo.url, 1_000)).toBe(true);
      expect(await applySeeds(demo.url, 1_000)).toBe(false);
      const { rows } = await demo.query(
        `select count(*)::int as groups, count(*) filter (where name = 'LAMARELLE')::int as lamarelle,
           (select count(distinct school_group_id)::int from usage_daily) as with_past from school_groups`,
      );
      expect(rows).toEqual([{ groups: 50, lamarelle: 1, with_past: 50 }]);
    } finally {
      await demo.drop();
    }
  });
});
