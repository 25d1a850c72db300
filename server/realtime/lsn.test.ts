import { expect, test } from 'vitest';
import { lsnBefore, lsnDistance } from './lsn.ts';

test.each([
  ['0/16B3748', '0/16B3747'],
  ['1/0', '0/FFFFFFFF'],
  ['00000001/00000000', '0/FFFFFFFF'],
  ['0/0', '0/0'],
])('the byte before %s is %s', (lsn, before) => expect(lsnBefore(lsn)).toBe(before));

test('the distance is in bytes and never negative', () => {
  expect(lsnDistance('0/FFFFFFFF', '1/1')).toBe(2);
  expect(lsnDistance('1/1', '0/FFFFFFFF')).toBe(0);
});
