// @vitest-environment node
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const DOCUMENT = readFileSync(join(import.meta.dirname, '..', 'docs', 'ERRORS.md'), 'utf8');

function codesIn(file: string, pattern: RegExp): string[] {
  return [...readFileSync(join(import.meta.dirname, file), 'utf8').matchAll(pattern)].map(
    ([, code]) => code ?? '',
  );
}

const startCodes = codesIn('errors.ts', /^ {2}\| '(\w+)'/gm);
const httpCodes = ['http', 'api', 'storage'].flatMap((folder) =>
  readdirSync(join(import.meta.dirname, folder))
    .filter((name) => !name.includes('.test.'))
    .flatMap((name) => codesIn(join(folder, name), /\bcode: '(\w+)'/g)),
);
const queryCodes = codesIn('api/bad-query.ts', /^ {2}(\w+): '/gm);
const tokenCodes = codesIn('tokens.ts', /TokenError\('(\w+)'/g);

describe('docs/ERRORS.md', () => {
  it.each([...new Set([...startCodes, ...httpCodes, ...queryCodes, ...tokenCodes])])(
    'explains %s',
    (code) => {
      expect(DOCUMENT).toContain(`| \`${code}\` |`);
    },
  );

  it('is held to all of them', () => {
    expect(startCodes.length).toBeGreaterThan(10);
    expect(httpCodes.length).toBeGreaterThan(8);
    expect(queryCodes.length).toBeGreaterThan(2);
    expect(tokenCodes.length).toBeGreaterThan(1);
  });
});
