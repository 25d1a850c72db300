import { describe, expect, it } from 'vitest';
import { PLOT_NAMES, drawPlots } from './plots.ts';
import type { Result } from './report.ts';
import { describeRun, mergeResults } from './results.ts';

const RUN = describeRun({ parts: [], sizes: { groups: 1, students: 1, seed: 1 } }, 0, 1);
const PARTS = ['enforcement', 'check', 'fanout'];
const series = (...names: string[]) =>
  Object.fromEntries(
    names.map((name, index) => [
      name,
      [1_000, 10_000].map((size) => ({ size, value: (index + 1) * size ** 0.5 })),
    ]),
  );
const result = (id: string, over: Partial<Result>): Result => ({
  id,
  what: '',
  target: '',
  measured: '',
  comparedWith: '',
  met: true,
  broken: [],
  figures: {},
  ...over,
});
const measured = (broken: string[] = []) =>
  mergeResults(
    { runs: {}, results: [] },
    '2026-01-01T10:00:00.000Z',
    RUN,
    {
      enforcement: [
        result('P2', { series: series('enforced_insert_us', 'unenforced_insert_us', 'classic_insert_us') }),
      ],
      check: [result('P4', { series: series('ours_ms', 'recount_ms'), broken })],
      fanout: [
        result('P7', { series: series('gateway_last_ms', 'bare_last_ms') }),
        result('P11', { series: series('gateway_rss_mb', 'bare_rss_mb') }),
      ],
    },
    PARTS,
  );

describe('the plots', () => {
  const drawn = drawPlots(measured());

  it('are all drawn, and always alike', () => {
    expect(Object.keys(drawn)).toEqual(PLOT_NAMES);
    expect(drawPlots(measured())).toEqual(drawn);
  });

  it.each(Object.entries(drawn))('%s is well formed, and says in words what it shows', (_name, svg) => {
    const { documentElement: image } = new DOMParser().parseFromString(svg, 'image/svg+xml');
    expect(image.tagName).toBe('svg');
    expect(image.getAttribute('role')).toBe('img');
    expect(image.querySelector('title')?.textContent?.length).toBeGreaterThan(5);
    expect(image.querySelector('desc')?.textContent).toMatch(/E-Pilot: .* at 1,000 .*, .* at 10,000\./);
    expect(svg).not.toMatch(/NaN|undefined|Infinity/);
  });

  it('stay within their card', () => {
    for (const svg of Object.values(drawn)) {
      for (const [, x, y] of svg.matchAll(/[ML](-?[\d.]+) (-?[\d.]+)/g)) {
        expect(Number(x)).toBeGreaterThan(0);
        expect(Number(x)).toBeLessThan(760);
        expect(Number(y)).toBeGreaterThan(0);
        expect(Number(y)).toBeLessThan(440);
      }
    }
  });

  it('say that what they show is broken', () => {
    expect(drawPlots(measured(['The answer was wrong.']))['check-cost']).toContain('>BROKEN. 1 January 2026');
    expect(drawn['check-cost']).not.toContain('BROKEN');
  });

  it('are left out where their part was not measured', () => {
    const { runs, results } = measured();
    expect(
      Object.keys(drawPlots({ runs, results: results.filter(({ part }) => part !== 'fanout') })),
    ).toEqual(['check-cost', 'enforcement-cost']);
  });
});
