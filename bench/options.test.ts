import { describe, expect, it } from 'vitest';
import { readOptions } from './options.ts';

const NAMES = ['start', 'console'];

describe('the command line of the benchmark', () => {
  it('asks for everything at full size when it says nothing', () => {
    expect(readOptions([], NAMES)).toEqual({
      parts: [],
      sizes: { groups: 3_500, students: 350_000, seed: 1 },
    });
  });

  it('names parts and sizes in any order', () => {
    expect(readOptions(['--students=20_000', 'console', '--groups', '200', 'start'], NAMES)).toEqual({
      parts: ['console', 'start'],
      sizes: { groups: 200, students: 20_000, seed: 1 },
    });
  });

  it.each([
    [['consol'], 'No such part: consol. Parts: start, console.'],
    [['--groups=0'], '--groups is a whole number from 30, not “0”.'],
    [['--students=many'], '--students is a whole number from 0, not “many”.'],
    [['--students='], '--students is a whole number from 0, not “”.'],
    [['--seed=1.5'], '--seed is a whole number from 0, not “1.5”.'],
    [['--size=3'], "Unknown option '--size'"],
  ])('refuses %j', (args, sentence) => {
    expect(() => readOptions(args, NAMES)).toThrow(sentence);
  });
});
