/**
 * A pool of sessions that knows the types of a statement's parameters and results, for REST.
 *
 * Why not @supabase/lite's own driver, postgres.js: its 3.4.9 ends the whole process when PostgreSQL closes a
 * connection between two statements of a transaction (porsager/postgres#1208), and through it, JSON arguments of
 * functions arrive encoded twice, and timestamps and bytea leave in forms that PostgREST does not use.
 */
import type { Duplex } from 'node:stream';
import pg from 'pg';
import { parseValue, serializeValue, type TypeCatalogue } from './typed-values.ts';

/**
 * Begins a statement without parameters whose result nobody reads: it goes out together with the statement that
 * follows it, as `begin` does. A round trip costs more than what most of these statements do.
 */
export const WITH_THE_NEXT = '/* with the next */';

/** Statements whose parameter types are remembered; REST has a few hundred forms of them. */
const MOST_STATEMENTS = 1_000;

/** Bytes of one statement's result; a page of the longest list has some hundred thousand. */
const LARGEST_RESULT = 8 * 1_048_576;

/** A statement whose result is too large to be kept in memory. Its session ends, and with it what it did. */
class ResultTooLarge extends Error {
  override readonly name = 'ResultTooLarge';
  /** HTTP 413, as PostgREST lets an error name its status. */
  readonly code = 'PT413';
  readonly detail = '{"code":"answer_too_large"}';
  readonly hint = `Ask for fewer rows or columns: an answer has at most ${LARGEST_RESULT} bytes.`;

  constructor() {
    super('La réponse est trop volumineuse.');
  }
}

/** What Kysely's PostgreSQL dialect needs of a pool. */
export interface TypedPool {
  connect(): Promise<TypedClient>;
  end(): Promise<void>;
  /**
   * How many sessions broke off so far, or could not be had in time: whoever needed one may have been answered in
   * any wording.
   */
  readonly lostSessions: number;
  /** Forgets the types, for when tables or types have changed. */
  forget(): void;
}

/** SQLSTATEs with which PostgreSQL ends a session. */
const ENDED = /^57P0/;

const END: ReadonlySet<string> = new Set(['commit', 'rollback']);
const NOTHING: Pick<pg.QueryResult, 'command' | 'rowCount' | 'rows'> = {
  command: 'SELECT',
  rowCount: 0,
  rows: [],
};

interface TypedClient {
  query(
    sql: string,
    parameters: readonly unknown[],
  ): Promise<Pick<pg.QueryResult, 'command' | 'rowCount' | 'rows'>>;
  release(): void;
}

/**
 * @param url connection URL
 * @param max largest number of sessions
 * @param jsonIsText whether every string for a JSON parameter is JSON already: storage writes it so, without a cast
 */
