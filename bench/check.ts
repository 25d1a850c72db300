/** P4: what asking costs, inside PostgreSQL, and how that grows with the rows that are counted. */
import type pg from 'pg';
import { askAs, findWrongAnswers } from './check-answers.ts';
import { type BenchPostgres, startPostgres } from './postgres.ts';
import { type Part, type Result, short } from './report.ts';
import { growthExponent, median, quantile, summarise } from './statistics.ts';

/** What is measured. */
export interface Check {
  /** Name of its database. */
  name: string;
  /** What turns our `get_all_plan_restrictions` into it; empty: ours. */
  sql: string;
}

export interface CheckSizes {
  /** Students of the groups that ask, a group each. */
  students: readonly number[];
  rounds: number;
  /** In a round, of each group: questions, and recounts beside them. */
  calls: number;
  recounts: number;
}

const SIZES: CheckSizes = {
  students: [1_000, 10_000, 100_000, 350_000],
  rounds: 5,
  calls: 400,
  recounts: 5,
};

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

export interface Group {
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
    return [await measureCheck(postgres, { name: 'ours', sql: '' }, SIZES, progress)];
  },
};

/** Measures P4 of an implementation, beside a recount a question. */
export async function measureCheck(
  postgres: BenchPostgres,
  measured: Check,
  { students, rounds, calls, recounts }: CheckSizes,
  progress: (text: string) => void,
): Promise<Result> {
  await postgres.create(measured.name);
  const client = await postgres.connect(measured.name);
  await client.query(CLOCK);
  await client.query(measured.sql);
  const groups: Group[] = [];
  for (const size of students) {
    progress(`loading a group of ${short(size)} students`);
    groups.push(await createGroup(client, size));
  }
  await client.query('vacuum analyze');
  const broken = await findWrongAnswers(client, groups);
  progress('asking');
  for (let round = -1; round < rounds; round++) {
    for (const group of groups) {
      const ours = await timesOf(client, group, 'bench.time_restrictions($1)', [calls]);
      const recount = await timesOf(client, group, 'bench.time_recount($1, $2)', [group.id, recounts]);
      // The first round fills caches.
      if (round < 0) continue;
      group.ours.push(ours);
      group.recount.push(recount);
    }
  }
  await client.end();

  // Of each round's p99 the median: what other processes do to one round is not what a call costs.
  const worst = Math.max(...groups.map(({ ours }) => median(ours.map((times) => quantile(times, 0.99)))));
  const seriesOf = (times: (group: Group) => number[][]) =>
    groups.map((group) => ({ size: group.size, value: median(times(group).flat()) }));
  const series = { ours_ms: seriesOf(({ ours }) => ours), recount_ms: seriesOf(({ recount }) => recount) };
  const exponent = growthExponent(series.ours_ms);
  const recountExponent = growthExponent(series.recount_ms);
  const largest = groups.at(-1) as Group;
  const ratio = median(largest.ours.flat()) / median(largest.recount.flat());
  return {
    id: 'P4',
    what: `get_all_plan_restrictions, ${short(students[0] ?? 0)}–${short(largest.size)} students`,
    target: 'p99 ≤ 1 ms, exponent < 0.05',
    measured: `median ${short(median(largest.ours.flat()))} ms, p99 ${short(worst)} ms, exponent ${exponent.toFixed(3)}`,
    comparedWith: `recount ${short(median(largest.recount.flat()))} ms at ${short(largest.size)}, exponent ${recountExponent.toFixed(2)}`,
    ratio,
    met: worst <= 1 && exponent < 0.05,
    broken,
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
    series,
    sizes: { rounds, calls, recounts },
  };
}

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
  return (await askAs<number[]>(client, admin, call, values)) ?? [];
}
