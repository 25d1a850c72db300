/** Random programs over a world of groups, plans and modules, for properties that must hold whatever is done in whatever order. */
import fc from 'fast-check';
import { RESOURCES, type Resource } from '../../src/core/entitlements.ts';
import { right, rightStatement, type Right } from './rights.ts';
import { CATEGORIES, GROUPS, MODULES, PLANS, type World } from './world.ts';

export type Operation =
  | { do: 'add' | 'remove' | 'sleep' | 'wake'; group: number; resource: Resource; count: number }
  | { do: 'resize'; group: number; bytes: number }
  | { do: 'upsert'; group: number; count: number }
  | { do: 'move school'; group: number; to: number }
  | { do: 'delete school'; group: number }
  | { do: 'subscribe'; group: number; plan: number }
  | { do: 'set status'; group: number; status: string }
  | { do: 'limit'; plan: number; resource: Resource; limit: number | null }
  | { do: 'attach' | 'detach'; plan: number; module: number }
  | { do: 'recategorise'; module: number; category: number }
  | { do: 'import'; group: number; mode: 'all_or_nothing' | 'first_that_fit'; count: number }
  | { do: 'expire reservations' }
  | { do: 'by right'; right: Right };

/** One transaction: its operations, each in a savepoint of its own, and whether it is kept. */
export interface Transaction {
  operations: Operation[];
  commit: boolean;
}

/**
 * A limit, a lost race, a thing that is not there or not in that state, a school that went away meanwhile, a deadlock
 * that PostgreSQL broke: all are answers.
 */
export const ANSWERS = new Set(['PT400', 'PT402', 'PT404', 'PT409', '40P01', '23503']);

const TABLES = { schools: 'schools', students: 'students', staff: 'staff', storage: 'documents' } as const;
const FIELDS = {
  schools: `(school_group_id, name) select $1::uuid, 'École ' || i from generate_series(1, $2::int) i`,
  students: `(school_group_id, school_id, first_name, last_name) select s.school_group_id, s.id, 'A', 'B'`,
  staff: `(school_group_id, school_id, first_name, last_name) select s.school_group_id, s.id, 'A', 'B'`,
  storage: `(school_group_id, school_id, name, size_bytes) select s.school_group_id, s.id, 'Pièce', 40000000`,
} as const;
const IN_ANY_SCHOOL = `from (select id, school_group_id from public.schools where school_group_id = $1 limit 1) s,
  generate_series(1, $2::int)`;
const SOME = (table: string, where = 'true'): string =>
  `(select id from public.${table} where school_group_id = $1 and ${where} order by id limit $2)`;

