import { tooManyAttempts } from './errors.ts';
import { FairQueue, QueueFull } from './fair-queue.ts';
import type { HashPool } from './hash-pool.ts';
import { type Attempt, SignInLimiter } from './sign-in-limit.ts';

/** Attempts that may wait for their turn, over all networks; one takes about a kilobyte. */
const MOST_WAITING = 2_000;

export type Verify = (password: string, hash: string | null) => Promise<boolean>;

/** An attempt at a password that counts until its outcome is told, once. */
export interface CheckedAttempt extends Attempt {
  /**
   * Runs `act` when it is the attempt's turn.
   *
   * @throws AuthError `over_request_rate_limit` when the queue is full of attempts of the same network; the
   *   signal's reason when the client has gone
   */
  turn<Result>(act: (verify: Verify) => Promise<Result>, signal?: AbortSignal): Promise<Result>;
}

/** Everything that stands before a password is compared: budgets for guesses, and a fair queue for the threads. */
export class PasswordCheck {
  readonly #pool: HashPool;
  readonly #queue: FairQueue;
  readonly #limiter: SignInLimiter;

  /** @param now the time in milliseconds */
  constructor(pool: HashPool, now: () => number, mostWaiting = MOST_WAITING) {
    this.#pool = pool;
    // As many again look their account up meanwhile, so that no thread waits for the database.
    this.#queue = new FairQueue(pool.size * 2, mostWaiting);
    this.#limiter = new SignInLimiter(now);
  }

  /**
   * Begins an attempt.
   *
   * @param account as `readTypedAddress` gives it
   * @throws AuthError `over_request_rate_limit`
   */
  begin(network: string, account: string): CheckedAttempt {
    const attempt = this.#limiter.begin(network, account);
    if ('retryAfterSeconds' in attempt) throw tooManyAttempts(attempt.retryAfterSeconds);
    const asker = { network, account };
    return {
      ...attempt,
      turn: async (act, signal) => {
        try {
          return await this.#queue.run(asker, () => act(this.#verify), signal);
        } catch (error) {
          throw error instanceof QueueFull ? tooManyAttempts(1) : error;
        }
      },
    };
  }

  readonly #verify: Verify = (password, hash) => this.#pool.verify(password, hash);
}
