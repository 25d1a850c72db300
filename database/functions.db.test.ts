/** The questions of the front end, asked of the demo data as its users. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { createTestDatabase, type Actor, type TestDatabase } from '../tests/helpers/database.ts';
import { refusal, type Refusal } from '../tests/helpers/refusal.ts';
import {
  catalogueShape,
  decisionShape,
  previewShape,
  restrictionsShape,
  snapshotShape,
} from '../tests/helpers/shapes.ts';
import { add } from '../tests/helpers/tenants.ts';

const demo = (n: number): Actor => ({ sub: `d0000000-0000-4000-8000-00000000000${n}` });
const superAdmin = demo(1);
const adminOfLamarelle = demo(2);
const adminOfNgongo = demo(3);
const adminOfEdja = demo(4);
const staffOfLamarelle = demo(5);

let db: TestDatabase;
const groups: Record<string, string> = {};
beforeAll(async () => {
  db = await createTestDatabase({ seeds: true });
  const { rows } = await db.query<{ id: string; code: string }>('select id, code from school_groups');
  for (const { id, code } of rows) groups[code] = id;
});
afterAll(() => db.drop());

/** Calls a function of the API as `actor` and returns what it says. */
async function call(actor: Actor, sql: string, parameters: unknown[] = []): Promise<unknown> {
  const { rows } = await db.as(actor, (client) =>
    client.query<{ it: unknown }>(`select ${sql} as it`, parameters),
  );
  return rows[0]?.it;
}
async function ask<Shape extends z.ZodType>(
  shape: Shape,
  ...request: Parameters<typeof call>
): Promise<z.infer<Shape>> {
  return shape.parse(await call(...request));
}
const refused = (...request: Parameters<typeof call>): Promise<Refusal> => refusal(call(...request));

describe('check_plan_restrictions', () => {
  it('tells the admin of LAMARELLE, with one school of ten, that there is room', async () => {
    const decision = await ask(decisionShape, adminOfLamarelle, `check_plan_restrictions('schools')`);
    expect(decision).toMatchObject({
      allowed: true,
      reason: 'ok',
      limit: 10,
      usage: 1,
      requested: 1,
      remaining: 9,
      percentage: 10,
      state: 'ok',
      plan: 'pro',
    });
  });

  it('judges a bulk by its size: nine more schools fit, ten do not', async () => {
    expect(await call(adminOfLamarelle, `check_plan_restrictions('schools', 9)->'allowed'`)).toBe(true);
    expect(await call(adminOfLamarelle, `check_plan_restrictions('schools', 10)`)).toMatchObject({
      allowed: false,
      reason: 'requested_exceeds_limit',
    });
  });

  it('tells the admin of CG NGONGO that the limit is reached, and asking for nothing is always allowed', async () => {
    expect(await call(adminOfNgongo, `check_plan_restrictions('schools')`)).toMatchObject({
      allowed: false,
      reason: 'limit_reached',
      state: 'blocked',
    });
    expect(await call(adminOfNgongo, `check_plan_restrictions('schools', 0)->'allowed'`)).toBe(true);
  });

  it('warns the admin of ÉCOLE EDJA at 85 % of the pupils', async () => {
    const decision = await ask(decisionShape, adminOfEdja, `check_plan_restrictions('students')`);
    expect(decision).toMatchObject({
      allowed: true,
      state: 'warning',
      percentage: 85,
      usage: 425,
      limit: 500,
    });
  });

  it('speaks bytes of storage, to the last and beyond what a double counts', async () => {
    const all = await ask(decisionShape, adminOfLamarelle, `check_plan_restrictions('storage', 50000000000)`);
    expect(all).toMatchObject({ allowed: true, limit: 50_000_000_000, remaining: 50_000_000_000 });
    const huge = `check_plan_restrictions('storage', 9223372036854775807)->>'reason'`;
    expect(await call(adminOfLamarelle, huge)).toBe('requested_exceeds_limit');
  });

  it.each([
    ['parents', 1, 'unknown_resource'],
    [null, 1, 'unknown_resource'],
    ['SCHOOLS', 1, 'unknown_resource'],
    ['schools', -1, 'invalid_request'],
    ['schools', null, 'invalid_request'],
  ])('refuses (%s, %s) with %s', async (type, requested, code) => {
    const no = await refused(adminOfLamarelle, 'check_plan_restrictions($1, $2)', [type, requested]);
    expect(no).toMatchObject({ sqlstate: 'PT400', code });
  });
});

describe('get_all_plan_restrictions', () => {
  it('gives the four decisions of the seed’s card at one revision', async () => {
    const all = await ask(restrictionsShape, adminOfLamarelle, 'get_all_plan_restrictions()');
    expect(all).toMatchObject({ school_group_id: groups['LAMARELLE'], plan: 'pro', status: 'active' });
    const told = Object.values(all.restrictions).map(({ usage, limit, rev }) => [usage, limit, rev]);
    expect(told).toEqual([
      [1, 10, all.rev],
      [0, 2000, all.rev],
      [3, 50, all.rev],
      [0, 50_000_000_000, all.rev],
    ]);
  });
});

