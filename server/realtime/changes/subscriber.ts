/**
 * The `postgres_changes` of one channel.
 *
 *   new ──admit──▶ checking ──▶ active ──close──▶ closed
 *                   │    ▲        │
 *                   ▼    └────────┤ new token, publication changed
 *                 failed ─────────┘
 *
 * A channel that waits for changes hears everything in the order of commits, its broadcasts included: those of later
 * commits wait until the changes before them are told.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { RealtimeError } from '../errors.ts';
import type { Version } from '../frames.ts';
import type { Session } from '../sessions.ts';
import type { Batch, Data } from './batch.ts';
import { bindingIds, parseBinding, type Binding, type BindingParams } from './binding.ts';
import type { Changes } from './changes.ts';
import type { Reader } from './reader.ts';
import type { Membership } from './tables.ts';

/** What a subscriber needs of its channel. */
export interface Sink {
  version: Version;
  /** With its `realtime:` prefix. */
  topic: string;
  write(frame: Buffer): void;
  /** Sends a `system` message of extension `postgres_changes`; the channel stays open. */
  system(status: 'ok' | 'error', message: string): void;
  /** Makes the client rejoin and refetch. */
  interrupt(): void;
  /** An exception that nobody foresaw: the socket is closed, other subscribers are served. */
  broke(error: unknown): void;
}

const SUBSCRIBED = 'Subscribed to PostgreSQL';
/** Pause between two tries while a join waits, milliseconds. */
const WAIT_STEP_MS = 100;

export class Subscriber {
  /** Place of the newest change that may have to be told here. */
  awaits = 0;
  readonly #changes: Changes;
  readonly #params: readonly BindingParams[];
  readonly #ids: readonly number[];
  readonly #sink: Sink;
  #session: Session | null = null;
  /** Whose rights the reader has. */
  #inForce: Session | null = null;
  #reader: Reader | null = null;
  #memberships: readonly Membership[] = [];
  /** Set by a check that was made before the join was granted. */
  #prepared: Membership[] | null = null;
  #told: 'ok' | 'error' | null = null;
  #closed = false;
  /** Counts checks, so that an answer that was overtaken is not used. */
  #attempt = 0;
  #retry: NodeJS.Timeout | undefined;
  #held: { frame: Buffer; after: number }[] = [];
  #heldBytes = 0;

  constructor(changes: Changes, params: readonly BindingParams[], sink: Sink) {
    this.#changes = changes;
    this.#params = params;
    this.#ids = bindingIds(params);
    this.#sink = sink;
    changes.subscribers.add(this);
  }

  /** For the reply to the join: the bindings as they came, each with its id. */
  get reply(): BindingParams[] {
    return this.#params.map((params, index) => ({ ...params, id: this.#ids[index] }));
  }

  /** Who reads for this subscriber; null while nothing is in force. */
  get reader(): Reader | null {
    return this.#reader;
  }

  /** Whether a change that may concern it is not told yet. */
  get isBehind(): boolean {
    return this.#reader !== null && this.awaits > this.#changes.dispatcher.clearedFor(this.#reader);
  }

