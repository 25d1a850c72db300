/** The table of a torture run. */
import type { TortureReport } from './run.ts';
import { renderSiege } from './siege-table.ts';
import { brokenIn } from './siege-verdict.ts';
import { spread, table } from './table.ts';
import { CHECKS, type Check, type Tally } from './tally.ts';

const WIDTH = 90;
/** From the return of the server until a screen is right, milliseconds. How fast depends on what else the machine does. */
const TARGET_MS = 1_000;

/** Whether all that must hold held, and everything that must happen did. */
export function isSound({ tally, missing, siege }: TortureReport): boolean {
  const broken = siege ? brokenIn(siege) : [];
  return tally.violated().length === 0 && missing.length === 0 && broken.length === 0;
}

/** Invariants with checks and violations, then what happened, then examples of what was broken. */
export function renderReport(report: TortureReport): string {
  const { tally, outages, recovery, served, missing } = report;
  const checks = Object.keys(CHECKS) as Check[];
  const rows = checks.map((check) => {
    const { checks: made, violations } = tally.rows[check];
    return [CHECKS[check].invariant, CHECKS[check].what, String(made), String(violations)];
  });
  const counts = [...tally.counts.keys()]
    .filter((kind) => kind !== 'done')
    .map((kind) => [kind, countsOf(tally, kind)]);
  const away = Object.entries(outages).map(([kill, delays]) => [
    `away after a kill: ${kill}`,
    spread(delays),
  ]);
  const afterwards = recovery.map((delay) => delay - served);
  const verdict = Math.max(...afterwards) <= TARGET_MS ? 'met' : 'MISSED';
  const sections = [
    table([['invariant', 'what was checked', 'checks', 'violations'], ...rows], [2, 3]),
    table([
      ...counts.flatMap(([kind, text]) => wrap(text!).map((line, n) => [n === 0 ? kind! : '', line])),
      ...away,
      ['the last kill', `served again after ${served} ms`],
      ['screens right', `after ${spread(afterwards)}; target ${TARGET_MS} ms: ${verdict}`],
    ]),
    ...checks
      .filter((check) => tally.rows[check].examples.length > 0)
      .map(
        (check) =>
          `${CHECKS[check].invariant}, ${CHECKS[check].what}:\n  ${tally.rows[check].examples.join('\n  ')}`,
      ),
    ...(missing.length > 0 ? [`Never happened: ${missing.join(', ')}`] : []),
    ...(report.siege ? [renderSiege(report.siege)] : []),
    isSound(report) ? 'Everything held.' : 'NOT everything held.',
  ];
  return sections.join('\n\n');
}

/** Names with how often each happened; acts with how many of them were done, and not refused or unanswered. */
function countsOf(tally: Tally, kind: string): string {
  const names = [...(tally.counts.get(kind) ?? [])].toSorted(([a], [b]) => a.localeCompare(b));
  return names
    .map(([name, count]) => `${name} ${kind === 'acts' ? `${tally.countOf('done', name)}/` : ''}${count}`)
    .join(' · ');
}

/** A text in lines, broken between names. */
function wrap(text: string): string[] {
  const lines: string[] = [];
  for (const part of text.split(' · ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + part.length < WIDTH)
      lines[lines.length - 1] = `${last} · ${part}`;
    else lines.push(part);
  }
  return lines;
}
