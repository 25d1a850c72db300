/** What a part of the benchmark says of what it measured, its verdict, and the table for people. */
import type { Sizes } from './options.ts';
import type { Summary } from './statistics.ts';

/** One line of the table. */
export interface Result {
  /** Number of the target. */
  id: string;
  what: string;
  target: string;
  measured: string;
  comparedWith: string;
  /** Measured value over the compared one; absent where the target is a figure of its own. */
  ratio?: number;
  /** Whether the figure reaches the target. */
  met: boolean;
  /** What the implementation did wrong, a sentence each: no speed makes up for it. Empty when it did all it must. */
  broken: string[];
  /** All that was measured, by name; the unit ends the name. */
  figures: Record<string, Summary | number | string>;
  /** How a figure grows, by name; the unit ends the name. */
  series?: Record<string, Point[]>;
  /** What the measurement was made with: rows, sockets, rounds. */
  sizes?: Record<string, number>;
}

/** A figure at one size. */
export interface Point {
  size: number;
  value: number;
}

/** One part of the benchmark, runnable alone. */
export interface Part {
  /** Name on the command line. */
  name: string;
  /**
   * @param progress tells what is being done, a line at a time
   * @param sizes of the platform, for parts that depend on it
   */
  run(progress: (text: string) => void, sizes: Sizes): Promise<Result[]>;
}

export type Verdict = 'met' | 'MISSED' | 'BROKEN';

/** What is wrong is never fast: a result that did anything wrong is broken, whatever its figures. */
export function verdictOf({ met, broken }: Pick<Result, 'met' | 'broken'>): Verdict {
  if (broken.length > 0) return 'BROKEN';
  return met ? 'met' : 'MISSED';
}

/** Exit code of a run: 1 when anything was broken. A target that a busy machine misses is no error. */
export function exitCodeOf(results: ReadonlyArray<Pick<Result, 'met' | 'broken'>>): 0 | 1 {
  return results.some((result) => verdictOf(result) === 'BROKEN') ? 1 : 0;
}

/** A number as short as it stays meaningful: three significant digits, thousands apart. */
export function short(value: number): string {
  return value.toLocaleString('en', { maximumSignificantDigits: 3 });
}

/** Median and 99th percentile of durations in milliseconds. */
export function spread({ median, p99 }: Summary): string {
  return `${short(median)} ms, p99 ${short(p99)} ms`;
}

/** The table, columns as wide as their widest cell; below it what was broken, a line each. */
export function renderTable(results: readonly Result[]): string {
  const rows = [
    ['id', 'what', 'target', 'measured', 'compared with', 'ratio', 'verdict'],
    ...results.map((result) => [
      result.id,
      result.what,
      result.target,
      result.measured,
      result.comparedWith,
      result.ratio === undefined ? '' : `${short(result.ratio)} ×`,
      verdictOf(result),
    ]),
  ];
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  const wrongs = results.flatMap(({ id, broken }) => broken.map((sentence) => `${id} BROKEN: ${sentence}`));
  return [
    lines[0],
    '─'.repeat(lines[0]?.length ?? 0),
    ...lines.slice(1),
    ...(wrongs.length > 0 ? ['', ...wrongs] : []),
  ].join('\n');
}
