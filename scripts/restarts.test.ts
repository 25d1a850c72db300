// @vitest-environment node
import { expect, it } from 'vitest';
import { Restarts, endedByFault } from './restarts.mjs';

it.each([
  [70, null, true],
  [null, 'SIGABRT', true],
  [null, 'SIGKILL', true],
  [0, null, false],
  [1, null, false],
  [null, 'SIGTERM', false],
  [null, 'SIGINT', false],
] as const)('a server that ended with code %s, signal %s, ended by a fault: %s', (code, signal, byFault) => {
  expect(endedByFault(code, signal)).toBe(byFault);
});

it('the pause grows with every fault, and the sixth within a minute is the last', () => {
  const restarts = new Restarts();
  const pauses = [0, 1, 2, 3, 4, 5].map((second) => restarts.note(second * 1_000, second * 1_000 + 500));
  expect(pauses).toEqual([250, 500, 1_000, 2_000, 4_000, null]);
});

it('faults that are minutes apart are not counted together', () => {
  const restarts = new Restarts();
  const pauses = Array.from({ length: 20 }, (_, run) => restarts.note(run * 120_000, run * 120_000 + 90_000));
  expect(new Set(pauses)).toEqual(new Set([250]));
});

it('a start that always fails slowly is repeated ever more slowly', () => {
  const restarts = new Restarts();
  const pauses = Array.from({ length: 9 }, (_, run) => restarts.note(run * 50_000, run * 50_000 + 30_000));
  expect(pauses).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000]);
});
