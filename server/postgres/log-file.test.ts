// @vitest-environment node
import {
  appendFileSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { rotateLog } from './log-file.ts';

const BOUND = { bytes: 1_000, files: 3 };
let directory: string;
let file: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'epilot-log-'));
  file = join(directory, 'postgresql.log');
});
afterEach(() => rmSync(directory, { recursive: true }));

it('a log that is short stays as it is, and so does one that is missing', async () => {
  await rotateLog(file, BOUND);
  appendFileSync(file, 'short');
  await rotateLog(file, BOUND);
  expect(readdirSync(directory)).toEqual(['postgresql.log']);
});

it('a log that is full is put aside for its owner alone, while its writer goes on in the same file', async () => {
  const writer = openSync(file, 'a', 0o600);
  writeSync(writer, 'a'.repeat(1_001));
  await rotateLog(file, BOUND);
  writeSync(writer, 'after');
  expect(readFileSync(file, 'utf8')).toBe('after');
  expect(statSync(`${file}.1`).mode & 0o777).toBe(0o600);
});

it('whatever is written, no more than so many files of so many bytes stay, the newest', async () => {
  for (const letter of 'abcdef') {
    appendFileSync(file, letter.repeat(50_000));
    await rotateLog(file, BOUND);
  }
  expect(readdirSync(directory).sort()).toEqual(['postgresql.log', 'postgresql.log.1', 'postgresql.log.2']);
  expect(statSync(file).size).toBe(0);
  expect(readFileSync(`${file}.1`, 'utf8')).toBe('f'.repeat(1_000));
  expect(readFileSync(`${file}.2`, 'utf8')).toBe('e'.repeat(1_000));
});
