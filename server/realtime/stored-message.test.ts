// @vitest-environment node
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compact } from './stored-message.ts';

/** As PostgreSQL prints jsonb: one blank after each colon and comma. */
function print(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(print).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const parts = Object.entries(value).map(([key, part]) => `${JSON.stringify(key)}: ${print(part)}`);
  return `{${parts.join(', ')}}`;
}

test('compact takes out blanks between values and none inside texts', () => {
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: 'binary' }), (value) => {
      expect(compact(print(value))).toBe(JSON.stringify(value));
    }),
  );
});

test.each([
  [
    'a text that ends in a backslash',
    String.raw`{"a": "b \\", "c": " , "}`,
    String.raw`{"a":"b \\","c":" , "}`,
  ],
  ['a quote inside a text', String.raw`["\" : ", 1]`, String.raw`["\" : ",1]`],
  ['an escaped character', String.raw`["\u0020 \u0022 ", 1]`, String.raw`["\u0020 \u0022 ",1]`],
  [
    'numbers that no double holds',
    '[12345678901234567890, 1.10, 1e400]',
    '[12345678901234567890,1.10,1e400]',
  ],
])('compact keeps %s as it is', (_what, json, expected) => {
  expect(compact(json)).toBe(expected);
});
