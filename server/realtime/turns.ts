import type { Duplex } from 'node:stream';

/**
 * Turns of the event loop, as sockets see them. The first frame of a turn goes out at once; from the second on the
 * socket is corked until the turn ends, so that a burst costs one system call and a single message no delay.
 */
export class Turns {
  #current = 0;
  #ending = false;
  readonly #held = new Set<Duplex>();

  /** Number of this turn. */
  current(): number {
    if (!this.#ending) {
      this.#ending = true;
      setImmediate(() => this.#end());
    }
    return this.#current;
  }

  /** Corks a socket until the turn ends. */
  hold(socket: Duplex): void {
    if (this.#held.has(socket)) return;
    this.#held.add(socket);
    socket.cork();
  }

  #end(): void {
    this.#ending = false;
    this.#current += 1;
    for (const socket of this.#held) socket.uncork();
    this.#held.clear();
  }
}
