/** A few groups, plans, modules and categories for random programs to act on. */
import type { Queryable } from './database.ts';
import { createAccount, createPlan, createTenant, idOf } from './tenants.ts';

/** What a program acts on. An operation names each by its place, so that it can be printed and run again. */
export interface World {
  groups: string[];
  /** The account that administers each group. */
  admins: string[];
  superAdmin: string;
  plans: string[];
  modules: string[];
  moduleSlugs: string[];
  categories: string[];
}

export const GROUPS = 3;
export const PLANS = 2;
export const MODULES = 4;
export const CATEGORIES = 2;

/** Makes a fresh world; `gratuit`, to which groups may fall, is shared by all. */
export async function createWorld(db: Queryable): Promise<World> {
  const world: World = {
    groups: [],
    admins: [],
    superAdmin: (await createAccount(db, { role: 'super_admin' })).sub,
    plans: [],
    modules: [],
    moduleSlugs: [],
    categories: [],
  };
  for (let n = 0; n < PLANS; n += 1) {
    world.plans.push(await createPlan(db, { schools: 3 + n, students: 5 + n, staff: 4, storage: null }));
  }
  for (let n = 0; n < GROUPS; n += 1) {
    const tenant = await createTenant(db, world.plans[n % PLANS]);
    world.groups.push(tenant.id);
    world.admins.push(tenant.admin.sub ?? '');
  }
  for (let n = 0; n < CATEGORIES; n += 1) {
    world.categories.push(
      await idOf(
        db,
        `insert into public.business_categories (slug, name, icon, color, position)
         values ('c-' || gen_random_uuid(), 'Essai', 'Box', '#000000', 99) returning id`,
      ),
    );
  }
  for (let n = 0; n < MODULES; n += 1) {
    world.modules.push(
      await idOf(
        db,
        `insert into public.modules (slug, category_id, name, icon, position)
         values ('m-' || gen_random_uuid(), $1, 'Essai', 'Box', 99) returning id`,
        [world.categories[n % CATEGORIES]],
      ),
    );
  }
  const { rows } = await db.query<{ slug: string }>(
    'select slug from public.modules m join unnest($1::uuid[]) with ordinality w (id, place) using (id) order by place',
    [world.modules],
  );
  world.moduleSlugs = rows.map(({ slug }) => slug);
  return world;
}
