/** Questions to the database: several statements in one round trip, in a transaction that is rolled back. */
import type { Pool } from 'pg';
import type { Limits } from './options.ts';

/**
 * Asks; every value in `statements` must be quoted as a literal, since the extended protocol cannot carry several
 * statements.
 *
 * @returns the rows of all statements, in order
 */
export type Ask = (statements: string) => Promise<Record<string, string | null>[]>;

/**
 * @param pool its size is the number of questions asked at once; the others wait in line, so that ten thousand
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
