/** The table of a torture run. */
import type { TortureReport } from './run.ts';
import { CHECKS, type Check } from './tally.ts';

/** Whether all that must hold held, and everything that must happen did. */
export function isSound({ tally, missing }: TortureReport): boolean {
  return tally.violated().length === 0 && missing.length === 0;
}

/** Invariants with checks and violations, then what happened, then examples of what was broken. */
export function renderReport(report: TortureReport): string {
  const { tally, outages, recovery, served, missing } = report;
  const checks = Object.keys(CHECKS) as Check[];
  const rows = checks.map((check) => {
    const { checks: made, violations } = tally.rows[check];
    return [CHECKS[check].invariant, CHECKS[check].what, String(made), String(violations)];
  });
  const counts = [...tally.counts].map(([kind, names]) => [
    kind,
    [...names]
      .toSorted(([a], [b]) => a.localeCompare(b))
      .map(([name, count]) => `${name} ${count}`)
      .join(' · '),
  ]);
  const away = Object.entries(outages).map(([kill, delays]) => [
    `away after a kill of ${kill}`,
    spread(delays),
  ]);
  const sections = [
    table([['invariant', 'what was checked', 'checks', 'violations'], ...rows], [2, 3]),
    table([
      ...counts,
      ...away,
      ['served again after the last kill', `${served} ms`],
      ['screens right after it', spread(recovery)],
    ]),
    ...checks
      .filter((check) => tally.rows[check].examples.length > 0)
      .map(
        (check) =>
          `${CHECKS[check].invariant}, ${CHECKS[check].what}:\n  ${tally.rows[check].examples.join('\n  ')}`,
      ),
    ...(missing.length > 0 ? [`Never happened: ${missing.join(', ')}`] : []),
    isSound(report) ? 'Everything held.' : 'NOT everything held.',
  ];
  return sections.join('\n\n');
}

function spread(delays: number[]): string {
  const sorted = delays.toSorted((a, b) => a - b);
  if (sorted.length === 0) return 'none';
  return `${sorted[Math.floor(sorted.length / 2)]} ms median, ${sorted.at(-1)} ms longest, of ${sorted.length}`;
}

function table(rows: readonly string[][], numbers: readonly number[] = []): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) =>
          numbers.includes(column) ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
