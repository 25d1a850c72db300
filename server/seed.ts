import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { loadDataset, loadHistory } from '../database/dataset/load.ts';

const SEEDS_DIRECTORY = join(import.meta.dirname, '..', 'database', 'seeds');
const STUDENTS_A_GROUP = 100;

/**
 * Fills an empty database with the demo data and a year of its past, in one transaction. A database that already has
 * a school group is left alone.
 *
 * @param url connection URL of role `postgres`
 * @param students how many students there are besides, in groups of the large data set; none when absent
 * @returns whether the data was written by this call
 */
export async function applySeeds(url: string, students?: number): Promise<boolean> {
  const names = (await readdir(SEEDS_DIRECTORY)).filter((name) => name.endsWith('.sql')).sort();
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query('begin');
    // Two starters at once: the second waits here, then finds the first one's groups.
    await client.query('lock table public.school_groups in share row exclusive mode');
    const { rowCount } = await client.query('select from public.school_groups limit 1');
    if (rowCount) return false;
    for (const name of names) await client.query(await readFile(join(SEEDS_DIRECTORY, name), 'utf8'));
    if (students === undefined) await loadHistory(client);
    else await loadDataset(client, { students, groups: Math.ceil(students / STUDENTS_A_GROUP) });
    await client.query('commit');
    return true;
  } finally {
    // Ending the session rolls back what was not committed.
    await client.end();
  }
}
