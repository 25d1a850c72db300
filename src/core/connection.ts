/** How a screen stands to the server, as the connection indicator tells it. Instants are Unix milliseconds. */
export type Connection =
  /** The first join is under way. */
  | { status: 'connecting' }
  /** Every channel is joined: changes arrive as they commit. */
  | { status: 'live' }
  /** The line broke a moment ago; the next attempt is at `retryAt`, or under way when `null`. */
  | { status: 'reconnecting'; retryAt: number | null }
  /** No line since `since`; attempts go on. */
  | { status: 'offline'; since: number };

/**
 * How long a snapshot may go unconfirmed before a guard no longer decides by it. Two minutes outlast two
 * heartbeats and a poll, so a passing hiccup closes nothing; a longer silence may hide a downgrade.
 */
export const TRUST_MS = 120_000;

/** Whether what is known may still decide: the server confirmed it within `TRUST_MS`. */
export function isTrusted(confirmedAt: number | null, now: number): boolean {
  return confirmedAt !== null && now - confirmedAt <= TRUST_MS;
}
