/** Whose notices they are, what is read, and who may write what: I6 for notices. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callAs } from '../tests/helpers/acting.ts';
import { createTestDatabase, type Actor, type TestDatabase } from '../tests/helpers/database.ts';
import { messagesOf } from '../tests/helpers/messages.ts';
import { refusal } from '../tests/helpers/refusal.ts';
import {
  add,
  createAccount,
  createPlan,
  createTenant,
  setPlan,
  type Tenant,
} from '../tests/helpers/tenants.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.drop());

const groupOf = async (students: number): Promise<Tenant> =>
  createTenant(db, await createPlan(db, { students }));
const remove = (group: Tenant, count: number): Promise<unknown> =>
  db.query(
    'delete from public.students where id in (select id from public.students where school_group_id = $1 limit $2)',
    [group.id, count],
  );
const unread = async (actor: Actor): Promise<number> =>
  (await callAs<{ unread_notices: number }>(db, actor, 'get_entitlements()')).unread_notices;
/** The turns of the notices that somebody is shown as unread, oldest first. */
const shownUnread = (actor: Actor): Promise<string[]> =>
  db.as(actor, async (client) => {
    const { rows } = await client.query<{ turn: string }>(
      'select turn from notices where unread order by turn',
    );
    return rows.map(({ turn }) => turn);
  });
const markRead = (actor: Actor, upTo: string | null | undefined): Promise<number> =>
  callAs<number>(db, actor, 'mark_notifications_read($1)', [upTo]);
const EVERYTHING = '9223372036854775807';
/** A group whose admin has read what came with its plan. */
async function readGroup(students: number): Promise<Tenant> {
  const group = await groupOf(students);
  await markRead(group.admin, EVERYTHING);
  return group;
}

describe('the record of kinds', () => {
  it('has a row for every kind there is', async () => {
    const { rows } = await db.query(
      `select unnest(enum_range(null::notification_kind)) as kind except select kind from private.notification_kinds`,
    );
    expect(rows).toEqual([]);
  });

  it('decides who sees a notice: staff see and count none that is for admins, and all that is for them', async () => {
    const group = await groupOf(10);
    await add(db, group, 'students', 8);
    expect([await shownUnread(group.staff), await unread(group.staff)]).toEqual([[], 0]);
    const client = await db.connect();
    await client.query('begin');
    await client.query(
      `update private.notification_kinds set seen_by = '{personnel}' where kind = 'usage_threshold'`,
    );
    await client.query(`select set_config('request.jwt.claims', $1, true)`, [
      JSON.stringify({ sub: group.staff.sub, role: 'authenticated' }),
    ]);
    await client.query('set local role authenticated');
    const { rows } = await client.query(
      `select kind, (get_entitlements()->'unread_notices')::int as count from notices`,
    );
    await client.query('rollback');
    expect(rows).toEqual([{ kind: 'usage_threshold', count: 1 }]);
  });

  it('a change of plan or of status is noticed and not pushed: its state message tells the screens', async () => {
    const superAdmin = await createAccount(db, { role: 'super_admin' });
    const group = await readGroup(10);
    await setPlan(db, group.id, 'pro');
    await callAs(db, superAdmin, `set_subscription_status($1, 'past_due', 'Impayé')`, [group.id]);
    const { rows } = await db.as(group.admin, (client) =>
      client.query('select kind, params, unread from notices where unread order by id'),
    );
    expect(rows).toEqual([
      {
        kind: 'plan_changed',
        params: { from: expect.stringMatching(/^plan-/) as string, to: 'pro' },
        unread: true,
      },
      { kind: 'status_changed', params: { from: 'active', to: 'past_due' }, unread: true },
    ]);
    const events = (await messagesOf(db, `group:${group.id}`)).map(({ event }) => event);
    expect(events).not.toContain('notification');
  });
});

describe('reading notices', () => {
  it('each admin reads for themself, and only their group’s', async () => {
    const [group, other] = [await readGroup(1), await readGroup(1)];
    const colleague = await createAccount(db, { role: 'admin_groupe', group: group.id });
    await markRead(colleague, EVERYTHING);
    await add(db, group, 'students');
    await add(db, other, 'students');
    expect([await unread(group.admin), await unread(colleague)]).toEqual([1, 1]);
    expect(await markRead(group.admin, EVERYTHING)).toBe(1);
    expect(await markRead(group.admin, EVERYTHING)).toBe(0);
    expect([await unread(group.admin), await unread(colleague), await unread(other.admin)]).toEqual([
      0, 1, 1,
    ]);
  });

  it('has one door: nobody writes notices or what was read past the function', async () => {
    const group = await groupOf(1);
    await add(db, group, 'students');
    for (const write of [
      'insert into notification_reads (notification_id) select id from notifications',
      'insert into notification_reads (notification_id, turn) select id, turn from notifications',
      'update notification_reads set turn = 1',
      'delete from notification_reads',
      `update notifications set resolved_at = now()`,
      `update notices set resolved_at = now()`,
      `select private.notify(school_group_id, 'plan_changed', '{}') from notices`,
      'select private.unread_notices(school_group_id) from notices',
      'select from private.notification_kinds',
    ]) {
      const attempt = db.as(group.admin, (client) => client.query(write));
      expect([write, (await refusal(attempt)).sqlstate]).toEqual([write, '42501']);
    }
  });

  it('all up to one, by one call: what came after it stays unread', async () => {
    const group = await readGroup(10);
    await add(db, group, 'students', 8);
    await add(db, group, 'students', 1);
    await setPlan(db, group.id, 'pro');
    await setPlan(db, group.id, 'premium');
    // Larger plans resolved the warning: what is resolved asks for nobody's attention.
    const turns = await shownUnread(group.admin);
    expect([turns.length, await unread(group.admin)]).toEqual([2, 2]);
    expect(await markRead(group.admin, null)).toBe(0);
    expect(await markRead(group.admin, turns[0])).toBe(1);
    expect(await shownUnread(group.admin)).toEqual(turns.slice(1));
  });

  it('a notice that rises is unread again, one that falls is not, one that is resolved counts no more', async () => {
    const group = await readGroup(10);
    await add(db, group, 'students', 8);
    await markRead(group.admin, EVERYTHING);
    await add(db, group, 'students', 2);
    expect(await unread(group.admin)).toBe(1);
    await markRead(group.admin, EVERYTHING);
    await remove(group, 1);
    expect(await unread(group.admin)).toBe(0);
    await add(db, group, 'students');
    expect(await unread(group.admin)).toBe(1);
    await remove(group, 9);
    expect([await unread(group.admin), await shownUnread(group.admin)]).toEqual([0, []]);
  });

  it('marks what was seen: a notice that rose meanwhile stays unread', async () => {
    const group = await readGroup(10);
    await add(db, group, 'students', 8);
    const [seen] = await shownUnread(group.admin);
    await add(db, group, 'students', 2);
    expect(await markRead(group.admin, seen)).toBe(0);
    expect(await unread(group.admin)).toBe(1);
  });

  it('hold what a sentence is made of in either language, and no sentence', async () => {
    const group = await groupOf(10);
    await add(db, group, 'students', 8);
    const { rows } = await db.query(
      `select kind, resource, level, params from notifications where school_group_id = $1 and level > 0`,
      [group.id],
    );
    expect(rows).toEqual([
      {
        kind: 'usage_threshold',
        resource: 'students',
        level: 1,
        params: {
          threshold: 0.8,
          usage: 8,
          limit: 10,
          plan: expect.stringMatching(/^plan-/) as string,
        },
      },
    ]);
  });
});
