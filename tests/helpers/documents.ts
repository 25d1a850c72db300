/** Documents at the level of the database: what an admin reserves, and what the storage service does with its table. */
import { randomUUID } from 'node:crypto';
import { at } from './acting.ts';
import type { Actor, TestDatabase } from './database.ts';
import type { Tenant } from './tenants.ts';

export interface Reserved {
  id: string;
  path: string;
}
export type ObjectMetadata = Record<string, unknown> | null;

/** As the storage service acts for itself: it records what has come, past every policy. */
export const STORAGE_SERVICE: Actor = { role: 'service_role' };

/** Claims room as the group's admin. */
export async function reserveDocument(db: TestDatabase, tenant: Tenant, bytes: number): Promise<Reserved> {
  const id = randomUUID();
  await db.as(tenant.admin, (client) =>
    client.query(
      `insert into documents (id, school_group_id, school_id, name, size_bytes) values ($1, $2, $3, 'Bulletin', $4)`,
      [id, tenant.id, tenant.school, bytes],
    ),
  );
  const { rows } = await db.query<{ path: string }>(
    'select storage_path as path from documents where id = $1',
    [id],
  );
  return { id, path: rows[0]?.path ?? '' };
}

/** What the storage service does for a user: an insert into its table, under that user's policies. */
export function insertObject(
  db: TestDatabase,
  actor: Actor,
  path: string,
  metadata: ObjectMetadata,
  when?: Date,
): Promise<unknown> {
  return db.as(actor, async (client) => {
    if (when) await client.query(`select set_config('epilot.now', $1, true)`, [when.toISOString()]);
    return client.query(
      `insert into storage.objects (bucket_id, name, metadata) values ('documents', $1, $2)`,
      [path, metadata],
    );
  });
}

/** The service deletes as the user, and says so in settings of the transaction. */
export function deleteObject(db: TestDatabase, actor: Actor, path: string) {
  return db.as(actor, async (client) => {
    await client.query(
      `select set_config('storage.operation', 'storage.object.delete_many', true), set_config('storage.allow_delete_query', 'true', true)`,
    );
    return client.query(`delete from storage.objects where bucket_id = 'documents' and name = $1`, [path]);
  });
}

/** Runs the job of the minute for reservations, at that instant. */
export async function expireReservations(db: TestDatabase, when: Date): Promise<number | undefined> {
  const sql = 'select private.expire_reservations(private.now()) as n';
  return (await at<{ n: number }>(db, when, sql))[0]?.n;
}
