import { PgoutputPlugin, type Pgoutput } from 'pg-logical-replication';

export type WalMessage = Pgoutput.Message;

/** The stored messages. */
export const PUBLICATION_OF_MESSAGES = 'supabase_realtime_messages_publication';
/** The project's tables whose changes may be asked for. */
export const PUBLICATION_OF_CHANGES = 'supabase_realtime';

/** Prefix of the records of the log in which `realtime.send` writes its messages. */
const EMITTED = 'realtime';
/** Prefix of the record that begins a transaction in which the gateway stores what it has delivered. */
const STORED = 'realtime.stored';

/** What the feed has no use for and counts all the same: changes of a table that nobody waits for, see docs/adr/0013. */
export interface Passed {
  tag: 'passed';
}

const PASSED: Passed = { tag: 'passed' };
/** First bytes of the messages that carry rows: insert, update, delete. The oid of the table follows. */
const ROWS = new Set([0x49, 0x55, 0x44]);
const INSERT = 0x49;

/** Who waits for changes of rows. */
export interface Audience {
  /** PostgreSQL describes a table: before its first row, and again after it was altered. */
  describe(relation: WalMessage & { tag: 'relation' }): void;
  /** Whether anybody waits for changes of the table with this oid. */
  wants(oid: number): boolean;
}

/**
 * The `pgoutput` decoder with four differences: values stay the text that PostgreSQL sent (JSON goes to clients
 * unparsed), rows that nobody waits for are passed over, so are messages that the gateway itself stores, and it knows
 * whether anything it decoded still waits to be handled.
 */
export class RawPlugin extends PgoutputPlugin {
  #waiting = 0;
  #inTransaction = false;

  readonly #audience: Audience;
  #messages = -1;
  /** Whether the transaction at hand is one in which the gateway stores messages. */
  #storing = false;

  /**
   * @param publications names of those to stream
   * @param audience asked while reading, since a row may follow the description of its table at once
   */
  constructor(publications: readonly string[], audience: Audience) {
    super({ protoVersion: 1, publicationNames: [...publications], messages: true });
    this.#audience = audience;
  }

  // The decoder hands on what it is given: the feed knows that rows may be passed over.
  override parse(buffer: Buffer): WalMessage {
    this.#waiting += 1;
    if (ROWS.has(buffer[0] ?? 0)) {
      const oid = buffer.readUInt32BE(1);
      const isPassed =
        oid === this.#messages ? this.#storing && buffer[0] === INSERT : !this.#audience.wants(oid);
      if (isPassed) return PASSED as unknown as WalMessage;
    }
    const message = super.parse(buffer);
    if (message.tag === 'relation') {
      for (const column of message.columns) column.parser = asIs;
      this.#audience.describe(message);
      if (isMessages(message)) this.#messages = message.relationOid >>> 0;
    }
    if (message.tag === 'message' && message.transactional && message.prefix !== EMITTED) {
      if (message.prefix === STORED) this.#storing = true;
      return PASSED as unknown as WalMessage;
    }
    if (message.tag === 'begin') {
      this.#inTransaction = true;
      this.#storing = false;
    }
    if (message.tag === 'commit') this.#inTransaction = false;
    return message;
  }

  /** Called once for each decoded message when nothing of it is left to do. */
  handled(): void {
    this.#waiting -= 1;
  }

  /** Whether everything that came was handled, so that a bare position may be acknowledged. */
  get idle(): boolean {
    return this.#waiting === 0 && !this.#inTransaction;
  }
}

/** Whether a table is the one of the stored messages. */
export function isMessages({
  schema,
  name,
}: Pick<WalMessage & { tag: 'relation' }, 'schema' | 'name'>): boolean {
  return schema === 'realtime' && name === 'messages';
}

function asIs(value: string): string {
  return value;
}
