import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type TestDatabase, createTestDatabase } from '../tests/helpers/database.ts';
import { runDueJobs } from './jobs.ts';

let database: TestDatabase;
beforeEach(async () => {
  database = await createTestDatabase({ empty: true });
});
afterEach(() => database.drop());

async function defineJobs(body: string): Promise<void> {
  const owner = await database.connect();
  await owner.query(`
    create schema private;
    create table private.runs (at timestamptz default now());
    create function private.run_due_jobs() returns void language plpgsql as $$ begin ${body} end $$`);
}

describe('the jobs of a minute', () => {
  it('are what the database says is due', async () => {
    await defineJobs('insert into private.runs default values;');
    await runDueJobs(database.url);
    await runDueJobs(database.url);
    expect((await database.query('select from private.runs')).rowCount).toBe(2);
  });

  it('are none where the database has no such function', async () => {
    await expect(runDueJobs(database.url)).resolves.toBeUndefined();
  });

  it('that fail say so', async () => {
    await defineJobs(`raise exception 'the job is broken';`);
    await expect(runDueJobs(database.url)).rejects.toThrow('the job is broken');
  });
});
