/** What is said of the product under attack. */
import type { SiegeReport } from '../tests/torture/siege.ts';
import { brokenIn, costOf, MOST_MEMORY, MOST_RATIO } from '../tests/torture/siege-verdict.ts';
import { type Result, short, spread } from './report.ts';
import { summarise } from './statistics.ts';

const MEGABYTE = 1_000_000;

/** The line of a siege: judged by the p99 of honest requests; whatever the server did wrong breaks it. */
export function judgeSiege(report: SiegeReport): Result {
  const { attacks, attackSeconds, rss, logBytes, death } = report;
  const cost = costOf(report);
  const strikes = attacks.reduce((sum, attack) => sum + attack.strikes, 0);
  const megabytes = (bytes: number): string => `${short(bytes / MEGABYTE)} MB`;
  const memory = `memory ${megabytes(rss.attacked)}`;
  return {
    id: 'P17',
    what: `honest REST requests beside ${attacks.length} attacks at once, ${short(strikes / attackSeconds)} strikes/s`,
    target: `p99 ≤ ${MOST_RATIO} × quiet, 0 crashes, memory ≤ quiet + ${megabytes(MOST_MEMORY)}`,
    measured: `${cost ? spread(cost.attacked) : 'no answer'}; ${death === null ? '0 crashes' : 'CRASHED'}, ${memory}`,
    comparedWith: `quiet: ${cost ? spread(cost.quiet) : 'no answer'}, memory ${megabytes(rss.quiet)}`,
    ...(cost ? { ratio: cost.ratio } : {}),
    met: cost?.met ?? false,
    broken: brokenIn(report),
    figures: {
      ...figuresOf('quiet', report.quiet),
      ...figuresOf('attacked', report.attacked),
      quiet_rss_mb: rss.quiet / MEGABYTE,
      attacked_rss_mb: rss.attacked / MEGABYTE,
      postgresql_log_mb: logBytes / MEGABYTE,
      attacks: attacks
        .map(({ name, strikes: count, answers }) => `${count} × ${name}: ${answersOf(answers)}`)
        .join('\n'),
    },
    sizes: { attacks: attacks.length, strikes, seconds: attackSeconds },
  };
}

function answersOf(answers: Record<string, number>): string {
  return Object.entries(answers)
    .map(([answer, count]) => `${answer} ${count}`)
    .join(', ');
}

function figuresOf(when: 'quiet' | 'attacked', durations: SiegeReport['quiet']): Result['figures'] {
  const { rest, storage, signIn } = durations;
  return Object.fromEntries(
    Object.entries({ rest, storage, sign_in: signIn })
      .filter(([, values]) => values.length > 0)
      .map(([name, values]) => [`${when}_${name}_ms`, summarise(values)]),
  );
}
