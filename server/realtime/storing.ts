/**
 * Storage behind the delivery. Messages are written to sockets at once and to the table in batches, and the slot is
 * acknowledged only up to what is in both. After a crash PostgreSQL sends the rest again: at least once.
 *
 *             take                 batch stored
 *   feed ────────────▶ queue ───────────────────────▶ realtime.messages
 *                        │ more than `storeBacklogBytes`
 *                        ▼
 *                     skipped ──queue empty──▶ the feed reads again from what was acknowledged
 *
 * Storage that fails delays nobody but who asks for the past: it is tried again, the log keeps what is skipped here.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Emitted } from './emitted.ts';
import { isAfter, type Place } from './lsn.ts';
import type { Metrics } from './metrics.ts';
import type { Limits, Logger } from './options.ts';
import type { Store } from './store.ts';

export interface StoringOptions {
  store: Store;
  limits: Pick<Limits, 'storeDelayMs' | 'storeBatchBytes' | 'storeBacklogBytes' | 'probeTimeoutMs'>;
  metrics: Metrics;
  log: Logger;
  /** More may be acknowledged now. */
  onStored: () => void;
  /** All that was kept is stored, and some was not kept: the feed must read the log again. */
  onSkipped: () => void;
}

interface Waiting {
  message: Emitted;
  transaction: Transaction;
  bytes: number;
}

interface Transaction {
  /** Position after its last byte; null while it is being received. */
  end: string | null;
  /** Messages of it that are not stored yet. */
  left: number;
}

/** What a message takes besides its texts, bytes. */
const OVERHEAD = 300;
/** Longest pause between two tries, milliseconds. */
const MAX_RETRY_MS = 1_000;
const NOTHING = '0/0';

export class Storing {
  readonly #options: StoringOptions;
  #queue: Waiting[] = [];
  #bytes = 0;
  /** Those that messages in the queue are of, in the order of their commits. */
  #transactions: Transaction[] = [];
  #current: Transaction | null = null;
  /** End of the commit before the oldest message that is not stored. */
  #floor = NOTHING;
  /** End of the commit that was received last. */
  #lastEnd = NOTHING;
  /** Whether something was skipped since the feed began to read. */
  #skipped = false;
  /** The newest message that was put into the queue; that was offered to it; that is stored. */
  #taken: Place | null = null;
  #offered: Place | null = null;
  #stored: Place | null = null;
  /** Slots that are gone. */
  #slots = 0;
  #wake = new AbortController();
  #running: Promise<void> | null = null;
  #stopped = false;
  readonly #askers = new Set<() => void>();

  constructor(options: StoringOptions) {
    this.#options = options;
  }

  /** Nothing after this position may be acknowledged; null: everything may. */
  get limit(): string | null {
    return this.#transactions.length > 0 || this.#skipped ? this.#floor : null;
  }

