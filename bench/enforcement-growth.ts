/** How the cost of one insert grows with the rows that the group holds already: of ours, of `count(*)`, of neither. */
import type pg from 'pg';
import type { Enforcement } from './enforcement.ts';
import { CLASSIC_TRIGGER, SAMPLE_SCHOOLS, UNENFORCED } from './enforcement-variants.ts';
import { type School, insertStudent, insertStudents } from './enforcement-writers.ts';
import { interleave } from './interleave.ts';
import type { BenchPostgres } from './postgres.ts';
import type { Point } from './report.ts';
import { median } from './statistics.ts';

export interface GrowthSizes {
  /** Students in the groups, a group each. */
  students: readonly number[];
  rounds: number;
  /** Inserts into each group in a round: few against the students in it. */
  inserts: number;
}

export const GROWTH_SIZES: GrowthSizes = {
  students: [1_000, 10_000, 100_000, 350_000],
  rounds: 15,
  inserts: 8,
};

/**
 * @param measured beside it, `count(*)` and no enforcement are measured
 * @returns the median duration of an insert with its commit at each size, microseconds
 */
export async function measureGrowth(
  postgres: BenchPostgres,
  measured: Enforcement,
  { students, rounds, inserts }: GrowthSizes,
): Promise<Record<string, Point[]>> {
  const sample = `${measured.name}_sized`;
  await postgres.create(sample);
  const loader = await postgres.connect(sample);
  await loader.query(SAMPLE_SCHOOLS);
  await loader.query('select bench.load($1, 0, 0, 1)', [students.length]);
  const { rows } = await loader.query<School>('select id, school_group_id from public.schools order by code');
  const schools = rows.slice(1, students.length + 1);
  for (const [index, school] of schools.entries()) {
    await insertStudents(loader, school, students[index] ?? 0);
  }
  await loader.query('vacuum analyze');
  await loader.end();

  const clients: pg.Client[] = [];
  const variants: Record<string, () => Promise<number[]>> = {};
  for (const [name, sql] of [
    ['enforced', measured.sql],
    ['unenforced', UNENFORCED],
    ['classic', CLASSIC_TRIGGER],
  ] as const) {
    const database = `${sample}_${name}`;
    await postgres.clone(sample, database);
    const client = await postgres.connect(database);
    await client.query(sql);
    clients.push(client);
    for (const [index, school] of schools.entries()) {
      variants[`${name} ${students[index]}`] = () => timeInserts(client, school, inserts);
    }
  }
  await interleave(variants, 1);
  const measuredTimes = await interleave(variants, rounds);
  await Promise.all(clients.map((client) => client.end()));
  const seriesOf = (name: string): Point[] =>
    students.map((size) => ({
      size,
      value: median(measuredTimes[`${name} ${size}`]?.flat() ?? []) * 1000,
    }));
  return {
    enforced_insert_us: seriesOf('enforced'),
    unenforced_insert_us: seriesOf('unenforced'),
    classic_insert_us: seriesOf('classic'),
  };
}

/** Durations of single inserts, milliseconds. */
async function timeInserts(client: pg.Client, school: School, count: number): Promise<number[]> {
  const durations: number[] = [];
  for (let i = 0; i < count; i++) {
    const began = performance.now();
    await insertStudent(client, school);
    durations.push(performance.now() - began);
  }
  return durations;
}
