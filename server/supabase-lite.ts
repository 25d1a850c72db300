/**
 * With `lite-middlewares.ts`, the only file that knows @supabase/lite, which is alpha: it serves REST and storage on PostgreSQL. What it does
 * otherwise than hosted Supabase is put right here, through its internals where it offers no other way; every
 * such place is held by `supabase-lite.db.test.ts`, so that an upgrade that moves them fails there.
 */
import { App, setExperimental } from '@supabase/lite';
import { createPostgresConnection } from '@supabase/lite/postgres';
import { CompiledQuery, Kysely, PostgresDialect, type PostgresPool } from 'kysely';
import { escapeLiteral } from 'pg';
import { actFor, verifyBearer } from './lite-middlewares.ts';
import { type Relations, relationsOf } from './api/relations.ts';
import { DEFAULT_TURNS } from './http/fair-turns.ts';
import { toPostgrestError } from './postgrest-errors.ts';
import type { Claims, VerifyToken } from './tokens.ts';
import { createTypedPool, WITH_THE_NEXT } from './typed-pool.ts';
import { withOptions } from './connection-url.ts';

type Connection = ReturnType<typeof createPostgresConnection>;
type StorageAdapter = NonNullable<App['_storageAdapter']>;
type TypedConnection = Connection & { forgetTypes(): void; lostSessions(): number; fill(): Promise<void> };
type Introspection = Awaited<ReturnType<Connection['introspect']>>;

/** How long one statement of a role may run, as hosted Supabase has it. */
const STATEMENT_TIMEOUTS = { anon: '3s', authenticated: '8s', service_role: '8s' } as const;

/** The schema that REST serves. */
const SERVED = 'public';
/** What stands before the name in the path of a function. */
const RPC = '/rpc/';
/** Rows of a table in one answer, and of each table embedded in a row, as hosted Supabase has it. */
const MOST_ROWS = 1_000;
/** Sessions of REST: one for each place of a request, and for the four questions of storage at once. */
const POOL_SIZE = DEFAULT_TURNS.places + 4;
/** Sessions for storage: a file is on its way without one. */
const STORAGE_POOL_SIZE = 4;

type ApiRole = keyof typeof STATEMENT_TIMEOUTS;

/** Who a request acts as, as @supabase/lite hands it to its connection. */
interface RequestContext {
  auth?: { uid?: string | null; role?: string; jwt?: object | null };
  storage?: { operation?: string };
}

/** What a function may read of its request, as PostgREST offers it. */
interface RpcRequest {
  method: string;
  path: string;
  /** Whether the method only reads. */
  readOnly?: boolean;
  requestHeaders?: Record<string, string>;
}

/** The internals that are put right. */
interface Internals {
  rlsState: 'unknown' | 'active' | 'inactive';
  applyJwtSessionContext(transaction: Kysely<unknown>, context: RequestContext): Promise<void>;
  applyRpcRequestGucs(transaction: Kysely<unknown>, request: RpcRequest): Promise<void>;
  normalizeDbError(error: unknown): unknown;
  introspect(): Promise<Introspection>;
}

export interface SupabaseApiOptions {
  /** Connection URL of the login role that may become `anon`, `authenticated` and `service_role`, and no more. */
  databaseUrl: string;
  /** Connection URL of the owner of the tables, used only to read their definitions. */
  schemaUrl: string;
  jwtSecret: string;
  publishableKey: string;
  secretKey: string;
  verifyToken: VerifyToken;
  /** Where the bytes of stored objects lie. */
  objects: StorageAdapter;
  /** Largest number of connections. */
  poolSize?: number;
}

