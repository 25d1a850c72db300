/** What changes rights: it touches nobody's rows (I8), and a simulated publication is what publishing then does. */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';
import { draftOf, publish, simulate } from '../helpers/drafts.ts';
import { stateMessages } from '../helpers/messages.ts';
import { changes, right, rightStatement, type Right } from '../helpers/rights.ts';
import { add, revOf } from '../helpers/tenants.ts';
import { createWorld, PLANS, type World } from '../helpers/world.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.drop());

async function act(rights: Right[], world: World): Promise<void> {
  const client = await db.connect();
  for (const each of rights) {
    // What cannot be done now is refused, and that is an answer too.
    await client.query(...rightStatement(each, world)).catch((error: { code?: string }) => {
      if (!/^PT4(00|02|04|09)$/.test(error.code ?? '')) throw error;
    });
  }
  await client.end();
}

/** A few rows in every table of every group, some of them over whatever limit comes. */
async function populate({ groups }: World): Promise<void> {
  for (const id of groups) {
    const { rows } = await db.query<{ id: string }>('select id from schools where school_group_id = $1', [
      id,
    ]);
    for (const resource of ['students', 'staff', 'storage'] as const) {
      await add(db, { id, school: rows[0]?.id ?? '' }, resource, 3);
    }
  }
}

const rowsOf = async ({ groups }: World): Promise<unknown> =>
  (
    await db.query(
      `select 'school' as what, to_jsonb(s) as row from schools s where school_group_id = any ($1)
       union all select 'student', to_jsonb(s) from students s where school_group_id = any ($1)
       union all select 'staff', to_jsonb(s) from staff s where school_group_id = any ($1)
       union all select 'document', to_jsonb(s) from documents s where school_group_id = any ($1) order by 1, 2`,
      [groups],
    )
  ).rows;

test('I8: whatever is done to rights, no row is deleted, hidden or changed', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(right, { minLength: 3, maxLength: 12 }), async (rights) => {
      const world = await createWorld(db);
      await populate(world);
      const before = await rowsOf(world);
      await act(rights, world);
      expect(await rowsOf(world)).toEqual(before);
    }),
    { numRuns: 25 },
  );
});

interface Standing {
  limits: unknown;
  modules: string[];
}
const standing = async (group: string): Promise<Standing> =>
  (
    await db.query<Standing>(
      `select to_jsonb(e.limits) as limits,
              array(select m.slug::text from private.effective_modules(e) x join modules m on m.id = x.module_id order by 1) as modules
       from private.effective_entitlements e where e.school_group_id = $1`,
      [group],
    )
  ).rows[0] ?? { limits: null, modules: [] };

test('a simulation says what publishing does: who is told, and with what limits and modules', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(right, { maxLength: 8 }),
      fc.nat({ max: PLANS - 1 }),
      changes,
      fc.constantFrom('move', 'grandfather'),
      async (rights, place, drafted, existing) => {
        const world = await createWorld(db);
        await populate(world);
        await act(rights, world);
        const plan = world.plans[place] ?? '';
        const superAdmin = { sub: world.superAdmin };
        // A price that no plan of the world has: the draft is never what the plan gives already.
        const draft = await draftOf(db, superAdmin, plan, {
          ...drafted,
          price_xaf: 77,
          modules: (drafted.modules ?? []).map((module) => world.moduleSlugs[module]),
        });
        const simulated = await simulate(db, superAdmin, draft, existing);
        const before = new Map<string, { rev: number } & Standing>();
        for (const id of world.groups) before.set(id, { rev: await revOf(db, id), ...(await standing(id)) });

        await publish(db, superAdmin, draft, existing);

        for (const [id, was] of before) {
          const is = await standing(id);
          const said = simulated.groups.find((group) => group.id === id);
          expect(await stateMessages(db, id, was.rev)).toHaveLength(said ? 1 : 0);
          expect([said?.limits_before ?? was.limits, said?.limits_after ?? was.limits]).toEqual([
            was.limits,
            is.limits,
          ]);
          const gained = is.modules.filter((module) => !was.modules.includes(module));
          const lost = was.modules.filter((module) => !is.modules.includes(module));
          expect([said?.modules_gained.toSorted() ?? [], said?.modules_lost.toSorted() ?? []]).toEqual([
            gained,
            lost,
          ]);
        }
      },
    ),
    { numRuns: 25 },
  );
});
