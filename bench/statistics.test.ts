import { describe, expect, it } from 'vitest';
import { growthExponent, median, pairedRatio, quantile, summarise } from './statistics.ts';

const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);

describe('quantile', () => {
  it('is the nearest rank, whatever the order of the values', () => {
    expect(quantile(hundred, 0.99)).toBe(99);
    expect(quantile(hundred, 0.95)).toBe(95);
    expect(quantile(hundred, 0)).toBe(1);
    expect(quantile(hundred, 1)).toBe(100);
  });

  it('names the worst of few values rather than hide it', () => {
    expect(quantile([1, 1, 1, 900], 0.99)).toBe(900);
  });

  it('orders numbers as numbers', () => {
    expect(quantile([9, 10, 100], 1)).toBe(100);
  });

  it('refuses to speak of nothing, and of shares that are none', () => {
    expect(() => quantile([], 0.5)).toThrow(RangeError);
    expect(() => quantile([1], 99)).toThrow(RangeError);
    expect(() => quantile([1], Number.NaN)).toThrow(RangeError);
  });
});

describe('median', () => {
  it('is the middle of an odd number of values and lies between the two middles of an even one', () => {
    expect(median([5, 1, 3])).toBe(3);
    expect(median([4, 1, 2, 9])).toBe(3);
    expect(() => median([])).toThrow(RangeError);
  });
});

describe('summarise', () => {
  it('tells count, extremes and quantiles', () => {
    expect(summarise(hundred)).toEqual({ count: 100, min: 1, median: 50.5, p95: 95, p99: 99, max: 100 });
  });

  it('leaves the measured values in their order', () => {
    const values = [3, 1, 2];
    summarise(values);
    expect(values).toEqual([3, 1, 2]);
  });
});

describe('pairedRatio', () => {
  it('is not moved by a machine that slows down half-way', () => {
    expect(pairedRatio([8, 4, 2], [10, 5, 2.5])).toBeCloseTo(0.8);
  });

  it('refuses series that are no pairs', () => {
    expect(() => pairedRatio([1, 2], [1])).toThrow(RangeError);
    expect(() => pairedRatio([], [])).toThrow(RangeError);
  });
});

describe('growthExponent', () => {
  const costs = (cost: (size: number) => number) =>
    [1_000, 10_000, 350_000].map((size) => ({ size, value: cost(size) }));

  it('tells flat, linear and quadratic growth apart', () => {
    expect(growthExponent(costs(() => 0.4))).toBeCloseTo(0);
    expect(growthExponent(costs((size) => 3 * size))).toBeCloseTo(1);
    expect(growthExponent(costs((size) => size ** 2))).toBeCloseTo(2);
  });

  it('refuses to see growth in one size', () => {
    expect(() => growthExponent([{ size: 5, value: 1 }])).toThrow(RangeError);
  });
});
