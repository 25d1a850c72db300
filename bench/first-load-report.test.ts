// @vitest-environment node
import { expect, test } from 'vitest';
import { type Load, judgeLoads } from './first-load-report.ts';
import { verdictOf } from './report.ts';

const KB = 1_024;
const FAST: Load = {
  performance: 97,
  firstPaintMs: 1_500,
  mainContentMs: 2_000,
  interactiveMs: 2_200,
  blockedMs: 50,
  layoutShift: 0,
  hostIndex: 2_000,
  requests: 14,
  foreign: [],
  scriptBytes: 165 * KB,
};

const verdict = (changes: Partial<Load>, runs = 3) =>
  verdictOf(
    judgeLoads(
      'page',
      {
        simulated: [...Array.from({ length: runs }, () => ({ ...FAST, ...changes })), FAST, FAST],
        applied: FAST,
      },
      170 * KB,
    ),
  );

test('a light and fast page meets the target', () => {
  expect(verdict({})).toBe('met');
});

test('a page that is heavy, late or poorly judged misses it, each alone', () => {
  expect(verdict({ scriptBytes: 171 * KB })).toBe('MISSED');
  expect(verdict({ interactiveMs: 3_100 })).toBe('MISSED');
  expect(verdict({ performance: 94 })).toBe('MISSED');
});

test('the middle of the loads is judged: one that the machine disturbed does not decide', () => {
  expect(verdict({ performance: 60, interactiveMs: 9_000 }, 1)).toBe('met');
});

test('a page that asks another origin, be it once, is broken', () => {
  expect(verdict({ foreign: ['https://fonts.example/a.woff2'] }, 1)).toBe('BROKEN');
});
