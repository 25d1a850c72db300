/** The founding document's own statements and results, on its demo data, as printed. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase, type Actor, type TestDatabase } from '../tests/helpers/database.ts';
import { refusal } from '../tests/helpers/refusal.ts';

const vianney: Actor = { sub: 'd0000000-0000-4000-8000-000000000002' };
const superAdmin: Actor = { sub: 'd0000000-0000-4000-8000-000000000001' };

let db: TestDatabase;
beforeEach(async () => {
  db = await createTestDatabase({ seeds: true });
});
afterEach(() => db.drop());

/** What Vianney's screens show. */
async function screen(): Promise<unknown> {
  const { rows } = await db.as(vianney, (client) =>
    client.query(`select it->>'plan_name' as plan, jsonb_array_length(it->'modules') as modules,
        jsonb_array_length(it->'categories') as categories,
        array[it#>'{restrictions,schools,limit}', it#>'{restrictions,students,limit}', it#>'{restrictions,staff,limit}',
              it#>'{restrictions,storage,limit}']::text[] as limits
      from get_entitlements() as it`),
  );
  return rows[0];
}
const PREMIUM = { plan: 'Premium', modules: 20, categories: 6, limits: ['3', '500', '20', '10000000000'] };
const PRO = { plan: 'Pro', modules: 47, categories: 9, limits: ['10', '2000', '50', '50000000000'] };

const changeTo = (slug: string): string => `
  UPDATE subscriptions
  SET plan_id = (SELECT id FROM subscription_plans WHERE slug = '${slug}')
  WHERE school_group_id = (SELECT id FROM school_groups WHERE name = 'LAMARELLE');`;
const TEN_SCHOOLS = `
  INSERT INTO schools (name, school_group_id)
  SELECT 'École ' || i, (SELECT id FROM school_groups WHERE name = 'LAMARELLE')
  FROM generate_series(1, 10) i;`;

describe('the seed’s first test: a change of plan', () => {
  it.each([
    ['the operator', (sql: string) => db.query(sql)],
    ['the super admin', (sql: string) => db.as(superAdmin, (client) => client.query(sql))],
  ])('by %s: 20 modules, 6 categories, 3 schools instead of 47, 9, 10; and back', async (_who, run) => {
    expect(await screen()).toEqual(PRO);
    await run(changeTo('premium'));
    expect(await screen()).toEqual(PREMIUM);
    await run(changeTo('pro'));
    expect(await screen()).toEqual(PRO);
  });

  it('by Vianney himself changes nothing: the row is not his to update', async () => {
    const { rowCount } = await db.as(vianney, (client) => client.query(changeTo('institutionnel')));
    expect(rowCount).toBe(0);
    expect(await screen()).toEqual(PRO);
  });
});

describe('the seed’s second test: ten schools', () => {
  it('beside the one of the card they are eleven: refused whole, from anywhere', async () => {
    for (const attempt of [
      () => db.query(TEN_SCHOOLS),
      () => db.as(vianney, (client) => client.query(TEN_SCHOOLS)),
    ]) {
      expect(await refusal(attempt())).toMatchObject({
        sqlstate: 'PT402',
        message: 'Demande : 10 écoles ; place restante : 9 écoles (limite : 10 écoles).',
      });
    }
  });

  it('in a group without schools they fill the limit, and the eleventh is refused with the seed’s words', async () => {
    await db.query(
      `delete from schools where school_group_id = (select id from school_groups where name = 'LAMARELLE')`,
    );
    await db.as(vianney, (client) => client.query(TEN_SCHOOLS));
    const eleventh = db.as(vianney, (client) => client.query(TEN_SCHOOLS.replace('10) i', '1) i')));
    expect(await refusal(eleventh)).toMatchObject({
      sqlstate: 'PT402',
      message: 'Limite atteinte : 10 écoles.',
      detail: { state: 'blocked', usage: 10, limit: 10, percentage: 100 },
    });
  });
});
