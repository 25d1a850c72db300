/** Storage: reserve, upload, confirm, delete; what nobody used expires. The quota is judged where the bytes are reserved. */
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { callAs, inDays, refusedAs } from '../tests/helpers/acting.ts';
import { createTestDatabase, type Actor, type TestDatabase } from '../tests/helpers/database.ts';
import {
  deleteObject,
  expireReservations,
  insertObject,
  reserveDocument,
  type ObjectMetadata,
  type Reserved,
} from '../tests/helpers/documents.ts';
import { LARGEST_DOCUMENT } from '../server/storage/limits.ts';
import { refusal } from '../tests/helpers/refusal.ts';
import {
  createAccount,
  createPlan,
  createTenant,
  drift,
  idOf,
  usageOf,
  type Tenant,
} from '../tests/helpers/tenants.ts';

let db: TestDatabase;
let group: Tenant;
let foreign: Tenant;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.drop());
beforeEach(async () => {
  const plan = await createPlan(db, { storage: 1 });
  group = await createTenant(db, plan);
  foreign = await createTenant(db, plan);
});

const reserve = (bytes: number, tenant = group): Promise<Reserved> => reserveDocument(db, tenant, bytes);
/** Claims so many bytes with documents of 10 MB each. */
const fill = (tenant: Tenant, bytes: number) =>
  db.query(
    `insert into documents (school_group_id, school_id, name, size_bytes)
     select $1, $2, 'Pièce', 10000000 from generate_series(1, $3::bigint / 10000000)`,
    [tenant.id, tenant.school, bytes],
  );
const upload = (actor: Actor, path: string, metadata: ObjectMetadata, when?: Date) =>
  insertObject(db, actor, path, metadata, when);
const removeObject = (actor: Actor, path: string) => deleteObject(db, actor, path);
const visible = async (actor: Actor, path: string) =>
  (await db.as(actor, (client) => client.query('select 1 from storage.objects where name = $1', [path])))
    .rowCount;
const stored = async () => (await usageOf(db, group.id))[3];
const expire = (when: Date) => expireReservations(db, when);

describe('a reservation', () => {
  it('claims its bytes at once, and is refused beyond the limit', async () => {
    await fill(group, 960_000_000);
    expect(await refusal(reserve(40_000_001))).toMatchObject({
      sqlstate: 'PT402',
      code: 'requested_exceeds_limit',
    });
    await reserve(40_000_000);
    expect(await stored()).toBe(1_000_000_000);
  });

  it('is of at most 50 MiB, which the bucket and the server hold, too', async () => {
    await reserve(LARGEST_DOCUMENT);
    expect((await refusal(reserve(LARGEST_DOCUMENT + 1))).sqlstate).toBe('23514');
    const { rows } = await db.query(
      `select file_size_limit::int as bucket, private.largest_document()::int as law, public as open
       from storage.buckets where id = 'documents'`,
    );
    expect(rows).toEqual([{ bucket: LARGEST_DOCUMENT, law: LARGEST_DOCUMENT, open: false }]);
    const config = await readFile(join(import.meta.dirname, '..', 'supabase', 'config.toml'), 'utf8');
    expect(config).toContain(`file_size_limit = "${LARGEST_DOCUMENT / 1_048_576}MiB"`);
  });

  it('names a path of its own, which no client chooses and nothing changes', async () => {
    const { id, path } = await reserve(10);
    expect(path).toBe(`${group.id}/${id}`);
    await db.query(`update documents set storage_path = 'ailleurs' where id = $1`, [id]);
    const { rows } = await db.query('select storage_path from documents where id = $1', [id]);
    expect(rows).toEqual([{ storage_path: path }]);
  });

  it('is given back when nobody used it, and not before its hour', async () => {
    await reserve(500);
    expect(await expire(inDays(0))).toBe(0);
    expect(await stored()).toBe(500);
    expect(await expire(inDays(1))).toBeGreaterThan(0);
    expect([await stored(), await drift(db)]).toEqual([0, []]);
  });

  it('whose file came but was never confirmed becomes what it is', async () => {
    const { id, path } = await reserve(500);
    await upload(group.admin, path, { size: 300 });
    await expire(inDays(1));
    const { rows } = await db.query('select status, size_bytes::int from documents where id = $1', [id]);
    expect([rows, await stored()]).toEqual([[{ status: 'stored', size_bytes: 300 }], 300]);
  });

  it('of a group that somebody is writing to is left to the next call', async () => {
    await reserve(500);
    const writer = await db.connect();
    await writer.query('begin');
    await writer.query('select private.lock_group($1)', [group.id]);
    await expire(inDays(1));
    expect(await stored()).toBe(500);
    await writer.query('rollback');
    await expire(inDays(1));
    expect(await stored()).toBe(0);
  });
});

