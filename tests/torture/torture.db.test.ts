/** The proof of `npm run torture`, small enough to run with every test: everything happens at least once. */
import { expect, test } from 'vitest';
import { renderReport } from './report.ts';
import { runTorture } from './run.ts';
import { brokenIn } from './siege-verdict.ts';

/** No limit of the product's: starting it, and coming back from a kill, take their time on a busy machine. */
const LIMIT_MS = 600_000;

test(
  'I1–I6: whatever is written, changed, published, overridden, killed and sent in at once, nothing is broken',
  { timeout: LIMIT_MS },
  async ({ onTestFailed }) => {
    const report = await runTorture({
      seconds: 12,
      seed: 20_251_117,
      writers: 2,
      screens: 5,
      siege: { quietSeconds: 2, attackSeconds: 10, honest: 3, screens: 1, strength: 0.1 },
      progress: () => {},
    });
    onTestFailed(() => void process.stderr.write(`${renderReport(report)}\n`));
    expect(report.tally.findings()).toEqual({});
    expect(report.missing).toEqual([]);
    expect(report.siege && brokenIn(report.siege)).toEqual([]);
  },
);
