/** Lets things begin a few at a time, each few in a round of the event loop of its own. */
export interface PaceLimits {
  /** How many begin in one round. */
  perRound: number;
  /** Shortest time between two rounds while somebody who has signed in waits for an answer, milliseconds. */
  gapMs: number;
  /** How many may wait for their beginning, of one network and in all. */
  waitingPerNetwork: number;
  waiting: number;
}

export class Pace {
  readonly #limits: PaceLimits;
  readonly #isHurried: () => boolean;
  readonly #now: () => number;
  /** What waits, by network; the next to begin is the first of the first network. */
  readonly #lines = new Map<string, (() => void)[]>();
  #waiting = 0;
  #begunAt = -Infinity;
  #isPumping = false;

  /**
   * @param isHurried whether somebody who has signed in waits for an answer
   * @param now clock, milliseconds
   */
  constructor(limits: PaceLimits, isHurried: () => boolean, now: () => number) {
    this.#limits = limits;
    this.#isHurried = isHurried;
    this.#now = now;
  }

  /**
   * Begins something when its turn comes; networks take turns.
   *
   * @param network names where it comes from
   * @returns false when too many wait already: it will not begin
   */
  enlist(network: string, begin: () => void): boolean {
    const line = this.#lines.get(network) ?? [];
    const { waiting, waitingPerNetwork } = this.#limits;
    if (line.length >= waitingPerNetwork || this.#waiting >= waiting) return false;
    line.push(begin);
    this.#lines.set(network, line);
    this.#waiting += 1;
    if (!this.#isPumping) {
      this.#isPumping = true;
      setImmediate(() => this.#pump());
    }
    return true;
  }

  #pump(): void {
    const { perRound, gapMs } = this.#limits;
    const mayBegin = gapMs === 0 || !this.#isHurried() || this.#now() - this.#begunAt >= gapMs;
    const most = mayBegin ? perRound : 0;
    for (let n = 0; n < most && this.#waiting > 0; n += 1) this.#beginNext();
    this.#isPumping = this.#waiting > 0;
    if (!this.#isPumping) return;
    if (gapMs === 0 || !this.#isHurried()) setImmediate(() => this.#pump());
    else setTimeout(() => this.#pump(), 1);
  }

  #beginNext(): void {
    const next = this.#lines.entries().next();
    if (next.done) return;
    const [network, line] = next.value;
    this.#lines.delete(network);
    const begin = line.shift();
    if (line.length > 0) this.#lines.set(network, line);
    this.#waiting -= 1;
    this.#begunAt = this.#now();
    begin?.();
  }
}
