/** I1, I2: COPY, truncate and the repair, which act on whole tables: no other test may share their database. */
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../tests/helpers/database.ts';
import { refusal } from '../tests/helpers/refusal.ts';
import { stateMessages } from '../tests/helpers/messages.ts';
import {
  add,
  createPlan,
  createTenant,
  drift,
  revOf,
  usageOf,
  type Tenant,
} from '../tests/helpers/tenants.ts';

let db: TestDatabase;
let group: Tenant;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.drop());
beforeEach(async () => {
  group = await createTenant(db, await createPlan(db, { students: 4 }));
});

/** COPY of `count` pupils, read from a program so that the rows come over no statement of ours. */
function copyStudents(count: number): Promise<unknown> {
  const row = `${group.id},${group.school},Aimée,Loemba\\n`;
  return db.query(
    `copy public.students (school_group_id, school_id, first_name, last_name)
     from program 'printf "${row.repeat(count)}"' with (format csv)`,
  );
}

describe('COPY', () => {
  it('I1: takes all rows or none', async () => {
    await copyStudents(3);
    expect(await usageOf(db, group.id)).toEqual([1, 3, 0, 0]);
    expect(await refusal(copyStudents(2))).toMatchObject({
      sqlstate: 'PT402',
      detail: { reason: 'requested_exceeds_limit', requested: 2, remaining: 1 },
    });
    expect(await usageOf(db, group.id)).toEqual([1, 3, 0, 0]);
    expect(await drift(db)).toEqual([]);
  });
});

describe('truncate', () => {
  it('I2, I4: gives everything back to every group, with one message to each that used any', async () => {
    const other = await createTenant(db, await createPlan(db));
    const bystander = await createTenant(db, await createPlan(db));
    for (const tenant of [group, other]) await add(db, tenant, 'students', 2);
    await add(db, group, 'staff', 1);
    await add(db, group, 'storage', 1);
    const revs = await Promise.all([group, other, bystander].map(({ id }) => revOf(db, id)));
    await db.query('truncate public.students, public.staff, public.documents cascade');
    expect(await drift(db)).toEqual([]);
    expect(await usageOf(db, group.id)).toEqual([1, 0, 0, 0]);
    const sent = [group, other, bystander].map(({ id }, i) => stateMessages(db, id, revs[i]));
    expect((await Promise.all(sent)).map((messages) => messages.length)).toEqual([1, 1, 0]);
  });

  it('does not reach the schools: their accounts have a past that is not rewritten', async () => {
    expect((await refusal(db.query('truncate public.schools'))).sqlstate).toBe('0A000');
    expect((await refusal(db.query('truncate public.schools cascade'))).code).toBe('append_only');
  });

  it.each(['plan_modules', 'modules cascade', 'plan_categories', 'subscriptions'])(
    'does not empty %s',
    async (table) => {
      expect((await refusal(db.query(`truncate public.${table}`))).sqlstate).toMatch(/^PT403$/);
    },
  );
});

describe('the repair', () => {
  it('I2: finds nothing to do after ordinary work', async () => {
    await add(db, group, 'students', 4);
    await db.query('delete from public.students where school_group_id = $1', [group.id]);
    expect((await db.query('select private.repair_usage() as n')).rows).toEqual([{ n: 0 }]);
  });

  it('sets a counter that was tampered with, tells the group and leaves a trace', async () => {
    await add(db, group, 'students', 2);
    await db.query(`update private.group_states set used = '{40,40,40,40}' where school_group_id = $1`, [
      group.id,
    ]);
    const rev = await revOf(db, group.id);
    expect((await db.query('select private.repair_usage() as n')).rows).toEqual([{ n: 4 }]);
    expect(await usageOf(db, group.id)).toEqual([1, 2, 0, 0]);
    expect(await stateMessages(db, group.id, rev)).toHaveLength(1);
    const { rows } = await db.query(
      `select detail->>'resource' as resource from public.audit_log where action = 'usage_repaired' and school_group_id = $1 order by 1`,
      [group.id],
    );
    expect(rows.map(({ resource }) => resource as string)).toEqual([
      'schools',
      'staff',
      'storage',
      'students',
    ]);
    expect((await db.query('select private.repair_usage() as n')).rows).toEqual([{ n: 0 }]);
  });

  it('I10: counts what a load past the triggers brought, and warns of the highest threshold it crossed', async () => {
    const loader = new pg.Client({ connectionString: db.adminUrl });
    await loader.connect();
    await loader.query('set session_replication_role = replica');
    await add(loader, group, 'students', 4);
    await loader.end();
    expect(await drift(db)).toHaveLength(1);
    await db.query('select private.repair_usage()');
    expect(await drift(db)).toEqual([]);
    const { rows } = await db.query(
      `select (params->>'threshold')::float as threshold from public.notifications
       where school_group_id = $1 and level > 0`,
      [group.id],
    );
    expect(rows).toEqual([{ threshold: 1 }]);
  });

  it('brings back counters that were deleted, above every revision told; until then growth is refused', async () => {
    await add(db, group, 'students', 2);
    const rev = await revOf(db, group.id);
    await db.query('delete from private.group_states where school_group_id = $1', [group.id]);
    await refusal(add(db, group, 'students'));
    await db.query('select private.repair_usage()');
    expect(await usageOf(db, group.id)).toEqual([1, 2, 0, 0]);
    expect(await revOf(db, group.id)).toBeGreaterThan(rev);
    expect((await refusal(add(db, group, 'students', 3))).sqlstate).toBe('PT402');
  });
});
