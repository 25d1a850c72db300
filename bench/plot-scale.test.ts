import { describe, expect, it } from 'vitest';
import { logScale, logTicks, niceDomain, spreadLabels } from './plot-scale.ts';

describe('logScale', () => {
  it('puts equal factors equally far apart, in either direction', () => {
    const x = logScale([1, 1_000], [0, 300]);
    expect([1, 10, 100, 1_000].map((value) => Math.round(x(value)))).toEqual([0, 100, 200, 300]);
    const y = logScale([1, 1_000], [300, 0]);
    expect(Math.round(y(10))).toBe(200);
  });

  it('refuses what has no logarithm and what has no extent', () => {
    expect(() => logScale([0, 10], [0, 1])).toThrow(RangeError);
    expect(() => logScale([-1, 10], [0, 1])).toThrow(RangeError);
    expect(() => logScale([10, 10], [0, 1])).toThrow(RangeError);
  });
});

describe('niceDomain', () => {
  it('is the nearest of 1, 2 and 5 times a power of ten on both sides', () => {
    expect(niceDomain([0.214, 13.2])).toEqual([0.2, 20]);
    expect(niceDomain([327, 14_223])).toEqual([200, 20_000]);
    expect(niceDomain([3])).toEqual([2, 5]);
  });
});

describe('logTicks', () => {
  it('marks powers of ten, or more where there would be few', () => {
    expect(logTicks([0.1, 20])).toEqual([0.1, 1, 10]);
    expect(logTicks([5, 50])).toEqual([5, 10, 20, 50]);
    expect(logTicks([200, 20_000])).toEqual([200, 500, 1_000, 2_000, 5_000, 10_000, 20_000]);
  });
});

describe('spreadLabels', () => {
  it('leaves what is far enough apart where it is', () => {
    expect(spreadLabels([100, 10, 50], 20, [0, 200])).toEqual([100, 10, 50]);
  });

  it('parts what would overlap, within the bounds', () => {
    expect(spreadLabels([50, 52], 20, [0, 200])).toEqual([50, 70]);
    expect(spreadLabels([198, 199], 20, [0, 200])).toEqual([180, 200]);
    expect(spreadLabels([-5, 0], 20, [0, 200])).toEqual([0, 20]);
  });
});
