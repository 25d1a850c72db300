/** The eight callers that every door of the database is tried by, and how to try one without leaving a trace. */
import type pg from 'pg';
import { DatabaseError } from 'pg';
import type { Actor, TestDatabase } from './database.ts';
import { createAccount, createTenant, type Tenant } from './tenants.ts';

export const CALLERS = [
  'anonymous',
  'stranger',
  'disabled admin',
  'school staff',
  'group admin',
  'foreign admin',
  'super admin',
  'service role',
] as const;
export type Caller = (typeof CALLERS)[number];
/** One word for each caller, in the order of `CALLERS`. */
export type Verdicts<Word> = [Word, Word, Word, Word, Word, Word, Word, Word];

export interface Cast {
  /** The group of the admin, the school staff and the disabled admin. */
  group: Tenant;
  /** The group of the foreign admin. */
  foreign: Tenant;
  actors: Record<Caller, Actor>;
}

/** Two groups and somebody of each kind. */
export async function createCast(db: TestDatabase): Promise<Cast> {
  const [group, foreign] = [await createTenant(db), await createTenant(db)];
  return {
    group,
    foreign,
    actors: {
      anonymous: { role: 'anon' },
      stranger: await createAccount(db, {}),
      'disabled admin': await createAccount(db, {
        role: 'admin_groupe',
        group: group.id,
        status: 'disabled',
      }),
      'school staff': group.staff,
      'group admin': group.admin,
      'foreign admin': foreign.admin,
      'super admin': await createAccount(db, { role: 'super_admin' }),
      'service role': { role: 'service_role' },
    },
  };
}

export type Attempt =
  | { done: true; rows: Record<string, unknown>[]; count: number }
  | { done: false; sqlstate: string; code: unknown };

/**
 * Runs one statement as `actor` and takes it back, whatever came of it.
 *
 * @param readOnly whether in a transaction that only reads, as the API calls what is declared stable or immutable
 */
export async function attempt(
  client: pg.Client,
  { sub, role = 'authenticated' }: Actor,
  sql: string,
  parameters: unknown[] = [],
  readOnly = false,
): Promise<Attempt> {
  await client.query(readOnly ? 'begin read only' : 'begin');
  try {
    const claims = JSON.stringify({ sub, role });
    await client.query(`select set_config('request.jwt.claims', $1, true), set_config('role', $2, true)`, [
      claims,
      role,
    ]);
    const { rows, rowCount } = await client.query<Record<string, unknown>>(sql, parameters);
    return { done: true, rows, count: rowCount ?? 0 };
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
    const detail = error.detail?.startsWith('{') ? (JSON.parse(error.detail) as Record<string, unknown>) : {};
    return { done: false, sqlstate: error.code ?? '', code: detail['code'] ?? detail['reason'] };
  } finally {
    await client.query('rollback');
  }
}
