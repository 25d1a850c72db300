/** The part of docs/PERFORMANCE.md that is made from the results: a table, and on what it was measured. */
import { short, verdictOf } from './report.ts';
import type { Results, Run } from './results.ts';

const BEGIN = '<!-- Made by `npm run bench`: edit bench/document.ts, not this. -->';
const END = '<!-- End of what `npm run bench` made. -->';

/**
 * Puts the results into the document, in the place of those that it told.
 *
 * @param document its whole text
 * @throws Error when the document has no such place
 */
export function insertResults(document: string, results: Results): string {
  const from = document.indexOf(BEGIN);
  const to = document.indexOf(END);
  if (from < 0 || to < from) throw new Error(`docs/PERFORMANCE.md has no place for the results: ${BEGIN}`);
  return `${document.slice(0, from)}${BEGIN}\n\n${renderResults(results)}\n\n${document.slice(to)}`;
}

function renderResults({ results, runs }: Results): string {
  const numbers = new Map(Object.keys(runs).map((at, index) => [at, index + 1]));
  const several = numbers.size > 1;
  const rows = results.map((result) => [
    result.id,
    result.what,
    result.target,
    result.measured,
    result.comparedWith,
    result.ratio === undefined ? '' : `${short(result.ratio)} ×`,
    verdictWord(result),
    ...(several ? [String(numbers.get(result.run))] : []),
  ]);
  const head = [
    '',
    'what',
    'target',
    'measured',
    'beside it',
    'ratio',
    'verdict',
    ...(several ? ['run'] : []),
  ];
  const broken = results.flatMap(({ id, broken: sentences }) =>
    sentences.map((sentence) => `- ${id}: ${sentence}`),
  );
  return [
    line(head),
    line(head.map(() => '---')),
    ...rows.map(line),
    ...(broken.length > 0 ? ['', '**Broken:**', '', ...broken] : []),
    '',
    ...Object.entries(runs).map(([at, run]) =>
      describe(at, run, several ? `Run ${numbers.get(at)}` : 'Measured'),
    ),
  ].join('\n');
}

function verdictWord(result: Parameters<typeof verdictOf>[0]): string {
  const verdict = verdictOf(result);
  return verdict === 'met' ? verdict : `**${verdict}**`;
}

function describe(at: string, { machine, versions, seconds }: Run, name: string): string {
  const version = (of: string): string => versions[of] ?? 'unknown';
  return [
    `- ${name} ${at.slice(0, 10)} in ${seconds} s: ${machine.cores} cores (${machine.cpu}), ${machine.memoryGb} GB, ${machine.platform}, `,
    `load ${machine.loadBefore.toFixed(1)} before. E-Pilot ${version('product')}, PostgreSQL ${version('postgresql')}, `,
    `Node ${version('node')}, Chromium ${version('chromium')}, supabase-js ${version('supabase-js')}, ws ${version('ws')}.`,
  ].join('');
}

function line(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`;
}
