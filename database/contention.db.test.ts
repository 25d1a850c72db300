/**
 * I1, I2 where everybody wants the last place: 64 writers at one limit, round after round, and hundreds of mixed
 * transactions over several groups. `EPILOT_RACE_ROUNDS=1000` makes a night of it.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RESOURCES } from '../src/core/entitlements.ts';
import { createTestDatabase, type TestDatabase } from '../tests/helpers/database.ts';
import { growthPastLimit } from '../tests/helpers/growth.ts';
import { stateMessages } from '../tests/helpers/messages.ts';
import { inTransaction, openSessions, race, type Session } from '../tests/helpers/sessions.ts';
import { add, createPlan, createTenant, drift, usageOf, type Tenant } from '../tests/helpers/tenants.ts';

const WRITERS = 64;
const ROUNDS = Number(process.env['EPILOT_RACE_ROUNDS'] ?? 40);
/** Places that are free as a round begins. */
const FREE = 3;

let db: TestDatabase;
let sessions: Session[];
beforeAll(async () => {
  db = await createTestDatabase();
  sessions = await openSessions(db, WRITERS);
});
afterAll(() => db.drop());

describe(`${WRITERS} writers at one limit`, () => {
  it(
    `I1: in ${ROUNDS} rounds never one more than there is room for`,
    async () => {
      const group = await createTenant(db, await createPlan(db, { students: FREE }));
      let overshoots = 0;
      for (let round = 0; round < ROUNDS; round += 1) {
        const outcome = await race(
          sessions.map(
            ({ client }) =>
              () =>
                add(client, group, 'students'),
          ),
        );
        expect(outcome).toEqual({ passed: FREE, refused: { PT402: WRITERS - FREE } });
        const [, students] = await usageOf(db, group.id);
        overshoots += Number(students !== FREE);
        await db.query('delete from students where school_group_id = $1', [group.id]);
      }
      expect([overshoots, await drift(db)]).toEqual([0, []]);
      expect(growthPastLimit(await stateMessages(db, group.id))).toEqual([]);
    },
    60_000 + ROUNDS * 1_000,
  );
});

describe('hundreds of mixed transactions', () => {
  it('of one group each, over all its tables in any order, all end without a deadlock', async () => {
    const plan = await createPlan(db, { schools: 30, students: 60, staff: 40, storage: 1 });
    const tenants: Tenant[] = [];
    for (let n = 0; n < 4; n += 1) tenants.push(await createTenant(db, plan));
    const transactions = sessions.slice(0, 12).map((session, n) => async () => {
      for (let step = 0; step < 25; step += 1) {
        const tenant = tenants[(n + step) % tenants.length] as Tenant;
        const order = RESOURCES.map((_, i) => RESOURCES[(i * (n % 2 ? 3 : 1) + step) % 4] ?? 'staff');
        await inTransaction(session, async (client) => {
          for (const resource of order) {
            await client.query('savepoint before');
            await add(client, tenant, resource, 1 + (step % 3)).catch(async (error: { code?: string }) => {
              if (error.code !== 'PT402') throw error;
              await client.query('rollback to before');
            });
          }
          // Deleting what one has just added oneself meets nobody else's rows.
          await client.query(
            `delete from students where school_group_id = $1 and xmin::text::bigint = (pg_current_xact_id()::text::bigint & 4294967295)`,
            [tenant.id],
          );
        });
      }
    });
    expect(await race(transactions)).toEqual({ passed: 12, refused: {} });
    expect(await drift(db)).toEqual([]);
    for (const { id } of tenants) {
      const messages = await stateMessages(db, id);
      expect(growthPastLimit(messages)).toEqual([]);
      expect(messages.at(-1)?.payload).toMatchObject({ usage: await usageOf(db, id) });
    }
  });
});
