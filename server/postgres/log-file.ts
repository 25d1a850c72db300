/**
 * The bound of PostgreSQL's own log: `postgresql.log` and, numbered from the newest, what was put aside. PostgreSQL keeps
 * its file open and appends to it, so a full log is copied and emptied in place; a rename would take the file along.
 * What is written between the copy and the emptying, a few milliseconds, is lost.
 */
import { open, rename, rm, stat, truncate } from 'node:fs/promises';
import { errorCode } from '../errors.ts';

export interface LogBound {
  /** Size from which the log is put aside, and the most of it that is kept, bytes. */
  bytes: number;
  /** Files in all, the one that is being written included. */
  files: number;
}

export const LOG_BOUND: LogBound = { bytes: 10 * 1_048_576, files: 5 };
const LOOK_EVERY_MS = 5_000;

/**
 * Puts the log aside when it is full, and deletes the oldest file.
 *
 * @param file absolute path of the log; it may be missing
 * @throws what the file system throws; the log has been emptied all the same if that was possible
 */
export async function rotateLog(file: string, { bytes, files }: LogBound): Promise<void> {
  const size = await sizeOf(file);
  if (size <= bytes) return;
  try {
    for (let number = files - 1; number > 1; number--)
      await moveIfThere(`${file}.${number - 1}`, `${file}.${number}`);
    await copyEnd(file, size, bytes);
  } finally {
    // Also when the copy failed, on a full disk above all: the bound is worth more than old lines.
    await truncate(file);
  }
}

/**
 * Looks after the log every few seconds.
 *
 * @param onError hears of a failure, at most once each time
 * @returns what ends it
 */
export function keepLogBounded(file: string, bound: LogBound, onError: (error: unknown) => void): () => void {
  let running = false;
  const timer = setInterval(() => {
    if (running) return;
    running = true;
    rotateLog(file, bound)
      .catch(onError)
      .finally(() => (running = false));
  }, LOOK_EVERY_MS).unref();
  return () => clearInterval(timer);
}

async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return 0;
    throw error;
  }
}

async function moveIfThere(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
}

/** Copies the last `bytes` of the log to the place of the newest file that was put aside. */
async function copyEnd(file: string, size: number, bytes: number): Promise<void> {
  const source = await open(file, 'r');
  try {
    const end = Buffer.alloc(bytes);
    const { bytesRead } = await source.read(end, 0, bytes, size - bytes);
    await rm(`${file}.1`, { force: true });
    const copy = await open(`${file}.1`, 'w', 0o600);
    try {
      await copy.writeFile(end.subarray(0, bytesRead));
    } finally {
      await copy.close();
    }
  } finally {
    await source.close();
  }
}
