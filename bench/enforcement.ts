/** P1–P3: what enforcement costs the writer, and whether it was exact meanwhile. */
import type pg from 'pg';
import { countStudents, findWrongCounts, runIntoLimit } from './enforcement-checks.ts';
import { GROWTH_SIZES, measureGrowth } from './enforcement-growth.ts';
import {
  BARE_COUNTER,
  CLASSIC_TRIGGER,
  ROW_TRIGGER,
  SAMPLE_SCHOOLS,
  UNENFORCED,
} from './enforcement-variants.ts';
import { type Load, type School, Writers, insertStudents } from './enforcement-writers.ts';
import { interleave } from './interleave.ts';
import { type BenchPostgres, startPostgres } from './postgres.ts';
import { type Part, type Result, short } from './report.ts';
import { median, pairedRatio, summarise } from './statistics.ts';

/** What is measured. */
export interface Enforcement {
  /** Begins the names of its databases. */
  name: string;
  /** What turns our enforcement into it; empty: ours. */
  sql: string;
}

export interface EnforcementSizes {
  groups: number;
  studentsPerGroup: number;
  /** Students of the group that all writers meet in. */
  hotStudents: number;
  writers: number;
  rounds: number;
  roundMs: number;
  /** Students that a full group is short of. */
  room: number;
  bulk: number;
  bulkRounds: number;
}

const SIZES: EnforcementSizes = {
  groups: 2_000,
  studentsPerGroup: 100,
  hotStudents: 1_000,
  writers: 16,
  rounds: 4,
  roundMs: 1_000,
  room: 500,
  bulk: 10_000,
  bulkRounds: 5,
};

const SAMPLE = 'sample';

export const enforcement: Part = {
  name: 'enforcement',
  async run(progress) {
    const ours: Enforcement = { name: 'ours', sql: '' };
    await using postgres = await startPostgres();
    progress(`loading ${short(SIZES.groups * SIZES.studentsPerGroup)} students`);
    await loadSample(postgres, SIZES);
    const results = await measureEnforcement(postgres, ours, SIZES, progress);
    progress('one writer, groups of growing size');
    const series = await measureGrowth(postgres, ours, GROWTH_SIZES);
    return results.map((result) => (result.id === 'P2' ? { ...result, series } : result));
  },
};

/** Loads the database that `measureEnforcement` clones, with our enforcement at work. */
export async function loadSample(postgres: BenchPostgres, sizes: EnforcementSizes): Promise<void> {
  await postgres.create(SAMPLE);
  const client = await postgres.connect(SAMPLE);
  await client.query(SAMPLE_SCHOOLS);
  await client.query(`select bench.load($1, $2, $3, $4)`, [
    sizes.groups,
    sizes.studentsPerGroup,
    sizes.hotStudents,
    sizes.room,
  ]);
  // As in the product, where a gateway reads the log: what the gateway does with it is not measured here.
  await client.query('select realtime.set_feed(true)');
  await client.query('vacuum analyze');
  await client.end();
}

/**
 * Measures P1–P3 of an implementation beside the same tables without enforcement, on clones of the sample.
 *
 * @param sizes those that the sample was loaded with
 */
export async function measureEnforcement(
  postgres: BenchPostgres,
  measured: Enforcement,
  sizes: EnforcementSizes,
  progress: (text: string) => void,
): Promise<Result[]> {
  const { groups, studentsPerGroup, room, writers, rounds, roundMs, bulk } = sizes;
  const database = (variant: string): string => `${measured.name}_${variant}`;
  await cloneSample(postgres, measured, database);

  await using enforced = await Writers.connect(postgres, database('enforced'), writers);
  await using unenforced = await Writers.connect(postgres, database('unenforced'), writers);
  await using bareCounter = await Writers.connect(postgres, database('bare_counter'), writers);
  await using classic = await Writers.connect(postgres, database('classic'), writers);
  const { client, schools } = enforced;
  const hot = schools.slice(0, 1);
  const many = schools.slice(1, groups + 1);
  const [tight, taker] = schools.slice(groups + 1) as [School, School];
  const insertInto = (into: readonly School[]) => ({
    enforced: () => enforced.insertFor(roundMs, into),
    unenforced: () => unenforced.insertFor(roundMs, into),
    bareCounter: () => bareCounter.insertFor(roundMs, into),
    classic: () => classic.insertFor(roundMs, into),
  });

  progress(`${writers} writers, ${groups} groups`);
  const warmUp = await interleave(insertInto(many), 1);
  const overMany = await interleave(insertInto(many), rounds);
  const insertedMany = inserted(warmUp.enforced) + inserted(overMany.enforced);
  const wrongMany = await findWrongCounts(client, many, groups * studentsPerGroup + insertedMany);

  progress(`${writers} writers, one group`);
  const intoOne = await interleave(insertInto(hot), rounds);
  const wrongHot = await findWrongCounts(client, hot, sizes.hotStudents + inserted(intoOne.enforced));
  progress(`${writers} writers run into a limit`);
  const wrongLimit = await runIntoLimit(enforced, tight, room);
  wrongLimit.push(...(await findWrongCounts(client, [tight], await countStudents(client, [tight]))));

  progress(`${short(bulk)} students in one statement`);
  const bulkResult = await measureBulk(postgres, database, taker, sizes);
  return [
    inserts(
      'P1',
      `inserts/s, ${short(groups)} groups, ${writers} writers`,
      { atLeast: 0.8, sizes },
      overMany,
      wrongMany,
    ),
    inserts('P2', `inserts/s into one group, ${writers} writers`, { atLeast: 0.6, sizes }, intoOne, [
      ...wrongHot,
      ...wrongLimit,
    ]),
    bulkResult,
  ];
}

