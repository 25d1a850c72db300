/**
 * `npm test`: everything, one stage after the other, to the end even when one fails. The last line is the total.
 */
import { spawn } from 'node:child_process';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';

const RESULTS = join(import.meta.dirname, '..', '.cache', 'test');

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

interface Stage {
  name: string;
  command: string;
  arguments: readonly string[];
  /** Reads how many tests ran from the stage's report; a stage without one counts as a single test. */
  count?: (report: unknown) => Counts;
}

const STAGES: readonly Stage[] = [
  { name: 'types', command: 'tsc', arguments: ['--noEmit'] },
  { name: 'lint', command: 'oxlint', arguments: ['--type-aware'] },
  { name: 'format', command: 'oxfmt', arguments: ['--check', '.'] },
  { name: 'unused', command: 'knip', arguments: [] },
  vitest('unit'),
  vitest('db'),
  vitest('property'),
  {
    name: 'e2e',
    command: 'playwright',
    arguments: ['test', '--reporter=list,json'],
    count: (report) => {
      const { expected, unexpected, flaky, skipped } = (report as PlaywrightReport).stats;
      return { passed: expected, failed: unexpected + flaky, skipped };
    },
  },
];

interface PlaywrightReport {
  stats: { expected: number; unexpected: number; flaky: number; skipped: number };
}

interface VitestReport {
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
  numTodoTests: number;
}

function vitest(project: string): Stage {
  return {
    name: project,
    command: 'vitest',
    arguments: [
      'run',
      `--project=${project}`,
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${reportOf(project)}`,
    ],
    count: (report) => {
      const { numPassedTests, numFailedTests, numPendingTests, numTodoTests } = report as VitestReport;
      return { passed: numPassedTests, failed: numFailedTests, skipped: numPendingTests + numTodoTests };
    },
  };
}

function reportOf(name: string): string {
  return join(RESULTS, `${name}.json`);
}

function run({ name, command, arguments: given }: Stage): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(command, given, {
      stdio: 'inherit',
      env: { ...process.env, PLAYWRIGHT_JSON_OUTPUT_NAME: reportOf(name) },
      // The tools of node_modules/.bin are scripts on Windows.
      shell: process.platform === 'win32',
    });
    child.on('error', (error) => {
      console.error(`${command} could not be run: ${error.message}`);
      resolve(false);
    });
    child.on('exit', (code) => resolve(code === 0));
  });
}

/** A skipped test proves nothing: it counts as failed, and so does a stage that failed without saying where. */
async function countsOf({ name, count }: Stage, succeeded: boolean): Promise<Counts> {
  const whole: Counts = { passed: succeeded ? 1 : 0, failed: succeeded ? 0 : 1, skipped: 0 };
  if (!count) return whole;
  const report = await readFile(reportOf(name), 'utf8').catch(() => null);
  if (report === null) return whole;
  const counts = count(JSON.parse(report));
  const failed = counts.failed + counts.skipped;
  return { ...counts, failed: failed === 0 && !succeeded ? 1 : failed };
}

await rm(RESULTS, { recursive: true, force: true });
await mkdir(RESULTS, { recursive: true });

const total: Counts = { passed: 0, failed: 0, skipped: 0 };
const summary: string[] = [];
for (const stage of STAGES) {
  console.log(`\n── ${stage.name} ${'─'.repeat(60 - stage.name.length)}`);
  const start = performance.now();
  const succeeded = await run(stage);
  const counts = await countsOf(stage, succeeded);
  total.passed += counts.passed;
  total.failed += counts.failed;
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  const skipped = counts.skipped > 0 ? ` (${counts.skipped} of them skipped)` : '';
  summary.push(
    `${stage.name.padEnd(9)} ${String(counts.passed).padStart(5)} passed ${String(counts.failed).padStart(4)} failed` +
      `${skipped}  ${seconds} s`,
  );
}

console.log(`\n${summary.join('\n')}\n`);
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed === 0 ? 0 : 1;
