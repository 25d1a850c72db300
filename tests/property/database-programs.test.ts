/**
 * I1, I2, I3, I4, I7, I10 as properties: several sessions do anything in any order, and whenever somebody looks, what is
 * committed is sound. A look is one statement, so one snapshot: it may be taken at any moment.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';
import { growthPastLimit } from '../helpers/growth.ts';
import { stateMessages } from '../helpers/messages.ts';
import { ANSWERS, programs, statementOf, type Transaction } from '../helpers/programs.ts';
import { openSessions, type Session } from '../helpers/sessions.ts';
import { UNSOUND } from '../helpers/unsound.ts';
import { createWorld, type World } from '../helpers/world.ts';

const SESSIONS = 4;

let db: TestDatabase;
let sessions: Session[];
beforeAll(async () => {
  db = await createTestDatabase();
  // Programs that lock in opposite orders are part of the game; the wait before PostgreSQL looks is not.
  await db.query(`alter database ${db.name} set deadlock_timeout = '10ms'`);
  sessions = await openSessions(db, SESSIONS);
});
afterAll(() => db.drop());

async function expectSound(world: World): Promise<void> {
  const { rows } = await db.query(UNSOUND, [world.groups]);
  expect(rows).toEqual([]);
}

const codeOf = (error: unknown): string => (error as { code?: string }).code ?? String(error);

async function run({ client }: Session, transaction: Transaction, world: World): Promise<void> {
  await client.query('begin');
  for (const operation of transaction.operations) {
    await client.query('savepoint before');
    try {
      await client.query(...statementOf(operation, world));
      await client.query('release before');
    } catch (error) {
      if (!ANSWERS.has(codeOf(error))) throw error;
      await client.query('rollback to before');
    }
  }
  await client.query(transaction.commit ? 'commit' : 'rollback');
}

test('I1, I2, I3, I4, I7, I10: whatever several sessions do at once, what is committed is sound', async () => {
  await fc.assert(
    fc.asyncProperty(programs(SESSIONS), async (scripts) => {
      const world = await createWorld(db);
      await Promise.all(
        scripts.map(async (script, n) => {
          for (const transaction of script) {
            await run(sessions[n]!, transaction, world);
            await expectSound(world);
          }
        }),
      );
      for (const group of world.groups) {
        expect(growthPastLimit(await stateMessages(db, group))).toEqual([]);
      }
    }),
    // Threads meet differently each time: a smaller program need not fail again, so none is looked for.
    { numRuns: 60, endOnFailure: true },
  );
});