export function createTypedPool(url: string, max: number, jsonIsText = false): TypedPool {
  let catalogue: Promise<TypeCatalogue> | undefined;
  const parameterTypes = new Map<string, readonly number[]>();
  let arrays: TypeCatalogue = new Map();
  const pool = new pg.Pool({
    connectionString: url,
    max,
    application_name: 'e-pilot api',
    connectionTimeoutMillis: 5_000,
    keepAlive: true,
    types: { getTypeParser: (oid: number) => (text: string) => parseValue(text, oid, arrays) },
  });
  // A session that dies is replaced; who was using it sees its own statement fail.
  pool.on('error', () => {});
  let lostSessions = 0;
  const meters = new WeakMap<pg.PoolClient, ResultMeter>();
  pool.on('connect', (client) => {
    const meter = new ResultMeter(client, LARGEST_RESULT);
    meters.set(client, meter);
    client.on('error', () => {
      if (!meter.exceeded) lostSessions += 1;
    });
  });

  async function loadCatalogue(client: pg.PoolClient): Promise<void> {
    catalogue ??= readArrayTypes(client).catch((error: unknown) => {
      catalogue = undefined;
      throw error;
    });
    arrays = await catalogue;
  }

  async function typesOf(client: pg.PoolClient, sql: string): Promise<readonly number[]> {
    const known = parameterTypes.get(sql);
    if (known) return known;
    const types = await describeParameters(client, sql);
    const oldest = parameterTypes.keys().next();
    if (parameterTypes.size >= MOST_STATEMENTS && !oldest.done) parameterTypes.delete(oldest.value);
    parameterTypes.set(sql, types);
    return types;
  }

  return {
    async connect() {
      const client = await pool.connect().catch((error: unknown) => {
        lostSessions += 1;
        throw error;
      });
      try {
        await loadCatalogue(client);
      } catch (error) {
        client.release(true);
        throw error;
      }
      let waiting: string[] = [];
      const run: TypedClient['query'] = async (sql, parameters) => {
        if (sql === 'begin' || sql.startsWith(WITH_THE_NEXT)) {
          waiting.push(sql);
          return NOTHING;
        }
        if (waiting.length > 0) {
          const [first] = waiting;
          const together = waiting.join('; ');
          waiting = [];
          // What was never begun needs no end.
          if (first === 'begin' && END.has(sql)) return NOTHING;
          // Danger: it must have succeeded before the next is sent, which would run as the login role otherwise.
          await client.query(together);
        }
        meters.get(client)?.reset();
        if (parameters.length === 0) return client.query(sql);
        const types = await typesOf(client, sql);
        const values = parameters.map((value, index) => {
          // A cast says that the value was written as JSON already; without one, it is the value itself.
          const isText = jsonIsText || sql.includes(`$${index + 1}::json`);
          return serializeValue(value, types[index] ?? 0, arrays, isText);
        });
        return client.query(sql, values);
      };
      return {
        query: (sql, parameters) =>
          run(sql, parameters).catch((error: unknown) => {
            if (meters.get(client)?.exceeded) throw new ResultTooLarge();
            // The statement fails before the session's own end is noticed.
            if (ENDED.test((error as { code?: string }).code ?? '')) lostSessions += 1;
            throw error;
          }),
        release: () => client.release(),
      };
    },
    end: () => pool.end(),
    get lostSessions() {
      return lostSessions;
    },
    forget() {
      catalogue = undefined;
      parameterTypes.clear();
    },
  };
}

/** Counts what a session is sent, and cuts it off beyond a bound: PostgreSQL itself sets no bound to a result. */
class ResultMeter {
  #bytes = 0;
  #exceeded = false;

  constructor(client: pg.PoolClient, largest: number) {
    const { stream } = (client as unknown as { connection: { stream: Duplex } }).connection;
    stream.on('data', (chunk: Buffer) => {
      this.#bytes += chunk.length;
      if (this.#bytes <= largest || this.#exceeded) return;
      this.#exceeded = true;
      stream.destroy();
    });
  }

  get exceeded(): boolean {
    return this.#exceeded;
  }

  /** Another statement begins. */
  reset(): void {
    this.#bytes = 0;
  }
}

async function readArrayTypes(client: pg.PoolClient): Promise<TypeCatalogue> {
  const { rows } = await client.query<{ array: number; element: number }>(
    `select oid::int4 as array, typelem::int4 as element from pg_catalog.pg_type where typcategory = 'A'`,
  );
  return new Map(rows.map(({ array, element }) => [array, element]));
}

/** The protocol's view of a session, which the types of `pg` keep to themselves. */
interface ProtocolConnection {
  parse(statement: { name: string; text: string; types: number[] }, more: boolean): void;
  describe(statement: { type: 'S'; name: string }, more: boolean): void;
  sync(): void;
  once(event: 'parameterDescription', listener: (message: { dataTypeIDs: number[] }) => void): void;
  off(event: 'parameterDescription', listener: (message: { dataTypeIDs: number[] }) => void): void;
}

/** Asks PostgreSQL which types it gives to a statement's parameters, without running it. */
function describeParameters(client: pg.PoolClient, text: string): Promise<readonly number[]> {
  return new Promise((resolve, reject) => {
    let types: readonly number[] = [];
    const remember = (message: { dataTypeIDs: number[] }): void => void (types = message.dataTypeIDs);
    const description = {
      submit(connection: ProtocolConnection) {
        connection.once('parameterDescription', remember);
        connection.parse({ name: '', text, types: [] }, true);
        connection.describe({ type: 'S', name: '' }, true);
        connection.sync();
      },
      handleRowDescription() {},
      handleError(error: Error, connection: ProtocolConnection) {
        connection.off('parameterDescription', remember);
        reject(error);
      },
      handleReadyForQuery: () => resolve(types),
    };
    client.query(description as unknown as pg.Submittable);
  });
}
