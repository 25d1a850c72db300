/** P15: what the super admin's list of groups costs inside PostgreSQL, each question alone, on the whole platform. */
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { loadDataset } from '../database/dataset/load.ts';
import { askAs } from './check-answers.ts';
import { findWrongPages } from './console-answers.ts';
import { type ListPlan, planOfList, tellPlans } from './console-plans.ts';
import { interleave } from './interleave.ts';
import type { Sizes } from './options.ts';
import { type BenchPostgres, startPostgres } from './postgres.ts';
import { type Part, type Result, short } from './report.ts';
import { median, pairedRatio, quantile, summarise } from './statistics.ts';

const TARGET_MS = 50;
const LOAD_TARGET_S = 120;
const PAGE = 25;
const ROUNDS = 5;
const CALLS = 30;
const NAIVE_CALLS = 3;

/** What is measured. */
export interface ConsoleList {
  /** Name of its database. */
  name: string;
  /** What turns our `list_school_groups` into it; empty: ours. */
  sql: string;
}

/** The clock is read around each call within the server: no network, no client, no parsing. Milliseconds. */
const CLOCK = `
create schema bench;
grant usage on schema bench to authenticated;
create function bench.time_call(p_call text, p_calls int) returns float8[] language plpgsql as $$
declare v_times float8[] := '{}'; v_from timestamptz;
begin
  for i in 1..p_calls loop
    v_from := clock_timestamp();
    execute p_call;
    v_times := v_times || (extract(epoch from clock_timestamp() - v_from) * 1000)::float8;
  end loop;
  return v_times;
end $$;
grant execute on all functions in schema bench to authenticated;
`;

/** The list without counters: whoever sorts by students counts those of every group. Read as the caller, as ours is. */
const NAIVE = `select g.id, g.name, p.slug,
    (select count(*) from public.schools x where x.school_group_id = g.id and x.status <> 'archived') as schools,
    (select count(*) from public.students x where x.school_group_id = g.id and x.status = 'active') as students,
    (select count(*) from public.staff x where x.school_group_id = g.id and x.status = 'active') as staff,
    (select sum(x.size_bytes) from public.documents x where x.school_group_id = g.id) as storage
  from public.school_groups g join public.subscriptions s on s.school_group_id = g.id join public.subscription_plans p on p.id = s.plan_id
  order by students desc, g.name collate "fr-x-icu" limit ${PAGE}`;

const MOST_STUDENTS = 'sort_students_desc';

/** Every question of the console, as arguments of the list. */
function questionsOf({ groups }: Sizes): Record<string, string> {
  return {
    first_page: '',
    deep_page: `p_offset => ${groups - PAGE}`,
    search_prefix: `p_search => 'complexe sc'`,
    search_middle: `p_search => 'péranc'`,
    search_accents: `p_search => 'ÉCOLE PRIVÉE'`,
    search_no_accents: `p_search => 'ecole privee'`,
    search_code: `p_search => 'bzv-'`,
    search_nothing: `p_search => 'zzzz'`,
    ...Object.fromEntries(
      ['name', 'plan', 'schools', 'students', 'staff'].flatMap((sort) => [
        [`sort_${sort}_asc`, `p_sort => '${sort}'`],
        [`sort_${sort}_desc`, `p_sort => '${sort}', p_descending => true`],
      ]),
    ),
    ...Object.fromEntries(
      ['gratuit', 'premium', 'pro', 'institutionnel'].map((plan) => [`plan_${plan}`, `p_plan => '${plan}'`]),
    ),
    ...Object.fromEntries(
      ['near', 'blocked', 'over_limit'].map((state) => [`state_${state}`, `p_state => '${state}'`]),
    ),
    everything: `p_search => 'saint', p_plan => 'premium', p_state => 'near', p_sort => 'staff', p_descending => true`,
  };
}
const callOf = (question: string): string => `public.list_school_groups(${question})`;

export const consolePart: Part = {
  name: 'console',
  async run(progress, sizes) {
    await using postgres = await startPostgres();
    return await measureConsole(postgres, { name: 'console', sql: '' }, sizes, progress);
  },
};

