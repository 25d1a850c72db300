/** The proof of `npm run chaos`, small enough to run with every test. */
import { expect, test } from 'vitest';
import { createTestDatabase } from '../helpers/database.ts';
import { runChaos } from './run.ts';

test('sockets, feed and gateway are killed at random: nothing is missed, out of order or shown twice', async () => {
  const database = await createTestDatabase({ empty: true });
  await database.query(`alter database ${database.name} set synchronous_commit = on`);
  const report = await runChaos({
    databaseUrl: database.url,
    followers: 60,
    topics: 20,
    processes: 1,
    seconds: 6,
    messagesPerSecond: 100,
    faultEveryMs: 50,
    gatewayEveryMs: 2_000,
    seed: 20_251_117,
  });
  await database.drop();
  expect(report).toMatchObject({
    missed: 0,
    counts: { gaps: 0, shownTwice: 0, shownBackwards: 0, shownWrong: 0 },
  });
  // The run was one: everything was killed, and much was shown.
  expect(report.killed.gateway).toBeGreaterThanOrEqual(2);
  expect(report.killed.feed).toBeGreaterThan(0);
  expect(report.killed.sockets).toBeGreaterThan(100);
  expect(report.counts.shown).toBeGreaterThan(500);
});
