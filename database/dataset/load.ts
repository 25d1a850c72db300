/** The large data set: school groups as they might be, with all that they hold and a year of their past. */
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type pg from 'pg';

/** How much is made, and which of all possible data sets it is. */
export interface DatasetOptions {
  /** At least 1. */
  groups: number;
  /** Shared out among the groups with a long tail; the sum is exact. */
  students: number;
  /** The same seed gives the same data on the same day; another seed gives other names, sizes and states. */
  seed: number;
  /** How far back the history reaches, days. */
  days: number;
}

/** The platform that the founding document speaks of. */
export const DATASET: Readonly<DatasetOptions> = { groups: 3_500, students: 350_000, seed: 1, days: 365 };

const LEAST: Readonly<DatasetOptions> = { groups: 1, students: 0, seed: 0, days: 0 };
/** Seeds and counts are numbers of rows to SQL. */
const MOST = 1_000_000_000;

/**
 * Loads the data set beside what is there, with every trigger at work, and gives a past to each group that has none.
 *
 * Call it within a transaction: then all of it is there or nothing, and each group sends one message. It brings the
 * planner's statistics; what only a vacuum brings, autovacuum brings within a minute.
 *
 * @param client session of role `postgres`, in a transaction
 * @param options what is not given is as in `DATASET`
 * @throws RangeError for an option that is no whole number or out of bounds
 */
export async function loadDataset(
  client: pg.ClientBase,
  options: Partial<DatasetOptions> = {},
): Promise<void> {
  await run(client, options, /\.sql$/);
}

/**
 * Gives a past to each group that has none, and loads nothing else.
 *
 * @param client session of role `postgres`, in a transaction
 * @param options what is not given is as in `DATASET`
 * @throws RangeError for an option that is no whole number or out of bounds
 */
export async function loadHistory(
  client: pg.ClientBase,
  options: Partial<Pick<DatasetOptions, 'seed' | 'days'>> = {},
): Promise<void> {
  await run(client, options, /_(chance|history)\.sql$/);
}

async function run(client: pg.ClientBase, options: Partial<DatasetOptions>, files: RegExp): Promise<void> {
  for (const [name, value] of Object.entries({ ...DATASET, ...options })) {
    const least = LEAST[name as keyof DatasetOptions];
    if (!Number.isInteger(value) || value < least || value > MOST) {
      throw new RangeError(`${name} is a whole number from ${least} to ${MOST}, not ${value}`);
    }
    await client.query('select set_config($1, $2, true)', [`dataset.${name}`, String(value)]);
  }
  const names = (await readdir(import.meta.dirname)).filter((name) => files.test(name)).sort();
  for (const name of names) await client.query(await readFile(join(import.meta.dirname, name), 'utf8'));
}
