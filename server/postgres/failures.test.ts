// @vitest-environment node
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { explainFileError } from '../errors.ts';
import { explainFailure } from './failures.ts';

const directory = mkdtempSync(join(tmpdir(), 'epilot-failures-'));
const logFile = join(directory, 'postgresql.log');
afterAll(() => rmSync(directory, { recursive: true }));

function explain(lastLines: string): { code: string; message: string; remedy: string } {
  const earlier = 'LOG:  database system is ready\nFATAL:  an older failure\n';
  writeFileSync(logFile, earlier + lastLines);
  return explainFailure({ logFile, logStart: earlier.length, directory: '/data/postgres', port: 5999 });
}

describe('PostgreSQL that ended before it was ready', () => {
  it.each([
    ['LOG:  could not bind IPv4 address "127.0.0.1": Address already in use', 'port_in_use'],
    ['FATAL:  could not write to file "pg_wal/xlogtemp.77": No space left on device', 'disk_unusable'],
    ['PANIC:  could not open file "global/pg_control": Read-only file system', 'disk_unusable'],
    ['FATAL:  lock file "postmaster.pid" already exists', 'data_dir_in_use'],
    ['FATAL:  data directory "/data/postgres" has wrong ownership', 'data_dir_unusable'],
  ])('for “%s” is explained as %s', (line, code) => {
    expect(explain(`${line}\n`).code).toBe(code);
  });

  it('for any other reason is quoted, and the log is named', () => {
    const failure = explain('LOG:  starting\nFATAL:  the moon is full\nLOG:  database system is shut down\n');
    expect(failure).toMatchObject({
      code: 'postgres_failed',
      message: 'PostgreSQL ended before it was ready: the moon is full',
      remedy: `Read ${logFile}, mend what it names, then start again.`,
    });
  });

  it('without a word is explained all the same', () => {
    expect(explain('').message).toBe('PostgreSQL ended before it was ready.');
  });
});

describe('a file that cannot be written', () => {
  it.each([
    ['ENOSPC', 'disk_unusable', 'The disk that holds /data is full.'],
    ['EROFS', 'disk_unusable', 'The disk that holds /data is read-only.'],
    ['EACCES', 'data_dir_unusable', 'The current user may not write to /data.'],
    ['ENOTDIR', 'data_dir_unusable', 'A file stands where the data directory /data should be.'],
  ])('for %s is explained', (errno, code, message) => {
    expect(explainFileError(Object.assign(new Error('raw'), { code: errno }), '/data')).toMatchObject({
      code,
      message,
    });
  });

  it('for a reason unknown here stays as it was', () => {
    const error = new Error('raw');
    expect(explainFileError(error, '/data')).toBe(error);
  });
});