describe('can_access_module and can_access_category', () => {
  it('take a slug or an id, in any case of its letters', async () => {
    const { rows } = await db.query<{ module: string; category: string }>(
      `select id as module, category_id as category from modules where slug = 'gestion-cantine'`,
    );
    const { module, category } = rows[0] ?? { module: '', category: '' };
    for (const name of ['gestion-cantine', module, module.toUpperCase()]) {
      expect(await call(adminOfEdja, 'can_access_module($1)', [name])).toBe(true);
      expect(await call(adminOfNgongo, 'can_access_module($1)', [name])).toBe(false);
    }
    for (const name of ['services-infrastructures', category]) {
      expect(await call(adminOfEdja, 'can_access_category($1)', [name])).toBe(true);
      expect(await call(adminOfNgongo, 'can_access_category($1)', [name])).toBe(false);
    }
  });

  it.each([null, '', 'nothing', '00000000-0000-0000-0000-000000000000', `' or true --`])(
    'are closed for what does not exist: %s',
    async (name) => {
      expect(await call(adminOfLamarelle, 'can_access_module($1)', [name])).toBe(false);
      expect(await call(adminOfLamarelle, 'can_access_category($1)', [name])).toBe(false);
    },
  );

  it('answer school staff for their group', async () => {
    expect(await call(staffOfLamarelle, `can_access_module('paie-indemnites')`)).toBe(true);
  });
});

describe('get_entitlements', () => {
  it('gives LAMARELLE 47 modules in 9 categories, sorted', async () => {
    const snapshot = await ask(snapshotShape, adminOfLamarelle, 'get_entitlements()');
    expect([snapshot.modules.length, snapshot.categories.length]).toEqual([47, 9]);
    expect(snapshot.modules).toEqual(snapshot.modules.toSorted());
    expect(snapshot.categories).toEqual(snapshot.categories.toSorted());
    expect(snapshot).toMatchObject({ plan_name: 'Pro', subscribed_plan: 'pro', pending_change: null });
  });

  it('gives ÉCOLE EDJA 20 modules in 6 categories, and its unread warning', async () => {
    const snapshot = await ask(snapshotShape, adminOfEdja, 'get_entitlements()');
    expect([snapshot.modules.length, snapshot.categories.length]).toEqual([20, 6]);
    // The warning, and the plan it was given.
    expect(snapshot.unread_notices).toBe(2);
  });

  it('counts a notice no more once its reader has read it, and never for staff, who are shown none', async () => {
    for (const admin of [adminOfNgongo, adminOfLamarelle]) {
      await call(admin, 'mark_notifications_read(9223372036854775807)');
      expect(await call(admin, `get_entitlements()->'unread_notices'`)).toBe(0);
    }
    await add(db, { id: groups['LAMARELLE'] ?? '', school: await schoolOf('LAMARELLE') }, 'staff', 40);
    expect(await call(adminOfLamarelle, `get_entitlements()->'unread_notices'`)).toBe(1);
    expect(await call(staffOfLamarelle, `get_entitlements()->'unread_notices'`)).toBe(0);
    await db.query('delete from staff where school_group_id = $1 and first_name = $2', [
      groups['LAMARELLE'],
      'Agent',
    ]);
  });

  it('answers a super admin for any group, one that exists', async () => {
    const snapshot = await ask(snapshotShape, superAdmin, 'get_entitlements($1)', [groups['EDJA']]);
    expect(snapshot.school_group_id).toBe(groups['EDJA']);
    expect(await refused(superAdmin, 'get_entitlements(gen_random_uuid())')).toMatchObject({
      sqlstate: 'PT404',
      code: 'group_not_found',
    });
    expect(await refused(superAdmin, 'get_entitlements()')).toMatchObject({ code: 'invalid_request' });
  });
});