export interface SupabaseApi {
  /** Answers `/rest/v1/*`. Danger: nothing else of @supabase/lite may be handed a request. */
  fetch(request: Request): Promise<Response>;
  /**
   * Answers `/storage/v1/*`. Danger: only the doors that `server/storage/routes.ts` opens.
   *
   * @param as for whom the request acts, instead of the bearer of its token
   */
  fetchStorage: (request: Request, as?: Claims) => Promise<Response>;
  /** The tables that REST serves. @throws while the database is away */
  relations: () => Promise<Relations>;
  /** How many of its sessions PostgreSQL, or the way to it, has broken off or not given in time so far. */
  lostSessions(): number;
  /** Reads the definitions of tables and functions again before the next request. */
  reloadSchema(): void;
  /** Opens the sessions of REST ahead of its requests. */
  openSessions(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Makes the tables of schemas `auth` and `storage` that @supabase/lite works on. May be run again.
 *
 * @param adminUrl connection URL of a superuser
 */
export async function createSystemSchema(adminUrl: string): Promise<void> {
  const connection = connect(adminUrl, 1);
  try {
    setExperimental('storage', true);
    const app = new App({ connection, auth: { enabled: true }, storage: { enabled: true } });
    // It makes the tables only where objects can be kept; here nobody asks for one.
    app._storageAdapter = {} as NonNullable<App['_storageAdapter']>;
    await app.ensureSystemSchema();
  } finally {
    await connection.close();
  }
}

/** Serves REST and storage for the official client. */
export function createSupabaseApi(options: SupabaseApiOptions): SupabaseApi {
  const connection = connect(options.databaseUrl, options.poolSize ?? POOL_SIZE);
  const schema = new SchemaReader(connect(options.schemaUrl, 1));
  harden(connection as unknown as Internals, async () => (await schema.read()).served, schema);
  const auth = {
    enabled: true,
    enable_signup: false,
    jwt_secret: options.jwtSecret,
    publishable_key: options.publishableKey,
    secret_key: options.secretKey,
  };
  const app = new App({
    connection,
    auth,
    storage: { enabled: false },
    studio: { enabled: false },
    api: { schemas: [SERVED], max_rows: MOST_ROWS },
    options: {
      server: {
        admin: false,
        disableStudio: true,
        middlewares: [verifyBearer(options.verifyToken)],
      },
    },
  });
  // It keeps the rows of objects past all policies, and asks as the caller before: it needs a role that may both.
  const storageConnection = connect(asStorageService(options.databaseUrl), STORAGE_POOL_SIZE, true);
  harden(storageConnection as unknown as Internals, async () => (await schema.read()).all, schema);
  setExperimental('storage', true);
  const storage = new App({
    connection: storageConnection,
    auth,
    storage: { enabled: true },
    studio: { enabled: false },
    api: { schemas: [SERVED] },
    options: {
      server: { admin: false, disableStudio: true, middlewares: [verifyBearer(options.verifyToken)] },
    },
  });
  storage._storageAdapter = options.objects;
  return {
    fetch: async (request) => app.fetch(request),
    relations: async () => (await schema.read()).relations,
    fetchStorage: async (request, as) => storage.fetch(as ? actFor(request, as) : request),
    lostSessions: () => connection.lostSessions() + storageConnection.lostSessions(),
    reloadSchema() {
      schema.forget();
      connection.forgetTypes();
      storageConnection.forgetTypes();
    },
    openSessions: () => connection.fill(),
    async close() {
      await Promise.all([connection.close(), storageConnection.close(), schema.close()]);
    },
  };
}

/**
 * A connection whose statements go through our pool; the driver it comes with never opens a session. Cursors,
 * which Kysely's pool would also have, are not used.
 */
function connect(url: string, max: number, jsonIsText = false): TypedConnection {
  const connection = createPostgresConnection({ url });
  const pool = createTypedPool(url, max, jsonIsText);
  connection.kysely = new Kysely({ dialect: new PostgresDialect({ pool: pool as unknown as PostgresPool }) });
  return Object.assign(connection, {
    forgetTypes: () => pool.forget(),
    lostSessions: () => pool.lostSessions,
    fill: () => pool.fill(),
    close: () => pool.end(),
  });
}

/**
 * The same login, acting as `service_role` unless a request says whom it acts for. It alone may delete rows of storage, and
 * says so as Supabase's Storage does.
 */
function asStorageService(url: string): string {
  return withOptions(url, '-c role=service_role -c storage.allow_delete_query=true');
}

function harden(connection: Internals, introspect: Internals['introspect'], schema: SchemaReader): void {
  // Danger: in state `unknown`, the first request grants ALL on every table to anon and authenticated.
  connection.rlsState = 'active';

  // With the role's own time limit, which `set role` does not bring along.
  connection.applyJwtSessionContext = async (transaction, { auth, storage }) => {
    const role = auth?.role || 'anon';
    if (!isApiRole(role)) throw new Error(`A request cannot act as ${role}`);
    await applySettings(transaction, {
      'request.jwt.claims': JSON.stringify(auth?.jwt ?? { role }),
      'request.jwt.claim.sub': auth?.uid ?? '',
      'request.jwt.claim.role': role,
      'storage.operation': storage?.operation ?? '',
      statement_timeout: STATEMENT_TIMEOUTS[role],
      role,
    });
  };

  // Law, as PostgREST: what is declared stable or immutable only reads, by POST too.
  connection.applyRpcRequestGucs = async (transaction, request) => {
    const { method, path, requestHeaders } = request;
    const readOnly = request.readOnly === true || (await schema.read()).readers.has(path.slice(RPC.length));
    // It would say so in a round trip of its own.
    request.readOnly = false;
    await applySettings(transaction, {
      'response.status': '',
      'response.headers': '',
      'request.method': method,
      'request.path': path,
      'request.headers': JSON.stringify(requestHeaders ?? {}),
      ...(readOnly && { transaction_read_only: 'on' }),
    });
  };

  // It answers many errors with a bare 500; the code PGRST lets an error choose its own answer.
  const normalize = connection.normalizeDbError.bind(connection);
  connection.normalizeDbError = (error) => {
    const answer = toPostgrestError(error);
    if (!answer) return normalize(error);
    return {
      code: 'PGRST',
      message: JSON.stringify(answer.body),
      detail: JSON.stringify({ status: answer.status, headers: {} }),
    };
  };

  connection.introspect = introspect;
}

/** Settings of a transaction, in the order given; they travel with the statement that they are for. */
async function applySettings(
  transaction: Kysely<unknown>,
  settings: Readonly<Record<string, string>>,
): Promise<void> {
  const calls = Object.entries(settings).map(([name, value]) => {
    // Danger: the text of a statement ends at a NUL.
    if (value.includes('\0')) throw new Error(`${name} would hold a NUL`);
    return `set_config('${name}', ${escapeLiteral(value)}, true)`;
  });
  await transaction.executeQuery(CompiledQuery.raw(`${WITH_THE_NEXT} select ${calls.join(', ')}`));
}

function isApiRole(role: string): role is ApiRole {
  return Object.hasOwn(STATEMENT_TIMEOUTS, role);
}

interface Definitions {
  relations: Relations;
  all: Introspection;
  /** Those of the schema that REST serves: it takes tables of one name in two schemas for one another. */
  served: Introspection;
  /** Names of its functions that are declared to write nothing. */
  readers: ReadonlySet<string>;
}

/**
 * The definitions of tables and functions, kept in memory. They are read by their owner: the API's login role
 * sees no table in `information_schema`, and should not have to.
 */
class SchemaReader {
  readonly #connection: Connection;
  #current: Promise<Definitions> | undefined;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  read(): Promise<Definitions> {
    this.#current ??= this.#load().catch((error: unknown) => {
      this.#current = undefined;
      throw error;
    });
    return this.#current;
  }

  forget(): void {
    this.#current = undefined;
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  async #load(): Promise<Definitions> {
    const all = await this.#connection.introspect({ useCache: false });
    // It turns a failure into a database without anything.
    if (all.tables.length === 0) throw new Error('The definitions of the tables could not be read');
    const served = onlyServed(all);
    return { all, served, readers: readersOf(served), relations: relationsOf(served) };
  }
}

/** A name of which one function is volatile may write: it is not known here which of them is called. */
function readersOf({ functions = [] }: Introspection): ReadonlySet<string> {
  const writers = new Set(functions.filter(({ volatility }) => volatility === 'v').map(({ name }) => name));
  return new Set(functions.map(({ name }) => name).filter((name) => !writers.has(name)));
}

function onlyServed(all: Introspection): Introspection {
  const isServed = ({ schema = SERVED, ref_schema = SERVED }: Located): boolean =>
    schema === SERVED && ref_schema === SERVED;
  const lists = Object.entries(all).map(([name, value]) => [
    name,
    Array.isArray(value) && name !== 'timezones' ? (value as Located[]).filter(isServed) : value,
  ]);
  return Object.fromEntries(lists) as Introspection;
}

/** What every definition says of its place; a foreign key also says where it leads. */
interface Located {
  schema?: string;
  ref_schema?: string;
}
