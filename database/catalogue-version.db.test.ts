/** What a snapshot names to say which catalogue is in force, and the catalogue to say which it is. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createTestDatabase, type Actor, type TestDatabase } from '../tests/helpers/database.ts';

const adminOfLamarelle: Actor = { sub: 'd0000000-0000-4000-8000-000000000002' };
const adminOfEdja: Actor = { sub: 'd0000000-0000-4000-8000-000000000004' };

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase({ seeds: true });
});
afterAll(() => db.drop());

async function tell(actor: Actor, sql: string): Promise<unknown> {
  const { rows } = await db.as(actor, (client) => client.query<{ it: unknown }>(`select ${sql} as it`));
  return rows[0]?.it;
}

const told = async (): Promise<unknown[]> => [
  await tell(adminOfLamarelle, `get_entitlements()->>'catalogue'`),
  await tell(adminOfLamarelle, `get_catalogue()->>'version'`),
];

it('is the same for every group and stays while the catalogue does', async () => {
  const [named, given] = await told();
  expect(named).toBe(given);
  expect(await tell(adminOfEdja, `get_entitlements()->>'catalogue'`)).toBe(named);
  await db.query('update students set first_name = first_name');
  expect(await told()).toEqual([named, named]);
});

it.each([
  [`update subscription_plans set name = name || '.' where slug = 'premium'`],
  [`update subscription_plans set price_xaf = price_xaf + 1 where slug = 'premium'`],
  [`update subscription_plans set warn_at = 0.85 where slug = 'premium'`],
  [`update subscription_plans set max_staff = max_staff + 1 where slug = 'premium'`],
  [`update subscription_plans set status = 'archived' where slug = 'institutionnel'`],
  [
    `delete from plan_modules using subscription_plans p where p.id = plan_id and p.slug = 'premium'
    and module_id = (select id from modules where slug = 'suivi-eleves')`,
  ],
  [
    `insert into plan_modules select p.id, m.id from subscription_plans p, modules m
    where p.slug = 'premium' and m.slug = 'suivi-eleves'`,
  ],
  [`update modules set description = 'Autre' where slug = 'suivi-eleves'`],
  [`update business_categories set color = '#000000' where slug = 'communication'`],
  [
    `insert into business_categories (slug, name, icon, color, position) values ('essai', 'Essai', 'Folder', '#000000', 10)`,
  ],
  [`delete from business_categories where slug = 'essai'`],
])('changes at commit, in both, with: %s', async (sql) => {
  const before = await told();
  const writer = await db.connect();
  await writer.query('begin');
  expect((await writer.query(sql)).rowCount).toBe(1);
  expect(await told()).toEqual(before);
  await writer.query('commit');
  const after = await told();
  expect(after[0]).toBe(after[1]);
  expect(after[0]).not.toBe(before[0]);
});