describe('an upload', () => {
  it('is taken at the path of a reservation, up to its size, known or not yet known', async () => {
    const known = await reserve(100);
    await upload(group.admin, known.path, { size: 100 });
    const unknown = await reserve(100);
    await upload(group.admin, unknown.path, null);
    const form = await reserve(100);
    await upload(group.admin, form.path, { contentLength: 350 });
  });

  it.each([
    ['a byte more than was reserved', () => ({ size: 101 })],
    ['more than a form can add, as the service names it while it asks', () => ({ contentLength: 65_637 })],
    ['more, said the smaller way first', () => ({ size: 1, contentLength: 65_637 })],
  ])('is refused: %s', async (_what, metadata) => {
    const { path } = await reserve(100);
    expect((await refusal(upload(group.admin, path, metadata()))).sqlstate).toBe('42501');
  });

  it('is refused at a path that nobody, or another group, reserved, and to whoever is no admin', async () => {
    const [own, theirs] = [await reserve(100), await reserve(100, foreign)];
    for (const [actor, path] of [
      [group.admin, theirs.path],
      [group.admin, `${group.id}/${randomUUID()}`],
      [group.admin, `${own.path}/../${theirs.path}`],
      [group.staff, own.path],
      [foreign.admin, own.path],
      [await createAccount(db, { role: 'super_admin' }), own.path],
      [await createAccount(db, {}), own.path],
    ] as const) {
      expect((await refusal(upload(actor, path, { size: 1 }))).sqlstate).toBe('42501');
    }
  });

  it('is refused after the reservation’s hour, and to what is stored already', async () => {
    const { id, path } = await reserve(100);
    expect((await refusal(upload(group.admin, path, { size: 1 }, inDays(1)))).sqlstate).toBe('42501');
    await upload(group.admin, path, { size: 1 });
    await callAs(db, group.admin, 'confirm_document($1)', [id]);
    await removeObject(group.admin, path);
    expect((await refusal(upload(group.admin, path, { size: 1 }))).sqlstate).toBe('42501');
  });

  it('is not overwritten in place: there is no policy for it', async () => {
    const { path } = await reserve(100);
    await upload(group.admin, path, { size: 1 });
    const { rowCount } = await db.as(group.admin, (client) =>
      client.query(`update storage.objects set metadata = '{"size": 999999}' where name = $1`, [path]),
    );
    expect(rowCount).toBe(0);
  });

  it('is read by the group’s admin and the staff of its school once confirmed, by no other group (I6)', async () => {
    const { id, path } = await reserve(100);
    await upload(group.admin, path, { size: 1 });
    expect([
      await visible(group.admin, path),
      await visible(group.staff, path),
      await visible(foreign.admin, path),
    ]).toEqual([0, 0, 0]);
    await callAs(db, group.admin, 'confirm_document($1)', [id]);
    expect([
      await visible(group.admin, path),
      await visible(group.staff, path),
      await visible(foreign.admin, path),
    ]).toEqual([1, 1, 0]);
    expect((await removeObject(foreign.admin, path)).rowCount).toBe(0);
    expect((await removeObject(group.staff, path)).rowCount).toBe(0);
  });
});

