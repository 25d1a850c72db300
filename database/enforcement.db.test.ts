/** I1, I2, I8: every door through which usage can grow, shrink or move is counted and judged. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { RESOURCES } from '../src/core/entitlements.ts';
import { createTestDatabase, type TestDatabase } from '../tests/helpers/database.ts';
import { refusal } from '../tests/helpers/refusal.ts';
import {
  add,
  createPlan,
  createTenant,
  drift,
  idOf,
  revOf,
  setPlan,
  usageOf,
  type Tenant,
} from '../tests/helpers/tenants.ts';

let db: TestDatabase;
/** A group on a plan of 3 schools, 3 students, 3 staff and 3 Go, with one school. */
let group: Tenant;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.drop());
afterEach(async () => expect(await drift(db)).toEqual([]));

async function groupOf(limits: Parameters<typeof createPlan>[1]): Promise<Tenant> {
  return createTenant(db, await createPlan(db, limits));
}
const GO = 1_000_000_000;
const document = (tenant: Tenant, bytes: number | bigint): Promise<unknown> =>
  db.query(
    `insert into public.documents (school_group_id, school_id, name, size_bytes) values ($1, $2, 'Pièce', $3)`,
    [tenant.id, tenant.school, bytes],
  );
/** So many bytes in one statement, as documents of at most 50 MB. */
const documents = (tenant: Tenant, bytes: number): Promise<unknown> =>
  db.query(
    `insert into public.documents (school_group_id, school_id, name, size_bytes)
     select $1, $2, 'Pièce', least(50000000, $3::bigint - (n - 1) * 50000000) from generate_series(1, ceil($3::bigint / 50000000.0)::int) n`,
    [tenant.id, tenant.school, bytes],
  );

