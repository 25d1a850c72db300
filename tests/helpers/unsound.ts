import { setTimeout as pause } from 'node:timers/promises';
import type { Queryable } from './database.ts';

/** How long the gateway may take to store what it has delivered, milliseconds. */
const STORED_MS = 10_000;

/** Revisions of groups whose message is not stored, as sentences of I4. */
const UNSTORED = `
  select 'I4: no message of ' || r.school_group_id || ' at its revision ' || r.rev as what
  from private.group_states r
  where r.school_group_id = any ($1) and r.rev > 0 and not exists (
    select from realtime.messages m where m.topic = 'group:' || r.school_group_id
      and m.event in ('usage_changed', 'entitlements_changed', 'plan_changed') and (m.payload->>'rev')::bigint = r.rev)`;

/**
 * Waits until the message of each group's last revision is stored, when a gateway does that. Nobody may be writing.
 *
 * @returns sentences about those that are not, after ten seconds
 */
export async function findUnstored(db: Queryable, groups: readonly string[]): Promise<string[]> {
  const deadline = Date.now() + STORED_MS;
  for (;;) {
    const { rows } = await db.query<{ what: string; waits: boolean }>(
      `select what, realtime.has_feed() as waits from (${UNSTORED}) as unstored`,
      [groups],
    );
    if (!rows[0]?.waits || Date.now() > deadline) return rows.map(({ what }) => what);
    await pause(50);
  }
}

/**
 * What must hold of committed rows at any moment, as one statement and so one snapshot: it may be asked while writers are at
 * work. `$1` is the list of groups looked at. Each row `what` is a sentence that begins with the invariant that is broken
 * (`I2: …`), or with `record` for a plan whose version is not on record as it is sold. Where a gateway stores messages
 * behind their delivery, the last one may not be there yet: `findUnstored` tells when it does not come.
 */
export const UNSOUND = `
  with told as (
    select substr(topic, 7)::uuid as school_group_id, event, payload, (payload->>'rev')::bigint as rev,
           row_number() over (partition by topic order by (payload->>'rev')::bigint desc) as age
    from realtime.messages
    where topic = any (select 'group:' || g from unnest($1::uuid[]) g)
      and event in ('usage_changed', 'entitlements_changed', 'plan_changed')
  ), rights as (
    select distinct on (school_group_id) * from told where event <> 'usage_changed'
    order by school_group_id, rev desc
  )
  select 'I2: ' || c.resource || ' of ' || c.school_group_id as what
  from public.usage_counters c join private.recount_usage() r using (school_group_id, resource)
  where c.school_group_id = any ($1) and c.used <> r.used
  union all
  select 'I3: the past of ' || h.school_group_id || ' before ' || h.id from (
    select *, lag(to_plan_id) over past as plan_before, lag(to_status) over past as status_before
    from public.subscription_events where school_group_id = any ($1)
    window past as (partition by school_group_id order by id)) h
  where h.kind <> 'created' and (h.from_plan_id, h.from_status) is distinct from (h.plan_before, h.status_before)
  union all
  select 'I3: the last event of ' || s.school_group_id from public.subscriptions s
  cross join lateral (select * from public.subscription_events v where v.school_group_id = s.school_group_id order by id desc limit 1) v
  where s.school_group_id = any ($1) and (s.plan_id, s.status) is distinct from (v.to_plan_id, v.to_status)
  union all
  select 'I10: ' || c.resource || ' of ' || c.school_group_id
  from public.usage_counters c join private.usage_marks k using (school_group_id, resource)
  join private.effective_entitlements e using (school_group_id)
  where c.school_group_id = any ($1)
    and k.notified <> private.warning_level(private.limit_of(c.resource, e), c.used, e.warn_at)
  union all
  select 'I10: the open notice of ' || k.resource || ' of ' || k.school_group_id
  from private.usage_marks k left join public.notifications n on n.school_group_id = k.school_group_id
    and n.kind = 'usage_threshold' and n.resource = k.resource and n.resolved_at is null
  where k.school_group_id = any ($1) and coalesce(n.level, 0) <> k.notified
    -- Past a hundred notices a day none is opened.
    and not (n.id is null and exists (select from private.daily_acts d
      where d.subject = k.school_group_id and d.act = 'threshold_notice' and d.done >= 100))
  union all
  select 'record: version of ' || p.slug || ': ' || p.version || ' is ' || private.plan_definition(p) || ', not '
         || coalesce(v.version || ' with ' || v.definition, 'none')
  from public.subscription_plans p left join public.plan_versions v on v.plan_id = p.id and v.status = 'published'
  where (v.version, v.definition) is distinct from (p.version, private.plan_definition(p))
  union all
  select 'I7: plan ' || coalesce(d.plan_id, pc.plan_id)
  from (select distinct pm.plan_id, m.category_id from public.plan_modules pm
        join public.modules m on m.id = pm.module_id) d
  full join public.plan_categories pc using (plan_id, category_id)
  where d.plan_id is null or pc.plan_id is null
  union all
  select 'I4: last message of ' || e.school_group_id
  from private.effective_entitlements e
  join private.group_states r using (school_group_id)
  join told t on t.school_group_id = e.school_group_id and t.age = 1
  join rights on rights.school_group_id = e.school_group_id
  where e.school_group_id = any ($1) and (
    t.rev > r.rev
    or t.rev < r.rev and not realtime.has_feed()
    or t.rev = r.rev and t.payload->'usage' is distinct from (select jsonb_agg(used order by resource) from public.usage_counters c
                                            where c.school_group_id = e.school_group_id)
    or t.rev = r.rev and (rights.payload->>'plan', rights.payload->>'pv', rights.payload->>'status', rights.payload->'limits',
        rights.payload ? 'own', rights.payload#>>'{pending,0}')
       is distinct from (e.plan, e.plan_version::text, e.status,
                         to_jsonb(e.limits),
                         private.has_own_modules(e),
                         (select p.slug from public.scheduled_changes c join public.subscription_plans p on p.id = c.plan_id
                          where c.school_group_id = e.school_group_id and c.status = 'pending')))`;
