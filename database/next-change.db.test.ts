/** The epoch, and the instant at which time alone changes what a group may do: in snapshot, messages and console rows. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { callAs, inDays, runDueJobsAt } from '../tests/helpers/acting.ts';
import { createTestDatabase, type Actor, type TestDatabase } from '../tests/helpers/database.ts';
import { stateMessages } from '../tests/helpers/messages.ts';
import { refusal } from '../tests/helpers/refusal.ts';
import { groupListShape, snapshotShape } from '../tests/helpers/shapes.ts';
import { add, createAccount, createTenant, revOf, type Tenant } from '../tests/helpers/tenants.ts';

let db: TestDatabase;
let superAdmin: Actor;
let group: Tenant;
let rev: number;
beforeAll(async () => {
  db = await createTestDatabase();
  superAdmin = await createAccount(db, { role: 'super_admin' });
});
afterAll(() => db.drop());
beforeEach(async () => {
  group = await createTenant(db, 'premium');
  rev = await revOf(db, group.id);
});

const act = (call: string, ...parameters: unknown[]) =>
  callAs<{ id: string }>(db, superAdmin, call, [group.id, ...parameters]);
const grant = (until: Date) => act(`grant_quantity($1, 'schools', 2, 'Rentrée', $2)`, until);
const setStatus = (status: string, until: Date | null = null) =>
  act(`set_subscription_status($1, $2, 'Essai', $3)`, status, until);
const snapshot = async (when?: Date) =>
  snapshotShape.parse(await callAs(db, group.admin, 'get_entitlements()', [], when));
const rowOf = async () => {
  const list = await callAs(db, superAdmin, 'list_school_groups($1)', [group.name]);
  return groupListShape.parse(list).groups[0];
};
const stored = async () => {
  const { rows } = await db.query<{ next_at: Date | null }>(
    'select next_at from private.group_states where school_group_id = $1',
    [group.id],
  );
  return rows[0]?.next_at?.getTime() ?? null;
};
const lastMessage = async () => (await stateMessages(db, group.id, rev)).at(-1)?.payload;

/** Snapshot, console row, stored column and last message name the same instant, Unix milliseconds. */
async function expectNext(instant: Date | null): Promise<void> {
  const next = instant?.getTime() ?? null;
  expect({
    snapshot: (await snapshot()).next_at,
    row: (await rowOf())?.next_at,
    stored: await stored(),
    message: (await lastMessage())?.['next_at'] ?? null,
  }).toEqual({ snapshot: next, row: next, stored: next, message: next });
}