describe('preview_plan_change', () => {
  it('names for LAMARELLE the 27 modules and 3 categories that Premium takes, and that all fits', async () => {
    const preview = await ask(previewShape, adminOfLamarelle, `preview_plan_change('premium')`);
    expect(preview).toMatchObject({
      from_plan: { slug: 'pro', name: 'Pro' },
      to_plan: { slug: 'premium', name: 'Premium' },
      modules_before: 47,
      modules_after: 20,
      modules_gained: [],
      categories_before: 9,
      categories_after: 6,
      fits: true,
      affected_users: 2,
    });
    expect(preview.modules_lost).toHaveLength(27);
    expect(preview.categories_lost.map(({ name }) => name)).toEqual([
      'Sécurité & Accès',
      'Documents & Rapports',
      'Communication',
    ]);
    expect(preview.modules_lost).toContainEqual({ slug: 'paie-indemnites', name: 'Paie & indemnités' });
  });

  it('tells the super admin by how much COMPLEXE LES PALMIERS would stand over Gratuit', async () => {
    const preview = await ask(previewShape, superAdmin, `preview_plan_change('gratuit', $1)`, [
      groups['PALMIERS'],
    ]);
    expect(preview.fits).toBe(false);
    expect(preview.restrictions.schools).toEqual({
      usage: 4,
      current_limit: 3,
      new_limit: 1,
      overage: 3,
      state: 'over_limit',
    });
  });

  it('shows a fallen group that another plan alone would give it nothing: it stays on gratuit', async () => {
    const preview = await ask(previewShape, superAdmin, `preview_plan_change('premium', $1)`, [
      groups['SAVOIR'],
    ]);
    expect(preview).toMatchObject({ from_plan: { slug: 'gratuit' }, modules_before: 10, modules_after: 10 });
    expect([preview.modules_gained, preview.restrictions.schools.new_limit]).toEqual([[], 1]);
  });

  it('changes nothing', async () => {
    const before = await db.query('select * from private.group_states order by 1');
    await call(adminOfLamarelle, `preview_plan_change('gratuit')`);
    expect((await db.query('select * from private.group_states order by 1')).rows).toEqual(before.rows);
  });

  it('is for those who decide: school staff are refused, an unknown plan is not found', async () => {
    expect(await refused(staffOfLamarelle, `preview_plan_change('premium')`)).toMatchObject({
      code: 'forbidden',
    });
    for (const slug of ['platinum', null, '']) {
      expect(await refused(adminOfLamarelle, 'preview_plan_change($1)', [slug])).toMatchObject({
        sqlstate: 'PT404',
        code: 'unknown_plan',
        hint: 'gratuit, premium, pro, institutionnel',
      });
    }
  });
});

describe('get_catalogue', () => {
  it('gives every member the 4 plans, 9 categories and 47 modules of the product', async () => {
    const catalogue = await ask(catalogueShape, staffOfLamarelle, 'get_catalogue()');
    expect([catalogue.categories.length, catalogue.modules.length]).toEqual([9, 47]);
    const plans = catalogue.plans.map(({ slug, limits, modules }) => [slug, ...limits, modules.length]);
    expect(plans).toEqual([
      ['gratuit', 1, 100, 5, 1e9, 10],
      ['premium', 3, 500, 20, 10e9, 20],
      ['pro', 10, 2000, 50, 50e9, 47],
      ['institutionnel', 999, 50_000, 500, 500e9, 47],
    ]);
  });

  it('agrees with each group’s own snapshot: modules, and categories as those of the modules', async () => {
    const catalogue = await ask(catalogueShape, adminOfEdja, 'get_catalogue()');
    const snapshot = await ask(snapshotShape, adminOfEdja, 'get_entitlements()');
    expect(catalogue.plans.find(({ slug }) => slug === 'premium')?.modules).toEqual(snapshot.modules);
    const open = catalogue.modules.filter(({ slug }) => snapshot.modules.includes(slug));
    expect([...new Set(open.map(({ category }) => category))].toSorted()).toEqual(snapshot.categories);
  });
});

describe('a group id of somebody else', () => {
  const CALLS = [
    `check_plan_restrictions('schools', 1, $1)`,
    'get_all_plan_restrictions($1)',
    `can_access_module('gestion-cantine', $1)`,
    `can_access_category('communication', $1)`,
    'get_entitlements($1)',
    `preview_plan_change('premium', $1)`,
  ];
  it.each(CALLS)('%s is refused, with the same words whether or not the group exists', async (sql) => {
    const theirs = await refused(adminOfNgongo, sql, [groups['LAMARELLE']]);
    const nobodys = await refused(adminOfNgongo, sql, ['00000000-0000-4000-8000-000000000000']);
    expect(theirs).toMatchObject({ sqlstate: 'PT403', code: 'forbidden' });
    expect(nobodys).toEqual(theirs);
  });

  it.each(CALLS)('%s answers for one’s own group, named or not', async (sql) => {
    const named = await call(adminOfNgongo, sql.replace('$1', '$1::uuid'), [groups['NGONGO']]);
    const unnamed = await call(adminOfNgongo, sql.replace('$1', '$1::uuid'), [null]);
    const timeless = (answer: unknown): unknown =>
      typeof answer === 'object' ? { ...answer, as_of: null } : answer;
    expect(timeless(named)).toEqual(timeless(unnamed));
  });
});

async function schoolOf(code: string): Promise<string> {
  const { rows } = await db.query<{ id: string }>(
    'select id from schools where school_group_id = $1 limit 1',
    [groups[code]],
  );
  return rows[0]?.id ?? '';
}
