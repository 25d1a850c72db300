/** The row of a console, and what a message makes of it: judged by the same reducer as a snapshot. */
import type { Catalogue, LimitTuple, UsageTuple } from './catalogue.ts';
import { stateOf } from './decide.ts';
import { RESOURCES, type DecisionState, type SubscriptionStatus } from './entitlements.ts';
import { isOlder, stepOf, type Applied, type Moment } from './group-state.ts';
import type { StateMessage } from './messages.ts';

/** What a row of `list_school_groups` shows of a group's state. */
export interface GroupLine extends Moment {
  next_at: number | null;
  /** Slug of the plan in force. */
  plan: string;
  plan_name: string;
  subscription_status: SubscriptionStatus;
  price_xaf: number;
  /** Share of a limit from which the group is warned. */
  warn: number;
  limits: LimitTuple;
  usage: UsageTuple;
  /** The worst state of the four resources; `ok` where all are unlimited. */
  state: DecisionState;
}

/** From harmless to pressing. */
const SEVERITY: readonly DecisionState[] = ['unlimited', 'ok', 'warning', 'blocked', 'over_limit'];

function worstState(limits: LimitTuple, usage: UsageTuple, warnAt: number): DecisionState {
  const states = RESOURCES.map((_, index) => stateOf(limits[index] ?? null, usage[index] ?? 0, warnAt));
  const worse = (a: DecisionState, b: DecisionState) => (SEVERITY.indexOf(b) > SEVERITY.indexOf(a) ? b : a);
  return states.reduce(worse, 'ok');
}

/**
 * What a state message makes of a row; names and price of the plan are the catalogue's.
 * @param catalogue without it, or without the plan in it, a plan is named by its slug.
 */
export function applyToRow<Row extends GroupLine>(
  row: Row,
  told: StateMessage,
  catalogue: Catalogue | undefined,
): Applied<Row> {
  const step = stepOf(row, row.next_at, told);
  if (step.kind !== 'change') return step;
  const { moment, usage, rights, nextAt } = step.change;
  const shown = { ...row, ...moment, usage, next_at: nextAt };
  if (rights) {
    const plan = catalogue?.plans.find(({ slug }) => slug === rights.plan);
    shown.plan = rights.plan;
    shown.plan_name = plan?.name ?? rights.plan;
    shown.price_xaf = plan?.price_xaf ?? row.price_xaf;
    shown.subscription_status = rights.status;
    shown.warn = rights.warnAt;
    shown.limits = rights.limits;
  }
  shown.state = worstState(shown.limits, usage, shown.warn);
  return { kind: 'applied', shown };
}

/** The rows of a page as just read, but for those that a message has made newer meanwhile (I5). */
export function newestRows<Row extends GroupLine & { id: string }>(
  held: readonly Row[] | undefined,
  arriving: readonly Row[],
): Row[] {
  const known = new Map(held?.map((row) => [row.id, row]));
  return arriving.map((row) => {
    const shown = known.get(row.id);
    return shown && isOlder(row, shown) ? shown : row;
  });
}
