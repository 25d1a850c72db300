import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { inject } from 'vitest';
import { SUPERUSER } from '../../server/postgres/cluster.ts';
import { TEMPLATES, type TemplateName } from './cluster.ts';

/** Who acts: the user's id and the API role, as a verified token would carry them. */
export interface Actor {
  sub?: string;
  /** `authenticated` unless said otherwise. */
  role?: 'anon' | 'authenticated' | 'service_role';
}

export interface TestDatabase {
  name: string;
  /** Connection URL of the superuser. */
  adminUrl: string;
  /** Connection URL of role `postgres`, which owns the migrations' objects. */
  url: string;
  /** Connection URL of the API's login role. */
  authenticatorUrl: string;
  /** Runs one statement as superuser. */
  query<Row extends pg.QueryResultRow>(sql: string, parameters?: unknown[]): Promise<pg.QueryResult<Row>>;
  /** A new session of role `postgres`; ended with the database if the test does not end it. */
  connect(): Promise<pg.Client>;
  /** Runs `act` in one transaction as that user, committed at the end, rolled back when it throws. */
  as<Result>(actor: Actor, act: (client: pg.Client) => Promise<Result>): Promise<Result>;
  /** Ends all sessions and removes the database. */
  drop(): Promise<void>;
}

/** Whatever statements can be sent to. */
export type Queryable = Pick<TestDatabase, 'query'>;

/**
 * Clones a fresh database from a template.
 *
 * @param options `seeds` for demo data, `empty` for the platform without migrations
 */
export async function createTestDatabase(
  options: { seeds?: boolean; empty?: boolean } = {},
): Promise<TestDatabase> {
  const template: TemplateName = options.empty ? 'platform' : options.seeds ? 'seeded' : 'migrated';
  const { port, password, failures } = inject('cluster');
  if (failures[template]) throw new Error(`No ${template} database: ${failures[template]}`);

  const name = `test_${randomUUID().replaceAll('-', '')}`;
  const url = (user: string, database: string): string =>
    `postgres://${user}:${password}@127.0.0.1:${port}/${database}`;
  const maintenanceUrl = url(SUPERUSER, 'postgres');
  await runOnce(maintenanceUrl, [
    `create database ${name} template ${TEMPLATES[template]}`,
    // A clone keeps all rights but those on the database itself.
    `grant all on database ${name} to postgres`,
  ]);

  const clients = new Set<pg.Client>();
  const open = async (connectionString: string): Promise<pg.Client> => {
    const client = new pg.Client({ connectionString });
    // A session that drop() cuts reports it here; a test that needs the session sees its query fail.
    client.on('error', () => {});
    await client.connect();
    clients.add(client);
    return client;
  };
  let admin: Promise<pg.Client> | undefined;

  return {
    name,
    adminUrl: url(SUPERUSER, name),
    url: url('postgres', name),
    authenticatorUrl: url('authenticator', name),
    async query<Row extends pg.QueryResultRow>(sql: string, parameters?: unknown[]) {
      admin ??= open(url(SUPERUSER, name));
      return (await admin).query<Row>(sql, parameters);
    },
    connect: () => open(url('postgres', name)),
    async as(actor, act) {
      const client = await open(url('postgres', name));
      try {
        return await inTransactionAs(client, actor, act);
      } finally {
        clients.delete(client);
        await client.end();
      }
    },
    async drop() {
      await Promise.all([...clients].map((client) => client.end().catch(() => {})));
      await dropDatabase(maintenanceUrl, name);
    },
  };
}

async function inTransactionAs<Result>(
  client: pg.Client,
  { sub, role = 'authenticated' }: Actor,
  act: (client: pg.Client) => Promise<Result>,
): Promise<Result> {
  await client.query('begin');
  try {
    await client.query(`select set_config('request.jwt.claims', $1, true)`, [
      JSON.stringify({ ...(sub === undefined ? {} : { sub }), role, aud: role }),
    ]);
    await client.query(`set local role ${pg.escapeIdentifier(role)}`);
    const result = await act(client);
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback');
    throw error;
  }
}

async function dropDatabase(maintenanceUrl: string, name: string): Promise<void> {
  const client = new pg.Client({ connectionString: maintenanceUrl });
  await client.connect();
  try {
    // PostgreSQL keeps a database while a replication slot of it is being read, `force` or not.
    for (;;) {
      const { rowCount } = await client.query(
        `select pg_terminate_backend(active_pid) from pg_replication_slots
         where database = $1 and active_pid is not null`,
        [name],
      );
      if (rowCount === 0) break;
    }
    await client.query(`drop database if exists ${name} with (force)`);
  } finally {
    await client.end();
  }
}

async function runOnce(connectionString: string, statements: string[]): Promise<void> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    for (const sql of statements) await client.query(sql);
  } finally {
    await client.end();
  }
}
