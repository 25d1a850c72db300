/**
 * A pool of sessions that knows the types of a statement's parameters and results, for REST.
 *
 * Why not @supabase/lite's own driver, postgres.js: its 3.4.9 ends the whole process when PostgreSQL closes a
 * connection between two statements of a transaction (porsager/postgres#1208), and through it, JSON arguments of
 * functions arrive encoded twice, and timestamps and bytea leave in forms that PostgREST does not use.
 */
import type { Duplex } from 'node:stream';
import pg from 'pg';
import { runBehind } from './statement-train.ts';
import { parseValue, serializeValue, type TypeCatalogue } from './typed-values.ts';

/**
 * Begins a statement without parameters whose result nobody reads: it goes out together with the statement that
 * follows it, as `begin` does. A round trip costs more than what most of these statements do.
 */
export const WITH_THE_NEXT = '/* with the next */';

/** Statements whose parameters are remembered; REST has a few hundred forms of them. */
const MOST_STATEMENTS = 1_000;
/** Longest statement that is remembered, characters: longer ones are lists of rows or values, and do not come again. */
const LONGEST_REMEMBERED = 8_192;

/** What one statement may carry. */
interface Bounds {
  /** Danger: beyond 32,767 the parser of `pg` reads a negative number of parameters, and throws. */
  parameters: number;
  /** Bytes of its result; a page of the longest list has some hundred thousand. */
  result: number;
}
const BOUNDS: Bounds = { parameters: 30_000, result: 8 * 1_048_576 };

/** A statement with more parameters than the protocol can count. */
class TooManyParameters extends Error {
  override readonly name = 'TooManyParameters';
  readonly code = 'PT413';
  readonly detail = '{"code":"too_many_values"}';
  readonly hint: string;

  constructor(most: number) {
    super('La requête compte trop de valeurs.');
    this.hint = `Send fewer rows or values: a statement has at most ${most}.`;
  }
}

/** A statement whose result is too large to be kept in memory. Its session ends, and with it what it did. */
class ResultTooLarge extends Error {
  override readonly name = 'ResultTooLarge';
  /** HTTP 413, as PostgREST lets an error name its status. */
  readonly code = 'PT413';
  readonly detail = '{"code":"answer_too_large"}';
  readonly hint: string;

  constructor(most: number) {
    super('La réponse est trop volumineuse.');
    this.hint = `Ask for fewer rows or columns: an answer has at most ${most} bytes.`;
  }
}

/** What Kysely's PostgreSQL dialect needs of a pool. */
export interface TypedPool {
  connect(): Promise<TypedClient>;
  /** Opens all sessions ahead of the requests. Ends without an error where that fails: the next request tries again. */
  fill(): Promise<void>;
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

/** What PostgreSQL says of a statement's parameters. */
interface Parameters {
  types: readonly number[];
  /** Numbers, from 1, of those that are cast to JSON. */
  asJson: ReadonlySet<number>;
}

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
 * @param bounds of one statement, beyond which it fails with `PT413`
 */
export function createTypedPool(url: string, max: number, jsonIsText = false, bounds = BOUNDS): TypedPool {
  let catalogue: Promise<TypeCatalogue> | undefined;
  const known = new Map<string, Parameters>();
  let arrays: TypeCatalogue = new Map();
  const types = { getTypeParser: (oid: number) => (text: string) => parseValue(text, oid, arrays) };
  const pool = new pg.Pool({
    connectionString: url,
    max,
    application_name: 'e-pilot api',
    connectionTimeoutMillis: 5_000,
    // A session stays: opening one, and its first statements, cost more than a hundred later ones.
    idleTimeoutMillis: 0,
    keepAlive: true,
    types,
  });
  // A session that dies is replaced; who was using it sees its own statement fail.
  pool.on('error', () => {});
  let lostSessions = 0;
  const meters = new WeakMap<pg.PoolClient, ResultMeter>();
  pool.on('connect', (client) => {
    const meter = new ResultMeter(client, bounds.result);
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

  async function parametersOf(client: pg.PoolClient, sql: string): Promise<Parameters> {
    const remembered = known.get(sql);
    if (remembered) return remembered;
    const oids = await describeParameters(client, sql);
    // A cast says that the value was written as JSON already; without one, it is the value itself.
    const asJson = new Set([...sql.matchAll(/\$(\d+)::json/g)].map(([, number]) => Number(number)));
    const parameters = { types: oids, asJson };
    if (sql.length > LONGEST_REMEMBERED) return parameters;
    const oldest = known.keys().next();
    if (known.size >= MOST_STATEMENTS && !oldest.done) known.delete(oldest.value);
    known.set(sql, parameters);
    return parameters;
  }

  async function valuesOf(
    client: pg.PoolClient,
    sql: string,
    parameters: readonly unknown[],
  ): Promise<unknown[]> {
    const { types: oids, asJson } = await parametersOf(client, sql);
    return parameters.map((value, index) =>
      serializeValue(value, oids[index] ?? 0, arrays, jsonIsText || asJson.has(index + 1)),
    );
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
        const before = waiting;
        waiting = [];
        // What was never begun needs no end.
        if (before[0] === 'begin' && END.has(sql)) return NOTHING;
        if (parameters.length > bounds.parameters) throw new TooManyParameters(bounds.parameters);
        let behind: readonly string[] = before;
        if (parameters.length > 0 && before.length > 0 && !known.has(sql)) {
          // Its types are asked as the role that it will run as.
          await client.query(before.join('; '));
          behind = [];
        }
        meters.get(client)?.reset();
        const values = parameters.length === 0 ? [] : await valuesOf(client, sql, parameters);
        if (behind.length > 0) return runBehind(client, behind, { text: sql, values, types });
        return client.query(sql, values);
      };
      return {
        query: (sql, parameters) =>
          run(sql, parameters).catch((error: unknown) => {
            if (meters.get(client)?.exceeded) throw new ResultTooLarge(bounds.result);
            // The statement fails before the session's own end is noticed.
            if (ENDED.test((error as { code?: string }).code ?? '')) lostSessions += 1;
            throw error;
          }),
        release: () => client.release(),
      };
    },
    async fill() {
      // All are taken before the first is given back.
      const sessions = await Promise.allSettled(Array.from({ length: max }, () => pool.connect()));
      for (const session of sessions) if (session.status === 'fulfilled') session.value.release();
    },
    end: () => pool.end(),
    get lostSessions() {
      return lostSessions;
    },
    forget() {
      catalogue = undefined;
      known.clear();
    },
  };
}

/**
 * Stands between a session's socket and the parser of `pg`. It counts what the session is sent and cuts it off beyond a
 * bound: PostgreSQL itself sets no bound to a result. What the parser throws, where nothing else could catch it, costs
 * the session and not the process.
 */
class ResultMeter {
  #bytes = 0;
  #exceeded = false;

  constructor(client: pg.PoolClient, largest: number) {
    const { stream } = (client as unknown as { connection: { stream: Duplex } }).connection;
    const parsers = stream.listeners('data') as ((chunk: Buffer) => void)[];
    stream.removeAllListeners('data');
    stream.on('data', (chunk: Buffer) => {
      this.#bytes += chunk.length;
      this.#exceeded ||= this.#bytes > largest;
      if (this.#exceeded) return void stream.destroy();
      try {
        for (const parse of parsers) parse(chunk);
      } catch (error) {
        stream.destroy(error as Error);
      }
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
