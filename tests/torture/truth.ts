/** What a screen must show: read from the rows and the tables of rights, not from counters or messages. */
import { isDeepStrictEqual } from 'node:util';
import { RESOURCES, type DecisionState } from '../../src/core/entitlements.ts';
import type { Queryable } from '../helpers/database.ts';
import type { ShownRow, ShownSnapshot, View } from './messages.ts';

/** By group. */
export type Truth = ReadonlyMap<string, ShownSnapshot>;

const TRUTH = `
  with recount as (select * from private.recount_usage() where school_group_id = any ($1))
  select e.school_group_id as id, jsonb_build_object(
    'school_group_id', e.school_group_id, 'plan', e.plan, 'plan_name', e.plan_name, 'subscribed_plan', e.subscribed_plan,
    'plan_version', e.plan_version, 'status', e.status, 'e', private.epoch(), 'rev', v.rev, 'warn_at', trim_scale(e.warn_at),
    'restrictions', (
      select jsonb_object_agg(r.resource,
        private.decide(r.resource, private.limit_of(r.resource, e), r.used, 1, e.warn_at, e.fallback_reason)
        || jsonb_build_object('plan', e.plan, 'plan_version', e.plan_version, 'rev', v.rev))
      from recount r where r.school_group_id = e.school_group_id),
    'modules', (
      select coalesce(jsonb_agg(m.slug order by m.slug collate "C"), '[]')
      from private.effective_modules(e) x join public.modules m on m.id = x.module_id),
    'categories', (
      select coalesce(jsonb_agg(distinct c.slug), '[]') from private.effective_modules(e) x
      join public.modules m on m.id = x.module_id join public.business_categories c on c.id = m.category_id),
    'pending_change', (
      select jsonb_build_object('plan', p.slug, 'effective_at', c.effective_at)
      from public.scheduled_changes c join public.subscription_plans p on p.id = c.plan_id
      where c.school_group_id = e.school_group_id and c.status = 'pending')) as shown
  from private.effective_entitlements e join private.group_states v using (school_group_id)
  where e.school_group_id = any ($1)`;

/** Reads what all groups' screens must show now. */
export async function readTruth(db: Queryable, groups: readonly string[]): Promise<Truth> {
  const { rows } = await db.query<{ id: string; shown: ShownSnapshot }>(TRUTH, [groups]);
  return new Map(
    rows.map(({ id, shown }) => [id, { ...shown, categories: shown.categories.toSorted() }] as const),
  );
}

/** The fields in which a screen differs from the truth, one sentence each; none when it is right. */
export function differences(view: View, truth: Truth): string[] {
  if (view.kind === 'nothing') return ['nothing is shown'];
  if (view.kind === 'rows') {
    const missing = [...truth.keys()].filter((id) => !view.rows.some((row) => row.id === id));
    return [
      ...missing.map((id) => `no row of ${id}`),
      ...view.rows.flatMap((row) => {
        const right = truth.get(row.id);
        return right ? unequal(row, rowOf(right), `row of ${row.id}: `) : [`a row of ${row.id}`];
      }),
    ];
  }
  const right = truth.get(view.snapshot.school_group_id);
  if (!right) return [`a page of ${view.snapshot.school_group_id}`];
  const open = (kind: string): boolean => kind === 'open' || kind === 'warning';
  const guards = RESOURCES.filter(
    (resource) => view.guards && open(view.guards[resource]) !== right.restrictions[resource].allowed,
  );
  return [
    ...unequal(view.snapshot, right, ''),
    ...guards.map((resource) => `the guard of ${resource} is ${view.guards?.[resource]}`),
  ];
}

function unequal(shown: object, right: object, where: string): string[] {
  const [is, must] = [shown, right] as Record<string, unknown>[];
  return [...new Set([...Object.keys(shown), ...Object.keys(right)])]
    .filter((name) => !isDeepStrictEqual(is?.[name], must?.[name]))
    .map(
      (name) => `${where}${name} is ${JSON.stringify(is?.[name])}, must be ${JSON.stringify(must?.[name])}`,
    );
}

/** From harmless to pressing, as the list ranks them. */
const SEVERITY: readonly DecisionState[] = ['unlimited', 'ok', 'warning', 'blocked', 'over_limit'];

function rowOf({ school_group_id, plan, plan_name, status, rev, restrictions }: ShownSnapshot): ShownRow {
  const decisions = RESOURCES.map((resource) => restrictions[resource]);
  const worst = Math.max(...decisions.map(({ state }) => SEVERITY.indexOf(state)));
  return {
    id: school_group_id,
    plan,
    plan_name,
    subscription_status: status,
    rev,
    limits: decisions.map(({ limit }) => limit) as ShownRow['limits'],
    usage: decisions.map(({ usage }) => usage) as ShownRow['usage'],
    state: SEVERITY[Math.max(worst, 1)]!,
  };
}
