/**
 * What one account may have and do, over all of its sockets. A school, or the customers of a mobile operator, share an
 * address: who is signed in is not counted by network.
 */
import { ANONYMOUS, SERVICE, type Session } from './sessions.ts';
import type { Limits } from './options.ts';
import { Rates } from './rates.ts';

export class Accounts {
  readonly #limits: Limits;
  readonly #sockets = new Map<string, number>();
  readonly #joins: Rates;
  readonly #bytes: Rates;

  /** @param now clock, milliseconds since 1970 */
  constructor(limits: Limits, now: () => number) {
    this.#limits = limits;
    this.#joins = new Rates(limits.joinsPerSecondPerAccount, now);
    this.#bytes = new Rates(limits.bytesPerSecondPerAccount, now);
  }

  isFull(account: string): boolean {
    return (this.#sockets.get(account) ?? 0) >= this.#limits.socketsPerAccount;
  }

  /** Counts one more socket; false when the account has as many as it may. Each `true` needs its `leave`. */
  enter(account: string): boolean {
    if (this.isFull(account)) return false;
    this.#sockets.set(account, (this.#sockets.get(account) ?? 0) + 1);
    return true;
  }

  leave(account: string): void {
    const open = this.#sockets.get(account) ?? 0;
    if (open > 1) this.#sockets.set(account, open - 1);
    else this.#sockets.delete(account);
  }

  mayJoin(account: string): boolean {
    return this.#joins.take(account, 1);
  }

  /** @param bytes that have just arrived */
  maySend(account: string, bytes: number): boolean {
    return this.#bytes.take(account, bytes);
  }
}

/** Whether a token says who its bearer is: a user, or the service. */
export function isSignedIn({ role }: Session): boolean {
  return role !== ANONYMOUS;
}

/** What a bearer is counted by; null: the service, which is not bounded. */
export function accountOf({ role, subject, token }: Session): string | null {
  return role === SERVICE ? null : subject || token;
}
