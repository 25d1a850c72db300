/** What storms cost, by client, and what is said of them. */
import { type Result, short } from './report.ts';
import type { Manner } from './screen.ts';
import { median, pairedRatio, summarise } from './statistics.ts';
import type { Statement } from './writer.ts';

/** Length of a slot in which is counted what happens, milliseconds. */
export const SLOT_MS = 100;
const TARGET = 1;
/** What “spread” means here: the busiest slot holds at most so many times the mean of all slots. */
const PEAK_TARGET = 5;
/** Statements that open and close transactions, and that say or read who asks: no row is read or written. */
const SETTING =
  /^\s*(?:begin|commit|rollback|start transaction|set |select set_config|select current_setting)/i;

/** What one storm cost. */
export interface Storm {
  screens: number;
  statements: Statement[];
  /** Busiest slot over the mean of all, from the cut to the last of them. */
  peaks: { statements: number; requests: number; knocks: number };
  knocks: number;
  joins: number;
  /** Requests by path. */
  requests: Record<string, number>;
  /** All that the server answered, counted by itself. */
  answered: number;
  failures: number;
  /** Processor time of the server, PostgreSQL apart, milliseconds. */
  cpuMs: number;
  /** From the cut until each screen showed what was committed meanwhile, milliseconds. */
  rightMs: number[];
  /** Screens that never did. */
  behind: number;
}

/** How many instants fall into each slot since `from`. */
export function slotsOf(instants: readonly number[], from: number): number[] {
  const slots: number[] = [];
  for (const at of instants) {
    const slot = Math.max(0, Math.floor((at - from) / SLOT_MS));
    while (slots.length <= slot) slots.push(0);
    slots[slot] = (slots[slot] ?? 0) + 1;
  }
  return slots;
}

/** The busiest slot over the mean of all, those after the last busy one apart; 0 when nothing happened. */
export function peakOf(slots: readonly number[]): number {
  const length = slots.findLastIndex((count) => count > 0) + 1;
  const sum = slots.reduce((total, count) => total + count, 0);
  return sum === 0 ? 0 : Math.max(...slots) / (sum / length);
}

interface Costs {
  all: number;
  queries: number;
  settings: number;
  requests: number;
}

/** Of a storm, by screen. */
function costsOf({ statements, requests, screens }: Storm): Costs {
  const count = (chosen: (query: string) => boolean): number =>
    statements.filter(({ query }) => chosen(query)).reduce((sum, { calls }) => sum + calls, 0) / screens;
  return {
    all: count(() => true),
    queries: count((query) => !SETTING.test(query)),
    settings: count((query) => SETTING.test(query)),
    requests: Object.values(requests).reduce((sum, calls) => sum + calls, 0) / screens,
  };
}

/** The line of the storms: judged by every statement that they cost the database, and by its busiest moment. */
export function judgeStorms(rounds: Record<Manner, Storm[]>): Result {
  const figure = (manner: Manner, pick: (storm: Storm) => number): number => median(rounds[manner].map(pick));
  const costs = (manner: Manner, of: keyof Costs): number => figure(manner, (each) => costsOf(each)[of]);
  const describe = (manner: Manner): string =>
    `${short(costs(manner, 'all'))} (${short(costs(manner, 'queries'))} queries, ${short(costs(manner, 'settings'))} settings), ` +
    `${short(costs(manner, 'requests'))} requests; peak ${short(figure(manner, ({ peaks }) => peaks.statements))} × mean; ` +
    `all right in ${short(figure(manner, ({ rightMs }) => Math.max(0, ...rightMs)))} ms`;
  const all = costs('product', 'all');
  const peak = figure('product', ({ peaks }) => peaks.statements);
  const behind = rounds.product.reduce((sum, each) => sum + each.behind, 0);
  return {
    id: 'P9',
    what: `statements a client, ${short(rounds.product[0]?.screens ?? 0)} cut off at once`,
    target: `≤ ${TARGET}, peak ≤ ${PEAK_TARGET} × mean of ${SLOT_MS} ms`,
    measured: describe('product'),
    comparedWith: `refetch on invalidate: ${describe('invalidate')}`,
    ratio: pairedRatio(
      rounds.product.map((each) => costsOf(each).all),
      rounds.invalidate.map((each) => costsOf(each).all),
    ),
    met: all <= TARGET && peak <= PEAK_TARGET,
    broken: behind > 0 ? [`${behind} screens did not show what was committed while they were away`] : [],
    figures: Object.assign(
      {},
      ...(['product', 'invalidate'] as const).map((manner) => figuresOf(manner, rounds[manner])),
    ) as Result['figures'],
    sizes: { screens: rounds.product[0]?.screens ?? 0, rounds: rounds.product.length },
  };
}

function figuresOf(manner: Manner, storms: readonly Storm[]): Result['figures'] {
  const last = storms.at(-1);
  const right = storms.flatMap(({ rightMs }) => rightMs);
  const series = (pick: (storm: Storm) => number): number => median(storms.map(pick));
  const costs = (of: keyof Costs): number => series((each) => costsOf(each)[of]);
  return {
    [`${manner}_statements_a_client`]: costs('all'),
    [`${manner}_queries_a_client`]: costs('queries'),
    [`${manner}_settings_a_client`]: costs('settings'),
    [`${manner}_requests_a_client`]: costs('requests'),
    [`${manner}_requests_answered`]: series(({ answered }) => answered),
    [`${manner}_requests_failed`]: series(({ failures }) => failures),
    [`${manner}_server_cpu_a_client_ms`]: series(({ cpuMs, screens }) => cpuMs / screens),
    [`${manner}_screens_behind`]: series(({ behind }) => behind),
    [`${manner}_knocks`]: series(({ knocks }) => knocks),
    [`${manner}_joins`]: series(({ joins }) => joins),
    [`${manner}_statements_peak_over_mean`]: series(({ peaks }) => peaks.statements),
    [`${manner}_requests_peak_over_mean`]: series(({ peaks }) => peaks.requests),
    [`${manner}_knocks_peak_over_mean`]: series(({ peaks }) => peaks.knocks),
    ...(right.length > 0 ? { [`${manner}_right_ms`]: summarise(right) } : {}),
    [`${manner}_requests`]: Object.entries(last?.requests ?? {})
      .map(([path, calls]) => `${calls} × ${path}`)
      .join('\n'),
    [`${manner}_statements`]: (last?.statements ?? [])
      .map(({ calls, query }) => `${calls} × ${query}`)
      .join('\n'),
  };
}
