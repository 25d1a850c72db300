/** What changed between two snapshots of one group, as a screen tells it. Usage is not a change of rights. */
import { RESOURCES, type EntitlementSnapshot, type Resource } from './entitlements.ts';

export interface LimitChange {
  resource: Resource;
  /** `null` is unlimited; bytes for storage. */
  from: number | null;
  to: number | null;
}

export interface EntitlementDiff {
  /** The plan in force before and after, by slug and by name; `null` when it is the same plan. */
  plan: { from: string; to: string; fromName: string; toName: string } | null;
  limits: LimitChange[];
  modulesGained: string[];
  modulesLost: string[];
  categoriesGained: string[];
  categoriesLost: string[];
}

function added(before: readonly string[], after: readonly string[]): string[] {
  const known = new Set(before);
  return after.filter((slug) => !known.has(slug));
}

/** The difference in rights from `before` to `after`; `null` when there is none. */
export function diffEntitlements(
  before: EntitlementSnapshot,
  after: EntitlementSnapshot,
): EntitlementDiff | null {
  const limits = RESOURCES.flatMap((resource) => {
    const from = before.restrictions[resource].limit;
    const to = after.restrictions[resource].limit;
    return from === to ? [] : [{ resource, from, to }];
  });
  const diff: EntitlementDiff = {
    plan:
      before.plan === after.plan
        ? null
        : { from: before.plan, to: after.plan, fromName: before.plan_name, toName: after.plan_name },
    limits,
    modulesGained: added(before.modules, after.modules),
    modulesLost: added(after.modules, before.modules),
    categoriesGained: added(before.categories, after.categories),
    categoriesLost: added(after.categories, before.categories),
  };
  const changes = [
    limits,
    diff.modulesGained,
    diff.modulesLost,
    diff.categoriesGained,
    diff.categoriesLost,
  ].some((list) => list.length > 0);
  return diff.plan || changes ? diff : null;
}
