/**
 * `npm run torture`: two minutes of everything at once, while PostgreSQL, the server, the feed and lines are killed at
 * random; then a siege, in which a hostile crew attacks beside honest clients. Prints a table; fails when an invariant was
 * broken, a check was never made, or the siege did harm.
 *
 *   npm run torture -- [--seconds 120] [--seed n] [--writers 4] [--screens 8] [--siege 40] [--no-hostile]
 */
import { parseArgs } from 'node:util';
import { isSound, renderReport } from './report.ts';
import { runTorture } from './run.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '120' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    writers: { type: 'string', default: '4' },
    screens: { type: 'string', default: '8' },
    siege: { type: 'string', default: '40' },
    hostile: { type: 'boolean', default: true },
  },
  allowNegative: true,
});
const options = {
  seconds: Number(values.seconds),
  seed: Number(values.seed),
  writers: Number(values.writers),
  screens: Number(values.screens),
  siege: Number(values.siege),
};
for (const [name, value] of Object.entries(options)) {
  if (Number.isInteger(value) && value >= 1) continue;
  process.stderr.write(`--${name} is a whole number of at least 1.\n`);
  process.exit(2);
}
const end = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => end.abort(new Error(`Ended by ${signal}`)));
}

const began = performance.now();
const progress = (text: string): void => {
  const seconds = ((performance.now() - began) / 1_000).toFixed(0).padStart(4);
  process.stdout.write(`${seconds} s  ${text}\n`);
};
progress(`seed ${options.seed}; ${options.seconds} seconds, ${options.writers} writers each way`);
try {
  const { siege: attackSeconds, ...storms } = options;
  const siege = values.hostile
    ? { quietSeconds: 10, attackSeconds, honest: 6, screens: 2, strength: 1 }
    : null;
  const report = await runTorture({ ...storms, siege, progress, signal: end.signal });
  process.stdout.write(`\n${renderReport(report)}\n`);
  process.exit(isSound(report) ? 0 : 1);
} catch (error) {
  process.stderr.write(`${end.signal.aborted ? (error as Error).message : (error as Error).stack}\n`);
  process.exit(1);
}
