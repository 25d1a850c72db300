/**
 * Lines that break. When a thousand break at once, a thousand come back at once, each with the token and the topics
 * that it had; asking the policies about all of them again is what the database would be busy with. A channel whose
 * socket is gone keeps its rights for a moment, as it would have kept them had the line held; a new token, a later
 * return, a channel that was left or expelled is asked about.
 */
import type { ReadRights } from './authorization.ts';
import { keyOf, type StreamName } from './hub.ts';
import type { Limits } from './options.ts';
import { API_KEY_PREFIX, type Session } from './sessions.ts';

export interface Grant {
  session: Session;
  rights: ReadRights;
}

interface Kept extends Grant {
  until: number;
}

/** Channels whose rights are kept at once; beyond it the oldest are asked about when they return. */
const MOST_KEPT = 100_000;

export class Resumption {
  readonly #limits: Pick<Limits, 'resumeMs'>;
  readonly #now: () => number;
  /** By token and topic. All are kept equally long, so those that end first stand in front. */
  readonly #kept = new Map<string, Kept>();

  /** @param now clock, milliseconds since 1970 */
  constructor(limits: Pick<Limits, 'resumeMs'>, now: () => number) {
    this.#limits = limits;
    this.#now = now;
  }

  /**
   * A joined channel's socket is gone.
   * @param headers that the policies were asked with: with others they may decide otherwise
   */
  keep(stream: StreamName, { session, rights }: Grant, headers = ''): void {
    if (!stream.private || session.token.startsWith(API_KEY_PREFIX)) return;
    const now = this.#now();
    for (const [key, { until }] of this.#kept) {
      if (until > now && this.#kept.size < MOST_KEPT) break;
      this.#kept.delete(key);
    }
    const key = nameOf(stream, session.token, headers);
    this.#kept.delete(key);
    this.#kept.set(key, { session, rights, until: now + this.#limits.resumeMs });
  }

  /** Lets go of rights that may have been lost. */
  forget(concerns: (session: Session) => boolean): void {
    for (const [key, { session }] of this.#kept) if (concerns(session)) this.#kept.delete(key);
  }

  /** What a channel that comes back with this token may do; null when the policies must be asked. Given once. */
  take(stream: StreamName, token: string, headers = ''): Grant | null {
    const key = nameOf(stream, token, headers);
    const kept = this.#kept.get(key);
    if (!kept) return null;
    this.#kept.delete(key);
    const now = this.#now();
    return kept.until > now && kept.session.expiresAt > now ? kept : null;
  }
}

function nameOf(stream: StreamName, token: string, headers: string): string {
  return `${token}\n${headers}\n${keyOf(stream)}`;
}
