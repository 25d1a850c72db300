/** Logarithmic axes: where a value stands, and which values are marked. */

/**
 * Maps values to positions so that equal factors are equally far apart.
 *
 * @param domain smallest and largest value, both above 0
 * @param range their positions
 * @throws RangeError for a domain that has no logarithm or no extent
 */
export function logScale(
  domain: readonly [number, number],
  range: readonly [number, number],
): (value: number) => number {
  const [low, high] = domain.map(Math.log) as [number, number];
  if (!(high > low) || !Number.isFinite(low)) {
    throw new RangeError(`A logarithmic axis needs two values above 0, not ${domain.join(' and ')}`);
  }
  const [from, to] = range;
  return (value) => from + ((Math.log(value) - low) / (high - low)) * (to - from);
}

/** The domain of values, widened to marked values on both sides. */
export function niceDomain(values: readonly number[]): [number, number] {
  const marks = marksAround(Math.min(...values), Math.max(...values), [1, 2, 5]);
  return [marks[0] as number, marks.at(-1) as number];
}

/** Values to mark in a domain: powers of ten, and 2 and 5 times them where those are few. */
export function logTicks([low, high]: readonly [number, number]): number[] {
  const within = (steps: readonly number[]): number[] =>
    marksAround(low, high, steps).filter((mark) => mark >= low && mark <= high);
  const decades = within([1]);
  return decades.length >= 3 ? decades : within([1, 2, 5]);
}

/** Marks from the last that is at most `low` to the first that is at least `high`. */
function marksAround(low: number, high: number, steps: readonly number[]): number[] {
  const marks: number[] = [];
  for (let power = Math.floor(Math.log10(low)) - 1; power <= Math.ceil(Math.log10(high)) + 1; power++) {
    for (const step of steps) marks.push(Number(`${step}e${power}`));
  }
  const first = marks.findLastIndex((mark) => mark <= low);
  const last = marks.findIndex((mark) => mark >= high);
  return marks.slice(first, last + 1);
}

/**
 * Moves labels apart until neighbours keep their distance, each as near to its place as that allows.
 *
 * @param places wanted, in any order
 * @param gap least distance of two
 * @param bounds that none leaves while there is room
 * @returns places in the order given
 */
export function spreadLabels(
  places: readonly number[],
  gap: number,
  [top, bottom]: readonly [number, number],
): number[] {
  const order = places.map((_, index) => index).sort((a, b) => (places[a] ?? 0) - (places[b] ?? 0));
  const spread = [...places];
  let least = top;
  for (const index of order) {
    spread[index] = Math.max(spread[index] ?? 0, least);
    least = (spread[index] ?? 0) + gap;
  }
  let most = bottom;
  for (const index of order.toReversed()) {
    spread[index] = Math.min(spread[index] ?? 0, most);
    most = (spread[index] ?? 0) - gap;
  }
  return spread;
}
