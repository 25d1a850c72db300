import { describe, expect, test } from 'vitest';
import { createFormats } from './formats.ts';

/** `Intl` separates with no-break spaces of several widths; the eye sees a space. */
const plain = (text: string) => text.replace(/\s/g, ' ');
const fr = createFormats('fr');
const en = createFormats('en');

test('numbers', () => {
  expect(plain(fr.number(1702))).toBe('1 702');
  expect(en.number(1702)).toBe('1,702');
  expect(plain(fr.percent(85.5))).toBe('85,5 %');
  expect(en.percent(85.5)).toBe('85.5%');
});

test('money is in FCFA, without decimals', () => {
  expect(plain(fr.money(150_000))).toBe('150 000 FCFA');
  expect(plain(en.money(150_000))).toMatch(/FCFA.150,000/);
});

describe('sizes: 1 Go is 10⁹ bytes', () => {
  test.each([
    [50_000_000_000, '50 Go', '50 GB'],
    [1_500_000_000, '1,5 Go', '1.5 GB'],
    [0, '0 Go', '0 GB'],
    [2_000_000, '2 Mo', '2 MB'],
    [1_000, '1 Ko', '1 KB'],
    [12, '12 o', '12 B'],
  ])('%d', (bytes, french, english) => {
    expect(plain(fr.bytes(bytes))).toBe(french);
    expect(plain(en.bytes(bytes))).toBe(english);
  });

  test('storage is a size, the others are counts', () => {
    expect(plain(fr.quantity('storage', 10_000_000_000))).toBe('10 Go');
    expect(plain(fr.quantity('students', 2000))).toBe('2 000');
  });
});

test('instants are told in Brazzaville, whatever the zone of the machine', () => {
  const at = '2025-11-17T23:42:00Z';
  expect(fr.time(at)).toBe('00:42');
  expect(fr.date(at)).toBe('18 novembre 2025');
  expect(en.date(at)).toBe('18 November 2025');
  expect(plain(fr.dateTime(at))).toMatch(/18 nov\. 2025.*00:42/);
});

test('time gone by', () => {
  expect(plain(fr.ago(2_400))).toBe('il y a 2 s');
  expect(plain(fr.ago(-5))).toBe('il y a 0 s');
  expect(plain(fr.ago(125_000))).toMatch(/2 min/);
  expect(plain(fr.ago(2 * 3_600_000))).toMatch(/2 h/);
  expect(plain(fr.ago(3 * 86_400_000))).toMatch(/3 j/);
  expect(en.ago(2_000)).toBe('2 sec ago');
});
