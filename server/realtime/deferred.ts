/** What a client sends into a channel while the database is asked about it: it waits, in its order and within bounds. */
import type { ChannelEvent } from './channel-states.ts';
import type { Connection } from './connection.ts';

export class Deferred {
  readonly #connection: Connection;
  #events: ChannelEvent[] = [];
  #bytes = 0;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** @returns false when the channels of this socket keep more now than they may: it would fill the memory */
  put(event: ChannelEvent<'broadcast' | 'presence' | 'access_token' | 'rights_doubted' | 'other'>): boolean {
    this.#events.push(event);
    const bytes = 'frame' in event ? event.frame.size : 'token' in event ? event.token.length : 0;
    this.#bytes += bytes;
    this.#connection.deferredBytes += bytes;
    return this.#connection.deferredBytes <= this.#connection.context.limits.frameBytes;
  }

  /** Forgets what waits, and returns it in its order. */
  take(): ChannelEvent[] {
    const events = this.#events;
    this.#connection.deferredBytes -= this.#bytes;
    this.#events = [];
    this.#bytes = 0;
    return events;
  }
}
