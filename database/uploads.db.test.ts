/** The law of uploads: what is recorded is reserved, by whatever door it came, and no room is given back under an upload. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { callAs, inDays, refusedAs } from '../tests/helpers/acting.ts';
import { createTestDatabase, type Actor, type TestDatabase } from '../tests/helpers/database.ts';
import {
  STORAGE_SERVICE,
  deleteObject,
  expireReservations,
  insertObject,
  reserveDocument,
  type ObjectMetadata,
} from '../tests/helpers/documents.ts';
import { refusal } from '../tests/helpers/refusal.ts';
import { doneOrWaiting, openSessions } from '../tests/helpers/sessions.ts';
import {
  createAccount,
  createPlan,
  createTenant,
  drift,
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

const record = (path: string, metadata: ObjectMetadata) => insertObject(db, STORAGE_SERVICE, path, metadata);
const stored = async () => (await usageOf(db, group.id))[3];
/** The reservation's hour has passed. */
const lapse = (id: string) =>
  db.query(`update public.documents set reserved_until = private.now() where id = $1`, [id]);

describe('a record of stored bytes, by the service itself', () => {
  const resize = (path: string, size: number) =>
    db.as(STORAGE_SERVICE, (client) =>
      client.query('update storage.objects set metadata = $2 where name = $1', [path, { size }]),
    );
  const exists = async (path: string) =>
    (await db.query('select from storage.objects where name = $1', [path])).rowCount;
  const upsert = (path: string, size: number) =>
    db.as(STORAGE_SERVICE, (client) =>
      client.query(
        `insert into storage.objects (bucket_id, name, metadata, version) values ('documents', $1, $2, gen_random_uuid())
         on conflict (bucket_id, name) do update set metadata = excluded.metadata, version = excluded.version`,
        [path, { size }],
      ),
    );

  it('is made for a reservation in force, up to its size, with the size now or later', async () => {
    const [known, later] = [await reserveDocument(db, group, 100), await reserveDocument(db, group, 100)];
    await record(known.path, { size: 100 });
    await record(later.path, null);
    await resize(later.path, 100);
    await callAs(db, group.admin, 'confirm_document($1)', [later.id]);
    await db.query('update storage.objects set last_accessed_at = now() where name = $1', [later.path]);
  });

  it('is refused for a byte more, at once or later, and nothing larger is recorded', async () => {
    const { path } = await reserveDocument(db, group, 100);
    expect(await refusal(record(path, { size: 101 }))).toMatchObject({
      sqlstate: '42501',
      code: 'size_exceeds_reservation',
    });
    await record(path, null);
    expect((await refusal(resize(path, 101))).code).toBe('size_exceeds_reservation');
  });

  it('is refused where nothing is reserved, after the reservation’s hour, and for what is stored', async () => {
    const { id, path } = await reserveDocument(db, group, 100);
    const nowhere = `${group.id}/${randomUUID()}`;
    expect((await refusal(record(nowhere, { size: 1 }))).code).toBe('upload_refused');
    expect((await refusal(insertObject(db, STORAGE_SERVICE, path, { size: 1 }, inDays(1)))).code).toBe(
      'upload_refused',
    );
    await record(path, { size: 1 });
    await callAs(db, group.admin, 'confirm_document($1)', [id]);
    await deleteObject(db, group.admin, path);
    expect((await refusal(record(path, { size: 1 }))).code).toBe('upload_refused');
  });

  it('is not replaced, nor moved onto or off a document’s path, confirmed or not', async () => {
    const [from, to] = [await reserveDocument(db, group, 100), await reserveDocument(db, group, 100)];
    await record(from.path, { size: 10 });
    const move = () =>
      db.as(STORAGE_SERVICE, (client) =>
        client.query('update storage.objects set name = $2 where name = $1', [from.path, to.path]),
      );
    for (let n = 0; n < 2; n += 1) {
      expect((await refusal(upsert(from.path, 10))).code).toBe('object_fixed');
      expect((await refusal(resize(from.path, 9))).code).toBe('object_fixed');
      expect((await refusal(move())).code).toBe('object_fixed');
      await callAs(db, group.admin, 'confirm_document($1)', [from.id]);
    }
    await db.query(`insert into storage.buckets (id, name) values ('other', 'other') on conflict do nothing`);
    const take = (bucket: string, where: string) =>
      db.query('update storage.objects set bucket_id = $1 where name = $2', [bucket, where]);
    expect((await refusal(take('other', from.path))).code).toBe('object_fixed');
    await db.query(
      `insert into storage.objects (bucket_id, name, metadata) values ('other', $1, '{"size": 1}')`,
      [to.path],
    );
    expect((await refusal(take('documents', to.path))).code).toBe('object_fixed');
  });

  it('that comes while its reservation is deleted, or expires, is refused: no byte without its claim (I2)', async () => {
    for (const giveBack of [
      'delete from public.documents where id = $1',
      `select private.expire_reservations(private.now() + interval '1 day') from (select $1::uuid) x`,
    ]) {
      const { id, path } = await reserveDocument(db, group, 100);
      const operator = await db.connect();
      await operator.query('begin');
      await operator.query(giveBack, [id]);
      const [service] = await openSessions(db, 1);
      const recording = service!.client.query(
        `insert into storage.objects (bucket_id, name, metadata) values ('documents', $1, '{"size": 100}')`,
        [path],
      );
      const outcome = refusal(recording);
      await doneOrWaiting(db, service!, outcome);
      await operator.query('commit');
      expect((await outcome).code).toBe('upload_refused');
      expect([await exists(path), await drift(db)]).toEqual([0, []]);
    }
  });

  it('that commits just before the reservation expires keeps its claim (I2)', async () => {
    const { path } = await reserveDocument(db, group, 100);
    const service = await db.connect();
    await service.query('begin');
    await service.query(
      `insert into storage.objects (bucket_id, name, metadata) values ('documents', $1, '{"size": 7}')`,
      [path],
    );
    await expireReservations(db, inDays(1));
    await service.query('commit');
    expect(await stored()).toBe(100);
    await expireReservations(db, inDays(1));
    expect([await stored(), await drift(db)]).toEqual([7, []]);
  });
});

