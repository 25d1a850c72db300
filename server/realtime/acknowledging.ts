/** What PostgreSQL is told that it need not keep for this slot any more. */
import type { LogicalReplicationService } from 'pg-logical-replication';
import { lsnBefore, lsnDistance, lsnEarliest } from './lsn.ts';

const ignore = (): void => {};
const NOTHING = '0/0';

/**
 * Acknowledges the earliest of three positions: the end of the newest commit that this connection brought, that of the
 * newest one that is told with all before it, and the one that storage has come to.
 */
export class Acknowledging {
  readonly #limit: () => string | null;
  #service: LogicalReplicationService | null = null;
  #received = NOTHING;
  #told = NOTHING;
  /** Of this connection; `0/0` before the first. Danger: an older position would move the slot back. */
  #acknowledged = NOTHING;
  #sending: Promise<void> = Promise.resolve();

  /** @param limit what storage has come to; null when nothing waits there */
  constructor(limit: () => string | null) {
    this.#limit = limit;
  }

  /** The last position acknowledged on this connection. */
  get position(): string {
    return this.#acknowledged;
  }

  /** A connection begins. */
  open(service: LogicalReplicationService): void {
    this.#service = service;
    this.#received = NOTHING;
    this.#acknowledged = NOTHING;
  }

  close(): void {
    this.#service = null;
  }

  /** The slot is another one. */
  reset(): void {
    this.#told = NOTHING;
  }

  /** The connection brought a commit to its end. */
  received(end: string): void {
    this.#received = end;
    this.settle();
  }

  /** A commit is told, and all before it. */
  told(end: string): void {
    this.#told = end;
    this.settle();
  }

  /** Acknowledges what may be, if that is news. */
  settle(): void {
    const end = lsnEarliest(this.#received, this.#told, this.#limit() ?? this.#told);
    if (lsnDistance(this.#acknowledged, end) > 0) this.at(end);
  }

  /** Acknowledges a position, after which the next commit may begin. */
  at(end: string): void {
    if (!this.#service) return;
    this.#acknowledged = end;
    // Danger: `acknowledge` adds one byte, for positions of the last byte read. This is the position after it: one
    // byte more and PostgreSQL would skip a commit that begins exactly there.
    // A connection that breaks here is reported by `subscribe`.
    this.#sending = this.#service.acknowledge(lsnBefore(end)).then(ignore, ignore);
  }

  /** Asks for a sign of life. */
  ping(): void {
    if (this.#acknowledged === NOTHING) return;
    this.#service?.acknowledge(lsnBefore(this.#acknowledged), true).catch(ignore);
  }

  /** Resolves when the last acknowledgement is on its way. */
  sent(): Promise<void> {
    return this.#sending;
  }
}
