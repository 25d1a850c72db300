/** The super admin's list and page of groups, over the demo data. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { createTestDatabase, type Actor, type TestDatabase } from '../tests/helpers/database.ts';
import { refusal } from '../tests/helpers/refusal.ts';
import { groupListShape, groupShape } from '../tests/helpers/shapes.ts';

const superAdmin: Actor = { sub: 'd0000000-0000-4000-8000-000000000001' };
let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase({ seeds: true });
});
afterAll(() => db.drop());

type GroupList = z.infer<typeof groupListShape>;
async function list(filters: Record<string, unknown> = {}, actor = superAdmin): Promise<GroupList> {
  const names = Object.keys(filters);
  const call = names.map((name, i) => `p_${name} => $${i + 1}`).join(', ');
  const { rows } = await db.as(actor, (client) =>
    client.query<{ it: unknown }>(`select list_school_groups(${call}) as it`, Object.values(filters)),
  );
  return groupListShape.parse(rows[0]?.it);
}
const namesOf = ({ groups }: GroupList): string[] => groups.map(({ name }) => name);

describe('list_school_groups', () => {
  it('tells of each group its plan in force, limits, usage and worst state', async () => {
    const { groups } = await list({ search: 'palmiers' });
    expect(groups).toHaveLength(1);
    expect(groups[0]).toMatchObject({
      name: 'COMPLEXE LES PALMIERS',
      plan: 'premium',
      plan_name: 'Premium',
      limits: [3, 500, 20, 10e9],
      state: 'over_limit',
    });
    expect(groups[0]?.usage.slice(0, 3)).toEqual([4, 610, 24]);
  });

  it('agrees with the view of usage on every group', async () => {
    const { rows } = await db.query<{ id: string; usage: number[]; limits: number[] }>(
      `select school_group_id as id, json_agg(used order by resource) as usage, json_agg("limit" order by resource) as limits
       from school_group_usage group by 1`,
    );
    const { groups, total } = await list({ limit: 200 });
    expect(total).toBe(rows.length);
    for (const { id, usage, limits } of groups) {
      expect(rows.find((row) => row.id === id)).toMatchObject({ usage, limits });
    }
  });

  it('shows a fallen group on the plan that judges it', async () => {
    const { groups } = await list({ search: 'SAVOIR' });
    expect(groups[0]).toMatchObject({
      plan: 'gratuit',
      subscription_status: 'expired',
      limits: [1, 100, 5, 1e9],
    });
  });

  it.each([
    ['a part of the name, in any case', 'lamar', ['LAMARELLE']],
    ['letters with accents, in any case', 'école edja', ['ÉCOLE EDJA']],
    ['a word typed without its accents', 'ecole edja', ['ÉCOLE EDJA']],
    ['the code', 'NGONGO', ['CG NGONGO']],
    ['spaces around', '  lamarelle ', ['LAMARELLE']],
    ['a percent sign as itself', '%', []],
    ['an underscore as itself', '_', []],
    ['a backslash as itself', '\\', []],
    ['a quote', `'; drop table schools; --`, []],
  ])('finds by %s', async (_what, search, names) => {
    expect(namesOf(await list({ search }))).toEqual(names);
  });

  it.each([null, '', '   '])('lists all groups for the search %j', async (search) => {
    expect((await list({ search })).total).toBe(40);
  });

  it('filters by plan in force and by state, and counts what it filtered', async () => {
    const premium = await list({ plan: 'premium', limit: 200 });
    expect(premium.groups.every(({ plan }) => plan === 'premium')).toBe(true);
    expect(premium.total).toBe(premium.groups.length);
    expect((await list({ plan: 'nothing' })).groups).toEqual([]);
    for (const [state, told] of [
      ['near', 'warning'],
      ['blocked', 'blocked'],
      ['over_limit', 'over_limit'],
    ] as const) {
      const { groups, total } = await list({ state, limit: 200 });
      expect(total).toBeGreaterThan(0);
      expect(new Set(groups.map((group) => group.state))).toEqual(new Set([told]));
    }
    expect(namesOf(await list({ state: 'over_limit', limit: 200 }))).toEqual([
      'COMPLEXE LES PALMIERS',
      'INSTITUT LE SAVOIR',
    ]);
  });

  it('sorts by name as French does, É with E', async () => {
    const names = namesOf(await list({ limit: 200 }));
    expect(names).toEqual(names.toSorted(new Intl.Collator('fr').compare));
    expect(namesOf(await list({ limit: 200, descending: true }))).toEqual(names.toReversed());
  });

  it.each([
    ['schools', 0],
    ['students', 1],
    ['staff', 2],
  ] as const)('sorts by %s both ways', async (sort, index) => {
    const numbers = async (descending: boolean): Promise<number[]> =>
      (await list({ sort, descending, limit: 200 })).groups.map(({ usage }) => usage[index]);
    const rising = await numbers(false);
    expect(rising).toEqual(rising.toSorted((a, b) => a - b));
    expect(await numbers(true)).toEqual(rising.toReversed());
  });

  it('sorts by the rank of the plan', async () => {
    const ranks = ['gratuit', 'premium', 'pro', 'institutionnel'];
    const plans = (await list({ sort: 'plan', limit: 200 })).groups.map(({ plan }) => ranks.indexOf(plan));
    expect(plans).toEqual(plans.toSorted((a, b) => a - b));
  });

  it('cuts pages that neither repeat nor miss a group', async () => {
    const all = namesOf(await list({ sort: 'students', limit: 200 }));
    const pages: string[] = [];
    for (let offset = 0; offset < 45; offset += 15) {
      pages.push(...namesOf(await list({ sort: 'students', limit: 15, offset })));
    }
    expect(pages).toEqual(all);
    expect(await list({ offset: 1000 })).toMatchObject({ total: 40, groups: [] });
  });

  it.each([
    { limit: 0 },
    { limit: 201 },
    { limit: null },
    { offset: -1 },
    { sort: 'rev' },
    { sort: null },
    { state: 'ok' },
  ])('refuses %j', async (filters) => {
    expect(await refusal(list(filters))).toMatchObject({ sqlstate: 'PT400', code: 'invalid_request' });
  });
});

describe('get_school_group', () => {
  const idOf = async (code: string): Promise<string> =>
    (await db.query<{ id: string }>('select id from school_groups where code = $1', [code])).rows[0]?.id ??
    '';
  async function page(code: string): Promise<z.infer<typeof groupShape>> {
    const { rows } = await db.as(superAdmin, async (client) =>
      client.query<{ it: unknown }>('select get_school_group($1) as it', [await idOf(code)]),
    );
    return groupShape.parse(rows[0]?.it);
  }

  it('tells who the group is, what it subscribes to, and its past, newest first', async () => {
    const { events, ...group } = await page('PALMIERS');
    expect(group).toMatchObject({
      name: 'COMPLEXE LES PALMIERS',
      subscription: { plan: 'premium', status: 'active' },
    });
    expect(events.map(({ kind, from_plan, to_plan, reason }) => [kind, from_plan, to_plan, reason])).toEqual([
      ['plan_changed', 'pro', 'premium', 'Non-renouvellement du plan Pro'],
      ['plan_changed', 'gratuit', 'pro', 'Souscription'],
      ['created', null, 'gratuit', 'Souscription'],
    ]);
  });

  it('names the person who acted, and keeps to the newest 50 events', async () => {
    const id = await idOf('EDJA');
    for (let n = 0; n < 52; n += 1) {
      await db.as(superAdmin, (client) =>
        client.query(`select change_plan($1, $2, 'Va-et-vient')`, [id, n % 2 ? 'premium' : 'pro']),
      );
    }
    const { events } = await page('EDJA');
    expect(events).toHaveLength(50);
    expect(events[0]).toMatchObject({ actor_name: 'Ramsès Melack', to_plan: 'premium' });
    expect(events.map((event) => event.id)).toEqual(
      events.map((event) => event.id).toSorted((a, b) => b - a),
    );
  });
});
