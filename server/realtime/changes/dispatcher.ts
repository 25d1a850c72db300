/**
 * The way of changes from the feed to their readers, in the order of their commits.
 *
 *   feed ──take──▶ queue ──batch──▶ catalogue, filters ──▶ one reader for each claims ──▶ channels
 *
 * The feed does not wait for any of it: a broadcast never stands behind another transaction's changes.
 */
import type { Ask } from '../asking.ts';
import { errorCode } from '../errors.ts';
import type { Metrics } from '../metrics.ts';
import type { Limits, Logger } from '../options.ts';
import { Batch } from './batch.ts';
import type { Catalogue } from './catalogue.ts';
import { readChange, type Change, type RowMessage, type Transaction } from './change.ts';
import { isDeaf, refusalOf } from './grants.ts';
import { Matching } from './matching.ts';
import type { Job, Reader } from './reader.ts';
import type { Subscriber } from './subscriber.ts';
import type { Membership, Tables } from './tables.ts';
import { untilVisible } from './visibility.ts';

/** Changes told together, and how large they may be together, bytes. */
const BATCH_MAX = 100;
const BATCH_BYTES = 4_194_304;
/** Tries before readers are sent to refetch: idle connections die when PostgreSQL restarts. */
const TRIES = 2;

type JobToBe = Omit<Job, 'matches'> & { matches: Map<Change, Membership[]> };

export interface DispatcherOptions {
  ask: Ask;
  catalogue: Catalogue;
  tables: Tables;
  limits: Limits;
  metrics: Metrics;
  log: Logger;
}

export class Dispatcher {
  readonly #options: DispatcherOptions;
  #queue: Change[] = [];
  #seq = 0;
  #bytes = 0;
  #running = false;
  /** Place of the newest change that was given to its readers. */
  #dispatched = 0;
  /** Subscribers whose broadcasts wait behind changes. */
  readonly holding = new Set<Subscriber>();

  constructor(options: DispatcherOptions) {
    this.#options = options;
  }

  /** Up to here everything was told to a reader. */
  clearedFor(reader: Reader): number {
    return reader.pending > 0 ? reader.finished : this.#dispatched;
  }

  /**
   * Takes a change of a table that somebody waits for.
   *
   * @param release called once, when it was told to everybody
   */
  take(message: RowMessage, transaction: Transaction, release: () => void): void {
    const { limits, metrics, tables } = this.#options;
    this.#seq += 1;
    const change = readChange(message, transaction, this.#seq, () => {
      this.#bytes -= change.bytes;
      metrics.changesBacklog.set(this.#bytes);
      release();
    });
    this.#bytes += change.bytes;
    metrics.changesBacklog.set(this.#bytes);
    for (const { subscriber } of tables.members(change.relation)) subscriber.awaits = change.seq;
    this.#queue.push(change);
    if (this.#bytes > limits.changesBacklogBytes) this.#overflow();
    else if (!this.#running) void this.#run();
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#queue.length > 0) {
      const changes = this.#next();
      await this.#dispatch(changes, TRIES);
      this.#dispatched = changes.at(-1)?.seq ?? this.#dispatched;
      this.#flush();
    }
    this.#running = false;
  }

  /** The changes of one table at the head of the queue. */
  #next(): Change[] {
    const relation = this.#queue[0]?.relation;
    let count = 0;
    let bytes = 0;
    for (const change of this.#queue) {
      if (change.relation !== relation || count === BATCH_MAX || (count > 0 && bytes > BATCH_BYTES)) break;
      bytes += change.bytes;
      count += 1;
    }
    return this.#queue.splice(0, count);
  }

  async #dispatch(changes: readonly Change[], tries: number): Promise<void> {
    const { log, metrics, tables } = this.#options;
    const relation = changes[0]?.relation;
    if (!relation) return;
    const release = (): void => {
      for (const change of changes) change.release();
    };
    try {
      const jobs = await this.#jobs(changes, [...tables.members(relation)]);
      const told = [...jobs].map(([reader, job]) => reader.take(job).then(() => this.#flush()));
      metrics.messages.inc({ source: 'postgres_changes' }, changes.length);
      void Promise.all(told).then(release);
    } catch (error) {
      if (tries > 1) return this.#dispatch(changes, tries - 1);
      log.warn({ err: error, code: errorCode(error), table: relation.name }, 'changes could not be told');
      for (const { subscriber } of tables.members(relation)) subscriber.interrupt();
      release();
    }
  }

  async #jobs(changes: readonly Change[], members: readonly Membership[]): Promise<Map<Reader, Job>> {
    const { ask, catalogue, limits } = this.#options;
    const jobs = new Map<Reader, JobToBe>();
    const relation = changes[0]?.relation;
    if (members.length > 0) {
      const xids = [...new Set(changes.map(({ xid }) => xid))];
      await untilVisible(ask, xids, limits.changeProbeTimeoutMs);
    }
    const facts = relation && members.length > 0 ? await catalogue.table(relation) : null;
    if (!relation || !facts) return jobs;
    const batch = new Batch(changes, relation, facts, ask);
    const readableBy = new Map<string, ReadonlySet<string>>();
    for (const { subscriber } of members) {
      const role = subscriber.reader?.session.role;
      if (role === undefined || readableBy.has(role)) continue;
      readableBy.set(role, await catalogue.readable(relation, role));
    }
    // Whom a grant is missing must not even hear that a filter cannot be evaluated.
    const hears = ({ binding, subscriber: { reader } }: Membership): boolean => {
      const readable = reader && readableBy.get(reader.session.role);
      return readable ? !isDeaf(binding, readable, facts) : false;
    };
    const matching = await Matching.of(ask, batch, members.filter(hears));
    for (const member of members.filter(hears)) {
      const complaint = matching.complaint(member);
      if (complaint !== null) member.subscriber.fail(complaint);
      const { reader } = member.subscriber;
      if (!reader) continue;
      let job = jobs.get(reader);
      if (!job) {
        const readable = readableBy.get(reader.session.role) ?? new Set();
        job = { batch, matches: new Map(), readable, refusal: refusalOf(readable, facts) };
        jobs.set(reader, job);
      }
      for (const change of changes) {
        const { event } = member.binding;
        const refused =
          job.refusal !== null && change.kind !== 'DELETE' && (event === '*' || event === change.kind);
        if (!refused && !matching.accepts(member, change)) continue;
        const waiting = job.matches.get(change);
        if (waiting) waiting.push(member);
        else job.matches.set(change, [member]);
      }
    }
    for (const [reader, job] of jobs) if (job.matches.size === 0) jobs.delete(reader);
    return jobs;
  }

  #flush(): void {
    for (const subscriber of this.holding) subscriber.flush();
  }

  /** More waits than may be kept: whoever is behind is sent to rejoin and refetch. Nothing is dropped in silence. */
  #overflow(): void {
    const { log, metrics, tables } = this.#options;
    log.warn({ bytes: this.#bytes }, 'changes come faster than they can be told');
    for (const subscriber of tables.subscribers()) {
      if (!subscriber.isBehind) continue;
      metrics.changesCut.inc();
      subscriber.interrupt();
    }
    for (const change of this.#queue.splice(0)) change.release();
  }
}
