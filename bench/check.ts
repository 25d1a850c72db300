/** P4: what asking costs, inside PostgreSQL, and how that grows with the rows that are counted. */
import type pg from 'pg';
import { startPostgres } from './postgres.ts';
import { type Part, short } from './report.ts';
import { growthExponent, median, quantile, summarise } from './statistics.ts';

const SIZES = [1_000, 10_000, 100_000, 350_000];
const ROUNDS = 5;
const CALLS = 400;
const RECOUNTS = 5;

/** The clock is read around each call within the server: no network, no client, no parsing. Milliseconds. */
const CLOCK = `
create schema bench;
grant usage on schema bench to authenticated;
create function bench.time_restrictions(p_calls int) returns float8[] language plpgsql as $$
declare v_times float8[] := '{}'; v_from timestamptz;
begin
  for i in 1..p_calls loop
    v_from := clock_timestamp();
    perform public.get_all_plan_restrictions();
    v_times := v_times || (extract(epoch from clock_timestamp() - v_from) * 1000)::float8;
  end loop;
  return v_times;
end $$;
create function bench.time_recount(p_group uuid, p_calls int) returns float8[]
  language plpgsql security definer as $$
declare v_times float8[] := '{}'; v_from timestamptz;
begin
  for i in 1..p_calls loop
    v_from := clock_timestamp();
    perform (select count(*) from public.schools where school_group_id = p_group and status <> 'archived'),
            (select count(*) from public.students where school_group_id = p_group and status = 'active'),
            (select count(*) from public.staff where school_group_id = p_group and status = 'active'),
            (select sum(size_bytes) from public.documents where school_group_id = p_group);
    v_times := v_times || (extract(epoch from clock_timestamp() - v_from) * 1000)::float8;
  end loop;
  return v_times;
end $$;
grant execute on all functions in schema bench to authenticated;
`;

interface Group {
  size: number;
  id: string;
  admin: string;
  /** Durations of a round, milliseconds. */
  ours: number[][];
  recount: number[][];
}

export const check: Part = {
  name: 'check',
  async run(progress) {
    await using postgres = await startPostgres();
    await postgres.create('checked');
    const client = await postgres.connect('checked');
    await client.query(CLOCK);
    const groups: Group[] = [];
    for (const size of SIZES) {
      progress(`loading a group of ${size} students`);
      groups.push(await createGroup(client, size));
    }
    await client.query('vacuum analyze');
    progress('asking');
    for (let round = -1; round < ROUNDS; round++) {
      for (const group of groups) {
        const ours = await timesOf(client, group, 'bench.time_restrictions($1)', [CALLS]);
        const recount = await timesOf(client, group, 'bench.time_recount($1, $2)', [group.id, RECOUNTS]);
        // The first round fills caches.
        if (round < 0) continue;
        group.ours.push(ours);
        group.recount.push(recount);
      }
    }

    // Of each round's p99 the median: what other processes do to one round is not what a call costs.
    const worst = Math.max(...groups.map(({ ours }) => median(ours.map((times) => quantile(times, 0.99)))));
    const exponentOf = (times: (group: Group) => number[][]): number =>
      growthExponent(groups.map((group) => ({ size: group.size, cost: median(times(group).flat()) })));
    const exponent = exponentOf(({ ours }) => ours);
    const recountExponent = exponentOf(({ recount }) => recount);
    const largest = groups.at(-1) as Group;
    const ratio = median(largest.ours.flat()) / median(largest.recount.flat());
    return [
      {
        id: 'P4',
        what: 'get_all_plan_restrictions, 1,000–350,000 students',
        target: 'p99 ≤ 1 ms, exponent < 0.05',
        measured: `median ${short(median(largest.ours.flat()))} ms, p99 ${short(worst)} ms, exponent ${exponent.toFixed(3)}`,
        comparedWith: `recount ${short(median(largest.recount.flat()))} ms at 350,000, exponent ${recountExponent.toFixed(2)}`,
        ratio,
        met: worst <= 1 && exponent < 0.05,
        broken: [],
        figures: {
          ...Object.fromEntries(
            groups.flatMap(({ size, ours, recount }) => [
              [`ours_${size}_students_ms`, summarise(ours.flat())],
              [`recount_${size}_students_ms`, summarise(recount.flat())],
            ]),
          ),
          worst_p99_ms: worst,
          exponent,
          recount_exponent: recountExponent,
        },
      },
    ];
  },
};

/** A group with its admin and `size` students, inserted by one statement with every trigger at work. */
async function createGroup(client: pg.Client, size: number): Promise<Group> {
  const { rows } = await client.query<{ id: string; admin: string }>(
    `with g as (insert into public.school_groups (name) values ('GROUPE ' || $1::int) returning id),
          u as (insert into auth.users (id, email) values (gen_random_uuid(), 'g' || $1::int || '@example.test') returning id)
     select g.id, u.id as admin from g, u`,
    [size],
  );
  const { id, admin } = rows[0] as { id: string; admin: string };
  await client.query(
    `insert into public.profiles (id, role, school_group_id) values ($1, 'admin_groupe', $2)`,
    [admin, id],
  );
  await client.query(
    `update public.subscriptions set plan_id = (select id from public.subscription_plans where slug = 'institutionnel')
     where school_group_id = $1`,
    [id],
  );
  await client.query(
    `update public.subscription_plans set max_students = 1000000 where slug = 'institutionnel'`,
  );
  await client.query(
    `with s as (insert into public.schools (school_group_id, name) values ($1, 'École') returning id)
     select id from s`,
    [id],
  );
  await client.query(
    `insert into public.students (school_group_id, school_id, first_name, last_name)
     select $1, s.id, 'Élève', 'n° ' || i from public.schools s, generate_series(1, $2::int) i where s.school_group_id = $1`,
    [id, size],
  );
  return { size, id, admin, ours: [], recount: [] };
}

async function timesOf(
  client: pg.Client,
  { admin }: Group,
  call: string,
  values: unknown[],
): Promise<number[]> {
  await client.query('begin');
  await client.query(`select set_config('request.jwt.claims', $1, true)`, [
    JSON.stringify({ sub: admin, role: 'authenticated' }),
  ]);
  await client.query('set local role authenticated');
  const { rows } = await client.query<{ times: number[] }>(`select ${call} as times`, values);
  await client.query('commit');
  return rows[0]?.times ?? [];
}
