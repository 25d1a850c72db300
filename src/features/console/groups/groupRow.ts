import type { Catalogue, LimitTuple, UsageTuple } from '@/core/catalogue.ts';
import { decide } from '@/core/decide.ts';
import {
  RESOURCES,
  type DecisionState,
  type Resource,
  type SubscriptionStatus,
} from '@/core/entitlements.ts';
import type { StateMessage } from '@/core/stateMessage.ts';

/** A row of `list_school_groups`. */
export interface GroupRow {
  id: string;
  name: string;
  code: string | null;
  city: string | null;
  department: string | null;
  status: 'active' | 'archived';
  /** Slug of the plan in force. */
  plan: string;
  plan_name: string;
  subscription_status: SubscriptionStatus;
  price_xaf: number;
  rev: number;
  /** Share of a limit from which the group is warned. */
  warn: number;
  limits: LimitTuple;
  usage: UsageTuple;
  /** The worst state of the four resources. */
  state: DecisionState;
}

/** From harmless to pressing. */
const SEVERITY: readonly DecisionState[] = ['unlimited', 'ok', 'warning', 'blocked', 'over_limit'];

/** Where usage stands against a limit; both in rows, or bytes for storage. */
export function stateOf(
  resource: Resource,
  limit: number | null,
  usage: number,
  warnAt: number,
): DecisionState {
  return decide({
    resource,
    limit,
    usage,
    requested: 0,
    warnAt,
    fallback: null,
    plan: '',
    planVersion: 0,
    rev: 0,
  }).state;
}

function worstState(limits: LimitTuple, usage: UsageTuple, warnAt: number): DecisionState {
  const states = RESOURCES.map((resource, index) =>
    stateOf(resource, limits[index] ?? null, usage[index] ?? 0, warnAt),
  );
  return states.reduce((worst, state) => (SEVERITY.indexOf(state) > SEVERITY.indexOf(worst) ? state : worst));
}

/** The resources that put a row in its state: those that stand worst, none while all is well. */
export function pressing(row: GroupRow): Resource[] {
  if (row.state === 'ok' || row.state === 'unlimited') return [];
  return RESOURCES.filter((resource, index) => {
    return stateOf(resource, row.limits[index] ?? null, row.usage[index] ?? 0, row.warn) === row.state;
  });
}

/**
 * A row after a message on its group's topic. An older revision leaves the row as it is, so that a late
 * message never puts an old plan back.
 * @returns `gap` when what was missed in between may have changed the limits: the page must be read again.
 */
export function applyToRow(
  row: GroupRow,
  { event, message }: StateMessage,
  catalogue: Catalogue | undefined,
): GroupRow | 'gap' {
  if (message.rev <= row.rev) return row;
  if (event === 'usage_changed') {
    if (message.rev > row.rev + 1) return 'gap';
    const { rev, usage } = message;
    return { ...row, rev, usage, state: worstState(row.limits, usage, row.warn) };
  }
  const { rev, plan: slug, limits, usage, warn, status } = message;
  const plan = catalogue?.plans.find((candidate) => candidate.slug === slug);
  return {
    ...row,
    rev,
    plan: slug,
    plan_name: plan?.name ?? slug,
    price_xaf: plan?.price_xaf ?? row.price_xaf,
    subscription_status: status,
    warn,
    limits,
    usage,
    state: worstState(limits, usage, warn),
  };
}

/**
 * The rows of a page as just read, but for those that a message has made newer: it may have come while the answer was on its
 * way, and a slow answer must not put an old plan back (I5).
 */
export function newestRows(held: readonly GroupRow[] | undefined, arriving: readonly GroupRow[]): GroupRow[] {
  const known = new Map(held?.map((row) => [row.id, row]));
  return arriving.map((row) => {
    const shown = known.get(row.id);
    return shown && shown.rev > row.rev ? shown : row;
  });
}
