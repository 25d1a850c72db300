import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../tests/helpers/database.ts';
import { createAsk, type Ask } from '../asking.ts';
import { untilVisible } from './visibility.ts';

let database: TestDatabase;
let pool: pg.Pool;
let ask: Ask;

beforeAll(async () => {
  database = await createTestDatabase({ empty: true });
  pool = new pg.Pool({ connectionString: database.url, max: 1 });
  ask = createAsk(pool, { probeTimeoutMs: 5_000 });
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

test('it waits until the transaction has ended, and no longer', async () => {
  const writer = await database.connect();
  await writer.query('begin');
  const { rows } = await writer.query<{ xid: string }>('select pg_current_xact_id()::text as xid');
  const xid = Number(BigInt(rows[0]?.xid ?? 0) & 0xffffffffn);

  await expect(untilVisible(ask, [xid], 20)).rejects.toThrow('does not become visible');
  const waiting = untilVisible(ask, [xid], 10_000);
  await writer.query('commit');
  await waiting;
});
