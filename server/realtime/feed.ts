/**
 * The database feed: one reader of one slot, so that the order of commits is the order of messages.
 *
 *   starting ──▶ streaming ──connection lost──▶ reconnecting ──slot free──▶ streaming
 *                                                  │      ▲
 *                              another gateway reads│      │it let go
 *                                                  ▼      │
 *                                               superseded
 *
 * A commit is acknowledged when its messages are delivered and stored and never before: after a crash PostgreSQL sends
 * it again (at least once). Broadcasts are fanned out here at once; to store them and to tell changes of rows is left to
 * others, and the feed does not wait for them. See docs/adr/0010, 0013 and 0016.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { LogicalReplicationService } from 'pg-logical-replication';
import { Acknowledging } from './acknowledging.ts';
import type { Transaction } from './changes/change.ts';
import type { Changes } from './changes/changes.ts';
import { Commits } from './commits.ts';
import { openReplication } from './dying-sessions.ts';
import { readEmitted } from './emitted.ts';
import { errorCode } from './errors.ts';
import type { UserBroadcast } from './frames.ts';
import type { Hub, StreamName } from './hub.ts';
import { lsnDistance, lsnValue, type Place } from './lsn.ts';
import type { Metrics } from './metrics.ts';
import type { FeedStatus, Limits, Logger } from './options.ts';
import { readMessage } from './stored-message.ts';
import type { Settling } from './settling.ts';
import type { Slot } from './slot.ts';
import { Storing } from './storing.ts';
import type { Store } from './store.ts';
import { isMessages, RawPlugin, type Passed, type WalMessage } from './wal.ts';

const ignore = (): void => {};
/** Messages of one transaction written before the event loop gets a turn, so that sockets can drain. */
const TURN = 64;
/** Commits are acknowledged at once; positions without messages at most so often, milliseconds. */
const IDLE_ACK_MS = 1_000;

/**
 * Somebody ended the connection: most likely a newer gateway that takes over. It needs a moment in which this one
 * does not snatch the slot back.
 */
const ENDED_BY_COMMAND = '57P01';
/** Signs of life that may fail to come before the connection counts as dead. */
const MISSED_PINGS = 3;
/** A start that cannot stream after so many tries fails; later the feed tries for ever. */
const START_ATTEMPTS = 3;
/** How long a stop waits until what was delivered is stored, milliseconds; what is not is delivered again at the next start. */
const LAST_STORE_MS = 1_000;

export interface FeedOptions {
  connection: { connectionString: string; application_name: string; options: string };
  slot: Slot;
  hub: Hub;
  changes: Changes;
  settling: Settling;
  store: Store;
  limits: Limits;
  metrics: Metrics;
  log: Logger;
  now: () => number;
  /** The slot had to be made anew: messages may be missing, everybody must refetch. */
  onLost: () => void;
  /** Another gateway reads the slot: this one is deaf and must send its clients away. */
  onSuperseded: () => void;
}

export class Feed {
  readonly #options: FeedOptions;
  readonly #abort = new AbortController();
  #status: FeedStatus = 'starting';
  #service: LogicalReplicationService | null = null;
  #running: Promise<void> | null = null;
  readonly #storing: Storing;
  readonly #acknowledging = new Acknowledging(() => this.#storing.limit);
  readonly #commits = new Commits((end) => this.#acknowledging.told(end));
  /** Messages fanned out of the transaction at hand. */
  #messages = 0;
  #transaction: Transaction & { place: bigint } = { xid: 0, commitTime: 0n, place: 0n };
  readonly #waiting = new Set<() => void>();
  #heardAt = 0;
  #idleAckAt = 0;

