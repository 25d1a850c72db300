// @vitest-environment node
import { describe, expect, it } from 'vitest';
import { toPostgrestError } from './postgrest-errors.ts';

function databaseError(code: string): Error {
  return Object.assign(new Error('a sentence'), { code, detail: 'the detail', hint: 'the hint' });
}

describe('a database error', () => {
  it.each([
    ['P0001', 400],
    ['23514', 400],
    ['28000', 403],
    ['40001', 500],
    ['57014', 500],
    ['57P01', 503],
    ['08006', 503],
    ['XX000', 500],
  ])('%s is answered with %i and keeps its code, detail and hint', (code, status) => {
    expect(toPostgrestError(databaseError(code))).toEqual({
      status,
      body: { code, message: 'a sentence', details: 'the detail', hint: 'the hint' },
    });
  });

  it.each(['PT402', '42501', '42P01', '23505', '22P02', '25006'])(
    '%s is left to @supabase/lite, which answers it as PostgREST does',
    (code) => expect(toPostgrestError(databaseError(code))).toBeNull(),
  );

  it('says nothing of an error that is no database error', () => {
    expect(toPostgrestError(new Error('a bug'))).toBeNull();
    expect(toPostgrestError(databaseError('ENOENT'))).toBeNull();
    expect(toPostgrestError('thrown text')).toBeNull();
  });
});