/** The statement of an operation; it touches no row where there is nothing to touch. */
export function statementOf(operation: Operation, world: World): [sql: string, parameters: unknown[]] {
  const group = 'group' in operation ? world.groups[operation.group] : undefined;
  const plan = 'plan' in operation ? world.plans[operation.plan] : undefined;
  const module = 'module' in operation ? world.modules[operation.module] : undefined;
  switch (operation.do) {
    case 'add': {
      const rows = operation.resource === 'schools' ? '' : IN_ANY_SCHOOL;
      const insert = `insert into public.${TABLES[operation.resource]} ${FIELDS[operation.resource]} ${rows}`;
      return [insert, [group, operation.count]];
    }
    case 'remove': {
      const table = TABLES[operation.resource];
      return [`delete from public.${table} where id in ${SOME(table)}`, [group, operation.count]];
    }
    case 'sleep':
    case 'wake': {
      if (operation.resource === 'storage') return ['select 1', []];
      const table = TABLES[operation.resource];
      const asleep = operation.resource === 'schools' ? 'archived' : 'inactive';
      const [from, to] = operation.do === 'sleep' ? ['active', asleep] : [asleep, 'active'];
      return [
        `update public.${table} set status = '${to}' where id in ${SOME(table, `status = '${from}'`)}`,
        [group, operation.count],
      ];
    }
    case 'resize':
      return [
        'update public.documents set size_bytes = $2 where school_group_id = $1',
        [group, operation.bytes],
      ];
    case 'upsert':
      return [
        `insert into public.students (id, school_group_id, school_id, first_name, last_name)
         select id, school_group_id, school_id, 'A', 'B' from public.students where school_group_id = $1
         union all select gen_random_uuid(), s.school_group_id, s.id, 'A', 'B' ${IN_ANY_SCHOOL}
         on conflict (id) do update set status = 'active'`,
        [group, operation.count],
      ];
    case 'move school':
      return [
        `update public.schools set school_group_id = $3 where id in ${SOME('schools')}`,
        [group, 1, world.groups[operation.to]],
      ];
    case 'delete school':
      return [`delete from public.schools where id in ${SOME('schools')}`, [group, 1]];
    case 'subscribe':
      return [
        `update public.subscriptions set plan_id = (select id from public.subscription_plans where slug = $2)
         where school_group_id = $1`,
        [group, plan],
      ];
    case 'set status':
      return [
        'update public.subscriptions set status = $2 where school_group_id = $1',
        [group, operation.status],
      ];
    case 'limit':
      return [
        `update public.subscription_plans set max_${operation.resource} = $2 where slug = $1`,
        [plan, operation.limit],
      ];
    case 'attach':
      return [
        `insert into public.plan_modules (plan_id, module_id)
         select id, $2 from public.subscription_plans where slug = $1 on conflict do nothing`,
        [plan, module],
      ];
    case 'detach':
      return [
        `delete from public.plan_modules where module_id = $2
           and plan_id = (select id from public.subscription_plans where slug = $1)`,
        [plan, module],
      ];
    case 'recategorise':
      return [
        'update public.modules set category_id = $2 where id = $1',
        [module, world.categories[operation.category]],
      ];
    case 'import': {
      const row = { first_name: 'A', last_name: 'B' };
      return [
        `select set_config('request.jwt.claims', $1, true), public.import_students($2, $3,
           (select id from public.schools where school_group_id = $4 and status <> 'archived' order by id limit 1))`,
        [
          JSON.stringify({ sub: world.admins[operation.group], role: 'authenticated' }),
          JSON.stringify(Array.from({ length: operation.count }, () => row)),
          operation.mode,
          group,
        ],
      ];
    }
    case 'expire reservations':
      return [`select private.expire_reservations(now() + interval '2 hours')`, []];
    case 'by right':
      return rightStatement(operation.right, world);
  }
}

const place = (size: number): fc.Arbitrary<number> => fc.nat({ max: size - 1 });
const group = place(GROUPS);
const plan = place(PLANS);
const module = place(MODULES);
const resource = fc.constantFrom(...RESOURCES);
const count = fc.integer({ min: 1, max: 4 });
const is = <Name extends string>(name: Name): fc.Arbitrary<Name> => fc.constant(name);

const counted = fc.record({
  do: fc.constantFrom('add', 'add', 'add', 'remove', 'sleep', 'wake'),
  group,
  resource,
  count,
});
const anything: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 8, arbitrary: counted },
  { weight: 1, arbitrary: fc.record({ do: is('resize'), group, bytes: fc.integer({ min: 1, max: 5e7 }) }) },
  { weight: 2, arbitrary: fc.record({ do: is('upsert'), group, count }) },
  { weight: 1, arbitrary: fc.record({ do: is('move school'), group, to: group }) },
  { weight: 1, arbitrary: fc.record({ do: is('delete school'), group }) },
  { weight: 2, arbitrary: fc.record({ do: is('subscribe'), group, plan }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: is('set status'),
      group,
      status: fc.constantFrom('active', 'suspended', 'expired', 'grace'),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: is('limit'),
      plan,
      resource,
      limit: fc.option(fc.nat({ max: 8 }), { freq: 6 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('attach', 'detach'), plan, module }) },
  { weight: 1, arbitrary: fc.record({ do: is('recategorise'), module, category: place(CATEGORIES) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: is('import'),
      group,
      mode: fc.constantFrom('all_or_nothing' as const, 'first_that_fit' as const),
      count,
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: is('expire reservations') }) },
  { weight: 8, arbitrary: fc.record({ do: is('by right'), right }) },
);

/** One transaction of a session: what it does, and whether it is kept. */
export const transaction: fc.Arbitrary<Transaction> = fc.record({
  operations: fc.array(anything, { minLength: 1, maxLength: 4 }),
  commit: fc.constantFrom(true, true, true, true, false),
});

/** What each of `sessions` does, one transaction after the other. */
export const programs = (sessions: number): fc.Arbitrary<Transaction[][]> =>
  fc.array(fc.array(transaction, { minLength: 1, maxLength: 4 }), {
    minLength: sessions,
    maxLength: sessions,
  });
