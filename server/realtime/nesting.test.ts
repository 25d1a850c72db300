// @vitest-environment node
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isTooDeep, NESTING_MAX, parseJson } from './nesting.ts';

const nested = (levels: number, core = '1'): string => '['.repeat(levels) + core + ']'.repeat(levels);

test('as many levels as the limit are parsed, one more is refused', () => {
  expect(() => parseJson(nested(NESTING_MAX))).not.toThrow();
  expect(() => parseJson(nested(NESTING_MAX + 1))).toThrow(SyntaxError);
  expect(() => parseJson('{"a":'.repeat(NESTING_MAX + 1) + '1' + '}'.repeat(NESTING_MAX + 1))).toThrow(
    SyntaxError,
  );
});

test('brackets within strings, and siblings, are no levels', () => {
  for (const text of ['['.repeat(200), '\\"[{'.repeat(200), '\\', '\\\\"['.repeat(99)]) {
    expect(parseJson(nested(3, JSON.stringify(text)))).toEqual([[[text]]]);
  }
  expect(isTooDeep(`[${'[],{},'.repeat(500)}[]]`)).toBe(false);
});

test('counts the levels of any JSON', () => {
  const levels = (value: unknown): number =>
    typeof value === 'object' && value !== null ? 1 + Math.max(0, ...Object.values(value).map(levels)) : 0;
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), fc.integer({ min: 50, max: 70 }), (value, around) => {
      const json = nested(around, JSON.stringify(value));
      expect(isTooDeep(json)).toBe(around + levels(value) > NESTING_MAX);
    }),
  );
});

test('a text that ends within a string, or closes more than it opens, is scanned to its end', () => {
  for (const text of [`${nested(10)}"${'['.repeat(300)}`, `"\\`.padEnd(300, '\\'), ']'.repeat(300)]) {
    expect(isTooDeep(text)).toBe(false);
    expect(() => parseJson(text)).toThrow(SyntaxError);
  }
});
