/**
 * A commit reaches the log, and through it the listeners, a moment before other sessions see it (see
 * changes/visibility.ts). Whoever starts to listen in that moment has missed the message, and would not find it in
 * the database either. So a channel that joins waits until what was told before it came can be seen.
 */
import type { Ask } from './asking.ts';
import { untilVisible } from './changes/visibility.ts';

/** Transactions remembered before they are looked for, though nobody waits for them. */
const MOST_UNSEEN = 1_000;

export class Settling {
  readonly #ask: Ask;
  readonly #timeoutMs: number;
  /** Told, and not yet known to be visible: as the log has them, 32 bits. */
  #unseen: number[] = [];
  #running: Promise<void> = Promise.resolve();
  #next: Promise<void> | null = null;

  /** @param timeoutMs how long a commit may stay invisible, milliseconds */
  constructor(ask: Ask, timeoutMs: number) {
    this.#ask = ask;
    this.#timeoutMs = timeoutMs;
  }

  /** A message of this transaction is about to be told. */
  told(xid: number): void {
    if (this.#unseen.at(-1) !== xid) this.#unseen.push(xid);
    // It only clears; whoever depends on it asks again.
    if (this.#unseen.length >= MOST_UNSEEN) this.settled().catch(() => {});
  }

  /**
   * Resolves when every transaction told so far is visible to new snapshots. All who ask at once share one question.
   *
   * @throws Error when one does not become visible in time, or the database's error
   */
  settled(): Promise<void> {
    this.#next ??= this.#running
      .catch(() => {})
      .then(() => {
        this.#next = null;
        this.#running = this.#look();
        return this.#running;
      });
    return this.#next;
  }

  async #look(): Promise<void> {
    const xids = this.#unseen;
    if (xids.length === 0) return;
    this.#unseen = [];
    try {
      await untilVisible(this.#ask, xids, this.#timeoutMs);
    } catch (error) {
      this.#unseen = [...xids, ...this.#unseen];
      throw error;
    }
  }
}