async function cloneSample(
  postgres: BenchPostgres,
  measured: Enforcement,
  database: (variant: string) => string,
): Promise<void> {
  for (const [variant, sql] of [
    ['enforced', measured.sql],
    ['unenforced', UNENFORCED],
    ['bare_counter', BARE_COUNTER],
    ['classic', CLASSIC_TRIGGER],
    ['row_trigger', ROW_TRIGGER],
  ] as const) {
    await postgres.clone(SAMPLE, database(variant));
    const owner = await postgres.connect(database(variant));
    await owner.query(sql);
    await owner.end();
  }
}

function inserted(loads: readonly Load[]): number {
  return loads.reduce((sum, { durations }) => sum + durations.length, 0);
}

function inserts(
  id: string,
  what: string,
  { atLeast, sizes }: { atLeast: number; sizes: EnforcementSizes },
  loads: Record<'enforced' | 'unenforced' | 'bareCounter' | 'classic', Load[]>,
  broken: string[],
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
    broken,
    figures: { ...figures, ratio, classic_ratio: classicRatio, bare_counter_ratio: bareRatio },
    sizes: { ...sizes },
  };
}

async function measureBulk(
  postgres: BenchPostgres,
  database: (variant: string) => string,
  school: School,
  sizes: EnforcementSizes,
): Promise<Result> {
  const bulkInto = async (variant: string) => {
    const client = await postgres.connect(database(variant));
    return { client, insert: () => insertBulk(client, school, sizes.bulk) };
  };
  const enforced = await bulkInto('enforced');
  const unenforced = await bulkInto('unenforced');
  const rowTrigger = await bulkInto('row_trigger');
  const before = await countStudents(enforced.client, [school]);
  const variants = { enforced: enforced.insert, unenforced: unenforced.insert };
  await interleave(variants, 1);
  const rounds = await interleave(variants, sizes.bulkRounds);
  const perRow = await rowTrigger.insert();
  const broken = await findWrongCounts(
    enforced.client,
    [school],
    before + sizes.bulk * (1 + sizes.bulkRounds),
  );
  await Promise.all([enforced, unenforced, rowTrigger].map(({ client }) => client.end()));

  const times = (name: keyof typeof rounds): number[] => rounds[name].map(({ ms }) => ms);
  const updates = Math.max(...rounds.enforced.map(({ counterUpdates }) => counterUpdates));
  const ratio = pairedRatio(times('enforced'), times('unenforced'));
  const perRowRatio = perRow.ms / median(times('unenforced'));
  return {
    id: 'P3',
    what: `${short(sizes.bulk)} students in one statement`,
    target: '≤ 1.15 × unenforced, 1 counter update',
    measured: `${short(median(times('enforced')))} ms, counter updates: ${updates}`,
    comparedWith: `unenforced ${short(median(times('unenforced')))} ms, row trigger ${short(perRowRatio)} ×`,
    ratio,
    met: ratio <= 1.15 && updates === 1,
    broken,
    figures: {
      enforced_ms: summarise(times('enforced')),
      unenforced_ms: summarise(times('unenforced')),
      row_trigger_ms: perRow.ms,
      row_trigger_counter_updates: perRow.counterUpdates,
      counter_updates: updates,
      ratio,
    },
    sizes: { bulk: sizes.bulk, rounds: sizes.bulkRounds },
  };
}

/** Inserts the students, commit included, and counts what that did to the counters. */
async function insertBulk(
  client: pg.Client,
  school: School,
  count: number,
): Promise<{ ms: number; counterUpdates: number }> {
  // What the session did before must not be counted once more.
  await client.query('select pg_stat_force_next_flush()');
  const began = performance.now();
  await client.query('begin');
  await insertStudents(client, school, count);
  const written = performance.now();
  const { rows } = await client.query<{ n: number }>(
    `select n_tup_upd::int as n from pg_stat_xact_user_tables where relid = 'private.group_states'::regclass`,
  );
  const counted = performance.now();
  await client.query('commit');
  return { ms: performance.now() - began - (counted - written), counterUpdates: rows[0]?.n ?? 0 };
}
