/**
 * `npm run bench`: measures what docs claim, beside what they compare it with, and prints one table.
 *
 *   node bench/main.ts [part…] [--students=350000] [--groups=3500] [--seed=1]     all parts when none is named
 *
 * Ends with code 1 when something did what it must not; a target that is missed is no error.
 */
import os from 'node:os';
import { chaos } from './chaos.ts';
import { check } from './check.ts';
import { consolePart } from './console.ts';
import { decision } from './decision.ts';
import { enforcement } from './enforcement.ts';
import { fanout } from './fanout.ts';
import { firstLoad } from './first-load.ts';
import { hostile } from './hostile.ts';
import { type Options, readOptions } from './options.ts';
import { painted } from './painted.ts';
import { planChange } from './plan-change.ts';
import { type Part, exitCodeOf, renderTable } from './report.ts';
import { publish } from './publish.ts';
import { type Measured, describeRun, mergeResults, readResults, writeResults } from './results.ts';
import { signIn } from './sign-in.ts';
import { start } from './start.ts';
import { storm } from './storm.ts';

const PARTS: readonly Part[] = [
  start,
  signIn,
  enforcement,
  check,
  consolePart,
  decision,
  planChange,
  storm,
  painted,
  firstLoad,
  fanout,
  chaos,
  hostile,
];

const names = PARTS.map(({ name }) => name);
const options = askedFor(process.argv.slice(2));

const loadBefore = os.loadavg()[0] ?? 0;
const began = performance.now();
const elapsed = (): number => (performance.now() - began) / 1000;
const measured: Measured = {};
// PostgreSQL and the servers are ended when this process exits; a signal alone would leave them behind.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));

try {
  for (const part of PARTS) {
    if (options.parts.length > 0 && !options.parts.includes(part.name)) continue;
    const progress = (text: string): void =>
      console.log(`${elapsed().toFixed(0).padStart(4)} s  ${part.name.padEnd(12)} ${text}`);
    measured[part.name] = await part.run(progress, options.sizes);
  }
} finally {
  // What was measured before a part failed is told all the same.
  const at = new Date().toISOString();
  const run = describeRun(options, loadBefore, elapsed());
  const merged = mergeResults(await readResults(), at, run, measured, names);
  await writeResults(merged);
  await publish(merged);
  const results = Object.values(measured).flat();
  console.log(`\n${renderTable(results)}\n`);
  console.log(
    `${run.machine.cores} cores, load ${loadBefore.toFixed(1)} before the run. Details: bench/results.json`,
  );
  process.exitCode = exitCodeOf(results);
}

function askedFor(args: readonly string[]): Options {
  try {
    return readOptions(args, names);
  } catch (error) {
    console.error((error as Error).message);
    process.exit(2);
  }
}
