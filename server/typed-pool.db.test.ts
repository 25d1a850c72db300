import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../tests/helpers/database.ts';
import { createTypedPool, WITH_THE_NEXT, type TypedPool } from './typed-pool.ts';

let database: TestDatabase;
let pool: TypedPool;
/** What was sent, a round trip each. */
let sent: () => string[];
beforeAll(async () => {
  database = await createTestDatabase({ empty: true });
});
beforeEach(async () => {
  pool = createTypedPool(database.url, 1);
  // The first statement of a pool reads the types before it.
  (await pool.connect()).release();
  const query = vi.spyOn(pg.Client.prototype, 'query');
  sent = () => query.mock.calls.map(([statement]) => statement);
});
afterEach(async () => {
  vi.restoreAllMocks();
  await pool.end();
});
afterAll(() => database.drop());

const setting = (value: string): string => `${WITH_THE_NEXT} select set_config('epilot.x', '${value}', true)`;

it('what begins a transaction travels with its first statement, in one round trip', async () => {
  const client = await pool.connect();
  await client.query('begin', []);
  await client.query(setting('one'), []);
  await client.query(setting('two'), []);
  expect(sent()).toEqual([]);
  const { rows } = await client.query(`select current_setting('epilot.x') as x`, []);
  expect(rows).toEqual([{ x: 'two' }]);
  await client.query('commit', []);
  expect(sent()).toHaveLength(2);
  client.release();
});

it('a statement does not run when what was to prepare for it has failed', async () => {
  const client = await pool.connect();
  await client.query('begin', []);
  await client.query(setting('one'), []);
  await client.query(`${WITH_THE_NEXT} select set_config('role', 'nobody at all', true)`, []);
  const ran = client.query(`select set_config('epilot.ran', 'yes', false)`, []);
  await expect(ran).rejects.toMatchObject({ code: '22023' });
  await client.query('rollback', []);
  const { rows } = await client.query(`select current_setting('epilot.ran', true) as ran`, []);
  expect(rows).toEqual([{ ran: null }]);
  client.release();
});

it('a statement is not sent when what should stand before it failed', async () => {
  const client = await pool.connect();
  await client.query('begin', []);
  await client.query(`${WITH_THE_NEXT} select 1 / 0`, []);
  await expect(client.query('create table never (id int)', [])).rejects.toThrow('division by zero');
  await client.query('rollback', []);
  expect(sent()).not.toContain('create table never (id int)');
  expect((await client.query('select 1 as one', [])).rows).toEqual([{ one: 1 }]);
  client.release();
});

it('a transaction without a statement is never begun', async () => {
  const client = await pool.connect();
  await client.query('begin', []);
  await client.query(setting('one'), []);
  await client.query('rollback', []);
  expect(sent()).toEqual([]);
  client.release();
});

it('a session that cannot be had is counted among the lost', async () => {
  const nowhere = createTypedPool('postgres://nobody@127.0.0.1:1/none', 1);
  await expect(nowhere.connect()).rejects.toThrow('ECONNREFUSED');
  expect(nowhere.lostSessions).toBe(1);
  await nowhere.end();
});

it('a session that is ended under its statement is counted by the time the statement fails', async () => {
  const client = await pool.connect();
  const { rows } = await client.query('select pg_backend_pid() as pid', []);
  const [outcome] = await Promise.allSettled([
    client.query('select pg_sleep(60)', []),
    database.query('select pg_terminate_backend($1::int)', [(rows[0] as { pid: string }).pid]),
  ]);
  expect(outcome).toMatchObject({ status: 'rejected', reason: { code: '57P01' } });
  client.release();
  expect(pool.lostSessions).toBeGreaterThan(0);
});

const many = (count: number): [string, number[]] => {
  const places = Array.from({ length: count }, (_, n) => `$${n + 1}::int`).join(',');
  return [`select array_length(array[${places}], 1) as count`, Array.from({ length: count }, (_, n) => n)];
};

it('a statement with more parameters than the protocol counts is refused before it is sent', async () => {
  const client = await pool.connect();
  expect(await client.query(...many(30_000))).toMatchObject({ rows: [{ count: 30_000 }] });
  await expect(client.query(...many(30_001))).rejects.toMatchObject({ code: 'PT413' });
  expect(await client.query('select 1 as one', [])).toMatchObject({ rows: [{ one: 1 }] });
  client.release();
});

it('what the parser of the protocol throws costs a session, and nothing else', async () => {
  const bold = createTypedPool(database.url, 1, false, { parameters: 60_000, result: 1_000_000 });
  const client = await bold.connect();
  // PostgreSQL describes them well; the parser reads their number as a negative one.
  await expect(client.query(...many(33_000))).rejects.toBeInstanceOf(Error);
  client.release();
  const next = await bold.connect();
  expect(await next.query('select 1 as one', [])).toMatchObject({ rows: [{ one: 1 }] });
  next.release();
  await bold.end();
});
