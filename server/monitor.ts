import { EventEmitter } from 'node:events';
import pg from 'pg';
import type { Logger } from 'pino';
import { z } from 'zod';

const accessChange = z.object({ session: z.string().exactOptional(), subject: z.string().exactOptional() });

/** Whose rights may have changed: those of one session, or of a person wherever they are signed in. */
export type AccessChange = z.infer<typeof accessChange>;

const CHECK_TIMEOUT_MS = 2_000;
const FIRST_RETRY_MS = 50;
const LONGEST_RETRY_MS = 1_000;

/**
 * Knows whether the database answers, by holding one session open: it ends the moment PostgreSQL dies, long
 * before a request would find out. Emits `up`, `down`, `schema` when somebody issued `notify pgrst`, as migrations do
 * on Supabase to have the API read the definitions again, and `access` when somebody may have lost rights.
 */
export class DatabaseMonitor extends EventEmitter<{
  up: [];
  down: [];
  schema: [];
  access: [AccessChange];
}> {
  readonly #url: string;
  readonly #logger: Logger;
  #client: pg.Client | undefined;
  #retry: NodeJS.Timeout | undefined;
  #retryMs = FIRST_RETRY_MS;
  #outages = 0;
  #closed = false;

  constructor(url: string, logger: Logger) {
    super();
    this.#url = url;
    this.#logger = logger;
  }

  /** Whether the session is open. */
  get available(): boolean {
    return this.#client !== undefined;
  }

  /** How often the database went away so far. */
  get outages(): number {
    return this.#outages;
  }

  /** Opens the session. @throws what the driver throws when the database cannot be reached now */
  async start(): Promise<void> {
    await this.#connect();
  }

  /** Asks the database whether it answers at this moment. */
  async check(): Promise<boolean> {
    const client = this.#client;
    if (!client) return false;
    try {
      await client.query('select');
      return true;
    } catch {
      return false;
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#retry);
    const client = this.#client;
    this.#client = undefined;
    await client?.end();
  }

  async #connect(): Promise<void> {
    const client = new pg.Client({
      connectionString: this.#url,
      application_name: 'e-pilot monitor',
      connectionTimeoutMillis: CHECK_TIMEOUT_MS,
      query_timeout: CHECK_TIMEOUT_MS,
      keepAlive: true,
    });
    // The end of the session follows every error, and says all there is to know.
    client.on('error', () => {});
    client.on('notification', ({ channel, payload }) => {
      if (channel === 'pgrst') this.emit('schema');
      else this.emit('access', readChange(payload ?? ''));
    });
    await client.connect();
    await client.query('listen pgrst; listen access_changed');
    if (this.#closed) return client.end();
    this.#client = client;
    this.#retryMs = FIRST_RETRY_MS;
    client.once('end', () => {
      if (this.#client !== client) return;
      this.#client = undefined;
      this.#outages++;
      this.#logger.error('The database does not answer');
      this.emit('down');
      this.#retryLater();
    });
  }

  #retryLater(): void {
    if (this.#closed) return;
    this.#retry = setTimeout(() => {
      this.#connect().then(
        () => this.#announceReturn(),
        () => {
          this.#retryMs = Math.min(this.#retryMs * 2, LONGEST_RETRY_MS);
          this.#retryLater();
        },
      );
    }, this.#retryMs);
  }

  #announceReturn(): void {
    if (this.#closed) return;
    this.#logger.warn('The database answers again');
    this.emit('up');
  }
}

/** Danger: whoever may log in to the database may notify anything. */
function readChange(payload: string): AccessChange {
  try {
    return accessChange.parse(JSON.parse(payload));
  } catch {
    return {};
  }
}
