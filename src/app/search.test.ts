import { describe, expect, test } from 'vitest';
import { safePath } from './guards.ts';
import { groupsOf, schoolsOf, writeGroups, writeSchools } from './search.ts';

describe('the address of a list', () => {
  test('leaves out what is at its default', () => {
    expect(JSON.stringify(writeGroups(groupsOf({})))).toBe('{}');
    expect(JSON.stringify(writeSchools(schoolsOf({})))).toBe('{}');
  });

  test('survives the way there and back', () => {
    const groups = {
      search: 'école',
      plan: 'pro',
      state: 'blocked',
      sort: 'students',
      descending: true,
      page: 3,
    } as const;
    expect(groupsOf(writeGroups(groups))).toEqual(groups);
    const schools = { search: 'mpaka', status: 'archived', page: 1 } as const;
    expect(schoolsOf(writeSchools(schools))).toEqual(schools);
  });

  test('that somebody edited still opens', () => {
    const edited = { q: 12, plan: null, etat: 'bogus', tri: '; drop', desc: 'yes', page: '-4' };
    expect(groupsOf(edited)).toEqual({
      search: '12',
      plan: null,
      state: null,
      sort: 'name',
      descending: false,
      page: 0,
    });
    expect(schoolsOf({ q: {}, archivees: 'oui', page: 1.5 })).toEqual({
      search: '',
      status: 'active',
      page: 0,
    });
  });
});

test.each([
  ['/ecoles?q=a', '/ecoles?q=a'],
  ['//example.com', undefined],
  [String.raw`/\example.com`, undefined],
  ['https://example.com', undefined],
  ['javascript:alert(1)', undefined],
  [7, undefined],
])('after the sign-in, %j leads to %j', (asked, path) => {
  expect(safePath(asked)).toBe(path);
});
