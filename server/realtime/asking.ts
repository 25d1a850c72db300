/** Questions to the database: several statements in one round trip, in a transaction that is rolled back. */
import { escapeLiteral, type Pool } from 'pg';
import { errorCode } from './errors.ts';
import type { Bearer } from './fair-queue.ts';
import type { Limits } from './options.ts';
import type { Session } from './sessions.ts';

/**
 * Asks; every value in `statements` must be quoted as a literal, since the extended protocol cannot carry several
 * statements.
 *
 * @returns the rows of all statements, in order
 */
export type Ask = (statements: string) => Promise<Record<string, string | null>[]>;

/**
 * Asks for a bearer, in its turn.
 *
 * @param isWanted asked when the turn comes: a question of nobody is not put
 */
export type AskFor = (bearer: Bearer, isWanted?: () => boolean) => Ask;

/**
 * @param pool of `openPool`; its size is the number of questions asked at once; the others wait in line, so that ten thousand
 *   joins do not starve the database
 */
export function createAsk(pool: Pool, limits: Pick<Limits, 'probeTimeoutMs'>): Ask {
  const begin = `begin; set local statement_timeout = ${Math.trunc(limits.probeTimeoutMs)};`;

  return async (statements) => {
    const client = await pool.connect();
    try {
      // A text of several statements gives one result for each.
      const results: unknown = await client.query(`${begin}${statements}rollback;`);
      client.release();
      return (results as { rows: Record<string, string | null>[] }[]).flatMap((result) => result.rows);
    } catch (error) {
      // A failed statement leaves the transaction open and aborted; a broken connection is thrown away.
      await client.query('rollback').then(
        () => client.release(),
        (broken: Error) => client.release(broken),
      );
      throw error;
    }
  };
}

/**
 * The statement that takes a bearer's role and claims until the transaction ends.
 *
 * @param about absent for questions about tables. `topic`: what `realtime.topic()` answers; `headers`: those of the
 *   request, as JSON, in `request.headers` as with REST
 */
export function actAs(session: Session, about?: { topic: string; headers: string }): string {
  const settings = {
    role: session.role,
    ...(about && { 'realtime.topic': about.topic, 'request.headers': about.headers }),
    'request.jwt.claims': session.claims,
    'request.jwt.claim.sub': session.subject,
    'request.jwt.claim.role': session.role,
  };
  const calls = Object.entries(settings).map(
    ([name, value]) => `set_config('${name}', ${escapeLiteral(value)}, true)`,
  );
  return `select ${calls.join(', ')};`;
}

/** Whether the database failed, and not what it was asked. */
export function isDatabaseTrouble(error: unknown): boolean {
  const state = errorCode(error) ?? '';
  return !SQLSTATE.test(state) || DATABASE_TROUBLE.test(state);
}

const SQLSTATE = /^[0-9A-Z]{5}$/;
/** Connection, resources, cancellation, system: nothing that the statements could have meant. */
const DATABASE_TROUBLE = /^(08|25|40|53|55|57|58|XX)/;
