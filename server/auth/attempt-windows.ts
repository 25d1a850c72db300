/** Attempts under one key, from the first until the window ends. */
export interface AttemptWindow {
  readonly attempts: number;
  /** When all is forgotten, milliseconds. */
  readonly endsAt: number;
}

interface Bounds {
  /** Attempts that make a window full. */
  limit: number;
  windowMs: number;
  /** Danger: the keys come from strangers, so their number is bounded. */
  mostWindows: number;
}

type Mutable = { -readonly [Field in keyof AttemptWindow]: AttemptWindow[Field] };

/**
 * Counts attempts by key within a window of time. All windows last equally long, so a map, which keeps the order
 * of insertion, has those that end first in front. Full windows stand apart: when room is needed, the oldest of
 * the others goes first, so that nobody frees a blocked key by flooding.
 */
export class AttemptWindows {
  readonly #bounds: Bounds;
  readonly #now: () => number;
  readonly #open = new Map<string, Mutable>();
  readonly #full = new Map<string, Mutable>();

  /** @param now the time in milliseconds */
  constructor(now: () => number, bounds: Bounds) {
    this.#now = now;
    this.#bounds = bounds;
  }

  /** The window of a key; `undefined` when there is none or it has ended. Makes none. */
  find(key: string): AttemptWindow | undefined {
    return this.#find(key);
  }

  isFull(window: AttemptWindow | undefined): boolean {
    return window !== undefined && window.attempts >= this.#bounds.limit;
  }

  /**
   * Counts an attempt.
   *
   * @returns a function that says how many attempts of that same window count from now on, given those that do
   */
  count(key: string): (change: (attempts: number) => number) => void {
    const window = this.#find(key) ?? this.#begin(key);
    const set = (attempts: number): void => {
      window.attempts = Math.max(0, attempts);
      const [from, to] = this.isFull(window) ? [this.#open, this.#full] : [this.#full, this.#open];
      // It may have ended meanwhile, and another have taken its place.
      if (from.get(key) !== window && to.get(key) !== window) return;
      from.delete(key);
      // What counts for nothing leaves no trace: a flood of it would push out what counts.
      if (window.attempts === 0) to.delete(key);
      else if (to.get(key) !== window) to.set(key, window);
    };
    set(window.attempts + 1);
    return (change) => set(change(window.attempts));
  }

  #find(key: string): Mutable | undefined {
    const window = this.#full.get(key) ?? this.#open.get(key);
    return window && window.endsAt > this.#now() ? window : undefined;
  }

  #begin(key: string): Mutable {
    this.#open.delete(key);
    this.#full.delete(key);
    this.#makeRoom();
    const window = { attempts: 0, endsAt: this.#now() + this.#bounds.windowMs };
    this.#open.set(key, window);
    return window;
  }

  #makeRoom(): void {
    const now = this.#now();
    for (const windows of [this.#open, this.#full]) {
      for (const [key, { endsAt }] of windows) {
        if (endsAt > now) break;
        windows.delete(key);
      }
    }
    if (this.#open.size + this.#full.size < this.#bounds.mostWindows) return;
    const fuller = this.#open.size > 0 ? this.#open : this.#full;
    const oldest = fuller.keys().next();
    if (!oldest.done) fuller.delete(oldest.value);
  }
}
