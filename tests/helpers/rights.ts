/** Random acts that change what a group may do: all by the functions of the API, as whoever may call them. */
import fc from 'fast-check';
import { RESOURCES, type Resource } from '../../src/core/entitlements.ts';
import { GROUPS, MODULES, PLANS, type World } from './world.ts';

/** What a draft changes of its plan. */
export interface Changes {
  max_schools?: number | null;
  max_students?: number | null;
  max_staff?: number | null;
  warn_at?: number;
  price_xaf?: number;
  /** Places of modules in the world. */
  modules?: number[];
}

export type Right =
  | { do: 'override'; group: number; resource: Resource; limit: number | null; days: number | null }
  | { do: 'grant'; group: number; resource: Resource; amount: number; days: number }
  | { do: 'except module'; group: number; module: number; open: boolean }
  | { do: 'end exception'; group: number }
  | { do: 'publish'; plan: number; changes: Changes; existing: 'move' | 'grandfather' }
  | { do: 'change plan'; group: number; plan: number; days: number | null }
  | { do: 'undo change' | 'request withdrawn'; group: number }
  | { do: 'status'; group: number; status: string }
  | { do: 'renew'; group: number; days: number }
  | { do: 'request'; group: number; plan: number }
  | { do: 'review'; group: number; approve: boolean }
  | { do: 'due'; days: number };

const SUPER = 'superAdmin';

/** The statement of an act: it takes the claims of whoever acts, then calls. */
export function rightStatement(right: Right, world: World): [sql: string, parameters: unknown[]] {
  const group = 'group' in right ? world.groups[right.group] : undefined;
  const admin = 'group' in right ? world.admins[right.group] : undefined;
  const plan = 'plan' in right ? world.plans[right.plan] : undefined;
  const as = (who: string | undefined, call: string, ...parameters: unknown[]): [string, unknown[]] => [
    `select set_config('request.jwt.claims', $1, true), ${call}`,
    [JSON.stringify({ sub: who === SUPER ? world.superAdmin : who, role: 'authenticated' }), ...parameters],
  ];
  const later = (place: string): string => `now() + make_interval(days => ${place}::int)`;
  const pending = `(select id from public.plan_change_requests where school_group_id = $2 and status = 'pending')`;
  switch (right.do) {
    case 'override':
      return as(
        SUPER,
        `public.set_limit_override($2, $3, $4, 'Essai', ${later('$5')})`,
        group,
        right.resource,
        right.limit,
        right.days,
      );
    case 'grant':
      return as(
        SUPER,
        `public.grant_quantity($2, $3, $4, 'Essai', ${later('$5')})`,
        group,
        right.resource,
        right.amount,
        right.days,
      );
    case 'except module':
      return as(
        SUPER,
        `public.set_module_override($2, $3, $4, 'Essai')`,
        group,
        world.modules[right.module],
        right.open,
      );
    case 'end exception':
      return as(
        SUPER,
        `public.end_override((select id from public.entitlement_overrides where school_group_id = $2 and ended_at is null
                              order by id limit 1), 'Essai')`,
        group,
      );
    case 'publish': {
      const { modules, ...limits } = right.changes;
      const slugs = modules?.map((place) => world.moduleSlugs[place]);
      return as(
        SUPER,
        `public.publish_plan_version((public.update_plan_draft((public.create_plan_draft($2)->>'id')::uuid, $3)->>'id')::uuid, $4)`,
        plan,
        JSON.stringify(slugs ? { ...limits, modules: slugs } : limits),
        right.existing,
      );
    }
    case 'change plan':
      return as(SUPER, `public.change_plan($2, $3, 'Essai', ${later('$4')})`, group, plan, right.days);
    case 'undo change':
      return as(SUPER, `public.cancel_scheduled_change($2, 'Essai')`, group);
    case 'status':
      return as(
        SUPER,
        `public.set_subscription_status($2, $3, 'Essai', now() + interval '9 days')`,
        group,
        right.status,
      );
    case 'renew':
      return as(SUPER, `public.renew_subscription($2, ${later('$3')}, 'Essai')`, group, right.days);
    case 'request':
      return as(admin, `public.request_plan_change($2, 'Essai')`, plan);
    case 'request withdrawn':
      return as(admin, `public.cancel_plan_change_request(${pending})`, group);
    case 'review':
      return as(
        SUPER,
        `public.review_plan_change_request(${pending}, $3, 'Essai', true)`,
        group,
        right.approve,
      );
    case 'due':
      return [`select private.run_due_jobs(${later('$1')})`, [right.days]];
  }
}

const place = (size: number): fc.Arbitrary<number> => fc.nat({ max: size - 1 });
const group = place(GROUPS);
const plan = place(PLANS);
const module = place(MODULES);
const resource = fc.constantFrom(...RESOURCES);
const days = fc.integer({ min: 1, max: 30 });
const limit = fc.option(fc.nat({ max: 8 }), { freq: 5 });
const is = <Name extends string>(name: Name): fc.Arbitrary<Name> => fc.constant(name);

/** What a draft may change; never nothing by its shape, though it may turn out to be what the plan gives already. */
export const changes: fc.Arbitrary<Changes> = fc.record(
  {
    max_schools: limit,
    max_students: limit,
    max_staff: limit,
    warn_at: fc.constantFrom(0.5, 0.8, 0.95),
    price_xaf: fc.nat({ max: 9 }),
    modules: fc.uniqueArray(module),
  },
  { requiredKeys: [] },
);

export const right: fc.Arbitrary<Right> = fc.oneof(
  fc.record({ do: is('override'), group, resource, limit, days: fc.option(days) }),
  fc.record({ do: is('grant'), group, resource, amount: fc.integer({ min: 1, max: 5 }), days }),
  fc.record({ do: is('except module'), group, module, open: fc.boolean() }),
  fc.record({ do: is('end exception'), group }),
  fc.record({
    do: is('publish'),
    plan,
    changes,
    existing: fc.constantFrom('move' as const, 'grandfather' as const),
  }),
  fc.record({ do: is('change plan'), group, plan, days: fc.option(days) }),
  fc.record({ do: fc.constantFrom('undo change' as const, 'request withdrawn' as const), group }),
  fc.record({
    do: is('status'),
    group,
    status: fc.constantFrom('trial', 'active', 'past_due', 'grace', 'suspended', 'cancelled', 'expired'),
  }),
  fc.record({ do: is('renew'), group, days }),
  fc.record({ do: is('request'), group, plan }),
  fc.record({ do: is('review'), group, approve: fc.boolean() }),
  fc.record({ do: is('due'), days: fc.integer({ min: 0, max: 60 }) }),
);
