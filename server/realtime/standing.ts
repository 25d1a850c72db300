/** What one socket counts as: a stranger, until an access token is accepted on it; an account's, or the service's, from then on. */
import { accountOf, isSignedIn } from './accounts.ts';
import type { Ask } from './asking.ts';
import type { Context } from './context.ts';
import { RealtimeError } from './errors.ts';
import type { Session } from './sessions.ts';
import type { Stranger } from './strangers.ts';

type Shared = Pick<Context, 'accounts' | 'askFor' | 'strangers'>;

export class Standing {
  readonly #shared: Shared;
  readonly #socket: Stranger;
  /** The account whose token was accepted last; undefined: a stranger; null: the service. */
  #account: string | null | undefined;
  #gone = false;

  /** @param socket with the bearer of the key that it was opened with */
  constructor(shared: Shared, socket: Stranger & { readonly session: Session }) {
    this.#shared = shared;
    this.#socket = socket;
    if (isSignedIn(socket.session)) this.identify(socket.session);
    else shared.strangers.enter(socket);
  }

  /**
   * The socket is this bearer's from now on.
   * @throws RealtimeError `ConnectionRateLimitReached` when the account has as many as it may
   */
  identify(session: Session): void {
    const account = accountOf(session);
    if (!isSignedIn(session) || this.#gone || account === this.#account) return;
    if (account !== null && !this.#shared.accounts.enter(account)) {
      throw new RealtimeError('ConnectionRateLimitReached', 'Too many connections of this account');
    }
    this.#part();
    this.#account = account;
  }

  /** The socket is gone. */
  leave(): void {
    this.#gone = true;
    this.#part();
  }

  /** Whether the bearer may send what has just arrived; a stranger who may not is sent away. */
  arrived(bytes: number): boolean {
    const { accounts, strangers } = this.#shared;
    if (this.#account === undefined) strangers.receive(this.#socket, bytes);
    else if (this.#account !== null) return accounts.maySend(this.#account, bytes);
    return true;
  }

  mayJoin(): boolean {
    const { accounts, strangers } = this.#shared;
    if (this.#account === undefined) return strangers.mayJoin(this.#socket.network);
    return this.#account === null || accounts.mayJoin(this.#account);
  }

  /** Asks the database in a bearer's turn, unless nobody wants the answer by then. */
  askFor(session: Session, isWanted: () => boolean): Ask {
    const signedIn = isSignedIn(session);
    const key = signedIn ? (accountOf(session) ?? session.role) : this.#socket.network;
    return this.#shared.askFor({ key, signedIn }, isWanted);
  }

  #part(): void {
    if (this.#account === undefined) this.#shared.strangers.leave(this.#socket);
    else if (this.#account !== null) this.#shared.accounts.leave(this.#account);
    this.#account = undefined;
  }
}
