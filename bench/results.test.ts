import { describe, expect, it } from 'vitest';
import type { Result } from './report.ts';
import { type Results, type Run, describeRun, mergeResults } from './results.ts';

const PARTS = ['start', 'check', 'plan-change', 'painted'];
const NOON = '2026-11-23T12:00:00.000Z';
const LATER = '2026-11-23T13:00:00.000Z';

const result = (id: string, over: Partial<Result> = {}): Result => ({
  id,
  what: 'something',
  target: '',
  measured: '',
  comparedWith: '',
  met: true,
  broken: [],
  figures: {},
  ...over,
});
const OPTIONS = { parts: ['check'], sizes: { groups: 3_500, students: 350_000, seed: 1 } };
const run = (loadBefore: number): Run => describeRun(OPTIONS, loadBefore, 12.4);
const nothing: Results = { runs: {}, results: [] };
const whole = mergeResults(
  nothing,
  NOON,
  run(0),
  {
    start: [result('P14')],
    check: [result('P4')],
    'plan-change': [result('P6'), result('P9')],
    painted: [result('P10'), result('P9')],
  },
  PARTS,
);
const told = ({ results }: Results) => results.map(({ id, part, run: at }) => [id, part, at]);

describe('a whole run', () => {
  it('is in the order of the targets, two parts that judge the same one in the order of the parts', () => {
    expect(told(whole)).toEqual([
      ['P4', 'check', NOON],
      ['P6', 'plan-change', NOON],
      ['P9', 'plan-change', NOON],
      ['P9', 'painted', NOON],
      ['P10', 'painted', NOON],
      ['P14', 'start', NOON],
    ]);
  });

  it('says on what it was measured', () => {
    expect(whole.runs[NOON]).toMatchObject({
      options: OPTIONS,
      seconds: 12,
      machine: { loadBefore: 0, cores: expect.any(Number) as number, memoryGb: expect.any(Number) as number },
      versions: { node: process.versions.node, postgresql: expect.stringMatching(/^\d+\.\d+$/) as string },
    });
    expect(Object.keys(whole.runs[NOON]?.versions ?? {})).toEqual([
      'product',
      'node',
      'postgresql',
      'chromium',
      'supabase-js',
      'ws',
    ]);
  });
});

describe('a run of one part', () => {
  const broken = ['The answer was wrong.'];
  const merged = mergeResults(whole, LATER, run(3), { check: [result('P4', { met: false, broken })] }, PARTS);

  it('replaces the results of that part only, and each knows its run', () => {
    expect(told(merged)[0]).toEqual(['P4', 'check', LATER]);
    expect(told(merged).slice(1)).toEqual(told(whole).slice(1));
    expect(merged.results.map(({ verdict }) => verdict).slice(0, 2)).toEqual(['BROKEN', 'met']);
    expect(Object.keys(merged.runs)).toEqual([NOON, LATER]);
  });

  it('lets go of what the part no longer measures, of parts that are gone, and of runs without results', () => {
    const again = mergeResults(merged, LATER, run(1), { painted: [result('P10')] }, ['check', 'painted']);
    expect(told(again)).toEqual([
      ['P4', 'check', LATER],
      ['P10', 'painted', LATER],
    ]);
    expect(Object.keys(again.runs)).toEqual([LATER]);
  });

  it('changes nothing when the part failed before it could say anything', () => {
    expect(mergeResults(whole, LATER, run(3), {}, PARTS)).toEqual(whole);
  });
});
