/** I2: a counter that drifted is named, mended and audited; nothing drifts by itself. */
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { at, callAs, inDays } from '../tests/helpers/acting.ts';
import { createTestDatabase, type Actor, type TestDatabase } from '../tests/helpers/database.ts';
import { stateMessages } from '../tests/helpers/messages.ts';
import {
  add,
  createAccount,
  createPlan,
  createTenant,
  drift,
  revOf,
  usageOf,
  type Tenant,
} from '../tests/helpers/tenants.ts';

let db: TestDatabase;
let superAdmin: Actor;
let group: Tenant;
beforeAll(async () => {
  db = await createTestDatabase();
  superAdmin = await createAccount(db, { role: 'super_admin' });
});
afterAll(() => db.drop());
beforeEach(async () => {
  group = await createTenant(db, await createPlan(db, { students: 10 }));
});

const verify = () => callAs<Record<string, unknown>[]>(db, superAdmin, 'verify_usage()');
const repair = () => callAs<number>(db, superAdmin, 'repair_usage()');
/** Acts with all triggers off, as a restore or a careless operator would. */
async function pastTheTriggers(act: (client: pg.Client) => Promise<unknown>): Promise<void> {
  const operator = new pg.Client({ connectionString: db.adminUrl });
  await operator.connect();
  await operator.query('set session_replication_role = replica');
  await act(operator);
  await operator.end();
}

describe('the recount', () => {
  it('finds nothing after anything that went the ordinary way', async () => {
    await add(db, group, 'students', 9);
    await db.query(`update students set status = 'inactive' where school_group_id = $1`, [group.id]);
    await db.query('delete from schools where id = $1', [group.school]);
    expect([await verify(), await repair()]).toEqual([[], 0]);
  });

  it('names what drifted: group, resource, counter and truth; and mends it', async () => {
    await pastTheTriggers((client) => add(client, group, 'students', 3));
    await db.query(`update private.group_states set used[1] = 7 where school_group_id = $1`, [group.id]);
    const told = { school_group_id: group.id, name: group.name };
    expect(await verify()).toEqual([
      { ...told, resource: 'schools', counter: 7, recount: 1 },
      { ...told, resource: 'students', counter: 0, recount: 3 },
    ]);
    const rev = await revOf(db, group.id);
    expect(await repair()).toBe(2);
    expect([await verify(), await repair(), await usageOf(db, group.id)]).toEqual([[], 0, [1, 3, 0, 0]]);
    expect((await stateMessages(db, group.id, rev)).map(({ payload }) => payload['usage'])).toEqual([
      [1, 3, 0, 0],
    ]);
  });

  it('audits who mended what', async () => {
    await pastTheTriggers((client) => add(client, group, 'students', 3));
    await repair();
    const { rows } = await db.query(
      `select actor_id, detail from audit_log where school_group_id = $1 and action = 'usage_repaired'`,
      [group.id],
    );
    expect(rows).toEqual([
      { actor_id: superAdmin.sub, detail: { resource: 'students', counter: 0, recount: 3 } },
    ]);
  });

  it('mends downwards, too, and resolves the warning that was left (I10)', async () => {
    await add(db, group, 'students', 10);
    await pastTheTriggers((client) =>
      client.query('delete from students where school_group_id = $1', [group.id]),
    );
    await repair();
    expect(await usageOf(db, group.id)).toEqual([1, 0, 0, 0]);
    await add(db, group, 'students', 10);
    const { rows } = await db.query(
      `select level, resolved_at is null as open from notifications where school_group_id = $1 and level > 0 order by id`,
      [group.id],
    );
    expect(rows).toEqual([
      { level: 3, open: false },
      { level: 3, open: true },
    ]);
  });

  it('mends today, not the days before', async () => {
    await add(db, group, 'students', 4);
    await pastTheTriggers((client) =>
      client.query('delete from students where school_group_id = $1', [group.id]),
    );
    await at(db, inDays(2), 'select private.repair_usage()');
    const days = await callAs<{ usage: number[] }[]>(
      db,
      group.admin,
      'get_usage_history(null, 3)',
      [],
      inDays(2),
    );
    expect(days.map(({ usage }) => usage[1])).toEqual([4, 4, 0]);
  });

  it('is done every night', async () => {
    await pastTheTriggers((client) => add(client, group, 'students', 2));
    const [row] = await at<{ it: unknown }>(db, inDays(1), 'select private.run_nightly_jobs() as it');
    expect(row?.it).toMatchObject({ counters_repaired: 1 });
    expect(await drift(db)).toEqual([]);
  });
});
