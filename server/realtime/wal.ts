import { PgoutputPlugin, type Pgoutput } from 'pg-logical-replication';

export type WalMessage = Pgoutput.Message;

/**
 * The stored messages. The project's own tables are in publication `supabase_realtime`; they are not asked for while
 * `postgres_changes` is not served, since every bulk import would pass through here for nobody. A slot is not bound
 * to its publications: adding one needs no new slot.
 */
export const PUBLICATION = 'supabase_realtime_messages_publication';

/**
 * The `pgoutput` decoder with two differences: values stay the text that PostgreSQL sent (JSON goes to clients
 * unparsed), and it knows whether anything it decoded still waits to be handled.
 */
export class RawPlugin extends PgoutputPlugin {
  #waiting = 0;
  #inTransaction = false;

  constructor() {
    super({ protoVersion: 1, publicationNames: [PUBLICATION] });
  }

  override parse(buffer: Buffer): WalMessage {
    const message = super.parse(buffer);
    this.#waiting += 1;
    if (message.tag === 'relation') for (const column of message.columns) column.parser = asIs;
    if (message.tag === 'begin') this.#inTransaction = true;
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

function asIs(value: string): string {
  return value;
}
