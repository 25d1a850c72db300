// @vitest-environment node
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { insertResults } from './document.ts';
import { PLOT_NAMES, drawPlots } from './plots.ts';
import type { Result } from './report.ts';
import { type Results, describeRun, mergeResults, readResults } from './results.ts';

const DOCS = join(import.meta.dirname, '..', 'docs');
const DOCUMENT = readFileSync(join(DOCS, 'PERFORMANCE.md'), 'utf8');
const IMAGES = join(DOCS, 'images', 'performance');
const results = await readResults();

const RUN = describeRun({ parts: [], sizes: { groups: 1, students: 1, seed: 1 } }, 0, 1);

describe('docs/PERFORMANCE.md', () => {
  it('tells what bench/results.json holds (else: npm run bench:plots)', () => {
    expect(insertResults(DOCUMENT, results)).toBe(DOCUMENT);
  });

  it('shows every plot there is, and none that is not', () => {
    const shown = [...DOCUMENT.matchAll(/\]\(images\/performance\/([\w-]+)\.svg\)/g)].map(([, name]) => name);
    expect(new Set(shown)).toEqual(new Set(PLOT_NAMES));
    expect(new Set(readdirSync(IMAGES))).toEqual(new Set(PLOT_NAMES.map((name) => `${name}.svg`)));
  });

  it.each(Object.entries(drawPlots(results)))('has plot %s as drawn from the results', (name, svg) => {
    expect(readFileSync(join(IMAGES, `${name}.svg`), 'utf8')).toBe(svg);
  });
});

describe('the table of results', () => {
  const result = (id: string, broken: string[] = []): Result => ({
    id,
    what: 'a | b',
    target: '≤ 1',
    measured: '2',
    comparedWith: '3',
    ratio: 0.6667,
    met: true,
    broken,
    figures: {},
  });
  const empty: Results = { runs: {}, results: [] };
  const place = insertResults(DOCUMENT, empty);
  const rowsOf = (of: Results): string[] =>
    insertResults(place, of)
      .split('\n')
      .filter((line) => /^\| P\d+ \|/.test(line));
  const once = mergeResults(empty, '2026-01-01T10:00:00.000Z', RUN, { a: [result('P1')] }, ['a', 'b']);

  it('has a row for each result', () => {
    expect(rowsOf(once)).toContain('| P1 | a \\| b | ≤ 1 | 2 | 3 | 0.667 × | met |');
  });

  it('tells runs apart when there were several, and what is broken', () => {
    const broken = ['A message was missed.'];
    const twice = mergeResults(once, '2026-01-02T10:00:00.000Z', RUN, { b: [result('P2', broken)] }, [
      'a',
      'b',
    ]);
    expect(rowsOf(twice).slice(0, 2)).toEqual([
      '| P1 | a \\| b | ≤ 1 | 2 | 3 | 0.667 × | met | 1 |',
      '| P2 | a \\| b | ≤ 1 | 2 | 3 | 0.667 × | **BROKEN** | 2 |',
    ]);
    expect(insertResults(place, twice)).toContain('- P2: A message was missed.');
    expect(insertResults(place, twice)).toMatch(/- Run 1 2026-01-01 .*\n- Run 2 2026-01-02 /);
  });

  it('needs its place', () => {
    expect(() => insertResults('# Performance', once)).toThrow('has no place for the results');
  });
});