  /** The feed begins to read from what was acknowledged. */
  begin(): void {
    this.#current = null;
    this.#lastEnd = NOTHING;
    this.#skipped = false;
    // A transaction that was torn comes again; the messages of it that are here already are not taken again.
    for (const transaction of this.#transactions) transaction.end ??= NOTHING;
  }

  /** Keeps a message to be stored; one that was kept before, or that there is no room for, is passed over. */
  take(message: Emitted): void {
    const { place } = message;
    if (isAfter(place, this.#offered)) this.#offered = place;
    if (this.#skipped || !isAfter(place, this.#taken)) return;
    if (this.limit === null) this.#floor = this.#lastEnd;
    const bytes = sizeOf(message);
    if (this.#bytes + bytes > this.#options.limits.storeBacklogBytes && this.#queue.length > 0) {
      this.#options.log.warn({ bytes: this.#bytes }, 'messages come faster than they can be stored');
      this.#skipped = true;
      // A transaction of which a part is skipped is not whole here: its end says nothing.
      if (this.#current) this.#current.end = NOTHING;
      this.#current = null;
      return;
    }
    if (!this.#current) {
      this.#current = { end: null, left: 0 };
      this.#transactions.push(this.#current);
    }
    this.#current.left += 1;
    this.#taken = place;
    this.#queue.push({ message, transaction: this.#current, bytes });
    this.#count(bytes);
    this.#start();
  }

  /** The transaction at hand ends; said of every one. */
  end(end: string): void {
    this.#lastEnd = end;
    if (!this.#current) return;
    this.#current.end = end;
    this.#current = null;
    this.#settle();
  }

  /**
   * Resolves when everything that was delivered so far is stored.
   *
   * @throws Error when that takes longer than a question may
   */
  async flushed(): Promise<void> {
    const target = this.#offered;
    const isStored = (): boolean => !target || (this.#stored !== null && !isAfter(target, this.#stored));
    if (isStored()) return;
    this.#wake.abort();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const look = (): void => {
      if (isStored()) resolve();
    };
    this.#askers.add(look);
    const timer = setTimeout(
      () => reject(new Error('messages that were delivered are not stored yet')),
      this.#options.limits.probeTimeoutMs,
    ).unref();
    await promise.finally(() => {
      clearTimeout(timer);
      this.#askers.delete(look);
    });
  }

  /** The slot is another one: places of the old one mean nothing in it. What is kept is stored all the same. */
  reset(): void {
    this.begin();
    for (const transaction of this.#transactions) transaction.end = NOTHING;
    this.#queue = this.#queue.map((each) => ({ ...each, message: { ...each.message, place: NOWHERE } }));
    [this.#taken, this.#offered, this.#stored] = [null, null, null];
    this.#floor = NOTHING;
    this.#slots += 1;
  }

  /** Tries once more to store what is kept, then ends. */
  async stop(timeoutMs: number): Promise<void> {
    this.#stopped = true;
    this.#wake.abort();
    await Promise.race([this.#running, pause(timeoutMs, undefined, { ref: false })]);
  }

  #start(): void {
    this.#running ??= this.#run().finally(() => {
      this.#running = null;
      if (this.#queue.length > 0 && !this.#stopped) this.#start();
    });
  }

  async #run(): Promise<void> {
    const { limits, log, onSkipped } = this.#options;
    let wait = limits.storeDelayMs;
    while (this.#queue.length > 0) {
      const isUrgent = this.#askers.size > 0 || this.#bytes >= limits.storeBatchBytes;
      if (!isUrgent || wait > limits.storeDelayMs) await this.#pause(wait);
      try {
        await this.#storeBatch();
        wait = limits.storeDelayMs;
      } catch (error) {
        log.warn({ err: error, messages: this.#queue.length }, 'messages could not be stored yet');
        if (this.#stopped) return;
        wait = Math.min(Math.max(wait * 2, 1), MAX_RETRY_MS);
      }
    }
    if (this.#skipped && !this.#stopped) onSkipped();
  }

  /** Others may join the batch meanwhile; who waits for it ends the pause. */
  async #pause(ms: number): Promise<void> {
    if (!this.#stopped) await pause(ms, undefined, { signal: this.#wake.signal }).catch(() => {});
    this.#wake = new AbortController();
  }

  async #storeBatch(): Promise<void> {
    const batch: Waiting[] = [];
    let bytes = 0;
    for (const each of this.#queue) {
      if (batch.length > 0 && bytes + each.bytes > this.#options.limits.storeBatchBytes) break;
      batch.push(each);
      bytes += each.bytes;
    }
    const place = batch.at(-1)?.message.place ?? NOWHERE;
    const until = place === NOWHERE ? null : place;
    const slots = this.#slots;
    await this.#options.store(
      batch.map(({ message }) => message),
      until,
    );
    this.#queue.splice(0, batch.length);
    this.#count(-bytes);
    for (const { transaction } of batch) transaction.left -= 1;
    if (until && slots === this.#slots) this.#stored = until;
    this.#settle();
    for (const look of this.#askers) look();
  }

  #settle(): void {
    const before = this.#transactions.length;
    for (let [first] = this.#transactions; first?.end && first.left === 0; [first] = this.#transactions) {
      if (first.end !== NOTHING) this.#floor = first.end;
      this.#transactions.shift();
    }
    if (this.#transactions.length < before) this.#options.onStored();
  }

  #count(bytes: number): void {
    this.#bytes += bytes;
    this.#options.metrics.unstored.set(this.#bytes);
  }
}

/** The place of messages whose slot is gone. */
const NOWHERE: Place = { commit: 0n, message: 0n };

function sizeOf({ stream, broadcast: { event, bytes } }: Emitted): number {
  return bytes.length + stream.topic.length + event.length + OVERHEAD;
}
