import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type TestDatabase, createTestDatabase } from '../tests/helpers/database.ts';
import { runAndLog, runJobs } from './jobs.ts';
import { openFileStorage } from './storage/file-adapter.ts';

let database: TestDatabase;
beforeEach(async () => {
  database = await createTestDatabase({ seeds: true });
});
afterEach(() => database.drop());

const LAMARELLE = `(select id from public.school_groups where name = 'LAMARELLE')`;

async function planOfLamarelle(): Promise<string | undefined> {
  const { rows } = await database.query<{ slug: string }>(
    `select slug from public.subscriptions s join public.subscription_plans p on p.id = s.plan_id
     where school_group_id = ${LAMARELLE}`,
  );
  return rows[0]?.slug;
}

function schedule(when: string): Promise<unknown> {
  return database.query(
    `insert into public.scheduled_changes (school_group_id, plan_id, effective_at, reason)
     select ${LAMARELLE}, id, ${when}, 'Fin du contrat' from public.subscription_plans where slug = 'premium'`,
  );
}

describe('the jobs of a minute', () => {
  it('apply a change of plan that is due, once', async () => {
    await schedule(`now() - interval '1 second'`);
    await runJobs('minute', database.url);
    expect(await planOfLamarelle()).toBe('premium');
    await runJobs('minute', database.url);
    const { rowCount } = await database.query(
      `select from public.subscription_events where school_group_id = ${LAMARELLE} and reason = 'Fin du contrat'`,
    );
    expect(rowCount).toBe(1);
  });

  it('leave alone what is not due', async () => {
    await schedule(`now() + interval '1 hour'`);
    await runJobs('minute', database.url);
    expect(await planOfLamarelle()).toBe('pro');
  });

  it('that fail say so', async () => {
    const owner = await database.connect();
    await owner.query('drop function private.run_minute_jobs');
    await expect(runJobs('minute', database.url)).rejects.toThrow('run_minute_jobs');
  });
});

describe('the jobs of a night', () => {
  it('close the days that have ended, and find every counter true', async () => {
    await database.query(`update private.usage_marks set day = day - 1`);
    const report = await runJobs('night', database.url);
    expect(report).toEqual({ counters_repaired: 0, days_closed: expect.any(Number) as number });
    expect(report['days_closed']).toBeGreaterThan(0);
    expect(await runJobs('night', database.url)).toEqual({ counters_repaired: 0, days_closed: 0 });
  });

  it('are done each for itself: one that fails keeps none of the others', async () => {
    const owner = await database.connect();
    await owner.query('drop function private.run_nightly_jobs');
    const directory = await mkdtemp(join(tmpdir(), 'epilot-jobs-'));
    const lines: { level: number; job?: string; msg: string }[] = [];
    const logger = pino(
      { level: 'info' },
      { write: (line: string) => void lines.push(JSON.parse(line) as never) },
    );
    await runAndLog('night', database.url, openFileStorage(directory), logger);
    await rm(directory, { recursive: true });
    expect(lines.map(({ level, job }) => [level, job])).toEqual([
      [50, 'night'],
      [30, undefined],
      [30, undefined],
    ]);
  });
});
