/**
 * Sockets that have not shown an access token yet. A client opens its socket with the publishable key, which everybody
 * has, and joins with its token within milliseconds; who hoards sockets never does. So at a bound the *oldest* stranger
 * makes room for the newcomer, and nobody honest is refused because of others.
 *
 * Where public channels are served, strangers are guests that stay: they are bounded by network, at the door.
 */
import type { Limits } from './options.ts';
import { Rates } from './rates.ts';

/** What is needed of a socket. */
export interface Stranger {
  /** Where it comes from; see `networkOf` of the gateway's options. */
  readonly network: string;
  /** Closes the socket. `reason` is the name by which it is counted. */
  dismiss(reason: StrangerFault): void;
}

/** Why a stranger is sent away: others came, it stayed silent, it sent too much. */
export type StrangerFault = 'StrangerReplaced' | 'StrangerSilent' | 'StrangerFlooded';

interface Entry {
  since: number;
  bytes: number;
}

export class Strangers {
  readonly #limits: Limits;
  readonly #areGuests: boolean;
  readonly #now: () => number;
  /** Oldest first. */
  readonly #all = new Map<Stranger, Entry>();
  readonly #networks = new Map<string, Set<Stranger>>();
  readonly #joins: Rates;
  readonly #bytes: Rates;
  /** Received from all that are strangers now. */
  #received = 0;

  /**
   * @param areGuests whether public channels are served
   * @param now clock, milliseconds since 1970
   */
  constructor(limits: Limits, areGuests: boolean, now: () => number) {
    this.#limits = limits;
    this.#areGuests = areGuests;
    this.#now = now;
    this.#joins = new Rates(limits.joinsPerSecondPerNetwork, now);
    this.#bytes = new Rates(limits.bytesPerSecondPerNetwork, now);
  }

  get size(): number {
    return this.#all.size;
  }

  /** Whether the door is closed to one more guest of a network. */
  isFull(network: string): boolean {
    return this.#areGuests && this.#isCrowded(network, 1);
  }

  /** Whether there are more than a calm day brings; guests are never a crowd. */
  get areCrowd(): boolean {
    return !this.#areGuests && this.#all.size > this.#limits.calmStrangers;
  }

  /** A socket was opened with a key that is nobody's own. */
  enter(stranger: Stranger): void {
    this.#all.set(stranger, { since: this.#now(), bytes: 0 });
    const network = this.#networks.get(stranger.network);
    if (network) network.add(stranger);
    else this.#networks.set(stranger.network, new Set([stranger]));
    if (this.#areGuests) return;
    if (this.#isCrowded(stranger.network, 0)) this.#replace(this.#networks.get(stranger.network)?.keys());
    if (this.#all.size > this.#limits.strangers) this.#replace(this.#all.keys());
  }

  /** It has shown a token, or is gone. */
  leave(stranger: Stranger): void {
    const entry = this.#all.get(stranger);
    if (!entry) return;
    this.#received -= entry.bytes;
    this.#all.delete(stranger);
    const network = this.#networks.get(stranger.network);
    network?.delete(stranger);
    if (network?.size === 0) this.#networks.delete(stranger.network);
  }

  /** Counts what arrives on its connection, so that half a frame is not kept for ever. */
  receive(stranger: Stranger, bytes: number): void {
    const entry = this.#all.get(stranger);
    if (!entry) return;
    if (this.#areGuests) {
      if (!this.#bytes.take(stranger.network, bytes)) this.#dismiss(stranger, 'StrangerFlooded');
      return;
    }
    entry.bytes += bytes;
    this.#received += bytes;
    if (entry.bytes > this.#limits.strangerBytes) this.#dismiss(stranger, 'StrangerFlooded');
    while (this.#received > this.#limits.strangersBytes) this.#replace(this.#all.keys());
  }

  /** Whether a stranger of this network may try to join now. */
  mayJoin(network: string): boolean {
    return this.#joins.take(network, 1);
  }

  /** Sends away the oldest few of those that have not shown a token in time; in a crowd the time is short. */
  sweep(now: number): void {
    if (this.#areGuests) return;
    const { crowdedStrangerMs, strangerMs, strangersPerSweep } = this.#limits;
    let left = strangersPerSweep;
    for (const [stranger, { since }] of this.#all) {
      const most = this.areCrowd ? Math.min(crowdedStrangerMs, strangerMs) : strangerMs;
      if (left === 0 || now - since <= most) return;
      this.#dismiss(stranger, 'StrangerSilent');
      left -= 1;
    }
  }

  #isCrowded(network: string, newcomers: number): boolean {
    return (this.#networks.get(network)?.size ?? 0) + newcomers > this.#limits.strangersPerNetwork;
  }

  #replace(oldestFirst: Iterator<Stranger> | undefined): void {
    const oldest = oldestFirst?.next().value;
    if (oldest) this.#dismiss(oldest, 'StrangerReplaced');
  }

  #dismiss(stranger: Stranger, reason: StrangerFault): void {
    this.leave(stranger);
    stranger.dismiss(reason);
  }
}