describe('the next change by time alone', () => {
  it('is none where nothing is dated', async () => {
    await act(`set_limit_override($1, 'schools', 5, 'Accord')`);
    await expectNext(null);
  });

  it('is the end of the exception that ends first, and of the next one after that is ended', async () => {
    const [soon, later] = [inDays(3), inDays(9)];
    await grant(later);
    await expectNext(later);
    const { id } = await grant(soon);
    await expectNext(soon);
    await callAs(db, superAdmin, `end_override($1, 'Fin')`, [id]);
    await expectNext(later);
  });

  it('is rounded up to the millisecond: a screen that reads at it reads after it', async () => {
    const until = inDays(30);
    await act(`grant_quantity($1, 'schools', 2, 'Rentrée', $2)`, until.toISOString().replace('Z', '001Z'));
    await expectNext(new Date(until.getTime() + 1));
  });

  it.each(['trial', 'past_due', 'grace', 'active'])('is the end of the state %s', async (status) => {
    if (status === 'grace' || status === 'active') await setStatus('past_due', inDays(40));
    const until = inDays(20);
    await setStatus(status, until);
    await expectNext(until);
  });

  it('is the date of a scheduled change, and none once it is cancelled', async () => {
    const when = inDays(15);
    await act(`change_plan($1, 'pro', 'Croissance', $2)`, when);
    await expectNext(when);
    await act(`cancel_scheduled_change($1, 'Annulé')`);
    await expectNext(null);
  });

  it('follows dates that plain SQL moves, without a message: what the group may do is the same', async () => {
    const until = inDays(20);
    await setStatus('trial', inDays(5));
    const before = await revOf(db, group.id);
    await db.query('update public.subscriptions set trial_ends_at = $2 where school_group_id = $1', [
      group.id,
      until,
    ]);
    expect([await stored(), (await snapshot()).next_at]).toEqual([until.getTime(), until.getTime()]);
    expect(await revOf(db, group.id)).toBe(before);
  });

  it('travels with the message of a state that a date has moved to the next', async () => {
    await setStatus('past_due', inDays(1));
    await runDueJobsAt(db, inDays(2));
    expect(await lastMessage()).toMatchObject({ status: 'grace' });
    expect((await lastMessage())?.['next_at']).toBe(await stored());
    expect(await stored()).toBeGreaterThan(inDays(14).getTime());
  });

  it('in the past is named no more; the end of the exception is in force at once', async () => {
    await grant(inDays(3));
    await grant(inDays(9));
    const after = await snapshot(inDays(4));
    expect(after.restrictions.schools.limit).toBe(5);
    expect(Math.round((after.next_at ?? 0) - inDays(9).getTime())).toBeLessThan(60_000);
    expect((await snapshot(inDays(10))).next_at).toBeNull();
  });

  it('in the past is not told of by a message either, but the one after it', async () => {
    const [soon, later] = [inDays(3), inDays(9)];
    await grant(later);
    await grant(soon);
    const operator = await db.connect();
    await operator.query(`select set_config('epilot.now', $1, false)`, [inDays(4).toISOString()]);
    await add(operator, group, 'students');
    expect((await lastMessage())?.['next_at']).toBeUndefined();
    await operator.query('select private.tell_entitlements($1)', [group.id]);
    await operator.end();
    expect((await lastMessage())?.['next_at']).toBe(later.getTime());
  });

  it('stays in the messages of usage', async () => {
    const until = inDays(3);
    await grant(until);
    await add(db, group, 'students');
    await expectNext(until);
  });
});

describe('the epoch', () => {
  it('is in the snapshot, in every message and in console rows', async () => {
    await add(db, group, 'students');
    await grant(inDays(3));
    const messages = await stateMessages(db, group.id, rev);
    const { rows } = await db.query<{ epoch: number }>('select epoch from private.platform');
    const epoch = rows[0]?.epoch;
    expect(epoch).toBeGreaterThan(0);
    expect(messages.map(({ event, payload }) => [event, payload['e']])).toEqual([
      ['usage_changed', epoch],
      ['entitlements_changed', epoch],
    ]);
    expect([(await snapshot()).e, (await rowOf())?.e]).toEqual([epoch, epoch]);
  });

  it('is raised by the owner of the database alone, above what the same backup was restored under before', async () => {
    for (const actor of [superAdmin, group.admin]) {
      const refused = await refusal(db.as(actor, (client) => client.query('select private.raise_epoch()')));
      expect(refused).toMatchObject({ sqlstate: '42501' });
    }
    const { e, catalogue } = await snapshot();
    const raised = await db.query<{ e: number }>('select private.raise_epoch() as e');
    const first = raised.rows[0]?.e ?? 0;
    expect(first).toBeGreaterThan(e);
    // The same backup once more, some time later: its epoch is the old one again.
    const later = await db.connect();
    await later.query('update private.platform set epoch = $1', [e]);
    await later.query(`select set_config('epilot.now', $1, false)`, [inDays(1).toISOString()]);
    const again = await later.query<{ e: number }>('select private.raise_epoch() as e');
    await later.end();
    expect(again.rows[0]?.e).toBeGreaterThan(first);
    const restored = await snapshot();
    expect(restored.e).toBe(again.rows[0]?.e);
    // A catalogue that was edited after the backup, and one edited after the restore, are not the same one.
    expect(restored.catalogue).not.toBe(catalogue);
  });
});
