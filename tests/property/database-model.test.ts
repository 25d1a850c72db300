/** I1, I10 against a model: one group, one resource, one statement after the other. */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';
import { createPlan, createTenant, revOf, type Tenant } from '../helpers/tenants.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.drop());

type Step = { grow: number } | { shrink: number } | { limit: number | null };
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ grow: fc.integer({ min: 1, max: 9 }) }) },
  { weight: 3, arbitrary: fc.record({ shrink: fc.integer({ min: 1, max: 9 }) }) },
  { weight: 2, arbitrary: fc.record({ limit: fc.option(fc.nat({ max: 24 })) }) },
);

/** What must be so: written from the rules, not from the SQL. */
class Model {
  usage = 0;
  limit: number | null = 10;
  /** The notices, oldest first: the threshold of each, negative once it is resolved. */
  readonly notices: number[] = [];
  pushes = 0;
  readonly #thresholds: number[];

  constructor(warnAt: number) {
    this.#thresholds = [...new Set([warnAt, Math.max(warnAt, 0.9), 1])];
  }

  /** Whether the step is let through; if so, it is taken. */
  take(step: Step): boolean {
    if ('grow' in step && this.limit !== null && this.usage + step.grow > this.limit) return false;
    if ('grow' in step) this.usage += step.grow;
    else if ('shrink' in step) this.usage = Math.max(0, this.usage - step.shrink);
    else this.limit = step.limit;
    this.#cross();
    return true;
  }

  #cross(): void {
    const { usage, limit } = this;
    // In whole thousandths: 0.9 × 20 is not 18 to a double.
    const reached = this.#thresholds.findLast(
      (share) => limit !== null && usage > 0 && usage * 1000 >= Math.round(share * 1000) * limit,
    );
    const last = this.notices.at(-1);
    const open = last !== undefined && last > 0 ? last : 0;
    if (reached !== undefined && reached > open) this.pushes += 1;
    if (open > 0) this.notices.pop();
    if (reached !== undefined) this.notices.push(reached);
    else if (open > 0) this.notices.push(-open);
  }
}

const take = (group: Tenant, plan: string, wanted: Step): Promise<unknown> => {
  if ('grow' in wanted) {
    return db.query(
      `insert into public.students (school_group_id, school_id, first_name, last_name)
       select $1, $2, 'A', 'B' from generate_series(1, $3::int)`,
      [group.id, group.school, wanted.grow],
    );
  }
  if ('shrink' in wanted) {
    return db.query(
      `delete from public.students where id in (select id from public.students where school_group_id = $1 limit $2)`,
      [group.id, wanted.shrink],
    );
  }
  return db.query('update public.subscription_plans set max_students = $2 where slug = $1', [
    plan,
    wanted.limit,
  ]);
};

test('I1, I10: a statement passes when the model lets it, and has the notices and pushes that the model has', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(0.5, 0.8, 0.9, 0.95, 1),
      fc.array(anyStep, { minLength: 5, maxLength: 25 }),
      async (warnAt, steps) => {
        const plan = await createPlan(db, { students: 10, warnAt });
        const group = await createTenant(db, plan);
        const model = new Model(warnAt);
        for (const wanted of steps) {
          const before = [await revOf(db, group.id), model.usage, model.limit];
          const passed = await take(group, plan, wanted).then(
            () => true,
            (error: { code?: string }) => error.code !== 'PT402' && Promise.reject(error),
          );
          expect(passed).toBe(model.take(wanted));
          const changed = before[1] !== model.usage || before[2] !== model.limit;
          expect(await revOf(db, group.id)).toBe(Number(before[0]) + (changed ? 1 : 0));
        }
        const { rows } = await db.query<{ used: number; notices: number[]; pushes: number }>(
          `select used::int,
                  array(select (params->>'threshold')::float * case when resolved_at is null then 1 else -1 end
                        from public.notifications n
                        where n.school_group_id = $1 and n.level > 0 order by id) as notices,
                  (select count(*)::int from realtime.messages
                   where topic = 'group:' || $1 and event = 'notification') as pushes
           from public.usage_counters where school_group_id = $1 and resource = 'students'`,
          [group.id],
        );
        expect(rows).toEqual([{ used: model.usage, notices: model.notices, pushes: model.pushes }]);
      },
    ),
    { numRuns: 40 },
  );
});
