import { afterEach, describe, expect, test } from 'vitest';
import { decide } from '../core/decide.ts';
import { diffEntitlements } from '../core/diff.ts';
import { GO, snapshotOf } from '../../tests/helpers/fixtures.ts';
import { amountText, changeText, roomText } from './describe.ts';
import { currentI18n, setLocale } from './i18n.ts';

afterEach(() => setLocale('fr'));

const plain = (text: string) => text.replace(/\s/g, ' ');

test('French first; the choice is remembered and announced to the reader', async () => {
  expect(currentI18n().locale).toBe('fr');
  await setLocale('en');
  expect(currentI18n().locale).toBe('en');
  expect(localStorage.getItem('epilot.locale')).toBe('en');
  expect(document.documentElement.lang).toBe('en');
});

test.each([
  ['schools', 0, '0 école', '0 schools'],
  ['schools', 1, '1 école', '1 school'],
  ['schools', 10, '10 écoles', '10 schools'],
  ['students', 2000, '2 000 élèves', '2,000 students'],
  ['staff', 1, '1 membre du personnel', '1 staff member'],
  ['storage', 50 * GO, '50 Go', '50 GB'],
] as const)('%s %i with its noun', async (resource, value, french, english) => {
  expect(plain(amountText(currentI18n(), resource, value))).toBe(french);
  await setLocale('en');
  expect(plain(amountText(currentI18n(), resource, value))).toBe(english);
});

describe('what remains', () => {
  const of = (resource: 'schools' | 'staff' | 'storage', limit: number | null, usage: number) =>
    plain(
      roomText(
        currentI18n(),
        decide({
          resource,
          limit,
          usage,
          requested: 1,
          warnAt: 0.8,
          fallback: null,
          plan: 'pro',
          planVersion: 1,
          rev: 1,
        }),
      ),
    );

  test('agrees in number and gender', () => {
    expect(of('schools', 10, 8)).toBe('2 restantes');
    expect(of('schools', 10, 9)).toBe('1 restante');
    expect(of('staff', 50, 31)).toBe('19 restants');
    expect(of('storage', 50 * GO, 50 * GO)).toBe('0 Go restant');
    expect(of('storage', 5 * GO, 3.5 * GO)).toBe('1,5 Go restant');
  });

  test('above the limit says by how much; without a limit says so', () => {
    expect(of('schools', 3, 8)).toBe('5 écoles au-delà de la limite');
    expect(of('staff', null, 8)).toBe('Sans limite');
  });
});

test('a change of limits alone has a title of its own', () => {
  const after = snapshotOf('pro', [1, 0, 3, 0], 2);
  after.restrictions.storage = { ...after.restrictions.storage, limit: null };
  const diff = diffEntitlements(snapshotOf('pro'), after);
  expect(diff && changeText(currentI18n(), diff)).toMatchObject({
    title: 'Vos droits ont changé',
    gained: '',
    lost: '',
    limits: expect.stringMatching(/^Stockage\u00a050.Go\u00a0→\u00a0Illimité$/),
  });
});
