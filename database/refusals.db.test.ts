/** Why was I refused at 10:42: what is recorded, what cannot be, and who reads it. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Decision } from '../src/core/entitlements.ts';
import { callAs, refusedAs } from '../tests/helpers/acting.ts';
import { createTestDatabase, type Actor, type TestDatabase } from '../tests/helpers/database.ts';
import { refusal } from '../tests/helpers/refusal.ts';
import { decisionShape } from '../tests/helpers/shapes.ts';
import {
  add,
  createAccount,
  createPlan,
  createTenant,
  revOf,
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
  group = await createTenant(db, await createPlan(db, { staff: 2 }));
});

const report = (actor: Actor, resource = 'staff', requested: number | null = 3) =>
  callAs<Decision>(db, actor, 'report_refusal($1, $2)', [resource, requested]);
const seenBy = async (actor: Actor) =>
  (
    await db.as(actor, (client) =>
      client.query('select * from refusals where school_group_id = $1', [group.id]),
    )
  ).rows;

describe('a refusal that its victim reports', () => {
  it('is kept with the decision, who, and the revision; the decision is the database’s own', async () => {
    const refused = await refusal(add(db, group, 'staff', 3));
    const decision = decisionShape.parse(await report(group.admin));
    expect(decision).toEqual(refused.detail);
    const rows = await seenBy(group.admin);
    expect(rows).toMatchObject([
      {
        actor_id: group.admin.sub,
        source: 'reported',
        decision: { ...decision, rev: await revOf(db, group.id) },
      },
    ]);
  });

  it('is read by the group’s admin and super admins; by school staff and other groups it is not', async () => {
    await report(group.staff);
    const foreign = await createTenant(db);
    const counts = [];
    for (const actor of [group.admin, superAdmin, group.staff, foreign.admin])
      counts.push((await seenBy(actor)).length);
    expect(counts).toEqual([1, 1, 0, 0]);
  });

  it('is one line a person and second, also when a program gone wild sends hundreds at once', async () => {
    await Promise.all(Array.from({ length: 12 }, () => report(group.admin)));
    await report(group.staff);
    const rows = await seenBy(superAdmin);
    expect(rows.filter(({ actor_id }) => actor_id === group.staff.sub)).toHaveLength(1);
    // A slow machine may need more than a second for a dozen calls.
    expect(rows.filter(({ actor_id }) => actor_id === group.admin.sub).length).toBeLessThan(6);
  });

  it('is none when what was asked fits by now', async () => {
    expect(await report(group.admin, 'staff', 1)).toMatchObject({ allowed: true });
    expect(await seenBy(group.admin)).toEqual([]);
  });

  it('cannot be invented: not for another group, not with another decision, not rewritten', async () => {
    expect((await refusedAs(db, superAdmin, `report_refusal('staff', 9)`)).code).toBe('forbidden');
    expect((await refusedAs(db, group.admin, `report_refusal('parents', 9)`)).code).toBe('unknown_resource');
    for (const requested of [-1, null]) {
      expect((await refusedAs(db, group.admin, `report_refusal('staff', $1)`, [requested])).code).toBe(
        'invalid_request',
      );
    }
    await report(group.admin);
    const insert = db.as(group.admin, (client) =>
      client.query(`insert into refusals (school_group_id, source, decision) values ($1, 'reported', '{}')`, [
        group.id,
      ]),
    );
    expect((await refusal(insert)).sqlstate).toBe('42501');
    expect((await refusal(db.query(`delete from refusals`))).code).toBe('append_only');
  });
});

describe('a refusal that nobody reports', () => {
  it('rolls back with its statement, record and all: nothing is kept', async () => {
    await refusal(add(db, group, 'staff', 3));
    await refusal(db.as(group.admin, (client) => add(client, group, 'staff', 3)));
    expect(await seenBy(superAdmin)).toEqual([]);
  });
});
