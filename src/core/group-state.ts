/**
 * The state of a group on a screen, and what a message makes of it. One reducer (`stepOf`) judges for the
 * snapshot of a dashboard, here, and for the row of a console, in `group-rows.ts`, which only the console loads;
 * decisions are made anew from what it gives.
 *
 *   older (e, rev), or the same             → dropped: late, or a repeat of an at-least-once delivery
 *   a newer epoch                           → refetch: a backup was restored, nothing known may be left standing
 *   usage_changed, the next rev             → only usage changes
 *   usage_changed over a gap                → refetch: what was missed may have changed the limits
 *   plan_changed, entitlements_changed      → plan, status, limits and usage whole, also over a gap: they replace all
 *                                             that a missed message could have said of them
 *
 * For a snapshot, which also names the modules (a row does not):
 *
 *   … plan version not in the catalogue     → refetch
 *   … modules of the group's own            → refetch: no catalogue names them
 *   … status “expired”                      → applied; and refetch, unless a refusal named what ran out before:
 *                                           only the server knows whether it was a trial or a grace
 *   … another that gives nothing            → applied; and refetch, where the plan subscribed to may be another: the
 *                                             message names the plan in force, which is then `gratuit`
 *
 * Law (invariant I5): nothing here returns an older (e, rev) than the one it was given.
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
import type { EntitlementsMessage, StateMessage } from './messages.ts';
import { fallbackReason, isFallbackReason, statusTellsReason, type FallbackReason } from './reasons.ts';

/** Where a state stands among the states of its group; `at` in Unix milliseconds by the server's clock. */
export interface Moment {
  e: number;
  rev: number;
  at: number;
}

/** What a message carries besides usage; `null` in a step of `usage_changed`. */
interface Rights {
  plan: string;
  planVersion: number;
  status: SubscriptionStatus;
  warnAt: number;
  limits: LimitTuple;
}

export type RefetchReason =
  | 'epoch'
  | 'gap'
  | 'unknown_plan_version'
  | 'own_modules'
  | 'unknown_reason'
  | 'unknown_subscription';

interface Change {
  moment: Moment;
  nextAt: number | null;
  usage: UsageTuple;
  rights: Rights | null;
}

type Step =
  | { kind: 'change'; change: Change }
  | { kind: 'dropped' }
  | { kind: 'refetch'; reason: RefetchReason };

export type Applied<Shown> =
  /** `unsure`: the limits and modules are right, and something else needs a refetch. */
  | { kind: 'applied'; shown: Shown; unsure?: RefetchReason }
  | { kind: 'dropped' }
  | { kind: 'refetch'; reason: RefetchReason };

/** Whether `a` is older than `b`: the smaller (e, rev), at equal ones the earlier `at`. */
export function isOlder(a: Moment, b: Moment): boolean {
  return (a.e - b.e || a.rev - b.rev || a.at - b.at) < 0;
}

/** The reducer: what a message changes of a state that stands at `known`. */
export function stepOf(known: Moment, nextAt: number | null, { event, message }: StateMessage): Step {
  if (message.e > known.e) return { kind: 'refetch', reason: 'epoch' };
  if (message.e < known.e || message.rev <= known.rev) return { kind: 'dropped' };
  const { e, rev, at, usage } = message;
  const moment = { e, rev, at };
  if (event === 'usage_changed') {
    if (rev > known.rev + 1) return { kind: 'refetch', reason: 'gap' };
    // One that has passed says nothing, and must not take the place of one that is to come.
    const next = message.next_at;
    const isToCome = next !== undefined && next > at;
    return {
      kind: 'change',
      change: { moment, usage, rights: null, nextAt: isToCome ? next : nextAt },
    };
  }
  const { plan, pv, status, warn, limits } = message;
  const rights = { plan, planVersion: pv, status, warnAt: warn, limits };
  return { kind: 'change', change: { moment, usage, rights, nextAt: message.next_at ?? null } };
}

function restrictionsOf(
  { plan, planVersion, warnAt, limits }: Rights,
  usage: UsageTuple,
  rev: number,
  fallback: FallbackReason | null,
): Record<Resource, Decision> {
  const decisionOf = (resource: Resource, index: number): Decision =>
    decide({
      resource,
      limit: limits[index] ?? null,
      usage: usage[index] ?? 0,
      requested: 1,
      warnAt,
      fallback,
      plan,
      planVersion,
      rev,
    });
  return {
    schools: decisionOf('schools', 0),
    students: decisionOf('students', 1),
    staff: decisionOf('staff', 2),
    storage: decisionOf('storage', 3),
  };
}

