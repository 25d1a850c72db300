/**
 * A message applied to a snapshot. The snapshot is the truth at a revision; a message is a hint over it.
 *
 *   rev ≤ known                          → dropped: late, or a repeat of an at-least-once delivery
 *   usage_changed, rev = known + 1       → applied: only usage changes
 *   usage_changed, rev > known + 1       → refetch: what was missed may have changed the limits
 *   plan_changed, entitlements_changed   → applied, also over a gap: they carry plan, limits and usage whole, so
 *                                          they replace all that a missed message could have said of them; the
 *                                          catalogue names the modules of the plan version
 *   … plan version not in the catalogue  → refetch
 *   … modules of the group's own         → refetch: no catalogue names them
 *   status “expired”                     → refetch: only the server knows whether a trial or a grace ran out
 *   … another that gives nothing          → applied; and refetch, where the plan subscribed to may be another: the message
 *                                          names the plan in force, which is then `gratuit`
 *
 * Law (invariant I5): nothing here ever returns a snapshot with a lower revision than the one it was given.
 */
import type { Catalogue, CataloguePlan, LimitTuple, UsageTuple } from './catalogue.ts';
import { decide } from './decide.ts';
import {
  RESOURCES,
  type Decision,
  type EntitlementSnapshot,
  type Resource,
  type SubscriptionStatus,
} from './entitlements.ts';
import { fallbackReason, statusTellsReason } from './reasons.ts';
import type { StateMessage } from './stateMessage.ts';

export type RefetchReason =
  | 'gap'
  | 'unknown_plan_version'
  | 'own_modules'
  | 'unknown_reason'
  | 'unknown_subscription';

export type Applied =
  /** `unsure`: the limits and modules are right, and something else needs a refetch. */
  | { kind: 'applied'; snapshot: EntitlementSnapshot; unsure?: RefetchReason }
  | { kind: 'dropped' }
  | { kind: 'refetch'; reason: RefetchReason };

interface Rights {
  plan: string;
  planVersion: number;
  status: SubscriptionStatus;
  warnAt: number;
  limits: LimitTuple;
}

function restrictionsOf(rights: Rights, usage: UsageTuple, rev: number): Record<Resource, Decision> {
  const decisionOf = (resource: Resource, index: number): Decision =>
    decide({
      resource,
      limit: rights.limits[index] ?? null,
      usage: usage[index] ?? 0,
      requested: 1,
      warnAt: rights.warnAt,
      fallback: fallbackReason(rights.status),
      plan: rights.plan,
      planVersion: rights.planVersion,
      rev,
    });
  return {
    schools: decisionOf('schools', 0),
    students: decisionOf('students', 1),
    staff: decisionOf('staff', 2),
    storage: decisionOf('storage', 3),
  };
}

/** The open categories of a list of modules: a category is open when at least one of its modules is. */
export function categoriesOf(modules: readonly string[], catalogue: Catalogue): string[] {
  const open = new Set(modules);
  const categories = catalogue.modules.filter((m) => open.has(m.slug)).map((m) => m.category);
  return [...new Set(categories)].sort();
}

function findPlan(catalogue: Catalogue, slug: string, version: number): CataloguePlan | undefined {
  return catalogue.plans.find((plan) => plan.slug === slug && plan.version === version);
}

function applyRights(
  snapshot: EntitlementSnapshot,
  { event, message }: StateMessage & { event: 'plan_changed' | 'entitlements_changed' },
  catalogue: Catalogue | undefined,
): Applied {
  if (message.own) return { kind: 'refetch', reason: 'own_modules' };
  const plan = catalogue && findPlan(catalogue, message.plan, message.pv);
  if (!catalogue || !plan) return { kind: 'refetch', reason: 'unknown_plan_version' };
  const rights: Rights = {
    plan: message.plan,
    planVersion: message.pv,
    status: message.status,
    warnAt: message.warn,
    limits: message.limits,
  };
  const hasFallen = fallbackReason(message.status) !== null;
  const mayHaveChanged = event === 'plan_changed' || message.rev > snapshot.rev + 1;
  return {
    kind: 'applied',
    ...(hasFallen && mayHaveChanged ? { unsure: 'unknown_subscription' } : {}),
    snapshot: {
      ...snapshot,
      plan: plan.slug,
      plan_name: plan.name,
      subscribed_plan: hasFallen ? snapshot.subscribed_plan : plan.slug,
      plan_version: plan.version,
      status: message.status,
      rev: message.rev,
      as_of: new Date(message.at).toISOString(),
      warn_at: message.warn,
      restrictions: restrictionsOf(rights, message.usage, message.rev),
      sources: undefined,
      modules: [...plan.modules].sort(),
      categories: categoriesOf(plan.modules, catalogue),
      pending_change: message.pending ?? null,
    },
  };
}

function applyUsage(snapshot: EntitlementSnapshot, rev: number, usage: UsageTuple, at: number): Applied {
  const limits = RESOURCES.map((resource) => snapshot.restrictions[resource].limit) as LimitTuple;
  const rights: Rights = {
    plan: snapshot.plan,
    planVersion: snapshot.plan_version,
    status: snapshot.status,
    warnAt: snapshot.warn_at,
    limits,
  };
  return {
    kind: 'applied',
    snapshot: {
      ...snapshot,
      rev,
      as_of: new Date(at).toISOString(),
      restrictions: restrictionsOf(rights, usage, rev),
    },
  };
}

/**
 * What a state message makes of a snapshot. A pure function: the caller stores the snapshot, or refetches.
 * @param catalogue the catalogue held in cache, if any; it names the modules of a plan version.
 */
export function applyMessage(
  snapshot: EntitlementSnapshot,
  told: StateMessage,
  catalogue: Catalogue | undefined,
): Applied {
  const { message } = told;
  if (message.rev <= snapshot.rev) return { kind: 'dropped' };
  const status = told.event === 'usage_changed' ? snapshot.status : told.message.status;
  if (!statusTellsReason(status)) return { kind: 'refetch', reason: 'unknown_reason' };
  if (told.event !== 'usage_changed') return applyRights(snapshot, told, catalogue);
  if (message.rev > snapshot.rev + 1) return { kind: 'refetch', reason: 'gap' };
  return applyUsage(snapshot, message.rev, message.usage, message.at);
}

/**
 * The newer of what is held and what arrives; on the same revision the arriving one, which was read later.
 * Every write to the cache goes through here, so a slow answer cannot put an old plan back on the screen.
 */
export function newestSnapshot(
  held: EntitlementSnapshot | undefined,
  arriving: EntitlementSnapshot,
): EntitlementSnapshot {
  if (!held || held.school_group_id !== arriving.school_group_id) return arriving;
  return arriving.rev >= held.rev ? arriving : held;
}
