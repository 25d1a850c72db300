import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { ServerError, errorCode, explainFileError } from './errors.ts';
import { isAlive } from './postgres/postmaster.ts';

/** What tools and tests read to reach a running server; `runtime.json` exists only while it runs. */
export interface Runtime {
  url: string;
  publishableKey: string;
  secretKey: string;
  databaseUrl: string;
  pid: number;
}

export interface DataDirectory {
  /** Absolute path of something inside. */
  path(name: string): string;
  publishRuntime(runtime: Runtime): void;
  /** Withdraws `runtime.json` and gives the directory back. */
  release(): void;
}

/** The process that holds the directory. Its start time tells it from a later process with the same id. */
interface Holder {
  pid: number;
  startedAt: string;
}

/**
 * Makes the data directory when it is missing and takes it for this process alone.
 *
 * @param root absolute path
 * @throws ServerError `data_dir_in_use` while another server runs on it; `data_dir_exposed` when other users of the
 *   machine can reach it; `data_dir_unusable` or `disk_unusable` when it cannot be written
 */
export function openDataDirectory(root: string): DataDirectory {
  const path = (name: string): string => join(root, name);
  try {
    // Made in two steps: on a read-only disk, a recursive mkdir reports a missing directory instead.
    mkdirSync(dirname(root), { recursive: true });
    if (!existsSync(root) || !statSync(root).isDirectory()) mkdirSync(root, { mode: 0o700 });
    refuseIfExposed(root);
    takeLock(root, path('server.lock'));
  } catch (error) {
    throw explainFileError(error, root);
  }
  return {
    path,
    publishRuntime(runtime) {
      writeFileSync(path('runtime.json.new'), `${JSON.stringify(runtime, null, 2)}\n`, { mode: 0o600 });
      renameSync(path('runtime.json.new'), path('runtime.json'));
    },
    release() {
      rmSync(path('runtime.json'), { force: true });
      rmSync(path('server.lock'), { force: true });
    },
  };
}

/**
 * Danger: who can enter the directory reads secrets and data, and who owns it can put other secrets there. A file inside
 * with a loose mode is no harm then, so `secrets.json` is tightened and not refused: a restored copy often needs it.
 * Systems without such modes (Windows) have no `getuid`.
 */
function refuseIfExposed(root: string): void {
  const user = process.getuid?.();
  if (user === undefined) return;
  const { mode, uid } = statSync(root);
  const quoted = `'${root.replaceAll("'", String.raw`'\''`)}'`;
  if (uid !== user) {
    throw new ServerError(
      'data_dir_exposed',
      `The data directory ${root} belongs to another user (${uid}) than the one who starts the server (${user}).`,
      `Start as that user, or run: chown ${user} ${quoted}, then start again.`,
    );
  }
  if ((mode & 0o077) !== 0) {
    throw new ServerError(
      'data_dir_exposed',
      `The data directory ${root} is open to other users of this machine, and it holds every secret.`,
      `Run: chmod 700 ${quoted}, then start again.`,
    );
  }
}

function takeLock(root: string, lock: string): void {
  const holder: Holder = { pid: process.pid, startedAt: startTime(process.pid) };
  for (;;) {
    try {
      writeFileSync(lock, JSON.stringify(holder), { flag: 'wx', mode: 0o600 });
      break;
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') throw error;
      refuseIfHeld(root, lock);
      rmSync(lock, { force: true });
    }
  }
  // What a killed server left would lead tools to a server that is not there.
  rmSync(join(root, 'runtime.json'), { force: true });
}

function refuseIfHeld(root: string, lock: string): void {
  const holder = readHolder(lock);
  if (!holder || !isAlive(holder.pid) || startTime(holder.pid) !== holder.startedAt) return;
  throw new ServerError(
    'data_dir_in_use',
    `Another E-Pilot server (process ${holder.pid}) is running on ${root}.`,
    'Stop it, or give this one another EPILOT_DATA_DIR and PORT, then start again.',
  );
}

function readHolder(lock: string): Holder | null {
  try {
    return JSON.parse(readFileSync(lock, 'utf8')) as Holder;
  } catch {
    return null;
  }
}

/** When a process started, in whatever unit the system tells it; empty when it cannot be told. */
function startTime(pid: number): string {
  try {
    if (process.platform === 'linux') {
      // The name in parentheses may hold spaces; the start time is the 20th field after it.
      return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ')[19] ?? '';
    }
    return execFileSync('ps', ['-p', String(pid), '-o', 'lstart='], { encoding: 'utf8' }).trim();
  } catch {
    return '';
  }
}
