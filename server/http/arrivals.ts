/**
 * In which order begins what has arrived.
 *
 * One thread does everybody's work, and hundreds of requests and connections can arrive in the same instant. The requests
 * of people who have signed in begin at once. Those of strangers begin one a round of the event loop, and slowly while
 * somebody who has signed in waits for an answer; sockets, and tokens that were never seen, begin a few a round, and
 * sockets slowly, too, while a crowd of others has shown no token. So a crowd delays an honest request by the work of a
 * few, and not by that of the crowd.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Pace, type PaceLimits } from './pace.ts';

const WAITING = { waitingPerNetwork: 2_000, waiting: 20_000 };
const STRANGERS: PaceLimits = { ...WAITING, perRound: 1, gapMs: 8 };
/** Danger: after a restart every screen opens a socket and sends a token that was never seen, all at once. */
const COMERS: PaceLimits = { ...WAITING, perRound: 4, gapMs: 0 };
/** Opening and closing a socket costs as much as serving a request; this is 200 a second. */
const SOCKETS: PaceLimits = { ...WAITING, perRound: 4, gapMs: 20 };

export interface ArrivalOptions {
  /** Whether an access token was verified here before. */
  knowsToken: (token: string) => boolean;
  /** Whether many sockets are open that have not shown a token. */
  isCrowded: () => boolean;
  /** The network that a request comes from. */
  networkOf: (request: IncomingMessage) => string;
  /** Clock, milliseconds. */
  now: () => number;
}

export class Arrivals {
  readonly #options: ArrivalOptions;
  readonly #strangers: Pace;
  readonly #comers: Pace;
  readonly #sockets: Pace;
  /** Requests of people who have signed in that wait for their answer. */
  #atWork = 0;

  constructor(options: ArrivalOptions) {
    this.#options = options;
    const isHurried = (): boolean => this.#atWork > 0;
    this.#strangers = new Pace(STRANGERS, isHurried, options.now);
    this.#comers = new Pace(COMERS, isHurried, options.now);
    this.#sockets = new Pace(SOCKETS, () => isHurried() && options.isCrowded(), options.now);
  }

  /**
   * Begins a request when its turn comes.
   *
   * @returns false when too many wait already: it will not begin
   */
  request(request: IncomingMessage, response: ServerResponse, begin: () => void): boolean {
    const token = /^Bearer (ey\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
    if (token !== undefined && this.#options.knowsToken(token)) {
      this.#atWork += 1;
      response.once('close', () => (this.#atWork -= 1));
      begin();
      return true;
    }
    const pace = token === undefined ? this.#strangers : this.#comers;
    return pace.enlist(this.#options.networkOf(request), () => {
      // Who has gone away meanwhile costs nothing more.
      if (!response.destroyed) begin();
    });
  }

  /** The same for an upgrade to a socket. */
  upgrade(request: IncomingMessage, begin: () => void): boolean {
    return this.#sockets.enlist(this.#options.networkOf(request), begin);
  }
}
