import type { Pool } from 'pg';
import { RealtimeError } from './errors.ts';
import { PUBLICATION_OF_MESSAGES } from './wal.ts';

interface Facts {
  oid: string;
  version: number;
  wal_level: string;
  messages: boolean;
  publication: boolean;
  replication: boolean;
}

/**
 * Looks whether a database can carry the gateway.
 *
 * @returns the oid of the database
 * @throws RealtimeError `DatabaseUnsuitable` with a sentence that says what is missing
 */
export async function preflight(pool: Pool): Promise<string> {
  const { rows } = await pool.query<Facts>(
    `select d.oid::text as oid,
            current_setting('server_version_num')::int as version,
            current_setting('wal_level') as wal_level,
            to_regclass('realtime.messages') is not null and to_regclass('realtime.stored_until') is not null as messages,
            exists (select from pg_publication where pubname = $1) as publication,
            (select r.rolreplication or r.rolsuper from pg_roles as r where r.rolname = current_user) as replication
     from pg_database as d
     where d.datname = current_database()`,
    [PUBLICATION_OF_MESSAGES],
  );
  const facts = rows[0];
  if (!facts) throw new RealtimeError('DatabaseUnsuitable', 'The database does not describe itself.');
  const missing = complaint(facts);
  if (missing) throw new RealtimeError('DatabaseUnsuitable', missing);
  return facts.oid;
}

function complaint(facts: Facts): string | null {
  if (facts.version < 150_000) return 'Realtime needs PostgreSQL 15 or later.';
  if (facts.wal_level !== 'logical') {
    return `Realtime needs wal_level = logical; the server runs with ${facts.wal_level}. Change it and restart PostgreSQL.`;
  }
  if (!facts.messages || !facts.publication) {
    return 'Schema realtime is not complete; apply server/platform/025_realtime_messages.sql and 030_realtime.sql first.';
  }
  return facts.replication ? null : 'Realtime needs a role with the REPLICATION attribute.';
}
