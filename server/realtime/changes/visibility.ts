/**
 * Danger: a commit reaches the log, and through it the gateway, a moment before other sessions see what it did; with
 * synchronous standbys a long moment. Whoever asked about its rows in between would find that they do not exist, and
 * about its tables that they are as they were. So everything that is asked waits until the transaction is visible.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Ask } from '../asking.ts';

/** Between two looks, milliseconds; it doubles. */
const PAUSE_MS = 1;

/**
 * Waits until transactions are visible to new snapshots.
 *
 * @param xids as the log has them, 32 bits
 * @param timeoutMs how long at most, milliseconds
 * @throws Error when that was too short, or the database's error
 */
export async function untilVisible(ask: Ask, xids: readonly number[], timeoutMs: number): Promise<void> {
  let waited = 0;
  for (let wait = PAUSE_MS; ; wait *= 2) {
    const [row] = await ask('select pg_current_snapshot()::text as snapshot;');
    if (xids.every((xid) => sees(row?.['snapshot'] ?? '', xid))) return;
    if (waited >= timeoutMs) throw new Error('a transaction in the log does not become visible');
    await pause(wait);
    waited += wait;
  }
}

/**
 * Whether a snapshot sees what a transaction did, given that it was committed.
 *
 * @param snapshot as PostgreSQL prints it, `xmin:xmax:in,progress`, 64 bits
 * @param xid its lower 32 bits
 */
export function sees(snapshot: string, xid: number): boolean {
  const [, xmax = '0', progress = ''] = snapshot.split(':');
  const next = BigInt(xmax);
  // The log leaves the epoch out: it is the one that brings the number closest to now.
  let full = (next & ~LOWER) | BigInt(xid);
  if (full - next > HALF) full -= LOWER + 1n;
  else if (next - full > HALF) full += LOWER + 1n;
  return full < next && !progress.split(',').includes(String(full));
}

const LOWER = 0xffffffffn;
const HALF = 0x80000000n;
