// @vitest-environment node
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDataDirectory } from './data-directory.ts';

const RUNTIME = { url: 'http://127.0.0.1:1', publishableKey: 'p', secretKey: 's', databaseUrl: 'd', pid: 1 };
const NO_SUCH_PROCESS = 2 ** 22 - 1;

let parent: string;
let root: string;
let lock: string;
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'epilot-data-'));
  root = join(parent, 'deep', '.epilot');
  lock = join(root, 'server.lock');
});
afterEach(() => rmSync(parent, { recursive: true }));

describe('the data directory', () => {
  it('is made for the owner alone', () => {
    openDataDirectory(root).release();
    expect(statSync(root).mode & 0o777).toBe(0o700);
  });

  it('belongs to one server at a time', () => {
    const directory = openDataDirectory(root);
    expect(() => openDataDirectory(root)).toThrow(
      `Another E-Pilot server (process ${process.pid}) is running on ${root}.`,
    );
    directory.release();
    openDataDirectory(root).release();
  });

  it('is taken over from a server that was killed, with what it left', () => {
    openDataDirectory(root).publishRuntime(RUNTIME);
    writeFileSync(lock, JSON.stringify({ pid: NO_SUCH_PROCESS, startedAt: '1' }));
    openDataDirectory(root);
    expect(existsSync(join(root, 'runtime.json'))).toBe(false);
  });

  it('is taken over when another program has got the process id of the server that was killed', () => {
    openDataDirectory(root).release();
    writeFileSync(lock, JSON.stringify({ pid: process.pid, startedAt: 'long ago' }));
    expect(() => openDataDirectory(root)).not.toThrow();
  });

  it('is taken over when the lock is damaged', () => {
    openDataDirectory(root).release();
    writeFileSync(lock, '{');
    expect(() => openDataDirectory(root)).not.toThrow();
  });

  it('tells how to reach the server while it runs, to the owner alone', () => {
    const directory = openDataDirectory(root);
    directory.publishRuntime(RUNTIME);
    const path = join(root, 'runtime.json');
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual(RUNTIME);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    directory.release();
    expect(existsSync(path)).toBe(false);
  });

  it.each(['deep', join('deep', '.epilot')])('says so when a file stands at %s', (name) => {
    openDataDirectory(root).release();
    rmSync(join(parent, name), { recursive: true });
    writeFileSync(join(parent, name), '');
    expect(() => openDataDirectory(root)).toThrow(
      `A file stands where the data directory ${root} should be.`,
    );
  });
});

describe.runIf(process.getuid)('a data directory that others can reach', () => {
  it.each([0o755, 0o750, 0o701, 0o770, 0o777])(
    'with mode %o is refused with the command that closes it',
    (mode) => {
      openDataDirectory(root).release();
      chmodSync(root, mode);
      expect(() => openDataDirectory(root)).toThrow(
        expect.objectContaining({
          code: 'data_dir_exposed',
          message: `The data directory ${root} is open to other users of this machine, and it holds every secret.`,
          remedy: `Run: chmod 700 '${root}', then start again.`,
        }),
      );
      expect(existsSync(lock)).toBe(false);
      chmodSync(root, 0o700);
      openDataDirectory(root).release();
    },
  );

  it('is judged by what a symbolic link leads to', () => {
    openDataDirectory(root).release();
    const link = join(parent, 'link');
    symlinkSync(root, link);
    openDataDirectory(link).release();
    chmodSync(root, 0o755);
    expect(() => openDataDirectory(link)).toThrow('is open to other users');
  });

  it('is closed when the server makes it, whatever stands above it', () => {
    mkdirSync(join(parent, 'deep'), { mode: 0o777 });
    openDataDirectory(root).release();
    expect(statSync(root).mode & 0o777).toBe(0o700);
  });

  it.runIf(process.getuid?.() === 0)('is refused when it belongs to another user', () => {
    openDataDirectory(root).release();
    chownSync(root, 12_345, 12_345);
    expect(() => openDataDirectory(root)).toThrow(
      expect.objectContaining({
        code: 'data_dir_exposed',
        remedy: expect.stringContaining(`chown `) as string,
      }),
    );
  });
});
