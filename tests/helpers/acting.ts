/** Functions of the API called as somebody, now or at any other instant. */
import type { Actor, TestDatabase } from './database.ts';
import { refusal, type Refusal } from './refusal.ts';

/**
 * Calls one function of the API and returns what it returns.
 *
 * @param call the call as SQL, with `$1` … for `parameters`
 * @param instant what the database takes for now; it may be set because the session is not the API's
 */
export function callAs<Result = Record<string, unknown>>(
  db: TestDatabase,
  actor: Actor,
  call: string,
  parameters: unknown[] = [],
  instant?: Date,
): Promise<Result> {
  return db.as(actor, async (client) => {
    if (instant) await client.query(`select set_config('epilot.now', $1, true)`, [instant.toISOString()]);
    const { rows } = await client.query<{ it: Result }>(`select public.${call} as it`, parameters);
    return rows[0]?.it as Result;
  });
}

/** Calls a function that must refuse, and tells how it did; arguments as for `callAs`. */
export function refusedAs(
  db: TestDatabase,
  actor: Actor,
  call: string,
  parameters: unknown[] = [],
  instant?: Date,
): Promise<Refusal> {
  return refusal(callAs(db, actor, call, parameters, instant));
}

/** Runs statements of the operator at another instant. */
export async function at<Row>(
  db: TestDatabase,
  instant: Date,
  sql: string,
  parameters: unknown[] = [],
): Promise<Row[]> {
  const operator = await db.connect();
  try {
    await operator.query(`select set_config('epilot.now', $1, false)`, [instant.toISOString()]);
    return (await operator.query(sql, parameters)).rows as Row[];
  } finally {
    await operator.end();
  }
}

/** Runs what is due at that instant and returns the report. */
export async function runDueJobsAt(db: TestDatabase, instant: Date): Promise<Record<string, number>> {
  const [row] = await at<{ it: Record<string, number> }>(db, instant, 'select private.run_due_jobs() as it');
  return row?.it ?? {};
}

/** The instant `days` from now; negative is the past. */
export const inDays = (days: number): Date => new Date(Date.now() + days * 86_400_000);
