/** What is said about a series of measurements; every part of the benchmark says it in the same way. */

export interface Summary {
  count: number;
  min: number;
  median: number;
  p95: number;
  p99: number;
  max: number;
}

/**
 * The nearest-rank quantile: the smallest value that at least `share` of all values do not exceed. It is always a
 * value that was measured, never one in between.
 *
 * @param values at least one, in any order
 * @param share 0–1
 * @throws RangeError without values, or for a share outside 0–1
 */
export function quantile(values: readonly number[], share: number): number {
  if (values.length === 0) throw new RangeError('A quantile needs at least one value');
  if (!(share >= 0 && share <= 1)) throw new RangeError(`A share lies between 0 and 1, not at ${share}`);
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] as number;
}

/** The middle value; of an even number of values the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('A median needs at least one value');
  const sorted = Float64Array.from(values).sort();
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] as number) + (sorted[Math.floor(middle)] as number)) / 2;
}

/** Count, extremes, median and the high quantiles of at least one value, in the unit of the values. */
export function summarise(values: readonly number[]): Summary {
  return {
    count: values.length,
    min: quantile(values, 0),
    median: median(values),
    p95: quantile(values, 0.95),
    p99: quantile(values, 0.99),
    max: quantile(values, 1),
  };
}

/**
 * How many times as large the first series is as the second: the median of the ratios of values taken side by side.
 * A machine that slows down for a while slows both of a pair, so the ratio stands where the two medians would not.
 *
 * @throws RangeError when the series differ in length or are empty
 */
export function pairedRatio(values: readonly number[], references: readonly number[]): number {
  if (values.length !== references.length) throw new RangeError('Paired series have the same length');
  return median(values.map((value, index) => value / (references[index] as number)));
}

/**
 * How cost grows with size: the slope of log(cost) over log(size) by least squares. 0 is flat, 1 is linear, 2 is
 * quadratic.
 *
 * @param points sizes and values above 0, of at least two sizes
 */
export function growthExponent(points: ReadonlyArray<{ size: number; value: number }>): number {
  const logs = points.map(({ size, value }) => ({ x: Math.log(size), y: Math.log(value) }));
  const mean = (pick: (log: { x: number; y: number }) => number): number =>
    logs.reduce((sum, log) => sum + pick(log), 0) / logs.length;
  const x = mean((log) => log.x);
  const y = mean((log) => log.y);
  const spread = logs.reduce((sum, log) => sum + (log.x - x) ** 2, 0);
  if (!(spread > 0)) throw new RangeError('Growth needs at least two sizes');
  return logs.reduce((sum, log) => sum + (log.x - x) * (log.y - y), 0) / spread;
}
