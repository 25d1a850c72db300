/**
 * The end of what signing in leaves behind. `@supabase/lite` makes these tables and deletes nothing from them but on
 * signing out; on hosted Supabase they are its own sign-in server's, so this is no migration and no job of the database.
 */
import pg from 'pg';

const DAY_MS = 86_400_000;
/** A session that was not refreshed for so long is over; a screen that is open refreshes every hour. */
const IDLE_MS = 30 * DAY_MS;
/** A token that was used up is kept so long, so that its use by a thief is still recognised. */
const USED_TOKEN_MS = 7 * DAY_MS;
const AUDIT_MS = 90 * DAY_MS;
/** What has just ended, or has just begun and is not complete, may still be looked at by a request. */
const SETTLED_MS = DAY_MS;
const BATCH = 1_000;

export interface AuthSweepReport {
  sessions_swept: number;
  tokens_swept: number;
  audit_entries_swept: number;
  flows_swept: number;
}

/**
 * Deletes sessions that nobody can or will use, tokens that were used up, old entries of the sign-in audit, and sign-ins
 * that were never finished. It waits for nobody: a row that somebody holds is left to the next night.
 *
 * @param databaseUrl connection URL of a role that may delete in schema `auth`
 * @param now the time
 * @returns how many rows went, by kind
 */
export async function sweepAuth(databaseUrl: string, now = new Date()): Promise<AuthSweepReport> {
  const client = new pg.Client({ connectionString: databaseUrl, application_name: 'e-pilot sweep' });
  client.on('error', () => {});
  await client.connect();
  try {
    // This table is GoTrue's: sessions are then its to end.
    const { rows } = await client.query<{ foreign: boolean }>(
      `select to_regclass('auth.schema_migrations') is not null as foreign`,
    );
    if (rows[0]?.foreign)
      return { sessions_swept: 0, tokens_swept: 0, audit_entries_swept: 0, flows_swept: 0 };
    const before = (ms: number): Date => new Date(now.getTime() - ms);
    return {
      // Whether the session itself was touched is asked too, since that is judged again once its row is locked.
      sessions_swept: await sweep(
        client,
        'sessions',
        `r.updated_at < $1 and not exists (
           select from auth.refresh_tokens t
           where t.session_id = r.id and (t.updated_at >= $1 or (not t.revoked and t.created_at >= $2)))`,
        [before(SETTLED_MS), before(IDLE_MS)],
      ),
      tokens_swept: await sweep(
        client,
        'refresh_tokens',
        '(r.revoked and r.updated_at < $1) or (r.session_id is null and r.created_at < $2)',
        [before(USED_TOKEN_MS), before(IDLE_MS)],
      ),
      audit_entries_swept: await sweep(client, 'audit_log_entries', 'r.created_at < $1', [before(AUDIT_MS)]),
      flows_swept: await sweep(client, 'flow_state', 'r.created_at < $1', [before(SETTLED_MS)]),
    };
  } finally {
    await client.end();
  }
}

/** Deletes the rows of a table of schema `auth` that meet a condition, a batch a transaction. */
async function sweep(client: pg.Client, table: string, condition: string, values: Date[]): Promise<number> {
  for (let swept = 0; ;) {
    const { rowCount } = await client.query(
      `delete from auth.${table} where id in (
         select r.id from auth.${table} r where ${condition} limit ${BATCH} for update of r skip locked)`,
      values,
    );
    swept += rowCount ?? 0;
    if ((rowCount ?? 0) < BATCH) return swept;
  }
}
