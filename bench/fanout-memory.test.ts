import { describe, expect, it } from 'vitest';
import { type MemoryMeasurements, findKeptMemory } from './fanout-memory.ts';

const MB = 1024 ** 2;
const memory = (heapMb: number, rssMb: number, sockets = 100) => ({
  heapUsed: heapMb * MB,
  external: 0,
  rss: rssMb * MB,
  sockets,
});
/** 10,000 sockets, then five times 2,000 after the first 2,000. */
const measured = (over: Partial<MemoryMeasurements> = {}): MemoryMeasurements => ({
  empty: { gateway: memory(30, 110), bare: memory(10, 60, 0) },
  full: [{ size: 10_000, gateway: memory(72, 275, 10_100), bare: memory(35, 118, 10_000) }],
  left: memory(32, 280),
  visits: { sockets: 2_000, after: [280, 281, 279, 282, 280, 283].map((rss) => memory(32, rss)) },
  joinsPerSecond: 1_000,
  ...over,
});
const visits = (grow: (visit: number) => ReturnType<typeof memory>) => ({
  sockets: 2_000,
  after: Array.from({ length: 6 }, (_, visit) => grow(visit)),
});

describe('memory that is kept', () => {
  it('is none when the heap comes back and nothing grows; resident pages may stay', () => {
    expect(findKeptMemory(measured())).toEqual([]);
  });

  it('is named when all have left', () => {
    expect(findKeptMemory(measured({ left: memory(72, 280, 100) }))).toEqual([
      'It keeps 4.3 KB for each of 10000 sockets that left.',
    ]);
  });

  it('is named when it grows from visit to visit, on the heap or beside it', () => {
    expect(findKeptMemory(measured({ visits: visits((visit) => memory(32 + 8 * visit, 280)) }))).toEqual([
      'It grows by 4.1 KB for each socket that comes and leaves, time after time.',
    ]);
    expect(findKeptMemory(measured({ visits: visits((visit) => memory(32, 280 + 24 * visit)) }))).toEqual([
      'Its resident memory grows by 12.3 KB for each socket that comes and leaves, time after time.',
    ]);
  });

  it('is named when sockets that left are still open', () => {
    expect(findKeptMemory(measured({ left: memory(32, 280, 103) }))).toEqual([
      '3 of 10000 sockets that left are still open.',
    ]);
  });
});
