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
    fc.property(fc.jsonValue(), (value) => {
      expect(compact(print(value))).toBe(JSON.stringify(value));
    }),
  );
});
