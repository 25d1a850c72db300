// @vitest-environment node
import { beforeEach, describe, expect, test, vi } from 'vitest';
import type { Emitted } from './emitted.ts';
import type { Place } from './lsn.ts';
import { createMetrics } from './metrics.ts';
import { SILENT_LOGGER } from './options.ts';
import { Storing } from './storing.ts';

/** Room for ten messages, two a batch. */
const SIZE = 400;
const limits = {
  storeDelayMs: 0,
  storeBatchBytes: 2 * SIZE,
  storeBacklogBytes: 10 * SIZE,
  probeTimeoutMs: 50,
};

let stored: string[];
let untils: (Place | null)[];
let disk: { full: boolean };
let skips: number;
let storing: Storing;

beforeEach(() => {
  [stored, untils, disk, skips] = [[], [], { full: false }, 0];
  storing = new Storing({
    limits,
    metrics: createMetrics(),
    log: SILENT_LOGGER,
    onStored: () => {},
    onSkipped: () => (skips += 1),
    store: async (messages, until) => {
      await new Promise(setImmediate);
      if (disk.full) throw new Error('no space left');
      stored.push(...messages.map(({ id }) => id));
      untils.push(until);
    },
  });
  storing.begin();
});

function message(commit: number, index = 0): Emitted {
  return {
    id: `${commit}.${index}`,
    at: '2026-01-01T00:00:00',
    stream: { topic: '', private: true },
    broadcast: { event: '', encoding: 'json', bytes: Buffer.alloc(SIZE - 300) },
    place: { commit: BigInt(commit), message: BigInt(commit + index) },
  };
}

/** Receives transactions of one message each, which end one after their commit. */
function receive(...commits: number[]): void {
  for (const commit of commits) {
    storing.take(message(commit));
    storing.end(`0/${commit}1`);
  }
}

describe('what may be acknowledged', () => {
  test('is everything while nothing waits, and nothing behind what does', async () => {
    storing.end('0/5');
    expect(storing.limit).toBeNull();
    receive(1, 2);
    expect(storing.limit).toBe('0/5');
    await storing.flushed();
    expect(storing.limit).toBeNull();
  });

  test('moves with the transactions that are stored, not with their parts', async () => {
    storing.end('0/5');
    for (const index of [0, 1, 2]) storing.take(message(1, index));
    await storing.flushed();
    expect(storing.limit).toBe('0/5');
    storing.end('0/11');
    expect(storing.limit).toBeNull();
  });
});

describe('storage', () => {
  test('goes in batches and in order, and says how far it has come', async () => {
    receive(1, 2, 3, 4, 5);
    await storing.flushed();
    expect(stored).toEqual(['1.0', '2.0', '3.0', '4.0', '5.0']);
    expect(untils).toEqual([2, 4, 5].map((n) => ({ commit: BigInt(n), message: BigInt(n) })));
  });

  test('takes nothing twice: a torn feed sends again what is here already', async () => {
    storing.take(message(1, 0));
    storing.begin();
    storing.take(message(1, 0));
    storing.take(message(1, 1));
    storing.end('0/11');
    await storing.flushed();
    expect(stored).toEqual(['1.0', '1.1']);
    expect(storing.limit).toBeNull();
  });

  test('that fails is tried again; who asks for the past meanwhile is refused', async () => {
    disk.full = true;
    receive(1);
    await expect(storing.flushed()).rejects.toThrow('not stored yet');
    disk.full = false;
    await storing.flushed();
    expect(stored).toEqual(['1.0']);
  });

  test('keeps no more than its bound; the log is read again for the rest, and only then may it be acknowledged', async () => {
    disk.full = true;
    storing.end('0/5');
    const all = Array.from({ length: 30 }, (_, index) => index + 10);
    receive(...all);
    disk.full = false;
    await vi.waitFor(() => expect(skips).toBe(1));
    expect(stored).toHaveLength(10);
    expect(storing.limit).toBe('0/191');
    // Until what was skipped has come again and is stored, the past has a gap.
    await expect(storing.flushed()).rejects.toThrow('not stored yet');
    for (let round = 2; storing.limit !== null; round += 1) {
      storing.begin();
      receive(...all);
      await vi.waitFor(() => expect(storing.limit === null || skips === round).toBe(true));
    }
    await storing.flushed();
    expect(stored).toEqual(all.map((n) => `${n}.0`));
  });

  test('a transaction of which a part is skipped is acknowledged when all of it is stored', async () => {
    storing.end('0/5');
    disk.full = true;
    for (let index = 0; index < 12; index += 1) storing.take(message(20, index));
    storing.end('0/41');
    disk.full = false;
    await vi.waitFor(() => expect(skips).toBe(1));
    expect(stored).toHaveLength(10);
    expect(storing.limit).toBe('0/5');
    storing.begin();
    for (let index = 0; index < 12; index += 1) storing.take(message(20, index));
    storing.end('0/41');
    await storing.flushed();
    expect(stored).toHaveLength(12);
    expect(storing.limit).toBeNull();
  });

  test('when the slot is another one, what is kept is stored all the same, without a place', async () => {
    disk.full = true;
    receive(50, 51, 52);
    storing.reset();
    disk.full = false;
    await vi.waitFor(() => expect(stored).toEqual(['50.0', '51.0', '52.0']));
    expect(untils).toEqual([null, null]);
    // The log of the new slot may begin before the old one's.
    receive(1);
    await storing.flushed();
    expect(stored.at(-1)).toBe('1.0');
  });
});

test('a stop stores what is kept, once, and does not wait for a storage that fails', async () => {
  receive(1, 2, 3);
  await storing.stop(1_000);
  expect(stored).toHaveLength(3);
  disk.full = true;
  receive(4);
  await storing.stop(1_000);
  expect(storing.limit).toBe('0/31');
});
