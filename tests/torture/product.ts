/** The product, killed in the middle of anything and started again on the same data under the same address. */
import { createServer } from 'node:net';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { type Product, readMetric, startProduct } from '../../bench/product.ts';
import { stopOrphan } from '../../server/postgres/postmaster.ts';

/** Law: ports from here on are below those that systems give to outgoing connections, so nobody takes it meanwhile. */
const LOWEST_PORT = 20_000;
const PORTS = 10_000;
/** Longest wait for a product that was killed to serve again, milliseconds. */
const RECOVERY_LIMIT_MS = 180_000;
const POLL_MS = 20;

export class MortalProduct {
  /** Stays the same over restarts, as do the keys. */
  readonly url: string;
  readonly publishableKey: string;
  readonly dataDir: string;
  #product: Product;
  #pool: pg.Pool;
  #restart: Promise<void> | undefined;

  private constructor(dataDir: string, product: Product) {
    this.dataDir = dataDir;
    this.#product = product;
    this.#pool = openPool(product.databaseUrl);
    this.url = product.url;
    this.publishableKey = product.publishableKey;
  }

  /**
   * Starts it on an empty directory, with demo data.
   *
   * @param preload a module that runs in the server's process before it, until that is killed
   * @throws Error with what the server wrote when it cannot start
   */
  static async start(preload?: string): Promise<MortalProduct> {
    const dataDir = await mkdtemp(join(tmpdir(), 'epilot-torture-'));
    try {
      const port = await freePort();
      return new MortalProduct(
        dataDir,
        await startProduct({ dataDir, port, ...(preload === undefined ? {} : { preload }) }),
      );
    } catch (error) {
      await rm(dataDir, { recursive: true, force: true });
      throw error;
    }
  }

  /** The process that serves now. */
  get pid(): number {
    return this.#product.pid;
  }

  /** Resolves when the process that serves now has ended, with a sentence that says how. */
  get ended(): Promise<string> {
    return this.#product.ended;
  }

  /** What the server wrote last. */
  lastWords(): string {
    return this.#product.lastWords();
  }

  /** One of the server's metrics, all labels together; 0 when there is none of that name. */
  readMetric(name: string): Promise<number> {
    return readMetric(this.url, name);
  }

  /** Runs one statement as the owner of the tables. @throws what the driver throws, also while PostgreSQL is away */
  query<Row extends pg.QueryResultRow>(sql: string, parameters?: unknown[]): Promise<pg.QueryResult<Row>> {
    return this.#pool.query<Row>(sql, parameters);
  }

  /** Runs `act` on a session of its own. */
  async session<Result>(act: (client: pg.PoolClient) => Promise<Result>): Promise<Result> {
    const client = await this.#pool.connect();
    try {
      const result = await act(client);
      client.release();
      return result;
    } catch (error) {
      // Whatever state it is in, nobody gets it after.
      client.release(true);
      throw error;
    }
  }

  /** The process that all of PostgreSQL hangs on. */
  async postmasterPid(): Promise<number> {
    const lock = await readFile(join(this.dataDir, 'postgres', 'postmaster.pid'), 'utf8');
    const pid = Number(lock.split('\n')[0]);
    if (!Number.isInteger(pid) || pid <= 0) throw new Error('PostgreSQL has written no process id');
    return pid;
  }

  /**
   * Kills the server's process without warning; PostgreSQL, which it started, lives on until the next start finds it.
   *
   * @param meanwhile runs before the server is started again
   */
  killServer(meanwhile: () => Promise<unknown> = async () => {}): Promise<void> {
    return (this.#restart = this.#killServer(meanwhile));
  }

  async #killServer(meanwhile: () => Promise<unknown>): Promise<void> {
    const runtime = await readFile(join(this.dataDir, 'runtime.json'), 'utf8');
    const port = Number(new URL(this.url).port);
    process.kill((JSON.parse(runtime) as { pid: number }).pid, 'SIGKILL');
    await this.#product.stop();
    await meanwhile();
    this.#product = await startProduct({ dataDir: this.dataDir, port });
    // PostgreSQL is at another port now.
    void this.#pool.end().catch(() => {});
    this.#pool = openPool(this.#product.databaseUrl);
  }

  /**
   * Does what ends every session of PostgreSQL, and waits until all serves again.
   *
   * @returns how long that took, milliseconds; `null` when it could not be done
   */
  async outlive(kill: () => Promise<boolean>): Promise<number | null> {
    const watch = await this.#pool.connect();
    const ended = new Promise<void>((resolve) => watch.once('end', resolve));
    const began = Date.now();
    try {
      if (!(await kill())) return null;
      // What still answers a moment after the kill says nothing.
      await ended;
    } finally {
      watch.release(true);
    }
    await this.healthy();
    return Date.now() - began;
  }

  /** Waits until the server says that all is well and PostgreSQL takes statements. */
  async healthy(): Promise<void> {
    const deadline = Date.now() + RECOVERY_LIMIT_MS;
    for (;;) {
      const wrong = await this.#whatIsWrong();
      if (wrong === null) return;
      if (Date.now() > deadline) {
        throw new Error(`The product was not healthy within ${RECOVERY_LIMIT_MS} ms: ${wrong}`);
      }
      await pause(POLL_MS);
    }
  }

  async #whatIsWrong(): Promise<string | null> {
    try {
      const health = await fetch(`${this.url}/health`);
      if (!health.ok) return await health.text();
      await this.query('select');
      return null;
    } catch (error) {
      return String(error);
    }
  }

  /** Stops whatever still runs, and removes the data. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#restart?.catch(() => {});
    await this.#product.stop();
    await stopOrphan(join(this.dataDir, 'postgres'));
    await this.#pool.end().catch(() => {});
    await rm(this.dataDir, { recursive: true, force: true });
  }
}

function openPool(connectionString: string): pg.Pool {
  const pool = new pg.Pool({ connectionString, max: 40, connectionTimeoutMillis: 10_000 });
  // A session that is killed is replaced; whoever used it sees its own statement fail.
  pool.on('error', () => {});
  pool.on('connect', (client) => client.on('error', () => {}));
  return pool;
}

async function freePort(): Promise<number> {
  for (;;) {
    const port = LOWEST_PORT + Math.floor(Math.random() * PORTS);
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => resolve(true));
    });
    await new Promise((resolve) => server.close(resolve));
    if (isFree) return port;
  }
}
