import { describe, expect, test } from 'vitest';
import { parseFilter } from './filter.ts';

const condition = (column: string, operator: string, value: string, negate = false): object => ({
  column,
  operator,
  value,
  negate,
});

describe('a filter', () => {
  test.each([
    ['', []],
    ['  ', []],
    ['id=eq.1', [condition('id', 'eq', '1')]],
    ['id=not.eq.1', [condition('id', 'eq', '1', true)]],
    ['a=eq.x=y.z', [condition('a', 'eq', 'x=y.z')]],
    ['a=eq.', [condition('a', 'eq', '')]],
    ['a=gt.1, b=lt.2', [condition('a', 'gt', '1'), condition('b', 'lt', '2')]],
    ['a=in.(1,2),b=is.null', [condition('a', 'in', '{1,2}'), condition('b', 'is', 'null')]],
    ['a=in.("x,y",z)', [condition('a', 'in', '{"x,y",z}')]],
    ['a=eq."x,(y)"', [condition('a', 'eq', 'x,(y)')]],
    [String.raw`a=eq."\"q\" \\ "`, [condition('a', 'eq', String.raw`"q" \ `)]],
    ['a=eq.5" nails', [condition('a', 'eq', '5" nails')]],
    ['a=like.%(x', [condition('a', 'like', '%(x')]],
    ['a=match.^a\nb', [condition('a', 'match', '^a\nb')]],
  ])('%j', (text, conditions) => {
    expect(parseFilter(text)).toEqual(conditions);
  });

  test.each(['x', 'x=1', 'x=foo.1', 'x=eq.1,', ',x=eq.1', 'x=in.1', 'x=not.1', '=eq'])(
    '%j is refused',
    (text) => {
      expect(() => parseFilter(text)).toThrow(/filter/);
    },
  );
});
