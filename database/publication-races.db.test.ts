/** Publishers beside other publishers, changes of plan, edits of modules, jobs and writers: in one order, and nobody stuck. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { callAs } from '../tests/helpers/acting.ts';
import { createTestDatabase, type Actor, type TestDatabase } from '../tests/helpers/database.ts';
import { draftOf, type Draft } from '../tests/helpers/drafts.ts';
import { doneOrWaiting, inTransaction, openSessions, race, type Session } from '../tests/helpers/sessions.ts';
import { snapshotShape } from '../tests/helpers/shapes.ts';
import { add, createAccount, createPlan, createTenant, type Tenant } from '../tests/helpers/tenants.ts';

let db: TestDatabase;
let superAdmin: Required<Pick<Actor, 'sub'>>;
let plan: string;
let group: Tenant;
let bystander: Tenant;
beforeAll(async () => {
  db = await createTestDatabase();
  superAdmin = await createAccount(db, { role: 'super_admin' });
});
afterAll(() => db.drop());
beforeEach(async () => {
  plan = await createPlan(db, { schools: 3, students: 100, staff: 10, storage: 1 });
  group = await createTenant(db, plan);
  bystander = await createTenant(db, 'premium');
});

const draft = (changes: Record<string, unknown>): Promise<Draft> => draftOf(db, superAdmin, plan, changes);
const recorded = async () =>
  (
    await db.query(
      `select version from public.plan_versions where status <> 'draft'
         and plan_id = (select id from public.subscription_plans where slug = $1)`,
      [plan],
    )
  ).rows;
const snapshot = async (tenant: Tenant) =>
  snapshotShape.parse(await callAs(db, tenant.admin, 'get_entitlements()'));

describe('publishers and others at the same moment', () => {
  const as = ({ client }: Session, sql: string, parameters: unknown[]): Promise<unknown> =>
    inTransaction({ client, pid: 0 }, async () => {
      await client.query(
        `select set_config('request.jwt.claims', $1, true), set_config('role', 'authenticated', true)`,
        [JSON.stringify({ sub: superAdmin.sub, role: 'authenticated' })],
      );
      return client.query(`select public.${sql}`, parameters);
    });

  it('of those who saw the same version exactly one publishes', async () => {
    const sessions = await openSessions(db, 4);
    const drafts: Draft[] = [];
    for (let n = 0; n < sessions.length; n += 1) drafts.push(await draft({ max_staff: 20 + n }));
    const outcome = await race(
      sessions.map((session, n) => () => as(session, `publish_plan_version($1, 'move', 1)`, [drafts[n]?.id])),
    );
    expect(outcome).toEqual({ passed: 1, refused: { PT409: 3 } });
    expect(await recorded()).toHaveLength(2);
  });

  it('a group that changes to the plan while it is published gets the new version, told in order', async () => {
    const [changer, publisher] = (await openSessions(db, 2)) as [Session, Session];
    const made = await draft({ max_staff: 20 });
    await changer.client.query('begin');
    await changer.client.query(
      `update public.subscriptions set plan_id = (select id from public.subscription_plans where slug = $2) where school_group_id = $1`,
      [bystander.id, plan],
    );
    const publishing = as(publisher, `publish_plan_version($1, 'grandfather')`, [made.id]);
    expect(await doneOrWaiting(db, publisher, publishing)).toBe('waiting');
    await changer.client.query('commit');
    await publishing;
    // It came before the publication: it keeps what it came for.
    expect((await snapshot(bystander)).restrictions.staff.limit).toBe(10);
  });

  it('publications, changes of plan, edits of modules and writers all end, none in a deadlock', async () => {
    const sessions = await openSessions(db, 8);
    const second = await createPlan(db, { staff: 9 });
    const tenants = [group, bystander, await createTenant(db, plan), await createTenant(db, second)];
    const drafts: Draft[] = [];
    for (let n = 0; n < 6; n += 1) {
      drafts.push(
        await draftOf(db, superAdmin, n % 2 ? plan : second, {
          max_staff: 30 + n,
          modules: ['infirmerie', 'suivi-eleves'].slice(n % 2),
        }),
      );
    }
    const [a, b, c, d, e, f, g, h] = sessions as [
      Session,
      Session,
      Session,
      Session,
      Session,
      Session,
      Session,
      Session,
    ];
    const results = await race([
      async () => {
        for (const { id } of drafts.slice(0, 3)) await as(a, `publish_plan_version($1, 'grandfather')`, [id]);
      },
      async () => {
        for (const { id } of drafts.slice(3)) await as(b, `publish_plan_version($1, 'move')`, [id]);
      },
      async () => {
        for (let n = 0; n < 6; n += 1)
          await as(c, `change_plan($1, $2, 'Essai')`, [tenants[n % 4]?.id, n % 2 ? plan : second]).catch(
            samePlan,
          );
      },
      async () => {
        for (let n = 0; n < 6; n += 1)
          await as(d, `change_plan($1, $2, 'Essai')`, [
            tenants[3 - (n % 4)]?.id,
            n % 2 ? second : plan,
          ]).catch(samePlan);
      },
      async () => {
        for (const slug of [plan, second, plan])
          await e.client.query(
            'update public.subscription_plans set max_students = coalesce(max_students, 50) + 1 where slug = $1',
            [slug],
          );
      },
      async () => {
        for (const category of ['communication', 'securite-acces', 'services-infrastructures'])
          await f.client.query(
            `update public.modules set category_id = (select id from public.business_categories where slug = $1) where slug = 'infirmerie'`,
            [category],
          );
      },
      async () => {
        for (let n = 0; n < 12; n += 1) await add(g.client, tenants[n % 4] as Tenant, 'students');
      },
      async () => {
        for (let n = 0; n < 6; n += 1) await h.client.query('select private.run_minute_jobs()');
      },
    ]);
    expect(results).toEqual({ passed: 8, refused: {} });
  });
  const samePlan = (error: { code?: string }): void => {
    if (error.code !== 'PT409') throw new Error(error.code, { cause: error });
  };
});