/** Loads the platform and measures P15 of an implementation on it. */
export async function measureConsole(
  postgres: BenchPostgres,
  measured: ConsoleList,
  sizes: Sizes,
  progress: (text: string) => void,
): Promise<Result[]> {
  await postgres.create(measured.name);
  const client = await postgres.connect(measured.name);
  progress(`loading ${short(sizes.groups)} groups with ${short(sizes.students)} students`);
  const load = await measureLoad(client, sizes);
  await client.query('vacuum analyze');
  await client.query(CLOCK);
  await client.query(measured.sql);
  const superAdmin = await createSuperAdmin(client);
  const broken = await findWrongPages(client, superAdmin, NAIVE);

  const questions = questionsOf(sizes);
  const timesOf = (call: string, calls: number) => async (): Promise<number[]> =>
    (await askAs<number[]>(client, superAdmin, 'bench.time_call($1, $2)', [call, calls])) ?? [];
  const variants = {
    naive: timesOf(NAIVE, NAIVE_CALLS),
    ...Object.fromEntries(
      Object.entries(questions).map(([name, question]) => [
        name,
        timesOf(`select ${callOf(question)}`, CALLS),
      ]),
    ),
  };
  progress('filling caches');
  for (const ask of Object.values(variants)) await ask();
  progress(`asking ${Object.keys(questions).length} questions`);
  const { naive, ...asked } = await interleave<string, number[]>(variants, ROUNDS);
  progress('reading plans');
  const plans = await readPlans(postgres, measured.name, superAdmin, questions);
  await client.end();

  const naiveMedians = (naive ?? []).map(median);
  const listMedians = (asked[MOST_STUDENTS] ?? []).map(median);
  // Of each round's p95 the median: what other processes do to one round is not what a question costs.
  const p95s = Object.entries(asked).map(
    ([name, rounds]) => [name, median(rounds.map((times) => quantile(times, 0.95)))] as const,
  );
  const [slowest, worst] = p95s.reduce((a, b) => (b[1] > a[1] ? b : a));
  const all = median(
    Array.from({ length: ROUNDS }, (_, round) =>
      quantile(
        Object.values(asked).flatMap((rounds) => rounds[round] ?? []),
        0.95,
      ),
    ),
  );
  const names = Object.keys(plans).filter((name) => isIndexOnly(plans[name] as ListPlan));
  return [
    load,
    {
      id: 'P15',
      what: `console list, ${short(sizes.students)} students in ${short(sizes.groups)} groups: ${p95s.length} questions`,
      target: `p95 ≤ ${TARGET_MS} ms, each and all`,
      measured: `all ${short(all)} ms, slowest (${slowest}) ${short(worst)} ms; index only: ${names.join(', ')}`,
      comparedWith: `by students, counting rows: ${short(median(naiveMedians))} ms`,
      ratio: pairedRatio(listMedians, naiveMedians),
      met: all <= TARGET_MS && worst <= TARGET_MS,
      broken,
      figures: {
        p95_all_ms: all,
        p95_slowest_ms: worst,
        naive_by_students_ms: summarise((naive ?? []).flat()),
        ...Object.fromEntries(
          Object.entries(asked).map(([name, rounds]) => [`${name}_ms`, summarise(rounds.flat())]),
        ),
        ...Object.fromEntries(
          Object.entries(plans).flatMap(([name, { scans, heapFetches, blocks }]) => [
            [`${name}_scans`, scans.join(', ')],
            [`${name}_heap_fetches`, heapFetches],
            [`${name}_blocks`, blocks],
          ]),
        ),
      },
      sizes: { ...sizes, rounds: ROUNDS, calls: CALLS },
    },
  ];
}

async function measureLoad(client: pg.Client, sizes: Sizes): Promise<Result> {
  const began = performance.now();
  // As on Supabase: the owner of the tables, who is no superuser.
  await client.query('begin');
  await client.query('set local role postgres');
  await loadDataset(client, sizes);
  await client.query('commit');
  const seconds = (performance.now() - began) / 1000;
  const { rows } = await client.query<{ drifted: number; students: number }>(
    `select count(*) filter (where c.used is distinct from r.used)::int as drifted, (select count(*)::int from public.students) as students
     from private.recount_usage() r left join public.usage_counters c using (school_group_id, resource)`,
  );
  const { drifted = 0, students = 0 } = rows[0] ?? {};
  return {
    id: 'P15',
    what: 'the data set, every trigger at work',
    target: `loaded in ≤ ${LOAD_TARGET_S} s`,
    measured: `${short(seconds)} s, ${short(students)} students`,
    comparedWith: '',
    met: seconds <= LOAD_TARGET_S,
    broken: [
      ...(drifted > 0 ? [`${drifted} counters differ from a recount after the load.`] : []),
      ...(students === sizes.students ? [] : [`${students} students were loaded of ${sizes.students}.`]),
    ],
    figures: { load_s: seconds },
    sizes: { ...sizes },
  };
}

async function readPlans(
  postgres: BenchPostgres,
  database: string,
  superAdmin: string,
  questions: Record<string, string>,
): Promise<Record<string, ListPlan>> {
  const client = await postgres.connect(database);
  await tellPlans(client);
  const plans: Record<string, ListPlan> = {};
  for (const [name, question] of Object.entries(questions)) {
    plans[name] = await planOfList(client, () => askAs(client, superAdmin, callOf(question)));
  }
  await client.end();
  return plans;
}

const isIndexOnly = ({ scans, heapFetches }: ListPlan): boolean =>
  heapFetches === 0 && scans.every((scan) => scan.startsWith('Index Only Scan'));

async function createSuperAdmin(client: pg.Client): Promise<string> {
  const id = randomUUID();
  await client.query(`insert into auth.users (id, email) values ($1, 'bench@example.test')`, [id]);
  await client.query(`insert into public.profiles (id, role) values ($1, 'super_admin')`, [id]);
  return id;
}
