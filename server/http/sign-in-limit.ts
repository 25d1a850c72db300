/** How many sign-ins may fail in a window, and how long the window lasts. */
export interface SignInLimits {
  /** Failures of one address and one account. */
  perAccount: number;
  /** Failures of one address over all accounts. */
  perAddress: number;
  windowMs: number;
}

const DEFAULTS: SignInLimits = { perAccount: 10, perAddress: 100, windowMs: 5 * 60_000 };
/** Danger: the keys come from strangers, so their number is bounded. */
const MOST_KEYS = 20_000;

interface Window {
  attempts: number;
  endsAt: number;
}

/** An attempt that was let through; its outcome must be told. */
export interface Attempt {
  /** Forgets the failures of the account: its owner is here. */
  succeeded(): void;
  /** The attempt was no guess at a password, and does not count. */
  undecided(): void;
}

/**
 * Slows down the guessing of passwords. An attempt counts from its beginning, so that many at once do not slip
 * through before the first has failed.
 */
export class SignInLimiter {
  readonly #limits: SignInLimits;
  readonly #now: () => number;
  readonly #windows = new Map<string, Window>();

  /** @param now the time in milliseconds */
  constructor(now: () => number, limits: Partial<SignInLimits> = {}) {
    this.#now = now;
    this.#limits = { ...DEFAULTS, ...limits };
  }

  /**
   * Begins an attempt.
   *
   * @param address network address of the client
   * @param account e-mail as typed
   * @returns the attempt, or the number of seconds to wait
   */
  begin(address: string, account: string): Attempt | { retryAfterSeconds: number } {
    const accountWindow = this.#window(`${address}\n${account.trim().toLowerCase()}`);
    const addressWindow = this.#window(address);
    const full = [
      accountWindow.attempts >= this.#limits.perAccount && accountWindow,
      addressWindow.attempts >= this.#limits.perAddress && addressWindow,
    ].find((window) => window !== false);
    if (full) return { retryAfterSeconds: Math.ceil((full.endsAt - this.#now()) / 1000) };
    accountWindow.attempts++;
    addressWindow.attempts++;
    return {
      succeeded() {
        accountWindow.attempts = 0;
        addressWindow.attempts--;
      },
      undecided() {
        accountWindow.attempts--;
        addressWindow.attempts--;
      },
    };
  }

  #window(key: string): Window {
    const now = this.#now();
    const present = this.#windows.get(key);
    if (present && present.endsAt > now) return present;
    if (this.#windows.size >= MOST_KEYS) this.#forget(now);
    const fresh = { attempts: 0, endsAt: now + this.#limits.windowMs };
    this.#windows.set(key, fresh);
    return fresh;
  }

  /** Drops the windows that have ended, and the oldest if none has: a map keeps the order of insertion. */
  #forget(now: number): void {
    for (const [key, { endsAt }] of this.#windows) if (endsAt <= now) this.#windows.delete(key);
    const oldest = this.#windows.keys().next();
    if (this.#windows.size >= MOST_KEYS && !oldest.done) this.#windows.delete(oldest.value);
  }
}