describe('an object that outlived its row', () => {
  it('keeps its path from being reserved again: a byte would not pay for it (I2)', async () => {
    const { id, path } = await reserveDocument(db, group, 100);
    await record(path, { size: 100 });
    await db.query('delete from public.documents where id = $1', [id]);
    const again = () =>
      db.as(group.admin, (client) =>
        client.query(
          `insert into documents (id, school_group_id, name, size_bytes) values ($1, $2, 'Bulletin', 1)`,
          [id, group.id],
        ),
      );
    expect(await refusal(again())).toMatchObject({ sqlstate: 'PT409', code: 'object_present' });
    await deleteObject(db, STORAGE_SERVICE, path);
    await again();
    expect([await stored(), await drift(db)]).toEqual([1, []]);
  });
});

describe('an upload under way', () => {
  const begin = (path: string, bytes: number, actor: Actor = group.admin) =>
    callAs<string>(db, actor, 'begin_upload($1, $2)', [path, bytes]);
  const end = (path: string) => callAs<boolean>(db, STORAGE_SERVICE, 'end_upload($1)', [path]);
  const lapseLease = (id: string) =>
    db.query(`update private.uploads set until = private.now() where document_id = $1`, [id]);

  it('is admitted for its reservation, with the bytes that it may bring', async () => {
    const { path } = await reserveDocument(db, group, 100);
    expect(Number(await begin(path, 100))).toBe(100);
    expect(await end(path)).toBe(false);
    expect(Number(await begin(path, 1, STORAGE_SERVICE))).toBe(100);
    await record(path, { size: 5 });
    expect(await end(path)).toBe(true);
  });

  it('is refused to strangers, at other paths, for a byte more and too late, always alike', async () => {
    const { id, path } = await reserveDocument(db, group, 100);
    const staff = group.staff;
    const superAdmin = await createAccount(db, { role: 'super_admin' });
    for (const [actor, where, bytes] of [
      [foreign.admin, path, 1],
      [staff, path, 1],
      [group.admin, `${group.id}/${randomUUID()}`, 1],
      [group.admin, path, 101],
      [STORAGE_SERVICE, path, 101],
      [superAdmin, path, 1],
    ] as const) {
      const expected =
        actor.sub === staff.sub || actor.sub === superAdmin.sub ? 'forbidden' : 'upload_refused';
      expect(await refusal(begin(where, bytes, actor))).toMatchObject({ sqlstate: 'PT403', code: expected });
    }
    await lapse(id);
    expect((await refusal(begin(path, 1))).code).toBe('upload_refused');
    expect((await refusedAs(db, group.admin, 'end_upload($1)', [path])).sqlstate).toBe('42501');
    expect((await refusedAs(db, group.admin, 'keep_upload($1)', [path])).sqlstate).toBe('42501');
  });

  it('holds its path: no second one, no deletion, no expiry, until it ends', async () => {
    const { id, path } = await reserveDocument(db, group, 100);
    await begin(path, 100);
    expect(await refusal(begin(path, 1))).toMatchObject({ sqlstate: 'PT409', code: 'upload_in_progress' });
    expect(await refusedAs(db, group.admin, 'delete_document($1)', [id])).toMatchObject({
      sqlstate: 'PT409',
      code: 'upload_in_progress',
    });
    await lapse(id);
    await expireReservations(db, new Date());
    expect(await stored()).toBe(100);
    // Its bytes were admitted in time: what the clock did meanwhile is not held against it.
    await record(path, { size: 60 });
    await end(path);
    await expireReservations(db, new Date());
    expect([await stored(), await drift(db)]).toEqual([60, []]);
  });

  it('of a server that died frees its path when nobody keeps it', async () => {
    const { id, path } = await reserveDocument(db, group, 100);
    await begin(path, 100);
    await callAs(db, STORAGE_SERVICE, 'keep_upload($1)', [path]);
    expect((await refusal(begin(path, 1))).code).toBe('upload_in_progress');
    await lapseLease(id);
    await begin(path, 100);
    await lapseLease(id);
    await callAs(db, group.admin, 'delete_document($1)', [id]);
    expect(await stored()).toBe(0);
  });

  it('whose room was given back all the same stores nothing larger than what is reserved now (I2)', async () => {
    const { id, path } = await reserveDocument(db, group, 100);
    await begin(path, 100);
    await lapseLease(id);
    await callAs(db, group.admin, 'delete_document($1)', [id]);
    await db.as(group.admin, (client) =>
      client.query(
        `insert into documents (id, school_group_id, name, size_bytes) values ($1, $2, 'Bulletin', 1)`,
        [id, group.id],
      ),
    );
    expect((await refusal(record(path, { size: 100 }))).code).toBe('size_exceeds_reservation');
    expect([await stored(), await drift(db)]).toEqual([1, []]);
  });
});
