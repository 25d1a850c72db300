/** Several sessions on one database, and the order in which their statements meet. */
import type pg from 'pg';
import type { TestDatabase } from './database.ts';

export interface Session {
  client: pg.Client;
  pid: number;
}

/** Opens `count` sessions of role `postgres`; they end with the database. */
export function openSessions(db: TestDatabase, count: number): Promise<Session[]> {
  return Promise.all(
    Array.from({ length: count }, async () => {
      const client = await db.connect();
      const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
      return { client, pid: rows[0]?.pid ?? 0 };
    }),
  );
}

/**
 * Watches a running statement until it is done or stands in line for a lock. No time is guessed: PostgreSQL is
 * asked again and again who waits for whom.
 */
export async function doneOrWaiting(
  db: TestDatabase,
  session: Session,
  running: Promise<unknown>,
): Promise<'done' | 'waiting'> {
  let isDone = false;
  const note = (): void => {
    isDone = true;
  };
  running.then(note, note);
  for (;;) {
    const { rows } = await db.query<{ waits: boolean }>(
      'select cardinality(pg_blocking_pids($1)) > 0 as waits',
      [session.pid],
    );
    if (isDone) return 'done';
    if (rows[0]?.waits) return 'waiting';
  }
}

export interface Outcomes {
  passed: number;
  /** How many were refused, by SQLSTATE. */
  refused: Record<string, number>;
}

/** Runs all attempts at once and counts how they ended. */
export async function race(attempts: (() => Promise<unknown>)[]): Promise<Outcomes> {
  const outcomes: Outcomes = { passed: 0, refused: {} };
  for (const result of await Promise.allSettled(attempts.map((attempt) => attempt()))) {
    if (result.status === 'fulfilled') {
      outcomes.passed += 1;
    } else {
      const { code = 'unknown' } = result.reason as { code?: string };
      outcomes.refused[code] = (outcomes.refused[code] ?? 0) + 1;
    }
  }
  return outcomes;
}

/** Runs `act` in one transaction of the session; what it throws rolls back and is thrown on. */
export async function inTransaction<Result>(
  { client }: Session,
  act: (client: pg.Client) => Promise<Result>,
): Promise<Result> {
  await client.query('begin');
  try {
    const result = await act(client);
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback');
    throw error;
  }
}