  constructor(options: FeedOptions) {
    this.#options = options;
    this.#storing = new Storing({
      ...options,
      onStored: () => this.#acknowledging.settle(),
      onSkipped: () => void this.#service?.destroy().catch(ignore),
    });
  }

  get status(): FeedStatus {
    return this.#status;
  }

  /**
   * Takes the slot and starts to stream. From its end on, no commit is missed.
   * @throws RealtimeError or the database's error when the slot cannot be had
   */
  async start(): Promise<void> {
    await this.#options.slot.prepare(this.#options.limits.takeoverMs);
    const first = Promise.withResolvers<void>();
    this.#running = this.#run(first);
    await first.promise;
  }

  /**
   * Waits until commits arrive.
   * @param timeoutMs how long at most, milliseconds
   * @returns whether they do
   */
  async ready(timeoutMs: number): Promise<boolean> {
    if (this.#status === 'streaming') return true;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const wake = (): void => resolve(true);
    this.#waiting.add(wake);
    const timer = setTimeout(() => resolve(false), timeoutMs).unref();
    const streams = await promise;
    clearTimeout(timer);
    this.#waiting.delete(wake);
    return streams;
  }

  /**
   * Waits until everything that was delivered is stored.
   *
   * @throws Error when that takes longer than a question may
   */
  stored(): Promise<void> {
    return this.#storing.flushed();
  }

  /** Ends the stream; the slot stays. */
  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#storing.stop(LAST_STORE_MS);
    await this.#acknowledging.sent();
    await this.#service?.destroy();
    await this.#running;
    this.#enter('stopped');
  }

  async #run(first: PromiseWithResolvers<void>): Promise<void> {
    const { limits, log, metrics, slot } = this.#options;
    let wait = limits.feedRetryMs;
    let failures = 0;
    while (!this.#abort.signal.aborted) {
      try {
        await this.#stream(() => {
          wait = limits.feedRetryMs;
          this.#enter('streaming');
          first.resolve();
        });
      } catch (error) {
        failures += 1;
        if (this.#status === 'starting' && failures === START_ATTEMPTS) return first.reject(error);
        if (errorCode(error) === ENDED_BY_COMMAND) wait = Math.max(wait, limits.takeoverMs);
        if (!this.#abort.signal.aborted)
          log.warn({ err: error, slot: slot.name }, 'the database feed broke off');
      }
      if (this.#abort.signal.aborted) return;
      if (this.#status === 'streaming') this.#enter('reconnecting');
      do {
        await pause(wait, undefined, { signal: this.#abort.signal }).catch(() => {});
        wait = Math.min(wait * 2, limits.feedRetryMaxMs);
      } while (!this.#abort.signal.aborted && !(await this.#regain()));
      metrics.feedReconnects.inc();
    }
  }

  /** Whether the slot may be read again. */
  async #regain(): Promise<boolean> {
    const { limits, log, metrics, onLost, onSuperseded, slot } = this.#options;
    try {
      const outcome = await slot.prepare(this.#status === 'starting' ? limits.takeoverMs : null);
      if (outcome === 'busy') {
        if (this.#status !== 'superseded') {
          log.warn({ slot: slot.name }, 'another gateway reads the slot; sending clients away');
          this.#enter('superseded');
          onSuperseded();
        }
        return false;
      }
      if (outcome !== 'kept') {
        metrics.slotsLost.inc();
        this.#commits.reset();
        this.#storing.reset();
        this.#acknowledging.reset();
        log.error({ slot: slot.name }, 'the replication slot was lost; clients must rejoin and refetch');
        onLost();
      }
      return true;
    } catch (error) {
      log.warn({ err: error, slot: slot.name }, 'the database feed cannot reconnect yet');
      return false;
    }
  }

  /** Streams until the connection ends. */
  async #stream(onStart: () => void): Promise<void> {
    const { changes, connection, limits, log, now, slot } = this.#options;
    const service = openReplication(connection);
    const plugin = new RawPlugin(await slot.publications(), changes);
    this.#service = service;
    this.#acknowledging.open(service);
    this.#storing.begin();
    this.#heardAt = now();
    service.on('start', onStart);
    service.on('error', (error) => log.warn({ err: error, slot: slot.name }, 'error of the database feed'));
    service.on('data', (_lsn, message: WalMessage | Passed) => this.#receive(plugin, message));
    service.on('heartbeat', (lsn, _time, mustReply) => this.#keepAlive(plugin, lsn, mustReply));
    const watch = setInterval(() => this.#watch(service), limits.feedPingMs);
    try {
      // `0/0`: PostgreSQL resumes where the slot was acknowledged last.
      await service.subscribe(plugin, slot.name, '0/0');
    } finally {
      clearInterval(watch);
      this.#service = null;
      this.#acknowledging.close();
      await service.destroy();
    }
  }

  async #receive(plugin: RawPlugin, message: WalMessage | Passed): Promise<void> {
    const { metrics, now } = this.#options;
    this.#heardAt = now();
    switch (message.tag) {
      case 'begin':
        this.#messages = 0;
        this.#transaction = {
          xid: message.xid >>> 0,
          commitTime: BigInt(String(message.commitTime)),
          place: lsnValue(message.commitLsn ?? '0/0'),
        };
        this.#commits.begin(message.commitLsn ?? '0/0');
        break;
      case 'insert':
      case 'update':
      case 'delete':
        if (this.#commits.row()) await this.#handle(message);
        break;
      case 'message':
        // One that belongs to no transaction is none of `realtime.send`.
        if (message.transactional) await this.#handleEmitted(message, this.#commits.row());
        break;
      case 'passed':
        this.#commits.row();
        break;
      case 'commit':
        if (message.commitEndLsn) this.#end(message.commitEndLsn);
        if (this.#messages > 0) {
          // `commitTime` counts microseconds.
          metrics.feedDelay.observe(
            Math.max(0, now() / 1000 - Number(this.#transaction.commitTime) / 1_000_000),
          );
        }
        break;
      default:
      // Descriptions of tables are taken while decoding; nothing else concerns us.
    }
    plugin.handled();
  }

  async #handle(message: WalMessage & { tag: 'insert' | 'update' | 'delete' }): Promise<void> {
    const { changes, log } = this.#options;
    const stored = isMessages(message.relation);
    try {
      if (!stored) changes.take(message, this.#transaction, () => this.#commits.hold());
      else if (message.tag === 'insert') this.#fanOut(message);
    } catch (error) {
      // One row that cannot be read must not stop all that come after it.
      log.error({ err: error, table: message.relation.name }, 'a row of the feed could not be told');
    }
    if (stored && message.tag === 'insert') await this.#count();
  }

  /** @param isNew whether it was not delivered before; storage knows by itself what it has */
  async #handleEmitted(message: WalMessage & { tag: 'message' }, isNew: boolean): Promise<void> {
    const place = { commit: this.#transaction.place, message: lsnValue(message.messageLsn ?? '0/0') };
    try {
      const emitted = readEmitted(message.content, place);
      if (isNew) this.#publish(emitted, place);
      this.#storing.take(emitted);
    } catch (error) {
      this.#options.log.error({ err: error }, 'a message of the log could not be read');
    }
    if (isNew) await this.#count();
  }

  async #count(): Promise<void> {
    this.#messages += 1;
    if (this.#messages % TURN === 0) await new Promise(setImmediate);
  }

  #end(end: string): void {
    this.#storing.end(end);
    this.#acknowledging.received(end);
    this.#commits.end(end);
  }

  /** A server that vanished without closing the connection would leave everybody joined and deaf. */
  #watch(service: LogicalReplicationService): void {
    const { limits, log, now, slot } = this.#options;
    const silence = now() - this.#heardAt;
    if (silence > MISSED_PINGS * limits.feedPingMs) {
      log.warn({ slot: slot.name, silence }, 'the database feed gives no sign of life');
      service.destroy().catch(ignore);
    } else if (silence >= limits.feedPingMs) this.#acknowledging.ping();
  }

  #fanOut(message: WalMessage & { tag: 'insert' }): void {
    const stored = readMessage(message);
    if (stored) this.#publish(stored);
  }

  /** @param place of a message that was no row when it was committed */
  #publish(
    { id, stream, broadcast }: { id: string; stream: StreamName; broadcast: UserBroadcast },
    place?: Place,
  ): void {
    this.#options.metrics.messages.inc({ source: 'database' });
    const { xid } = this.#transaction;
    this.#options.settling.told(xid);
    const origin = place ? { xid, place } : { xid };
    this.#options.hub.publish(stream, { kind: 'user', ...broadcast, meta: { id } }, { origin });
  }

  /** PostgreSQL asks for life, or tells how far the log is without messages for us. */
  #keepAlive(plugin: RawPlugin, lsn: string, mustReply: boolean): void {
    const { metrics, now } = this.#options;
    this.#heardAt = now();
    const isIdle = plugin.idle && this.#commits.idle && this.#storing.limit === null;
    metrics.feedLag.set(isIdle ? 0 : lsnDistance(this.#acknowledging.position, lsn));
    if (isIdle && (mustReply || now() - this.#idleAckAt >= IDLE_ACK_MS)) {
      this.#idleAckAt = now();
      this.#acknowledging.at(lsn);
    } else if (mustReply && this.#acknowledging.position !== '0/0') {
      this.#acknowledging.at(this.#acknowledging.position);
    }
  }

  #enter(status: FeedStatus): void {
    this.#status = status;
    this.#options.metrics.feedConnected.set(status === 'streaming' ? 1 : 0);
    if (status === 'streaming') for (const wake of this.#waiting) wake();
  }
}
