import { describe, expect, it } from 'vitest';
import { type Result, exitCodeOf, renderTable, verdictOf } from './report.ts';

const result = (over: Partial<Result> = {}): Result => ({
  id: 'P1',
  what: 'inserts',
  target: '≥ 0.8',
  measured: '900/s',
  comparedWith: '1,000/s',
  ratio: 0.9,
  met: true,
  broken: [],
  figures: {},
  ...over,
});

describe('the verdict', () => {
  it('is met or MISSED by the figure', () => {
    expect(verdictOf(result())).toBe('met');
    expect(verdictOf(result({ met: false }))).toBe('MISSED');
  });

  it('is BROKEN whatever the figure, when anything was done wrong', () => {
    const broken = ['3 rows more than the limit.'];
    expect(verdictOf(result({ broken }))).toBe('BROKEN');
    expect(verdictOf(result({ broken, met: false }))).toBe('BROKEN');
  });

  it('fails the run when broken, not when missed: a busy machine is no error', () => {
    expect(exitCodeOf([])).toBe(0);
    expect(exitCodeOf([result(), result({ met: false })])).toBe(0);
    expect(exitCodeOf([result(), result({ broken: ['A message was missed.'] })])).toBe(1);
  });
});

describe('the table', () => {
  it('has a line for each result and ends with what was broken', () => {
    const broken = ['The limit of 100 was passed: 103 rows.', 'The counter says 90, a recount 103.'];
    const lines = renderTable([result(), result({ id: 'P2', met: false }), result({ id: 'P7', broken })])
      .split('\n')
      .map((line) => line.trim());
    expect(lines.slice(2, 5).map((line) => line.split(/ {2,}/).at(-1))).toEqual(['met', 'MISSED', 'BROKEN']);
    expect(lines.slice(5)).toEqual(['', `P7 BROKEN: ${broken[0]}`, `P7 BROKEN: ${broken[1]}`]);
  });

  it('says nothing below when nothing was broken', () => {
    expect(renderTable([result()]).split('\n')).toHaveLength(3);
  });
});
