// @vitest-environment node
import { expect, test } from 'vitest';
import { Seam } from './replay.ts';

const frame = (text: string): Buffer => Buffer.from(text);

test('live messages wait for the past; what is of both is told once, however late it comes', () => {
  const seam = new Seam(1_000);
  expect(seam.admits(frame('a'), 'a')).toBe(false);
  expect(seam.admits(frame('b'), 'b')).toBe(false);
  expect(seam.admits(frame('client'), undefined)).toBe(false);
  expect(seam.close(['0', 'a']).map(String)).toEqual(['b', 'client']);
  expect(seam.admits(frame('0'), '0')).toBe(false);
  expect(seam.admits(frame('c'), 'c')).toBe(true);
  expect(seam.admits(frame('client'), undefined)).toBe(true);
});

test('what is held is bounded', () => {
  const seam = new Seam(10);
  seam.admits(frame('x'.repeat(10)), 'a');
  expect(seam.burst).toBe(false);
  seam.admits(frame('x'), 'b');
  expect(seam.burst).toBe(true);
});
