// @vitest-environment node
import { expect, test } from 'vitest';
import { Seam } from './replay.ts';

const frame = (text: string): Buffer => Buffer.from(text);
/** Transactions below 20 are past, but for 12, which was under way. */
const SNAPSHOT = '12:20:12';

test('live messages wait for the past; what is of both is told once, however late it comes', () => {
  const seam = new Seam(1_000);
  expect(seam.admits(frame('past'), 15)).toBe(false);
  expect(seam.admits(frame('under way'), 12)).toBe(false);
  expect(seam.admits(frame('client'), undefined)).toBe(false);
  expect(seam.close(SNAPSHOT).map(String)).toEqual(['under way', 'client']);
  expect(seam.admits(frame('late'), 19)).toBe(false);
  expect(seam.admits(frame('new'), 20)).toBe(true);
  expect(seam.admits(frame('client'), undefined)).toBe(true);
});

test('without a past, all that was held is told', () => {
  const seam = new Seam(1_000);
  expect(seam.admits(frame('a'), 15)).toBe(false);
  expect(seam.close(null).map(String)).toEqual(['a']);
  expect(seam.admits(frame('b'), 15)).toBe(true);
});

test('what is held is bounded', () => {
  const seam = new Seam(10);
  seam.admits(frame('x'.repeat(10)), 1);
  expect(seam.burst).toBe(false);
  seam.admits(frame('x'), 2);
  expect(seam.burst).toBe(true);
});
