// @vitest-environment node
import { expect, test } from 'vitest';
import type { SiegeReport } from '../tests/torture/siege.ts';
import { judgeSiege } from './hostile-report.ts';
import { verdictOf } from './report.ts';

const MB = 1_000_000;
const durations = (ms: number) => ({
  rest: Array.from({ length: 200 }, () => ms),
  storage: [ms],
  signIn: [ms],
});
const HELD: SiegeReport = {
  attackSeconds: 10,
  attacks: [{ name: 'names', strikes: 100, answers: { 400: 90, 404: 10 }, wrong: 0, examples: [] }],
  quiet: durations(10),
  attacked: durations(40),
  rss: { quiet: 200 * MB, attacked: 300 * MB },
  logBytes: MB,
  death: null,
  wrong: [],
};

const judge = (changes: Partial<SiegeReport>) => judgeSiege({ ...HELD, ...changes });

test('a server that holds and stays quick meets the target', () => {
  const result = judge({});
  expect(verdictOf(result)).toBe('met');
  expect(result.ratio).toBe(4);
  expect(result.figures).toMatchObject({ attacks: '100 × names: 400 90, 404 10', attacked_rss_mb: 300 });
});

test('honest clients that wait longer than five times the quiet miss it, and nothing is broken', () => {
  expect(verdictOf(judge({ attacked: durations(51) }))).toBe('MISSED');
});

test('one slow request in fifty is a missed target, one in two hundred is not', () => {
  const slow = (count: number) => ({
    ...durations(10),
    rest: Array.from({ length: 200 }, (_, n) => (n < count ? 900 : 10)),
  });
  expect(verdictOf(judge({ attacked: slow(4) }))).toBe('MISSED');
  expect(verdictOf(judge({ attacked: slow(1) }))).toBe('met');
});

test.each<[string, Partial<SiegeReport>, RegExp]>([
  ['that dies', { death: 'The server ended with code 1.' }, /ended with code 1/],
  [
    'whose memory grows',
    { rss: { quiet: 200 * MB, attacked: 601 * MB } },
    /^Memory grew from 200 MB to 601 MB/,
  ],
  ['whose log grows', { logBytes: 40 * MB }, /log grew by 40 MB/],
  ['that does wrong', { wrong: ['An honest sign-in was answered 500'] }, /honest sign-in/],
])('a server %s is broken, however quick', (_name, changes, sentence) => {
  const result = judge(changes);
  expect(verdictOf(result)).toBe('BROKEN');
  expect(result.broken).toEqual([expect.stringMatching(sentence)]);
});

test('a server that never answered honest clients has no figure and no target met', () => {
  const result = judge({ attacked: { rest: [], storage: [], signIn: [] }, death: 'It ended.' });
  expect([result.met, result.ratio, verdictOf(result)]).toEqual([false, undefined, 'BROKEN']);
});
