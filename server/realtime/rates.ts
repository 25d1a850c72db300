/** How much each of many may still do in this second. */
export class Rates {
  readonly #limit: number;
  readonly #now: () => number;
  #second = 0;
  readonly #spent = new Map<string, number>();

  /**
   * @param limit of each, a second
   * @param now clock, milliseconds since 1970
   */
  constructor(limit: number, now: () => number) {
    this.#limit = limit;
    this.#now = now;
  }

  /** Spends; false when the limit is exceeded, also by what was refused. */
  take(key: string, count: number): boolean {
    const second = Math.floor(this.#now() / 1000);
    if (second !== this.#second) this.#spent.clear();
    this.#second = second;
    const spent = (this.#spent.get(key) ?? 0) + count;
    this.#spent.set(key, spent);
    return spent <= this.#limit;
  }
}
