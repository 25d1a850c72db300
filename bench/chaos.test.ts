// @vitest-environment node
import { expect, test } from 'vitest';
import type { ChaosReport } from '../tests/chaos/run.ts';
import { judgeChaos } from './chaos.ts';
import { verdictOf } from './report.ts';

const FLAWLESS: ChaosReport = {
  followers: 10,
  topics: 5,
  seconds: 60,
  committed: 400,
  killed: { sockets: 990, feed: 7, gateway: 3 },
  counts: {
    shown: 500,
    shownTwice: 0,
    shownBackwards: 0,
    shownWrong: 0,
    gaps: 0,
    repeatsDropped: 40,
    joins: 900,
    snapshots: 900,
  },
  missed: 0,
  recovery: { gateway: 700, median: 900, slowest: 1_500 },
};

test('a run in which nobody missed anything meets the target', () => {
  expect(verdictOf(judgeChaos(FLAWLESS))).toBe('met');
});

test('one client that is behind, or one screen that was wrong once, breaks it', () => {
  expect(verdictOf(judgeChaos({ ...FLAWLESS, missed: 1 }))).toBe('BROKEN');
  for (const count of ['gaps', 'shownTwice', 'shownBackwards', 'shownWrong'] as const) {
    const judged = judgeChaos({ ...FLAWLESS, counts: { ...FLAWLESS.counts, [count]: 1 } });
    expect(judged.broken).toHaveLength(1);
    expect(verdictOf(judged)).toBe('BROKEN');
  }
});

test('too few kills prove nothing', () => {
  const judged = judgeChaos({ ...FLAWLESS, killed: { ...FLAWLESS.killed, sockets: 989 } });
  expect(verdictOf(judged)).toBe('MISSED');
});
