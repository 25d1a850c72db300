import { describe, expect, test } from 'vitest';
import { sees } from './visibility.ts';

describe('a snapshot sees a committed transaction', () => {
  test('that is older than its end and not in progress', () => {
    expect(sees('10:20:12,15', 9)).toBe(true);
    expect(sees('10:20:12,15', 13)).toBe(true);
    expect(sees('10:20:12,15', 12)).toBe(false);
    expect(sees('10:20:12,15', 20)).toBe(false);
  });

  test('whichever epoch the log left out', () => {
    const epoch = 4_294_967_296;
    expect(sees(`${epoch + 5}:${epoch + 9}:${epoch + 7}`, 6)).toBe(true);
    expect(sees(`${epoch + 5}:${epoch + 9}:${epoch + 7}`, 7)).toBe(false);
    expect(sees(`${epoch - 3}:${epoch + 9}:${epoch - 2}`, epoch - 3)).toBe(true);
    expect(sees(`${epoch - 3}:${epoch + 9}:${epoch - 2}`, epoch - 2)).toBe(false);
    expect(sees(`${epoch - 3}:${epoch - 1}:`, 2)).toBe(false);
  });
});
