// @vitest-environment node
/** One record of error codes: docs/ERRORS.md, what SQL and the server raise, and the texts of the screens name the same ones. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { en } from '../src/i18n/en.ts';
import { fr } from '../src/i18n/fr.ts';
import { COMMON_CODES, TOLD_CODES } from '../src/core/errorCodes.ts';

const ROOT = join(import.meta.dirname, '..');
const read = (...path: string[]): string => readFileSync(join(ROOT, ...path), 'utf8');

/** The text of all files below a folder whose path matches, in one string. */
function textOf(folder: string, pattern: RegExp, not = /\.test\./): string {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => pattern.test(path) && !not.test(path))
    .toSorted()
    .map((path) => read(folder, path))
    .join('\n');
}
const found = (text: string, pattern: RegExp): string[] =>
  [...new Set([...text.matchAll(pattern)].map(([, code]) => code ?? ''))].toSorted();

const DOCUMENT = read('docs', 'ERRORS.md');
/** The codes that a section of the document explains: the first column of its table. */
function explained(title: string): string[] {
  const section = DOCUMENT.split(/^## /m).find((text) => text.startsWith(title));
  return found(section ?? '', /^\| `(\w+)` \|/gm);
}

const SQL = textOf('database/migrations', /\.sql$/);
// The gateway's codes are those of its protocol: docs/REALTIME.md.
const SERVER = textOf('server', /\.ts$/, /\.test\.|^realtime\/|\.d\.ts$/);

/** What is raised by a call that names its code, or stands in a table of codes. */
const startCodes = found(read('server', 'errors.ts'), /^ {2}\| '(\w+)'/gm);
const authCodes = found(read('server', 'auth', 'errors.ts'), /^ {2}\| '(\w+)'/gm);
const queryCodes = found(read('server', 'api', 'bad-query.ts'), /^ {2}(\w+): '/gm);
const thrown = (name: string): string[] =>
  found(SERVER, new RegExp(`new ${name}\\(\\s*(?:\\d+,\\s*)?'(\\w+)'`, 'g'));
const answered = found(SERVER, /(?:\bcode: '|"code":")(\w+)/g);

describe('docs/ERRORS.md', () => {
  it('explains every code that a migration raises, and no other', () => {
    const calls = SQL.match(/private\.fail\((?!p_sqlstate|text)/g) ?? [];
    const named = SQL.match(/private\.fail\(\s*'\w+',\s*'\w+'/g) ?? [];
    // A code that is worked out could not be looked up.
    expect(named).toHaveLength(calls.length);
    const codes = new Set([
      ...found(SQL, /private\.fail\(\s*'\w+',\s*'(\w+)'/g),
      ...found(SQL, /tg_refuse\('[^']*',\s*'(\w+)'\)/g),
      'append_only',
    ]);
    expect(explained('From the database')).toEqual([...codes].toSorted());
  });

  it('explains every code of a row that an import refuses, and no other', () => {
    expect(explained('Rows of an import')).toEqual(found(SQL, /'row', row, 'code', '(\w+)'/g));
  });

  it('explains every reason of a refused decision, and no other', () => {
    // Of these no quantity is refused; docs/ERRORS.md says in words that the second is reserved.
    const others = new Set(['ok', 'feature_not_in_plan', 'feature_not_found']);
    const reasons = Object.keys(fr.entitlements.reasons).filter((reason) => !others.has(reason));
    expect(explained('Decisions')).toEqual(reasons.toSorted());
    // The contract names them; docs/ERRORS.md says that they are reserved.
    const reserved = ['subscription_past_due', 'budget_exceeded'];
    expect(reasons.filter((reason) => !SQL.includes(`'${reason}'`))).toEqual(reserved);
  });

  it('explains every code that the server answers with, and no other', () => {
    const codes = new Set([
      ...answered,
      ...thrown('AuthError'),
      ...thrown('TokenError'),
      ...thrown('BadQuery'),
      // PostgreSQL's own, and the service's own name for what @supabase/lite calls not_found.
      '25006',
      'NoSuchKey',
    ]);
    // Not for people: @supabase/lite reads it, and answers with the code inside.
    codes.delete('PGRST');
    // A code is explained once: those of a failed start below, those of the database above.
    for (const code of [...startCodes, ...explained('From the database')]) codes.delete(code);
    expect(explained('From the server')).toEqual([...codes].toSorted());
    expect(SERVER).toContain(`'NoSuchKey'`);
  });

  it('explains every code of a start that failed, and no other', () => {
    expect(explained('At the start')).toEqual(startCodes);
  });
});

describe('the closed lists of codes', () => {
  it.each([
    ['a start that failed', startCodes, 'ServerError'],
    ['sign-in and sessions', authCodes, 'AuthError'],
    ['a query', queryCodes, 'BadQuery'],
  ])('of %s name nothing that is raised nowhere', (_what, declared, name) => {
    expect(declared.length).toBeGreaterThan(4);
    const raised = new Set([...thrown(name), ...answered]);
    expect(declared.filter((code) => !raised.has(code))).toEqual([]);
  });
});

describe('the texts of the screens', () => {
  const codes: readonly string[] = [...COMMON_CODES, ...TOLD_CODES];

  it('are of documented codes, of every code of the database among them', () => {
    const database = explained('From the database');
    const documented = new Set([...database, ...explained('From the server')]);
    expect(codes.filter((code) => !documented.has(code))).toEqual([]);
    expect(database.filter((code) => !codes.includes(code))).toEqual([]);
  });

  it('say the common ones in both languages', () => {
    for (const { errors } of [fr, en]) {
      expect(Object.keys(errors.codes).toSorted()).toEqual(
        [...COMMON_CODES, 'network', 'unknown'].toSorted(),
      );
    }
  });

  it('say the others in English; in French the server does', () => {
    expect(Object.keys(fr.errors.told)).toEqual([]);
    expect(Object.keys(en.errors.told).toSorted()).toEqual(TOLD_CODES.toSorted());
    const texts = Object.values({ ...en.errors.codes, ...en.errors.told });
    expect(texts.filter((text) => !/^[A-Z].*[.]$/u.test(text))).toEqual([]);
    expect(new Set(texts).size).toBe(texts.length);
  });
});
