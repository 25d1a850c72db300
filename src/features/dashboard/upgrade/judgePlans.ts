import type { Catalogue, CataloguePlan } from '@/core/catalogue.ts';
import { RESOURCES, type EntitlementSnapshot, type Resource } from '@/core/entitlements.ts';
import { categoriesOf } from '@/core/group-state.ts';

export interface JudgedPlan {
  plan: CataloguePlan;
  current: boolean;
  modules: number;
  categories: number;
  /** Limits by resource; `null` is unlimited, storage in bytes. */
  limits: Record<Resource, number | null>;
  /** Resources whose present usage is above the plan's limit, and by how much. */
  over: Array<{ resource: Resource; overage: number }>;
}

/** Every published plan, by rank, held against the group's usage of the moment. */
export function judgePlans(catalogue: Catalogue, snapshot: EntitlementSnapshot): JudgedPlan[] {
  return catalogue.plans
    .toSorted((a, b) => a.rank - b.rank)
    .map((plan) => {
      const limits = Object.fromEntries(
        RESOURCES.map((resource, index) => [resource, plan.limits[index] ?? null]),
      ) as Record<Resource, number | null>;
      return {
        plan,
        current: plan.slug === snapshot.plan,
        modules: plan.modules.length,
        categories: categoriesOf(plan.modules, catalogue).length,
        limits,
        over: RESOURCES.flatMap((resource) => {
          const limit = limits[resource];
          const { usage } = snapshot.restrictions[resource];
          return limit !== null && usage > limit ? [{ resource, overage: usage - limit }] : [];
        }),
      };
    });
}
