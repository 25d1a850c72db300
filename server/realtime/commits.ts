/**
 * The commits that the feed has brought and that are not told to everybody yet, in their order. Broadcasts are told at
 * once; changes of rows are told later, when the rights of their readers are known. What is acknowledged is the end of
 * the last commit before which nothing is left to do.
 *
 * After a reconnection PostgreSQL sends again what was not acknowledged. What this process has handled or still
 * has in hand is recognised here by its place in the log, so that a torn feed repeats nothing.
 */
import { lsnValue } from './lsn.ts';

interface Commit {
  /** Position after its last byte; null while it is being received. */
  end: string | null;
  /** Rows of it that are still to be told. */
  pending: number;
}

export class Commits {
  readonly #done: (end: string) => void;
  #open: Commit[] = [];
  #current: Commit | null = null;
  /** Place of the newest transaction received. */
  #place = -1n;
  /** Whether it was received to its end. */
  #whole = true;
  /** Rows received of it. */
  #rows = 0;
  /** Rows of the transaction at hand that were received before. */
  #repeats = 0;

  /** @param done told the end of a commit when it and all before it are told */
  constructor(done: (end: string) => void) {
    this.#done = done;
  }

  /** Whether nothing is left to do. */
  get idle(): boolean {
    return this.#open.length === 0;
  }

  /** A transaction begins; `place` is where its commit stands in the log. */
  begin(place: string): void {
    const value = lsnValue(place);
    if (value < this.#place || (value === this.#place && this.#whole)) {
      this.#repeats = Infinity;
      return;
    }
    if (value === this.#place) {
      this.#repeats = this.#rows;
      return;
    }
    // A transaction whose end another gateway has received meanwhile is over.
    this.#open = this.#open.filter((commit) => commit !== this.#current);
    this.#current = { end: null, pending: 0 };
    this.#open.push(this.#current);
    this.#place = value;
    this.#whole = false;
    this.#rows = 0;
    this.#repeats = 0;
  }

  /** Counts a row. @returns whether it is new */
  row(): boolean {
    if (this.#repeats > 0) {
      this.#repeats -= 1;
      return false;
    }
    this.#rows += 1;
    return true;
  }

  /**
   * Keeps the transaction at hand from being acknowledged.
   * @returns to be called once, when what it was called for is done
   */
  hold(): () => void {
    const commit = this.#current;
    if (!commit) return () => {};
    commit.pending += 1;
    return () => {
      commit.pending -= 1;
      this.#settle();
    };
  }

  /** The transaction at hand ends. */
  end(end: string): void {
    if (this.#repeats === Infinity) {
      this.#repeats = 0;
      // Its acknowledgement was lost with the connection.
      if (this.idle) this.#done(end);
      return;
    }
    this.#whole = true;
    if (this.#current) this.#current.end = end;
    this.#current = null;
    this.#settle();
  }

  /** Forgets everything: the slot is another one, and its log need not be a continuation. */
  reset(): void {
    this.#open = [];
    this.#current = null;
    this.#place = -1n;
    this.#whole = true;
  }

  #settle(): void {
    let end: string | null = null;
    for (let first = this.#open[0]; first?.end && first.pending === 0; first = this.#open[0]) {
      end = first.end;
      this.#open.shift();
    }
    if (end) this.#done(end);
  }
}
