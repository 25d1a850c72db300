/** What was checked, how often, and what was found broken; beside it, counts of what happened. */

/** Every check by name: the invariant that it holds, and what it looks at. Each must have been made at least once. */
export const CHECKS = {
  growth: { invariant: 'I1', what: 'usage grows only within the limit in force' },
  fallen: { invariant: 'I1', what: 'a subscription that gives nothing leaves the limits of Gratuit' },
  recount: { invariant: 'I2', what: 'a counter equals a recount of its rows' },
  repair: { invariant: 'I2', what: 'verify_usage() and repair_usage() find nothing to do' },
  one: { invariant: 'I3', what: 'a group has exactly one subscription' },
  past: { invariant: 'I3', what: 'its past is a chain up to now, and is never rewritten' },
  told: { invariant: 'I4', what: 'each revision has exactly one state message' },
  state: { invariant: 'I4', what: 'the last message is the state as it committed' },
  heard: { invariant: 'I4', what: 'a joined channel hears every revision, in order' },
  forward: { invariant: 'I5', what: 'a screen never shows an older revision after a newer' },
  right: { invariant: 'I5', what: 'a screen equals the database when all is quiet' },
  own: { invariant: 'I6', what: 'what a screen hears and shows is its own group’s' },
  rows: { invariant: 'I6', what: 'no table or view gives rows of another group' },
  files: { invariant: 'I6', what: 'no file of another group is handed out' },
  functions: { invariant: 'I6', what: 'no function answers about another group' },
  topics: { invariant: 'I6', what: 'nobody joins or overhears another group’s topic' },
  acts: { invariant: 'I6', what: 'only a super admin changes plans, subscriptions, overrides' },
  categories: { invariant: 'I7', what: 'plan_categories equals the categories of plan_modules' },
  guards: { invariant: 'I9', what: 'a guard without a decision is closed' },
  thresholds: { invariant: 'I10', what: 'a counter stands at the warning level that was told' },
  record: { invariant: 'record', what: 'what a plan gives is its published version' },
  kept: { invariant: 'answers', what: 'what was answered done is there, what was refused is not' },
  sentences: { invariant: 'answers', what: 'no answer is an internal error' },
} as const;

export type Check = keyof typeof CHECKS;
export type Invariant = (typeof CHECKS)[Check]['invariant'];

/** So many examples are kept of each violation; all are counted. */
const EXAMPLES = 5;

interface Row {
  checks: number;
  violations: number;
  examples: string[];
}

export class Tally {
  readonly rows = Object.fromEntries(
    Object.keys(CHECKS).map((check) => [check, { checks: 0, violations: 0, examples: [] }]),
  ) as unknown as Record<Check, Row>;
  /** How often each thing of a kind happened, such as `REST` → `402` → 17. */
  readonly counts = new Map<string, Map<string, number>>();

  /** Notes `made` checks, and a sentence for each violation among them. */
  note(check: Check, made: number, wrong: readonly string[] = []): void {
    const row = this.rows[check];
    row.checks += made;
    row.violations += wrong.length;
    row.examples.push(...wrong.slice(0, EXAMPLES - row.examples.length));
  }

  /** Notes that something of a kind happened. */
  count(kind: string, name: string, times = 1): void {
    const names = this.counts.get(kind) ?? new Map<string, number>();
    this.counts.set(kind, names);
    names.set(name, (names.get(name) ?? 0) + times);
  }

  countOf(kind: string, name: string): number {
    return this.counts.get(kind)?.get(name) ?? 0;
  }

  /** The checks that were never made: they prove nothing. */
  unmade(): Check[] {
    return this.#where((row) => row.checks === 0);
  }

  /** The checks that found something. */
  violated(): Check[] {
    return this.#where((row) => row.violations > 0);
  }

  /** Examples of what was found, by check. */
  findings(): Partial<Record<Check, string[]>> {
    return Object.fromEntries(this.violated().map((check) => [check, this.rows[check].examples]));
  }

  /** The invariants that were found broken. */
  broken(): Invariant[] {
    return [...new Set(this.violated().map((check) => CHECKS[check].invariant))];
  }

  #where(fits: (row: Row) => boolean): Check[] {
    return (Object.keys(CHECKS) as Check[]).filter((check) => fits(this.rows[check]));
  }
}
