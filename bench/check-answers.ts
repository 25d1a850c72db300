/** Whether the answers are right that P4 times: each is asked for beside a recount, and again after a change. */
import type pg from 'pg';
import type { Group } from './check.ts';
import { decide } from '../src/core/decide.ts';
import { type PlanRestrictions, RESOURCES, type Resource } from '../src/core/entitlements.ts';

/** Asks as a member of the API's users, in a transaction of its own; `call` is an expression. */
export async function askAs<Answer>(
  client: pg.Client,
  user: string,
  call: string,
  values: readonly unknown[] = [],
): Promise<Answer | undefined> {
  await client.query('begin');
  await client.query(`select set_config('request.jwt.claims', $1, true)`, [
    JSON.stringify({ sub: user, role: 'authenticated' }),
  ]);
  await client.query('set local role authenticated');
  const { rows } = await client.query<{ answer: Answer }>(`select ${call} as answer`, [...values]);
  await client.query('commit');
  return rows[0]?.answer;
}

/**
 * Asks for each group, adds a student, asks again, and says which answers a recount contradicts. An answer that was
 * right once must follow what changes.
 */
export async function findWrongAnswers(client: pg.Client, groups: readonly Group[]): Promise<string[]> {
  const wrong: string[] = [];
  for (const group of groups) wrong.push(...(await compare(client, group)));
  for (const group of groups) {
    await client.query(
      `insert into public.students (school_group_id, school_id, first_name, last_name)
       select school_group_id, id, 'Une', 'de plus' from public.schools where school_group_id = $1 limit 1`,
      [group.id],
    );
    wrong.push(...(await compare(client, group)));
  }
  // What is wrong before the change is wrong after it.
  return [...new Set(wrong)];
}

async function compare(client: pg.Client, group: Group): Promise<string[]> {
  const answer = await askAs<PlanRestrictions>(client, group.admin, 'public.get_all_plan_restrictions()');
  const truth = await recount(client, group.id);
  return RESOURCES.flatMap((resource) => {
    const told = answer?.restrictions[resource];
    if (!told) return [`It said nothing of ${resource} to a group of ${group.size} students.`];
    const right = decide({
      ...told,
      ...truth[resource],
      warnAt: told.warn_at,
      fallback: null,
      planVersion: 0,
    });
    const differences = (['limit', 'usage', 'allowed', 'remaining', 'percentage', 'state'] as const).filter(
      (key) => told[key] !== right[key],
    );
    return differences.map(
      (key) =>
        `To a group of ${group.size} students it said ${key} ${told[key]} of ${resource}, and ${right[key]} is right.`,
    );
  });
}

/** What is used and what the plan's own row allows, counted from the rows. */
async function recount(
  client: pg.Client,
  group: string,
): Promise<Record<Resource, { limit: number | null; usage: number }>> {
  const { rows } = await client.query<{ resource: Resource; limit: string | null; usage: string }>(
    `select v.resource, v."limit"::text, v.usage::text
     from public.subscriptions s join public.subscription_plans p on p.id = s.plan_id
     cross join lateral (values
       ('schools', p.max_schools::bigint,
        (select count(*) from public.schools where school_group_id = $1 and status <> 'archived')),
       ('students', p.max_students::bigint,
        (select count(*) from public.students where school_group_id = $1 and status = 'active')),
       ('staff', p.max_staff::bigint,
        (select count(*) from public.staff where school_group_id = $1 and status = 'active')),
       ('storage', p.max_storage::bigint * 1000000000,
        (select coalesce(sum(size_bytes), 0) from public.documents where school_group_id = $1))
     ) v (resource, "limit", usage)
     where s.school_group_id = $1`,
    [group],
  );
  return Object.fromEntries(
    rows.map(({ resource, limit, usage }) => [
      resource,
      { limit: limit === null ? null : Number(limit), usage: Number(usage) },
    ]),
  ) as Record<Resource, { limit: number | null; usage: number }>;
}