  /**
   * Checks the bindings before the join is answered.
   *
   * @param timeoutMs how long to try, milliseconds
   * @throws RealtimeError `RealtimeDisabledForConfiguration`, or `PostgresChangesSubscribeTimeout`
   */
  async prepare(session: Session, timeoutMs: number): Promise<void> {
    const timeout = new RealtimeError(
      'PostgresChangesSubscribeTimeout',
      `Timed out after ${timeoutMs}ms waiting for the postgres_changes subscription`,
    );
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => late.reject(timeout), timeoutMs);
    const tries = async (): Promise<Membership[]> => {
      for (;;) {
        try {
          return await this.#check(session);
        } catch (error) {
          if (error instanceof RealtimeError || this.#closed) throw error;
          await pause(WAIT_STEP_MS);
        }
      }
    };
    try {
      this.#prepared = await Promise.race([tries(), late.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** The join was granted and answered. */
  admit(session: Session): void {
    this.#session = session;
    if (this.#prepared) this.#activate(session, this.#prepared);
    else this.#begin(session);
  }

  /** The bearer has a new token: rights are looked at anew. What is under way is told with the rights of the old one. */
  renew(session: Session): void {
    this.#session = session;
    this.#told = null;
    this.#begin(session);
  }

  /** The tables of the publication are others now. */
  refresh(): void {
    if (this.#session) this.#begin(this.#session);
  }

  close(): void {
    this.#closed = true;
    this.#changes.subscribers.delete(this);
    this.#held = [];
    this.#deactivate();
  }

  /** Writes a broadcast, after the changes of earlier commits. */
  deliver(frame: Buffer): void {
    if (this.#held.length === 0 && !this.isBehind) return this.#sink.write(frame);
    this.#held.push({ frame, after: this.awaits });
    this.#heldBytes += frame.length;
    this.#changes.dispatcher.holding.add(this);
    if (this.#heldBytes > this.#changes.limits.backlogBytes) this.interrupt();
  }

  /** Writes a change. */
  tell(seq: number, batch: Batch, ids: readonly number[], data: Data): void {
    if (this.#memberships.length === 0) return;
    this.#guard(() => {
      this.#writeHeld(seq - 1);
      this.#changes.metrics.deliveries.inc();
      this.#sink.write(batch.frame(this.#sink.version, this.#sink.topic, ids, data));
    });
  }

  /** Writes the broadcasts that wait for nothing any more. */
  flush(): void {
    this.#guard(() =>
      this.#writeHeld(this.#reader ? this.#changes.dispatcher.clearedFor(this.#reader) : Infinity),
    );
  }

  /** A filter cannot be evaluated: nothing is told any more, and the client hears why. */
  fail(reason: string): void {
    this.#guard(() => {
      this.#deactivate();
      this.#say('error', `Unable to subscribe to changes with given parameters. Exception: ${reason}`);
    });
  }

  interrupt(): void {
    this.#guard(() => this.#sink.interrupt());
  }

  /** Danger: what one subscriber threw would stop the changes of all. */
  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#sink.broke(error);
    }
  }

  #begin(session: Session): void {
    this.#subscribe(session).catch((error: unknown) => this.#sink.broke(error));
  }

  #writeHeld(upTo: number): void {
    let first = this.#held[0];
    while (first && first.after <= upTo) {
      this.#held.shift();
      this.#heldBytes -= first.frame.length;
      this.#sink.write(first.frame);
      first = this.#held[0];
    }
    if (!first) this.#changes.dispatcher.holding.delete(this);
  }

  async #subscribe(session: Session): Promise<void> {
    const attempt = (this.#attempt += 1);
    clearTimeout(this.#retry);
    try {
      const memberships = await this.#check(session);
      if (attempt === this.#attempt && !this.#closed) this.#activate(session, memberships);
    } catch (error) {
      if (attempt !== this.#attempt || this.#closed) return;
      const final = error instanceof RealtimeError;
      // What was in force under the same token goes on: a table may come back to the publication.
      if (this.#inForce !== session) this.#deactivate();
      this.#changes.log.warn({ err: error, topic: this.#sink.topic }, 'could not subscribe to changes');
      this.#say('error', final ? error.message : 'Realtime was unable to ask the project database');
      if (!final) {
        this.#retry = setTimeout(() => this.#begin(session), this.#changes.limits.changesRetryMs).unref();
      }
    }
  }

  async #check(session: Session): Promise<Membership[]> {
    const { limits } = this.#changes;
    if (this.#params.length > limits.changesPerChannel) {
      throw new RealtimeError(
        'RealtimeDisabledForConfiguration',
        `Too many postgres_changes bindings. Maximum ${limits.changesPerChannel}`,
      );
    }
    const bindings: Binding[] = this.#params.map((params, index) =>
      parseBinding(params, this.#ids[index] ?? 0),
    );
    const bound = await this.#changes.check(bindings, session);
    return bindings.map((binding, index) => ({
      subscriber: this,
      binding,
      bound: bound[index] ?? new Map(),
    }));
  }

  #activate(session: Session, memberships: readonly Membership[]): void {
    const before = this.#reader;
    const next = this.#changes.enter(session);
    if (before && before !== next) next.follow(before);
    this.#changes.tables.remove(this.#memberships);
    this.#memberships = memberships;
    this.#reader = next;
    this.#inForce = session;
    this.#changes.tables.add(memberships);
    if (before) this.#changes.leave(before);
    this.#say('ok', SUBSCRIBED);
  }

  #deactivate(): void {
    clearTimeout(this.#retry);
    this.#changes.tables.remove(this.#memberships);
    this.#memberships = [];
    if (this.#reader) this.#changes.leave(this.#reader);
    this.#reader = null;
    this.flush();
  }

  /** Says a thing once, and an error each time. */
  #say(status: 'ok' | 'error', message: string): void {
    if (status === 'ok' && this.#told === 'ok') return;
    this.#told = status;
    if (status === 'error')
      this.#changes.metrics.refusals.inc({ reason: 'RealtimeDisabledForConfiguration' });
    this.#sink.system(status, message);
  }
}
