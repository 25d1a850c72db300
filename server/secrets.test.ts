// @vitest-environment node
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadSecrets } from './secrets.ts';

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'epilot-secrets-'));
  path = join(directory, 'secrets.json');
});
afterEach(() => rmSync(directory, { recursive: true }));

describe('the secrets', () => {
  it('are made at the first start, each different, for the owner alone', () => {
    const { jwtSecret, publishableKey, secretKey, databasePasswords } = loadSecrets(path);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(publishableKey).toMatch(/^sb_publishable_[\w-]{32}$/);
    expect(secretKey).toMatch(/^sb_secret_[\w-]{32}$/);
    const all = [jwtSecret, publishableKey, secretKey, ...Object.values(databasePasswords)];
    expect(new Set(all).size).toBe(all.length);
  });

  it('stay the same at the next start', () => {
    expect(loadSecrets(path)).toEqual(loadSecrets(path));
  });

  it('are closed again when somebody opened the file', () => {
    loadSecrets(path);
    chmodSync(path, 0o644);
    loadSecrets(path);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it.each(['', '{', '{}', '[]'])('that are damaged (%o) are not replaced, but named', (content) => {
    writeFileSync(path, content);
    expect(() => loadSecrets(path)).toThrow(`The secrets in ${path} are damaged.`);
    expect(readFileSync(path, 'utf8')).toBe(content);
  });
});
