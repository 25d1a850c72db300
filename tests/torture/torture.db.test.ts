/** The proof of `npm run torture`, small enough to run with every test: everything happens at least once. */
import { expect, test } from 'vitest';
import { renderReport } from './report.ts';
import { runTorture } from './run.ts';

/** No limit of the product's: starting it, and coming back from a kill, take their time on a busy machine. */
const LIMIT_MS = 600_000;

test(
  'I1–I6: whatever is written, changed, published, overridden and killed at once, nothing is broken',
  { timeout: LIMIT_MS },
  async ({ onTestFailed }) => {
    const report = await runTorture({
      seconds: 12,
      seed: 20_251_117,
      writers: 2,
      screens: 5,
      progress: () => {},
    });
    onTestFailed(() => void process.stderr.write(`${renderReport(report)}\n`));
    expect(report.tally.findings()).toEqual({});
    expect(report.missing).toEqual([]);
  },
);
