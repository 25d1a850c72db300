/** What the command line of the benchmark says: which parts, and how large the platform is that they measure. */
import { parseArgs } from 'node:util';
import { DATASET } from '../database/dataset/load.ts';

/** The platform as `database/dataset` makes it, for the parts that depend on its size. */
export interface Sizes {
  groups: number;
  students: number;
  seed: number;
}

export interface Options {
  /** Names of the parts that are asked for; all when none is. */
  parts: string[];
  sizes: Sizes;
}

const LEAST: Readonly<Sizes> = { groups: 30, students: 0, seed: 0 };

/**
 * Reads the command line: `[part…] [--students=350000] [--groups=3500] [--seed=1]`.
 *
 * @param args without the program's own name
 * @param names of the parts there are
 * @throws Error with a sentence for whoever typed it
 */
export function readOptions(args: readonly string[], names: readonly string[]): Options {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { groups: { type: 'string' }, students: { type: 'string' }, seed: { type: 'string' } },
  });
  const unknown = positionals.filter((name) => !names.includes(name));
  if (unknown.length > 0) {
    throw new Error(`No such part: ${unknown.join(', ')}. Parts: ${names.join(', ')}.`);
  }
  const size = (name: keyof Sizes): number => {
    const text = values[name];
    if (text === undefined) return DATASET[name];
    const value = Number(text.replaceAll('_', '') || Number.NaN);
    if (!Number.isInteger(value) || value < LEAST[name]) {
      throw new Error(`--${name} is a whole number from ${LEAST[name]}, not “${text}”.`);
    }
    return value;
  };
  return {
    parts: positionals,
    sizes: { groups: size('groups'), students: size('students'), seed: size('seed') },
  };
}
