import pg from 'pg';
import type { FileStorage } from './file-adapter.ts';

const BUCKET = 'documents';
/** A file without a row may be one whose row is being written; after a day it is not. Milliseconds. */
const GRACE_MS = 86_400_000;
const BATCH = 1_000;

export interface SweepReport {
  /** Objects that belonged to no document. */
  objects_swept: number;
  /** Files that belonged to no object. */
  files_swept: number;
}

/**
 * Throws away what no document speaks of: the objects of documents that went with their school, and files that a
 * crash left without a row.
 *
 * @param databaseUrl connection URL of the role that owns the documents
 * @param now the time
 */
export async function sweepStorage(
  databaseUrl: string,
  files: FileStorage,
  now = new Date(),
): Promise<SweepReport> {
  const client = new pg.Client({ connectionString: databaseUrl, application_name: 'e-pilot sweep' });
  client.on('error', () => {});
  await client.connect();
  try {
    return {
      objects_swept: await sweepObjects(client, files, now),
      files_swept: await sweepFiles(client, files, now),
    };
  } finally {
    await client.end();
  }
}

async function sweepObjects(client: pg.Client, files: FileStorage, now: Date): Promise<number> {
  const { rows } = await client.query<{ id: string; name: string }>(
    `select o.id, o.name from storage.objects o
     left join public.documents d on d.storage_path = o.name
     where o.bucket_id = $1 and d.id is null and o.created_at < $2`,
    [BUCKET, new Date(now.getTime() - GRACE_MS)],
  );
  // As Supabase's Storage says that a row goes together with its bytes.
  if (rows.length > 0) await client.query(`set storage.allow_delete_query = 'true'`);
  for (const { id, name } of rows) {
    // File first: a row without a file can be swept again, a file without a row waits for a day.
    await files.deleteObject(BUCKET, name, undefined);
    await client.query('delete from storage.objects where id = $1', [id]);
  }
  return rows.length;
}

async function sweepFiles(client: pg.Client, files: FileStorage, now: Date): Promise<number> {
  let swept = 0;
  let batch: string[] = [];
  const sweepBatch = async (): Promise<void> => {
    const { rows } = await client.query<{ key: string }>(
      `select key from unnest($1::text[]) key
       where not exists (select from storage.objects o where o.bucket_id = $2 and o.name = key)`,
      [batch, BUCKET],
    );
    await files.deleteObjects(
      BUCKET,
      rows.map(({ key }) => key),
    );
    swept += rows.length;
    batch = [];
  };
  for await (const { key, modifiedAt } of files.list(BUCKET)) {
    if (now.getTime() - modifiedAt.getTime() < GRACE_MS) continue;
    if (batch.push(key) === BATCH) await sweepBatch();
  }
  await sweepBatch();
  return swept;
}
