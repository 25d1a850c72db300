/**
 * `postgres_changes`: rows of the tables in publication `supabase_realtime` as they change, told to those who may read
 * them. See docs/REALTIME.md and docs/adr/0013.
 */
import type { Ask } from '../asking.ts';
import type { Metrics } from '../metrics.ts';
import type { Limits, Logger } from '../options.ts';
import type { Session } from '../sessions.ts';
import { PUBLICATION_OF_CHANGES, type Audience } from '../wal.ts';
import type { Binding, BindingParams } from './binding.ts';
import { Catalogue, unsigned } from './catalogue.ts';
import type { Relation, RowMessage, Transaction } from './change.ts';
import type { BoundCondition } from './conditions.ts';
import { Dispatcher } from './dispatcher.ts';
import { Reader } from './reader.ts';
import { Subscriber, type Sink } from './subscriber.ts';
import { checkBindings } from './subscribing.ts';
import { Tables } from './tables.ts';

export interface ChangesOptions {
  /** Asks with the gateway's own rights, or after `actAs` with a bearer's. */
  ask: Ask;
  limits: Limits;
  metrics: Metrics;
  log: Logger;
}

export class Changes implements Audience {
  readonly limits: Limits;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly tables = new Tables();
  readonly dispatcher: Dispatcher;
  /** All channels that asked for changes, whether they get any or not. */
  readonly subscribers = new Set<Subscriber>();
  readonly #ask: Ask;
  readonly #readers = new Map<string, { reader: Reader; users: number }>();
  readonly #watch: NodeJS.Timeout;
  /** The tables of the publication, as they were seen last. */
  #published: string | null = null;
  #looking = false;

  constructor({ ask, limits, metrics, log }: ChangesOptions) {
    this.#ask = ask;
    this.limits = limits;
    this.metrics = metrics;
    this.log = log;
    const catalogue = new Catalogue(ask);
    this.dispatcher = new Dispatcher({ ask, catalogue, tables: this.tables, limits, metrics, log });
    this.#watch = setInterval(() => void this.#look(), limits.publicationPollMs).unref();
  }

  /** For a channel that asks for changes. */
  subscriber(params: readonly BindingParams[], sink: Sink): Subscriber {
    const subscriber = new Subscriber(this, params, sink);
    // What is published now is what later looks are compared with.
    if (this.#published === null) void this.#look();
    return subscriber;
  }

  /** Whether a changed row of a table need be read at all. */
  wants(oid: number): boolean {
    return this.tables.wants(oid);
  }

  /** The feed describes a table. */
  describe(relation: Relation): void {
    // One that just joined the publication may be what somebody waits for.
    if (this.tables.describe(relation)) void this.#look();
  }

  /**
   * A row has changed.
   *
   * @param hold keeps its commit from being acknowledged until what it returns is called
   */
  take(message: RowMessage, transaction: Transaction, hold: () => () => void): void {
    if (this.tables.wants(unsigned(message.relation.relationOid))) {
      this.dispatcher.take(message, transaction, hold());
    }
  }

  /** @throws as `checkBindings` */
  check(bindings: readonly Binding[], session: Session): Promise<Map<string, BoundCondition>[]> {
    return checkBindings(this.#ask, bindings, session);
  }

  /** The reader for a bearer's claims. Each `enter` needs its `leave`. */
  enter(session: Session): Reader {
    const key = keyOf(session);
    const known = this.#readers.get(key) ?? { reader: new Reader(session, this.#ask, this.log), users: 0 };
    known.users += 1;
    this.#readers.set(key, known);
    return known.reader;
  }

  leave({ session }: Reader): void {
    const key = keyOf(session);
    const known = this.#readers.get(key);
    if (!known) return;
    known.users -= 1;
    if (known.users === 0) this.#readers.delete(key);
  }

  stop(): void {
    clearInterval(this.#watch);
  }

  /** PostgreSQL does not announce that a table leaves a publication, so it is looked for. */
  async #look(): Promise<void> {
    if (this.#looking || this.subscribers.size === 0) return;
    this.#looking = true;
    try {
      const rows = await this.#ask(
        `select coalesce(string_agg(format('%I.%I', schemaname, tablename), ',' order by 1), '') as tables
         from pg_publication_tables where pubname = '${PUBLICATION_OF_CHANGES}';`,
      );
      const published = rows[0]?.['tables'] ?? '';
      const changed = this.#published !== null && this.#published !== published;
      this.#published = published;
      if (changed) for (const subscriber of this.subscribers) subscriber.refresh();
    } catch (error) {
      this.log.warn({ err: error }, 'could not look which tables are published');
    } finally {
      this.#looking = false;
    }
  }
}

function keyOf({ role, claims }: Session): string {
  return `${role}\n${claims}`;
}
