/** P1–P3: what enforcement costs the writer. */
import type pg from 'pg';
import {
  BARE_COUNTER,
  CLASSIC_TRIGGER,
  ROW_TRIGGER,
  SAMPLE_SCHOOLS,
  UNENFORCED,
} from './enforcement-variants.ts';
import { interleave } from './interleave.ts';
import { type BenchPostgres, startPostgres } from './postgres.ts';
import { type Part, type Result, short } from './report.ts';
import { median, pairedRatio, summarise } from './statistics.ts';

const GROUPS = 2_000;
const STUDENTS_PER_GROUP = 100;
/** Size of the group that all writers meet in; the first in the list. */
const HOT_STUDENTS = 1_000;
const WRITERS = 16;
const ROUNDS = 4;
const ROUND_MS = 1_000;
const BULK = 10_000;
const BULK_ROUNDS = 5;

const INSERT = {
  name: 'insert_student',
  text: `insert into public.students (school_group_id, school_id, first_name, last_name) values ($1, $2, 'Grâce', 'Mabiala')`,
};

interface School {
  id: string;
  school_group_id: string;
}

/** Writers of one database, connected before the clock runs. */
interface Writers {
  clients: pg.Client[];
  schools: School[];
}

interface Load {
  perSecond: number;
  /** Duration of each insert, milliseconds. */
  durations: number[];
}

export const enforcement: Part = {
  name: 'enforcement',
  async run(progress) {
    await using postgres = await startPostgres();
    progress(`loading ${GROUPS * STUDENTS_PER_GROUP} students`);
    await prepareDatabases(postgres);

    const enforced = await connectWriters(postgres, 'enforced');
    const unenforced = await connectWriters(postgres, 'unenforced');
    const bareCounter = await connectWriters(postgres, 'bare_counter');
    const classic = await connectWriters(postgres, 'classic');
    const spreadOver = (first: number, last: number) => ({
      enforced: () => insertFor(ROUND_MS, enforced, first, last),
      unenforced: () => insertFor(ROUND_MS, unenforced, first, last),
      bareCounter: () => insertFor(ROUND_MS, bareCounter, first, last),
      classic: () => insertFor(ROUND_MS, classic, first, last),
    });
    await interleave(spreadOver(1, GROUPS), 1);
    progress(`${WRITERS} writers, ${GROUPS} groups`);
    const many = await interleave(spreadOver(1, GROUPS), ROUNDS);
    progress(`${WRITERS} writers, one group`);
    const one = await interleave(spreadOver(0, 1), ROUNDS);
    progress(`${BULK} students in one statement`);
    const bulk = await measureBulk(postgres);
    return [
      inserts('P1', `inserts/s, ${GROUPS} groups, ${WRITERS} writers`, 0.8, many),
      inserts('P2', `inserts/s into one group, ${WRITERS} writers`, 0.6, one),
      bulk,
    ];
  },
};

async function prepareDatabases(postgres: BenchPostgres): Promise<void> {
  await postgres.create('enforced');
  const client = await postgres.connect('enforced');
  await client.query(SAMPLE_SCHOOLS);
  await client.query(`select bench.load($1, $2, $3)`, [GROUPS, STUDENTS_PER_GROUP, HOT_STUDENTS]);
  await client.query('vacuum analyze');
  await client.end();
  for (const [name, sql] of [
    ['unenforced', UNENFORCED],
    ['bare_counter', BARE_COUNTER],
    ['classic', CLASSIC_TRIGGER],
    ['row_trigger', ROW_TRIGGER],
  ] as const) {
    await postgres.clone('enforced', name);
    await (await postgres.connect(name)).query(sql);
  }
}

async function connectWriters(postgres: BenchPostgres, database: string): Promise<Writers> {
  const clients = await Promise.all(Array.from({ length: WRITERS }, () => postgres.connect(database)));
  const { rows } = await (clients[0] as pg.Client).query<School>(
    'select id, school_group_id from public.schools order by code',
  );
  return { clients, schools: rows };
}

