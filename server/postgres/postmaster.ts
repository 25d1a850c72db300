import { readFileSync, readlinkSync, realpathSync, rmSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ServerError } from '../errors.ts';

const LOCK_FILE = 'postmaster.pid';
const STATUS_LINE = 7;
const POLL_MS = 10;

/** How long a cluster is asked to stop, milliseconds: politely, then without its checkpoint, then for good. */
const STOP_STEPS: readonly { signal: NodeJS.Signals; waitMs: number }[] = [
  { signal: 'SIGINT', waitMs: 15_000 },
  { signal: 'SIGQUIT', waitMs: 5_000 },
  { signal: 'SIGKILL', waitMs: 5_000 },
];

/** Whether a process of this id exists, whoever owns it. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Whether the postmaster `pid` has written into its lock file that it accepts connections. */
export function isReady(dataDir: string, pid: number): boolean {
  const lines = readLockFile(dataDir);
  return Number(lines?.[0]) === pid && lines?.[STATUS_LINE]?.trim() === 'ready';
}

/**
 * Makes the data directory free to start on. A server that was killed leaves its PostgreSQL running without a
 * parent: that one is stopped. A lock file whose process id now belongs to something else is removed.
 *
 * Law: the caller holds the lock of the whole data directory, so whatever runs here has no owner any more.
 */
export async function stopOrphan(dataDir: string): Promise<void> {
  const pid = Number(readLockFile(dataDir)?.[0]);
  if (!Number.isInteger(pid) || pid <= 0 || !isAlive(pid)) return;
  if (runsOn(pid, dataDir)) await stopProcess(pid);
  else rmSync(join(dataDir, LOCK_FILE), { force: true });
}

/**
 * Stops a postmaster and waits until it is gone.
 *
 * @throws ServerError `postgres_failed` when it outlives even SIGKILL
 */
export async function stopProcess(pid: number): Promise<void> {
  for (const { signal, waitMs } of STOP_STEPS) {
    if (!isAlive(pid)) return;
    process.kill(pid, signal);
    const deadline = performance.now() + waitMs;
    while (isAlive(pid) && performance.now() < deadline) await sleep(POLL_MS);
  }
  if (isAlive(pid)) {
    throw new ServerError(
      'postgres_failed',
      `PostgreSQL (process ${pid}) does not stop.`,
      'Restart the machine.',
    );
  }
}

function readLockFile(dataDir: string): string[] | null {
  try {
    return readFileSync(join(dataDir, LOCK_FILE), 'utf8').split('\n');
  } catch {
    return null;
  }
}

/** Whether process `pid` is a PostgreSQL server whose working directory is `dataDir`, as it always is. */
function runsOn(pid: number, dataDir: string): boolean {
  try {
    if (process.platform === 'linux') {
      const program = basename(readlinkSync(`/proc/${pid}/exe`)).replace(/ \(deleted\)$/, '');
      return program === 'postgres' && readlinkSync(`/proc/${pid}/cwd`) === realpathSync(dataDir);
    }
    return execFileSync('ps', ['-p', String(pid), '-o', 'command='], { encoding: 'utf8' }).includes(dataDir);
  } catch {
    return false;
  }
}