// ───────────────────────────────────────────────────────────── a snapshot
function momentOf({ e, rev, as_of }: EntitlementSnapshot): Moment {
  return { e, rev, at: Date.parse(as_of) };
}

function rightsOf(snapshot: EntitlementSnapshot): Rights {
  return {
    plan: snapshot.plan,
    planVersion: snapshot.plan_version,
    status: snapshot.status,
    warnAt: snapshot.warn_at,
    limits: RESOURCES.map((resource) => snapshot.restrictions[resource].limit) as LimitTuple,
  };
}

/** Why a group has fallen to `gratuit`, as far as its status and what was shown before tell. */
function fallbackAfter(
  held: EntitlementSnapshot,
  status: SubscriptionStatus,
): { reason: FallbackReason | null; isSure: boolean } {
  if (statusTellsReason(status)) return { reason: fallbackReason(status), isSure: true };
  if (held.status === 'trial') return { reason: 'trial_expired', isSure: false };
  const reasons = RESOURCES.map((resource) => held.restrictions[resource].reason);
  const named = held.status === status ? reasons.find(isFallbackReason) : undefined;
  return { reason: named ?? fallbackReason(status), isSure: named !== undefined };
}

/** The open categories of a list of modules: a category is open when at least one of its modules is. */
export function categoriesOf(modules: readonly string[], catalogue: Catalogue): string[] {
  const open = new Set(modules);
  const categories = catalogue.modules.filter((m) => open.has(m.slug)).map((m) => m.category);
  return [...new Set(categories)].sort();
}

/** Part of a snapshot that is the plan's: its names and modules. */
function planPart(plan: CataloguePlan, catalogue: Catalogue) {
  return {
    plan_name: plan.name,
    modules: [...plan.modules].sort(),
    categories: categoriesOf(plan.modules, catalogue),
  };
}

/**
 * What a state message makes of a snapshot. A pure function: the caller stores the snapshot, or refetches.
 * @param catalogue the catalogue held in cache, if any; it names the modules of a plan version.
 */
export function applyToSnapshot(
  snapshot: EntitlementSnapshot,
  told: StateMessage,
  catalogue: Catalogue | undefined,
): Applied<EntitlementSnapshot> {
  const known = momentOf(snapshot);
  const step = stepOf(known, snapshot.next_at, told);
  if (step.kind !== 'change') return step;
  const { moment, usage, nextAt } = step.change;
  const rights = step.change.rights ?? rightsOf(snapshot);
  const fallback = fallbackAfter(snapshot, rights.status);
  const unsure = fallback.isSure ? {} : { unsure: 'unknown_reason' as const };
  const shown: EntitlementSnapshot = {
    ...snapshot,
    plan: rights.plan,
    plan_version: rights.planVersion,
    status: rights.status,
    warn_at: rights.warnAt,
    e: moment.e,
    rev: moment.rev,
    as_of: new Date(moment.at).toISOString(),
    next_at: nextAt,
    restrictions: restrictionsOf(rights, usage, moment.rev, fallback.reason),
  };
  if (told.event === 'usage_changed') return { kind: 'applied', ...unsure, shown };

  if (told.message.own) return { kind: 'refetch', reason: 'own_modules' };
  const isThatVersion = ({ slug, version }: CataloguePlan): boolean =>
    slug === rights.plan && version === rights.planVersion;
  const plan = catalogue?.plans.find(isThatVersion);
  if (!catalogue || !plan) return { kind: 'refetch', reason: 'unknown_plan_version' };
  const hasFallen = fallback.reason !== null;
  const mayHaveChanged = told.event === 'plan_changed' || moment.rev > known.rev + 1;
  return {
    kind: 'applied',
    ...(hasFallen && mayHaveChanged ? { unsure: 'unknown_subscription' } : {}),
    ...unsure,
    shown: {
      ...shown,
      ...planPart(plan, catalogue),
      subscribed_plan: hasFallen ? snapshot.subscribed_plan : plan.slug,
      sources: undefined,
      pending_change: pendingChange(told.message),
    },
  };
}

function pendingChange({ pending }: EntitlementsMessage): EntitlementSnapshot['pending_change'] {
  if (!pending) return null;
  const [plan, at] = pending;
  return { plan, effective_at: new Date(at).toISOString() };
}

/**
 * The newer of what is held and what arrives; of the same moment the arriving one.
 * Every write to the cache goes through here, so a slow answer cannot put an old plan back on the screen.
 */
export function newestSnapshot(
  held: EntitlementSnapshot | undefined,
  arriving: EntitlementSnapshot,
): EntitlementSnapshot {
  if (!held || held.school_group_id !== arriving.school_group_id) return arriving;
  return isOlder(momentOf(arriving), momentOf(held)) ? held : arriving;
}