describe('I1: growing past a limit is refused', () => {
  it.each(RESOURCES)('%s: the row that fills the limit passes, the next is refused', async (resource) => {
    group = await groupOf({ schools: 2, students: 1, staff: 1, storage: 1 });
    if (resource === 'storage') await documents(group, GO);
    else await add(db, group, resource);
    const full = await usageOf(db, group.id);
    expect((await refusal(add(db, group, resource))).sqlstate).toBe('PT402');
    expect(await usageOf(db, group.id)).toEqual(full);
  });

  it('one row beyond the room refuses a multi-row insert whole', async () => {
    group = await groupOf({ students: 3 });
    const before = await revOf(db, group.id);
    const no = await refusal(add(db, group, 'students', 4));
    expect(no).toMatchObject({ sqlstate: 'PT402', code: 'requested_exceeds_limit' });
    expect(await usageOf(db, group.id)).toEqual([1, 0, 0, 0]);
    const { rowCount } = await db.query('select from public.students where school_group_id = $1', [group.id]);
    expect(rowCount).toBe(0);
    expect(await revOf(db, group.id)).toBe(before);
  });

  it('an upsert that adds and reactivates is judged by its sum', async () => {
    group = await groupOf({ students: 2 });
    await add(db, group, 'students', 2);
    const asleep = await idOf(
      db,
      `update public.students set status = 'inactive' where id =
         (select id from public.students where school_group_id = $1 limit 1) returning id`,
      [group.id],
    );
    const upsert = (rows: string): Promise<unknown> =>
      db.query(
        `insert into public.students (id, school_group_id, school_id, first_name, last_name)
         values ${rows} on conflict (id) do update set status = 'active'`,
        [asleep, group.id, group.school],
      );
    const no = await refusal(upsert(`($1, $2, $3, 'A', 'B'), (gen_random_uuid(), $2, $3, 'C', 'D')`));
    expect(no.sqlstate).toBe('PT402');
    expect((await usageOf(db, group.id))[1]).toBe(1);
    await upsert(`($1, $2, $3, 'A', 'B')`);
    expect((await usageOf(db, group.id))[1]).toBe(2);
  });

  it.each([
    ['schools', 'archived', 'active'],
    ['students', 'inactive', 'active'],
    ['staff', 'inactive', 'active'],
  ] as const)('%s: %s rows do not count, and coming back is growth', async (resource, away, back) => {
    group = await groupOf({ schools: 3, students: 2, staff: 2 });
    await add(db, group, resource, 2);
    const index = RESOURCES.indexOf(resource);
    const table = `public.${resource}`;
    const full = (await usageOf(db, group.id))[index] ?? 0;
    await db.query(`update ${table} set status = '${away}' where school_group_id = $1`, [group.id]);
    expect((await usageOf(db, group.id))[index]).toBe(0);
    await add(db, group, resource);
    const all = `update ${table} set status = '${back}' where school_group_id = $1`;
    expect((await refusal(db.query(all, [group.id]))).sqlstate).toBe('PT402');
    expect((await usageOf(db, group.id))[index]).toBe(1);
    await db.query(
      `update ${table} set status = '${back}' where id in
         (select id from ${table} where school_group_id = $1 and status = '${away}' limit ${full - 1})`,
      [group.id],
    );
    expect((await usageOf(db, group.id))[index]).toBe(full);
  });

  it('a swap inside one statement fits at the limit: one pupil leaves, one comes back', async () => {
    group = await groupOf({ students: 1 });
    await add(db, group, 'students');
    await db.query(`update public.students set status = 'inactive' where school_group_id = $1`, [group.id]);
    await add(db, group, 'students');
    await db.query(
      `update public.students set status = case status when 'active' then 'inactive' else 'active' end
       where school_group_id = $1`,
      [group.id],
    );
    expect((await usageOf(db, group.id))[1]).toBe(1);
  });

  it('a data-modifying CTE and a MERGE are counted like plain statements', async () => {
    group = await groupOf({ students: 3 });
    await db.query(
      `with first as (insert into public.students (school_group_id, school_id, first_name, last_name)
         values ($1, $2, 'A', 'B') returning school_group_id)
       insert into public.students (school_group_id, school_id, first_name, last_name)
       select school_group_id, $2, 'C', 'D' from first`,
      [group.id, group.school],
    );
    expect((await usageOf(db, group.id))[1]).toBe(2);
    const merge = `merge into public.students s
      using (select id from public.students where school_group_id = $1 union all
             select gen_random_uuid() from generate_series(1, $3::int)) as wanted on wanted.id = s.id
      when matched then update set status = 'inactive'
      when not matched then insert (school_group_id, school_id, first_name, last_name) values ($1, $2, 'E', 'F')`;
    await db.query(merge, [group.id, group.school, 1]);
    expect((await usageOf(db, group.id))[1]).toBe(1);
    expect((await refusal(db.query(merge, [group.id, group.school, 4]))).sqlstate).toBe('PT402');
    expect((await usageOf(db, group.id))[1]).toBe(1);
  });

  it('10,000 rows of 100 groups in one statement are one counter update a group', async () => {
    const plan = await createPlan(db);
    const tenants = await Promise.all(Array.from({ length: 4 }, () => createTenant(db, plan)));
    const before = await Promise.all(tenants.map(({ id }) => revOf(db, id)));
    await db.query(
      `insert into public.students (school_group_id, school_id, first_name, last_name)
       select s.school_group_id, s.id, 'Élève', i::text from public.schools s, generate_series(1, 2500) i
       where s.school_group_id = any ($1)`,
      [tenants.map(({ id }) => id)],
    );
    for (const [index, { id }] of tenants.entries()) {
      expect(await usageOf(db, id)).toEqual([1, 2500, 0, 0]);
      expect(await revOf(db, id)).toBe((before[index] ?? 0) + 1);
    }
  });
});

describe('what a school holds goes where the school goes', () => {
  it('a move to another group takes its pupils, staff and documents along, and is growth there', async () => {
    const from = await groupOf({});
    await add(db, from, 'students', 3);
    await add(db, from, 'staff', 2);
    await document(from, 5);
    const small = await groupOf({ students: 2 });
    const move = `update public.schools set school_group_id = $2 where id = $1`;
    expect((await refusal(db.query(move, [from.school, small.id]))).detail).toMatchObject({
      resource: 'students',
      requested: 3,
      remaining: 2,
    });
    expect(await usageOf(db, from.id)).toEqual([1, 3, 2, 5]);
    const large = await groupOf({ schools: 2 });
    await db.query(move, [from.school, large.id]);
    expect(await usageOf(db, from.id)).toEqual([0, 0, 0, 0]);
    expect(await usageOf(db, large.id)).toEqual([2, 3, 2, 5]);
    const { rows } = await db.query('select school_group_id from public.profiles where id = $1', [
      from.staff.sub,
    ]);
    expect(rows).toEqual([{ school_group_id: large.id }]);
  });

  it('a pupil alone moves with a school of the new group, and only so', async () => {
    const [from, to] = [await groupOf({}), await groupOf({ students: 1 })];
    await add(db, from, 'students');
    const wrong = db.query('update public.students set school_group_id = $2 where school_group_id = $1', [
      from.id,
      to.id,
    ]);
    expect((await refusal(wrong)).sqlstate).toBe('23503');
    const move = `update public.students set school_group_id = $2, school_id = $3 where school_group_id = $1`;
    await db.query(move, [from.id, to.id, to.school]);
    expect([await usageOf(db, from.id), await usageOf(db, to.id)]).toEqual([
      [1, 0, 0, 0],
      [1, 1, 0, 0],
    ]);
    await add(db, from, 'students');
    expect((await refusal(db.query(move, [from.id, to.id, to.school]))).sqlstate).toBe('PT402');
  });

  it('deleting a school gives back all that it held', async () => {
    group = await groupOf({});
    await add(db, group, 'students', 3);
    await add(db, group, 'staff', 2);
    await document(group, 7);
    await db.query('delete from public.schools where id = $1', [group.school]);
    expect(await usageOf(db, group.id)).toEqual([0, 0, 0, 0]);
  });
});

