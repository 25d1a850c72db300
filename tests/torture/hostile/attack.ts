/** What an attack is: a name, what it sends, what an unharmed server answers, and one strike of it. */
import type { AttackRecord } from './record.ts';

/** Whom the crew attacks, and what it knows of it. Everything in it could be known to a pupil. */
export interface Target {
  /** Origin of the product; on 127.0.0.1, see `checkTarget`. */
  url: string;
  publishableKey: string;
  /** Group admins that mean harm, signed in. */
  pupils: readonly Pupil[];
  /** Paths in the bucket `documents` that another group has reserved and will upload to. */
  ownersPaths: readonly string[];
  /** E-mail addresses of honest accounts. */
  emails: readonly string[];
}

export interface Pupil {
  token: string;
  group: string;
  school: string;
}

/** What a strike works with. */
export interface Scene {
  target: Target;
  record: AttackRecord;
  /** From 0 to below 1; the same seed gives the same row. */
  random: () => number;
  /** One of the crew's many addresses to send from. */
  address: () => string;
  /** So many of a count of a full run as this run may have; at least 1. */
  share: (count: number) => number;
  /** Aborted when the attack is over: what is open is then closed. */
  signal: AbortSignal;
}

export interface Attack {
  name: string;
  /** What it sends, for people. */
  sends: string;
  /** What an unharmed server answers, for people. */
  unharmed: string;
  /** Strikes at once in a full run. */
  lanes: number;
  /** Mean pause between two strikes of one lane, milliseconds. */
  pauseMs: number;
  /**
   * Attacks once and closes what it opened. Notes every answer in the record.
   *
   * @throws Error only for a fault of its own
   */
  strike(scene: Scene): Promise<void>;
}
