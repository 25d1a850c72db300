// @vitest-environment node
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseValue, serializeValue } from './typed-values.ts';

const BOOLEAN = 16;
const BYTEA = 17;
const BIGINT = 20;
const INTEGER = 23;
const TEXT = 25;
const JSON_TYPE = 114;
const DATE = 1082;
const TIMESTAMP = 1114;
const TIMESTAMPTZ = 1184;
const NUMERIC = 1700;
const JSONB = 3802;
const INTEGERS = 1007;
const TEXTS = 1009;
const JSONBS = 3807;
const ARRAYS = new Map([
  [INTEGERS, INTEGER],
  [TEXTS, TEXT],
  [JSONBS, JSONB],
]);

describe('a value from PostgreSQL', () => {
  it.each([
    ['t', BOOLEAN, true],
    ['f', BOOLEAN, false],
    ['42', INTEGER, 42],
    ['9007199254740991', BIGINT, 9_007_199_254_740_991],
    ['9007199254740993', BIGINT, 9_007_199_254_740_993n],
    ['1.50', NUMERIC, '1.50'],
    ['1.5', NUMERIC, 1.5],
    ['12345678901234567890.123', NUMERIC, '12345678901234567890.123'],
    ['{"a": [1]}', JSONB, { a: [1] }],
    ['null', JSON_TYPE, null],
    ['\\x00ff', BYTEA, '\\x00ff'],
    ['2026-01-02', DATE, '2026-01-02'],
    ['2026-01-02 03:04:05.678901+00', TIMESTAMPTZ, '2026-01-02T03:04:05.678901+00:00'],
    ['2026-01-02 03:04:05', TIMESTAMP, '2026-01-02T03:04:05'],
    ['infinity', TIMESTAMPTZ, 'infinity'],
    ['{1,NULL,3}', INTEGERS, [1, null, 3]],
    [
      '{{1,2},{3,4}}',
      INTEGERS,
      [
        [1, 2],
        [3, 4],
      ],
    ],
    ['{}', TEXTS, []],
    ['{a,"b,c","d\\"e","NULL",""}', TEXTS, ['a', 'b,c', 'd"e', 'NULL', '']],
    ['{"{\\"a\\": 1}"}', JSONBS, [{ a: 1 }]],
    ['[1,5)', 3904, '[1,5)'],
  ])('%s of type %i is %o', (text, oid, value) => {
    expect(parseValue(text, oid, ARRAYS)).toEqual(value);
  });
});

describe('a value for PostgreSQL', () => {
  it.each([
    [null, INTEGER, null],
    [undefined, TEXT, null],
    [7, INTEGER, '7'],
    [true, BOOLEAN, 'true'],
    [12n, BIGINT, '12'],
    [{ a: 1 }, JSONB, '{"a":1}'],
    [[1, 2], JSONB, '[1,2]'],
    ['text', JSONB, '"text"'],
    ['[1]', JSONB, '"[1]"'],
    [[1, null], INTEGERS, '{1,null}'],
    [[[1], [2]], INTEGERS, '{{1},{2}}'],
    [[{ a: 1 }, [2]], JSONBS, '{"{\\"a\\":1}",[2]}'],
    [['a b', 'null', '', '{}'], TEXTS, '{"a b","null","","{}"}'],
    [Buffer.from([0, 255]), BYTEA, '\\x00ff'],
    [new Date(0), TIMESTAMPTZ, '1970-01-01T00:00:00.000Z'],
  ])('%o for type %i is %s', (value, oid, text) => {
    expect(serializeValue(value, oid, ARRAYS)).toBe(text);
  });

  it('that was written as JSON already is not written again', () => {
    expect(serializeValue('{"a":1}', JSONB, ARRAYS, true)).toBe('{"a":1}');
    expect(serializeValue('text', JSONB, ARRAYS, true)).toBe('"text"');
  });
});

it('any list of texts comes back as it was', () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.string({ unit: 'grapheme' }))), (list) => {
      const text = serializeValue(list, TEXTS, ARRAYS)?.replaceAll(/\bnull\b(?=[,}])/g, 'NULL') ?? '';
      expect(parseValue(text, TEXTS, ARRAYS)).toEqual(list);
    }),
  );
});
