// @vitest-environment node
import { describe, expect, test } from 'vitest';
import { verdictOf } from './report.ts';
import { type Storm, judgeStorms, peakOf, slotsOf } from './storm-report.ts';

/** A storm of a hundred screens, each of which costs one statement. */
function stormOf(changes: Partial<Storm> = {}): Storm {
  return {
    screens: 100,
    statements: [{ calls: 100, query: 'select * from public.get_entitlements($1)' }],
    peaks: { statements: 2, requests: 2, knocks: 2 },
    knocks: 100,
    joins: 200,
    requests: { '/rest/v1/rpc/get_entitlements': 100 },
    answered: 100,
    failures: 0,
    cpuMs: 800,
    rightMs: Array.from({ length: 100 }, (_, n) => n),
    behind: 0,
    ...changes,
  };
}

const judge = (changes?: Partial<Storm>) =>
  judgeStorms({ product: [stormOf(changes)], invalidate: [stormOf()] });

describe('the verdict', () => {
  test('one statement a client, spread, meets the target', () => {
    expect(verdictOf(judge())).toBe('met');
  });

  test('what only says who asks costs a statement too', () => {
    const statements = [
      ...['begin', `select set_config($1, $2, $3)`, 'SELECT current_setting($1, $2)', 'commit'].map(
        (query) => ({ calls: 100, query }),
      ),
      ...stormOf().statements,
    ];
    const judged = judge({ statements });
    expect(verdictOf(judged)).toBe('MISSED');
    expect(judged.figures).toMatchObject({
      product_statements_a_client: 5,
      product_queries_a_client: 1,
      product_settings_a_client: 4,
    });
    expect(judged.ratio).toBe(5);
  });

  test('all at once is not spread', () => {
    expect(verdictOf(judge({ peaks: { statements: 30, requests: 30, knocks: 30 } }))).toBe('MISSED');
  });

  test('a screen that stays behind breaks it, however little that cost', () => {
    const judged = judge({ behind: 1, rightMs: [] });
    expect(judged.broken).toEqual(['1 screens did not show what was committed while they were away']);
    expect(verdictOf(judged)).toBe('BROKEN');
  });
});

describe('the busiest slot', () => {
  test('is compared with the mean from the cut to the last thing that happened', () => {
    expect(slotsOf([1_000, 1_050, 1_310], 1_000)).toEqual([2, 0, 0, 1]);
    expect(peakOf([2, 0, 0, 1])).toBe(2 / (3 / 4));
    expect(peakOf([5, 5, 5, 0, 0])).toBe(1);
  });

  test('is none when nothing happened', () => {
    expect(peakOf(slotsOf([], 0))).toBe(0);
  });
});