/** Lets every writer insert one student a transaction, into the schools from `first` to before `last` in turn. */
async function insertFor(
  ms: number,
  { clients, schools }: Writers,
  first: number,
  last: number,
): Promise<Load> {
  const durations: number[] = [];
  const began = performance.now();
  let turn = 0;
  await Promise.all(
    clients.map(async (client) => {
      for (let now = performance.now(); now < began + ms;) {
        // A stride that shares no factor with the number of groups visits all of them, neighbours far apart.
        const school = schools[first + ((turn++ * 769) % (last - first))] as School;
        await client.query({ ...INSERT, values: [school.school_group_id, school.id] });
        const end = performance.now();
        durations.push(end - now);
        now = end;
      }
    }),
  );
  return { perSecond: (durations.length / (performance.now() - began)) * 1000, durations };
}

function inserts(
  id: string,
  what: string,
  atLeast: number,
  loads: Record<'enforced' | 'unenforced' | 'bareCounter' | 'classic', Load[]>,
): Result {
  const rates = (name: keyof typeof loads): number[] => loads[name].map(({ perSecond }) => perSecond);
  const ratio = pairedRatio(rates('enforced'), rates('unenforced'));
  const classicRatio = pairedRatio(rates('classic'), rates('unenforced'));
  const bareRatio = pairedRatio(rates('bareCounter'), rates('unenforced'));
  const figures = Object.fromEntries(
    Object.entries(loads).flatMap(([name, rounds]) => [
      [`${name}_per_second`, summarise(rounds.map(({ perSecond }) => perSecond))],
      [`${name}_insert_ms`, summarise(rounds.flatMap(({ durations }) => durations))],
    ]),
  );
  return {
    id,
    what,
    target: `≥ ${atLeast} × unenforced`,
    measured: `${short(median(rates('enforced')))}/s`,
    comparedWith: `unenforced ${short(median(rates('unenforced')))}/s; bare counter row ${short(bareRatio)} ×, count(*) ${short(classicRatio)} ×`,
    ratio,
    met: ratio >= atLeast,
    broken: [],
    figures: { ...figures, ratio, classic_ratio: classicRatio, bare_counter_ratio: bareRatio },
  };
}

async function measureBulk(postgres: BenchPostgres): Promise<Result> {
  const bulkInto = async (database: string) => {
    const client = await postgres.connect(database);
    return () => insertBulk(client);
  };
  const enforced = await bulkInto('enforced');
  const unenforced = await bulkInto('unenforced');
  const rowTrigger = await bulkInto('row_trigger');
  await interleave({ enforced, unenforced }, 1);
  const rounds = await interleave({ enforced, unenforced }, BULK_ROUNDS);
  const perRow = await rowTrigger();

  const times = (name: keyof typeof rounds): number[] => rounds[name].map(({ ms }) => ms);
  const updates = Math.max(...rounds.enforced.map(({ counterUpdates }) => counterUpdates));
  const ratio = pairedRatio(times('enforced'), times('unenforced'));
  const perRowRatio = perRow.ms / median(times('unenforced'));
  return {
    id: 'P3',
    what: `${short(BULK)} students in one statement`,
    target: '≤ 1.15 × unenforced, 1 counter update',
    measured: `${short(median(times('enforced')))} ms, counter updates: ${updates}`,
    comparedWith: `unenforced ${short(median(times('unenforced')))} ms, row trigger ${short(perRowRatio)} ×`,
    ratio,
    met: ratio <= 1.15 && updates === 1,
    broken: [],
    figures: {
      enforced_ms: summarise(times('enforced')),
      unenforced_ms: summarise(times('unenforced')),
      row_trigger_ms: perRow.ms,
      row_trigger_counter_updates: perRow.counterUpdates,
      counter_updates: updates,
      ratio,
    },
  };
}

/** Inserts the students into the second group, commit included, and counts what that did to the counters. */
async function insertBulk(client: pg.Client): Promise<{ ms: number; counterUpdates: number }> {
  // What the session did before must not be counted once more.
  await client.query('select pg_stat_force_next_flush()');
  const began = performance.now();
  await client.query('begin');
  await client.query(
    `insert into public.students (school_group_id, school_id, first_name, last_name)
     select s.school_group_id, s.id, 'Élève', 'n° ' || i
     from (select * from public.schools order by code offset 1 limit 1) s, generate_series(1, $1::int) i`,
    [BULK],
  );
  const inserted = performance.now();
  const { rows } = await client.query<{ n: number }>(
    `select n_tup_upd::int as n from pg_stat_xact_user_tables where relid = 'public.usage_counters'::regclass`,
  );
  const counted = performance.now();
  await client.query('commit');
  return { ms: performance.now() - began - (counted - inserted), counterUpdates: rows[0]?.n ?? 0 };
}
