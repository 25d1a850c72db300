import { type AttemptWindow, AttemptWindows } from './attempt-windows.ts';

/** How many sign-ins may fail in a window, and how long the window lasts. */
export interface SignInLimits {
  /** Failures of one network and one account. */
  perAccount: number;
  /** Failures of one network over all accounts; beyond it, only accounts without a failure may try. */
  perNetwork: number;
  windowMs: number;
  /** Largest number of windows kept for accounts, and for networks. */
  mostWindows: number;
}

const DEFAULTS: SignInLimits = {
  perAccount: 10,
  perNetwork: 100,
  windowMs: 5 * 60_000,
  mostWindows: 20_000,
};

/** An attempt that was let through; its outcome must be told, once. */
export interface Attempt {
  /** Whether its network has spent its failures: a failure should be told late. */
  readonly suspect: boolean;
  /** Forgets the failures of the account: its owner is here. */
  succeeded(): void;
  failed(): void;
  /** The attempt was no guess at a password, and does not count. */
  undecided(): void;
}

/**
 * Slows down the guessing of passwords. An attempt counts from its beginning, so that many at once do not slip
 * through before the first has failed. A network that has failed too often, which may be a school behind one
 * address, is not shut out: an account that has not failed there still gets one attempt.
 */
export class SignInLimiter {
  readonly #limits: SignInLimits;
  readonly #now: () => number;
  readonly #accounts: AttemptWindows;
  readonly #networks: AttemptWindows;

  /** @param now the time in milliseconds */
  constructor(now: () => number, limits: Partial<SignInLimits> = {}) {
    this.#now = now;
    this.#limits = { ...DEFAULTS, ...limits };
    const { perAccount, perNetwork, windowMs, mostWindows } = this.#limits;
    this.#accounts = new AttemptWindows(now, { limit: perAccount, windowMs, mostWindows });
    this.#networks = new AttemptWindows(now, { limit: perNetwork, windowMs, mostWindows });
  }

  /**
   * Begins an attempt. One that is refused leaves no trace.
   *
   * @param network where the client is, see `networkOf`
   * @param account as `readTypedAddress` gives it
   * @returns the attempt, or the number of seconds to wait
   */
  begin(network: string, account: string): Attempt | { retryAfterSeconds: number } {
    const key = `${network}\n${account}`;
    const own = this.#accounts.find(key);
    if (own && this.#accounts.isFull(own)) return this.#waitFor(own);
    const shared = this.#networks.find(network);
    const suspect = this.#networks.isFull(shared);
    if (suspect && own && own.attempts > 0) return this.#waitFor(own);
    const changeAccount = this.#accounts.count(key);
    const changeNetwork = this.#networks.count(network);
    const withdraw = (attempts: number): number => attempts - 1;
    return {
      suspect,
      succeeded() {
        changeAccount(() => 0);
        changeNetwork(withdraw);
      },
      failed() {},
      undecided() {
        changeAccount(withdraw);
        changeNetwork(withdraw);
      },
    };
  }

  #waitFor({ endsAt }: AttemptWindow): { retryAfterSeconds: number } {
    return { retryAfterSeconds: Math.ceil((endsAt - this.#now()) / 1000) };
  }
}
