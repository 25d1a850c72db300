/** The table of a siege. */
import { summarise } from '../../bench/statistics.ts';
import { ATTACKS } from './hostile/attacks.ts';
import type { SiegeReport } from './siege.ts';
import { brokenIn, costOf, MOST_RATIO } from './siege-verdict.ts';
import { table } from './table.ts';

const MEGABYTE = 1_000_000;

/** Attacks with what was answered, then what they cost, then what was broken. */
export function renderSiege(report: SiegeReport): string {
  const { attacks, attackSeconds, quiet, attacked, rss, logBytes } = report;
  const rows = attacks.flatMap(({ name, strikes, answers, wrong }) => {
    const { sends = '', unharmed = '' } = ATTACKS.find((attack) => attack.name === name) ?? {};
    const answered = Object.entries(answers).map(([answer, count]) => `${answer} ${count}`);
    return [
      [name, String(strikes), String(wrong), sends],
      ['', '', '', `  must be answered: ${unharmed}`],
      ['', '', '', `  was answered: ${answered.join(' · ')}`],
    ];
  });
  const cost = costOf(report);
  const megabytes = (bytes: number): string => `${Math.round(bytes / MEGABYTE)} MB`;
  const broken = brokenIn(report);
  return [
    `Siege: ${attacks.length} attacks at once for ${attackSeconds} s`,
    table([['attack', 'strikes', 'wrong', 'what it sends'], ...rows], [1, 2]),
    table([
      ...(['rest', 'storage', 'signIn'] as const).map((kind) => [
        `honest ${kind}`,
        `quiet ${figures(quiet[kind])}; under attack ${figures(attacked[kind])}`,
      ]),
      [
        'honest REST p99',
        cost
          ? `${cost.ratio.toFixed(1)} × quiet; target ${MOST_RATIO} ×: ${cost.met ? 'met' : 'MISSED'}`
          : 'none was answered',
      ],
      ['memory of the server', `quiet ${megabytes(rss.quiet)}; under attack ${megabytes(rss.attacked)}`],
      ["PostgreSQL's log", `grew by ${megabytes(logBytes)}`],
    ]),
    broken.length === 0 ? 'Nothing was broken.' : `BROKEN:\n  ${broken.join('\n  ')}`,
  ].join('\n\n');
}

function figures(durations: number[]): string {
  if (durations.length === 0) return 'none';
  const { count, median, p99, max } = summarise(durations);
  return `${median.toFixed(0)} ms, p99 ${p99.toFixed(0)} ms, longest ${max.toFixed(0)} ms, of ${count}`;
}