describe('storage is counted in bytes', () => {
  it('claims on insert, gives back on delete, and the last byte counts', async () => {
    group = await groupOf({ storage: 1 });
    await documents(group, GO - 1);
    await document(group, 1);
    expect(await refusal(document(group, 1))).toMatchObject({
      sqlstate: 'PT402',
      message: 'Limite atteinte : 1 Go.',
      detail: { limit: GO, usage: GO, requested: 1 },
    });
    await db.query('delete from public.documents where school_group_id = $1 and size_bytes = 1', [group.id]);
    expect((await usageOf(db, group.id))[3]).toBe(GO - 1);
  });

  it('growing a document is growth, shrinking it is not', async () => {
    group = await groupOf({ storage: 1 });
    await documents(group, GO);
    const resize = (bytes: number): Promise<unknown> =>
      db.query('update public.documents set size_bytes = $2 where school_group_id = $1', [group.id, bytes]);
    expect((await refusal(resize(50_000_001))).sqlstate).toBe('PT402');
    await resize(49_999_999);
    expect((await usageOf(db, group.id))[3]).toBe(GO - 20);
  });

  it.each([0, -1])('a document of %i bytes is no document', async (bytes) => {
    group = await groupOf({});
    expect((await refusal(document(group, bytes))).sqlstate).toBe('23514');
  });

  it('sizes that no disk holds are refused before they are summed', async () => {
    group = await groupOf({});
    expect((await refusal(document(group, 2n ** 63n - 1n))).sqlstate).toBe('23514');
  });

  it('amounts in a refusal are told in the unit that shows them', async () => {
    group = await groupOf({ storage: 1 });
    await documents(group, GO - 1_500_000);
    expect((await refusal(document(group, 2_500_000))).message).toBe(
      'Demande : 2,5 Mo ; place restante : 1,5 Mo (limite : 1 Go).',
    );
  });
});

describe('I8: a downgrade deletes, hides and freezes nothing', () => {
  it('over the limit only growth is refused; what is there stays, is edited, and may go', async () => {
    group = await groupOf({});
    await add(db, group, 'schools', 4);
    await add(db, group, 'students', 5);
    const rows = (): Promise<unknown[]> =>
      db
        .query('select id, name, status from public.schools where school_group_id = $1 order by id', [
          group.id,
        ])
        .then((result) => result.rows);
    const before = await rows();
    await setPlan(db, group.id, await createPlan(db, { schools: 2, students: 2 }));
    expect(await rows()).toEqual(before);
    expect(await usageOf(db, group.id)).toEqual([5, 5, 0, 0]);

    const no = await refusal(add(db, group, 'schools'));
    expect(no).toMatchObject({ sqlstate: 'PT402', code: 'limit_reached' });
    expect(no.message).toBe('Limite dépassée : 5 écoles, pour une limite de 2 écoles.');
    expect(no.detail).toMatchObject({ state: 'over_limit', overage: 3, remaining: 0, percentage: 250 });

    await db.query(`update public.schools set name = name || '!' where school_group_id = $1`, [group.id]);
    await db.query(`update public.students set status = 'inactive' where school_group_id = $1`, [group.id]);
    await db.query(`delete from public.schools where id = $1`, [group.school]);
    expect(await usageOf(db, group.id)).toEqual([4, 0, 0, 0]);
  });
});