describe('a confirmation', () => {
  it('keeps the true size, gives the rest back, and may be said twice', async () => {
    const { id, path } = await reserve(500);
    await upload(group.admin, path, { size: 120 });
    for (let n = 0; n < 2; n += 1) {
      expect(await callAs(db, group.admin, 'confirm_document($1)', [id])).toEqual({
        id,
        size_bytes: 120,
        status: 'stored',
      });
    }
    expect(await stored()).toBe(120);
  });

  it('is refused without a file, without its size, and for another group’s', async () => {
    const { id, path } = await reserve(100);
    const confirm = (actor: Actor) => refusedAs(db, actor, 'confirm_document($1)', [id]);
    expect((await confirm(group.admin)).code).toBe('object_missing');
    await upload(group.admin, path, null);
    expect((await confirm(group.admin)).code).toBe('object_missing');
    expect((await confirm(foreign.admin)).code).toBe('document_not_found');
    expect((await confirm(group.staff)).code).toBe('forbidden');
    expect(await stored()).toBe(100);
  });

  it('of an empty file counts one byte: a row is never free', async () => {
    const { id, path } = await reserve(10);
    await upload(group.admin, path, { size: 0 });
    await callAs(db, group.admin, 'confirm_document($1)', [id]);
    expect(await stored()).toBe(1);
  });
});

describe('a deletion', () => {
  it('is of the file first, then of the row; only then are the bytes back', async () => {
    const { id, path } = await reserve(100);
    await upload(group.admin, path, { size: 100 });
    expect((await refusedAs(db, group.admin, 'delete_document($1)', [id])).code).toBe('object_present');
    expect(await stored()).toBe(100);
    await removeObject(group.admin, path);
    await callAs(db, group.admin, 'delete_document($1)', [id]);
    expect(await stored()).toBe(0);
    expect((await refusedAs(db, group.admin, 'delete_document($1)', [id])).code).toBe('document_not_found');
  });
});

describe('a school that moves to another group', () => {
  it('takes all that it holds: counted there, read there, its files found where they lie', async () => {
    const { id, path } = await reserve(100);
    await upload(group.admin, path, { size: 100 });
    await callAs(db, group.admin, 'confirm_document($1)', [id]);
    for (const table of ['students', 'staff']) {
      await db.query(
        `insert into public.${table} (school_group_id, school_id, first_name, last_name) select $1, $2, 'A', 'B' from generate_series(1, 3)`,
        [group.id, group.school],
      );
    }
    await db.query('update public.profiles set status = status where id = $1', [group.staff.sub]);
    await db.query('update public.schools set school_group_id = $2 where id = $1', [
      group.school,
      foreign.id,
    ]);
    expect([await usageOf(db, group.id), await usageOf(db, foreign.id)]).toEqual([
      [0, 0, 0, 0],
      [2, 3, 3, 100],
    ]);
    expect([await visible(group.admin, path), await visible(foreign.admin, path)]).toEqual([0, 1]);
    await removeObject(foreign.admin, path);
    await callAs(db, foreign.admin, 'delete_document($1)', [id]);
    expect([(await usageOf(db, foreign.id))[3], await drift(db)]).toEqual([0, []]);
  });

  it('is refused whole when one of the four has no room there (I1)', async () => {
    await fill(group, 600_000_000);
    await fill(foreign, 500_000_000);
    const move = db.query('update public.schools set school_group_id = $2 where id = $1', [
      group.school,
      foreign.id,
    ]);
    expect(await refusal(move)).toMatchObject({ sqlstate: 'PT402', detail: { resource: 'storage' } });
    expect(await usageOf(db, group.id)).toEqual([1, 0, 0, 600_000_000]);
  });
});

describe('two resources in one transaction', () => {
  it('are both written or neither, with one revision', async () => {
    const plan = await createPlan(db, { staff: 5, storage: 1 });
    const tenant = await createTenant(db, plan);
    const both = (count: number) =>
      db.as(tenant.admin, async (client) => {
        await client.query(
          `insert into documents (school_group_id, name, size_bytes) values ($1, 'Pièce', 1000)`,
          [tenant.id],
        );
        await client.query(
          `insert into staff (school_group_id, school_id, first_name, last_name) select $1, $2, 'A', 'B' from generate_series(1, $3::int)`,
          [tenant.id, tenant.school, count],
        );
      });
    await both(5);
    expect((await refusal(both(1))).sqlstate).toBe('PT402');
    expect(await usageOf(db, tenant.id)).toEqual([1, 0, 5, 1000]);
    const id = await idOf(db, 'select id from documents where school_group_id = $1', [tenant.id]);
    await callAs(db, tenant.admin, 'delete_document($1)', [id]);
    expect(await usageOf(db, tenant.id)).toEqual([1, 0, 5, 0]);
  });
});
