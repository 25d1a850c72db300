/** Groups, plans and messages in the shape of the API, with the founding document's numbers. */
import type { Catalogue, CataloguePlan, LimitTuple, UsageTuple } from '../../src/core/catalogue.ts';
import { decide } from '../../src/core/decide.ts';
import {
  RESOURCES,
  type Decision,
  type EntitlementSnapshot,
  type Resource,
} from '../../src/core/entitlements.ts';
import type { EntitlementsMessage, UsageMessage } from '../../src/core/messages.ts';
import type { Profile } from '../../src/lib/session.ts';

export const GROUP_ID = '11111111-1111-4111-8111-111111111111';
export const GO = 1_000_000_000;

const modules = Array.from({ length: 47 }, (_, index) => ({
  slug: `module-${String(index + 1).padStart(2, '0')}`,
  name: `Module ${index + 1}`,
  category: `category-${index < 10 ? (index % 3) + 1 : index < 20 ? (index % 3) + 4 : (index % 3) + 7}`,
  description: '',
  icon: 'Package',
  position: index + 1,
}));

function plan(slug: string, name: string, rank: number, limits: LimitTuple, size: number): CataloguePlan {
  return {
    slug,
    name,
    rank,
    version: 1,
    price_xaf: rank * 50_000,
    billing_period: 'month',
    warn_at: 0.8,
    limits,
    modules: modules.slice(0, size).map((module) => module.slug),
  };
}

export const catalogue: Catalogue = {
  version: 'catalogue-1',
  plans: [
    plan('gratuit', 'Gratuit', 1, [1, 100, 5, GO], 10),
    plan('premium', 'Premium', 2, [3, 500, 20, 10 * GO], 20),
    plan('pro', 'Pro', 3, [10, 2000, 50, 50 * GO], 47),
  ],
  categories: Array.from({ length: 9 }, (_, index) => ({
    slug: `category-${index + 1}`,
    name: `Catégorie ${index + 1}`,
    icon: 'Folder',
    color: '#1D3557',
    position: index + 1,
  })),
  modules,
};

export function planOf(slug: string): CataloguePlan {
  const found = catalogue.plans.find((candidate) => candidate.slug === slug);
  if (!found) throw new Error(`no plan ${slug} in the fixtures`);
  return found;
}

function categoriesOfPlan(of: CataloguePlan): string[] {
  const open = modules.filter((module) => of.modules.includes(module.slug));
  return [...new Set(open.map((module) => module.category))].sort();
}

/** A snapshot as `get_entitlements` returns it. */
export function snapshotOf(
  slug = 'pro',
  usage: UsageTuple = [1, 0, 3, 0],
  rev = 1,
  over: Partial<EntitlementSnapshot> = {},
): EntitlementSnapshot {
  const of = planOf(slug);
  const restrictions = Object.fromEntries(
    RESOURCES.map((resource, index) => [
      resource,
      decide({
        resource,
        limit: of.limits[index] ?? null,
        usage: usage[index] ?? 0,
        requested: 1,
        warnAt: 0.8,
        fallback: null,
        plan: slug,
        planVersion: of.version,
        rev,
      }),
    ]),
  ) as Record<Resource, Decision>;
  return {
    school_group_id: GROUP_ID,
    plan: slug,
    plan_name: of.name,
    subscribed_plan: slug,
    plan_version: of.version,
    status: 'active',
    e: 1,
    rev,
    as_of: '2025-11-17T09:42:00.000Z',
    next_at: null,
    warn_at: 0.8,
    restrictions,
    modules: [...of.modules].sort(),
    categories: categoriesOfPlan(of),
    pending_change: null,
    unread_notices: 0,
    catalogue: catalogue.version,
    ...over,
  };
}

const AT = Date.parse('2025-11-17T09:42:00.000Z');

/** A `plan_changed` message. */
export function planMessage(
  slug: string,
  rev: number,
  usage: UsageTuple = [1, 0, 3, 0],
  over: Partial<EntitlementsMessage> = {},
): EntitlementsMessage {
  const { limits, version } = planOf(slug);
  return { e: 1, rev, plan: slug, pv: version, status: 'active', warn: 0.8, limits, usage, at: AT, ...over };
}

/** A `usage_changed` message. */
export function usageMessage(rev: number, usage: UsageTuple, over: Partial<UsageMessage> = {}): UsageMessage {
  return { e: 1, rev, usage, at: AT, ...over };
}

export const vianney: Profile = {
  id: '22222222-2222-4222-8222-222222222222',
  role: 'admin_groupe',
  school_group_id: GROUP_ID,
  school_id: null,
  first_name: 'Vianney',
  last_name: 'M.',
  locale: 'fr',
  status: 'active',
};
