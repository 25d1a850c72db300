/** Writers over plain SQL sessions: the random programs of the property tests, and dates that fall due. */
import fc from 'fast-check';
import { ANSWERS, statementOf, transaction, type Transaction } from '../helpers/programs.ts';
import { CATEGORIES, GROUPS, MODULES, PLANS, type World } from '../helpers/world.ts';
import { createDeck, pickSome } from './chance.ts';
import { type Actor, outcomeOfError } from './crew.ts';
import type { MortalProduct } from './product.ts';
import type { Tally } from './tally.ts';

/** So many different programs a writer has; then it begins anew, on other groups. */
const PROGRAMS = 300;
const MOST_ROWS_AT_ONCE = 60;

/**
 * A writer that runs one transaction after the other: several operations on several groups and resources, each in a savepoint
 * of its own, some rolled back at the end.
 */
export function createSqlWriter(
  product: MortalProduct,
  world: World,
  random: () => number,
  seed: number,
): Actor {
  const programs = fc.sample(transaction, { seed, numRuns: PROGRAMS });
  let next = 0;
  return async () => {
    const program = programs[next++ % PROGRAMS]!;
    const act = program.commit ? 'transaction' : 'rolled back transaction';
    try {
      const answer = await run(product, program, partOf(world, random));
      return { door: 'SQL', act, answer };
    } catch (error) {
      return outcomeOfError(act, error);
    }
  };
}

/** A program names its groups, plans and modules by places in a small world: some of the large one, by chance. */
function partOf(world: World, random: () => number): World {
  const places = pickSome([...world.groups.keys()], GROUPS, random);
  const modules = pickSome([...world.modules.keys()], MODULES, random);
  return {
    superAdmin: world.superAdmin,
    groups: places.map((place) => world.groups[place]!),
    admins: places.map((place) => world.admins[place]!),
    plans: pickSome(world.plans, PLANS, random),
    modules: modules.map((place) => world.modules[place]!),
    moduleSlugs: modules.map((place) => world.moduleSlugs[place]!),
    categories: pickSome(world.categories, CATEGORIES, random),
  };
}

async function run(
  product: MortalProduct,
  { operations, commit }: Transaction,
  world: World,
): Promise<string> {
  let answer = commit ? 'committed' : 'rolled back';
  await product.session(async (client) => {
    await client.query('begin');
    for (const operation of operations) {
      // Each operation acts as itself: what one says of who acts must not hold for the next.
      await client.query(`savepoint before; select set_config('request.jwt.claims', '', true)`);
      try {
        await client.query(...statementOf(operation, world));
        await client.query('release before');
      } catch (error) {
        const { code = '' } = error as { code?: string };
        if (!ANSWERS.has(code)) throw error;
        answer = code;
        await client.query('rollback to before');
      }
    }
    await client.query(commit ? 'commit' : 'rollback');
  });
  return answer;
}

/** Whoever does by plain SQL what no program does: many rows at once, and the jobs of every minute and every night. */
export function createOperator(
  product: MortalProduct,
  world: World,
  random: () => number,
  tally: Tally,
): Actor {
  const amount = (): number => 1 + Math.floor(random() * MOST_ROWS_AT_ONCE);
  const acts: [name: string, sql: string, parameters: () => unknown[]][] = [
    [
      'bulk insert',
      `insert into public.students (school_group_id, school_id, first_name, last_name)
       select s.school_group_id, s.id, 'Élève', 'n° ' || n
       from (select * from public.schools where school_group_id = any ($1) order by id limit 3) s, generate_series(1, $2::int) n`,
      () => [pickSome(world.groups, 2, random), amount()],
    ],
    [
      'bulk delete',
      `delete from public.students where id in (
         select id from public.students where school_group_id = any ($1) order by id limit $2)`,
      () => [pickSome(world.groups, 2, random), amount()],
    ],
    [
      'two resources at once',
      `with school as (
         insert into public.schools (school_group_id, name) select unnest($1::uuid[]), 'École en plus' returning id, school_group_id
       ) insert into public.staff (school_group_id, school_id, first_name, last_name)
         select school_group_id, id, 'Agent', 'en plus' from school`,
      () => [pickSome(world.groups, 1, random)],
    ],
    ['minute jobs', 'select private.run_minute_jobs() as report', () => []],
    ['night jobs', 'select private.run_nightly_jobs() as report', () => []],
  ];
  const deal = createDeck(acts, random);
  return async () => {
    const [act, sql, parameters] = deal();
    try {
      const { rows } = await product.query<{ report?: Record<string, number> }>(sql, parameters());
      const repaired = rows[0]?.report?.['counters_repaired'];
      if (repaired !== undefined) {
        tally.note('repair', 1, repaired === 0 ? [] : [`the night's jobs repaired ${repaired} counters`]);
      }
      return { door: 'SQL', act, answer: 'committed' };
    } catch (error) {
      return outcomeOfError(act, error);
    }
  };
}
