import type pg from 'pg';
import { errorCode } from '../errors.ts';

/** Where statements can be sent: a pool, or one session in a transaction. */
export type Queryable = Pick<pg.ClientBase, 'query'>;

/** Sessions of the login role of the API, which may write schema `auth`. */
export type AuthDatabase = Pick<pg.Pool, 'query' | 'connect' | 'end'>;

const LOST = /^(?:08|53|57P0|ECONN|EPIPE|ETIMEDOUT)/;
const LOST_WORDS =
  /^(?:Connection terminated|timeout exceeded when trying to connect|Client has encountered)/;

/** Whether an error says that the database, or the way to it, went away. */
export function isDatabaseLost(error: unknown): boolean {
  return LOST.test(errorCode(error) ?? '') || LOST_WORDS.test((error as Error).message);
}

/** Whether a transaction that ended early keeps what it did: the refusal of a stolen token ends its session. */
export class Committed<Failure extends Error> {
  readonly error: Failure;

  constructor(error: Failure) {
    this.error = error;
  }
}

/**
 * Runs `act` in one transaction.
 *
 * @param act returns its result, or a {@link Committed} error: it is thrown after the commit
 * @throws what `act` throws, after a rollback
 */
export async function inTransaction<Result>(
  database: AuthDatabase,
  act: (session: Queryable) => Promise<Result | Committed<Error>>,
): Promise<Result> {
  const session = await database.connect();
  let broken: Error | undefined;
  try {
    await session.query('begin');
    const result = await act(session);
    await session.query('commit');
    if (result instanceof Committed) throw result.error;
    return result;
  } catch (error) {
    await session.query('rollback').catch((failure: Error) => {
      broken = failure;
    });
    throw error;
  } finally {
    session.release(broken);
  }
}
