// @vitest-environment node
import { expect, test } from 'vitest';
import type { Origin } from './hub.ts';
import { Seam, type Horizon } from './replay.ts';

const frame = (text: string): Buffer => Buffer.from(text);
const row = (xid: number): Origin => ({ xid });
const emitted = (commit: number, message: number): Origin => ({
  xid: 15,
  place: { commit: BigInt(commit), message: BigInt(message) },
});
/** Transactions below 20 are past, but for 12, which was under way; the log is stored up to the second message of 100. */
const HORIZON: Horizon = { snapshot: '12:20:12', stored: { commit: 100n, message: 92n } };

test('live messages wait for the past; what is of both is told once, however late it comes', () => {
  const seam = new Seam(1_000);
  expect(seam.admits(frame('past'), row(15))).toBe(false);
  expect(seam.admits(frame('under way'), row(12))).toBe(false);
  expect(seam.admits(frame('client'), undefined)).toBe(false);
  expect(seam.close(HORIZON).map(String)).toEqual(['under way', 'client']);
  expect(seam.admits(frame('late'), row(19))).toBe(false);
  expect(seam.admits(frame('new'), row(20))).toBe(true);
  expect(seam.admits(frame('client'), undefined)).toBe(true);
});

test('a message of the log is past when it was stored, whether or not its transaction was visible', () => {
  const seam = new Seam(1_000);
  for (const [text, origin] of [
    ['earlier commit, later message', emitted(80, 95)],
    ['stored', emitted(100, 92)],
    ['behind it', emitted(100, 93)],
    ['later commit, earlier message', emitted(120, 70)],
  ] as const) {
    expect(seam.admits(frame(text), origin)).toBe(false);
  }
  expect(seam.close(HORIZON).map(String)).toEqual(['behind it', 'later commit, earlier message']);
  expect(seam.admits(frame('again'), emitted(100, 91))).toBe(false);
  expect(seam.admits(frame('new'), emitted(130, 121))).toBe(true);
});

test('where nothing of the log was ever stored, nothing of it is past', () => {
  const seam = new Seam(1_000);
  seam.close({ snapshot: '20:20:', stored: null });
  expect(seam.admits(frame('new'), emitted(1, 1))).toBe(true);
});

test('without a past, all that was held is told', () => {
  const seam = new Seam(1_000);
  expect(seam.admits(frame('a'), row(15))).toBe(false);
  expect(seam.close(null).map(String)).toEqual(['a']);
  expect(seam.admits(frame('b'), row(15))).toBe(true);
});

test('what is held is bounded', () => {
  const seam = new Seam(10);
  seam.admits(frame('x'.repeat(10)), row(1));
  expect(seam.burst).toBe(false);
  seam.admits(frame('x'), row(2));
  expect(seam.burst).toBe(true);
});
