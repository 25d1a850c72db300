-- 002 · The plan system: limits enforced in the writer's own transaction, one state message a commit.
--
-- How a write is judged. A statement trigger on each counted table sums what the statement did to each
-- group, takes the group's lock (its row in private.group_states), moves the counter and compares it
-- with the limit in force *now*. The lock is what makes the check exact: two writers of one group can not
-- both read the counter before either has moved it. A plan change takes the same lock.
--
-- How a change is told. Taking the lock raises the group's revision once a transaction. A deferred trigger
-- on that row runs at commit and sends one message with the state as it commits.

-- ───────────────────────────────────────────────────────────── what is in force
-- Effective limit = the override in force, else plan limit + add-ons + grants in force. Effective modules =
-- (plan modules + add-on modules + additions) − removals. A group fallen to `gratuit` has gratuit, nothing
-- else: what it owns rests.
--
-- Time decides alone: an exception or add-on past its date is out of force at once, and so is what a
-- subscription gave in a state past its date; run_due_jobs() then closes it and tells the group.
create function private.place_of(p_resource public.resource)
  returns int language sql immutable parallel safe
  return case p_resource when 'schools' then 1 when 'students' then 2 when 'staff' then 3
                         when 'storage' then 4 end;
comment on function private.place_of(public.resource) is
  'Place of a resource in arrays of usage and limits, from 1.';
grant execute on function private.place_of(public.resource) to authenticated, service_role;

create function private.in_force(o public.entitlement_overrides)
  returns boolean language sql stable parallel safe
  return o.ended_at is null and (o.expires_at is null or o.expires_at > private.now());
comment on function private.in_force(public.entitlement_overrides) is 'Whether an exception counts now.';
grant execute on function private.in_force(public.entitlement_overrides) to authenticated, service_role;

create function private.in_force(a public.subscription_add_ons)
  returns boolean language sql stable parallel safe
  return a.ended_at is null and a.starts_at <= private.now()
     and (a.ends_at is null or a.ends_at > private.now());
comment on function private.in_force(public.subscription_add_ons) is
  'Whether an add-on of a group counts now (I13).';
grant execute on function private.in_force(public.subscription_add_ons) to authenticated, service_role;

-- The one place that merges. A table function, for PostgreSQL puts its text into the query that asks: a group
-- without exceptions and add-ons costs two looks at an index.
create function private.merged_limits(p_school_group_id uuid, p_plan_limits bigint[], p_in_force boolean)
  returns table (limits bigint[]) language sql stable parallel safe
begin atomic
  select case when p_in_force and (exists (
        select from public.entitlement_overrides o
        where o.school_group_id = p_school_group_id and o.resource is not null and private.in_force(o))
      or exists (
        select from public.subscription_add_ons a
        where a.school_group_id = p_school_group_id and private.in_force(a)))
    then array(
      select case when bool_or(x.replaces) then max(x.amount) filter (where x.replaces)
                  else p.amount + coalesce(sum(x.amount), 0)::bigint end
      from unnest(p_plan_limits) with ordinality p (amount, place)
      left join (
        select private.place_of(o.resource) as place, o.kind = 'limit' as replaces, o.amount
        from public.entitlement_overrides o
        where o.school_group_id = p_school_group_id and o.resource is not null and private.in_force(o)
        union all
        select g.place, false, g.amount * a.quantity
        from public.subscription_add_ons a join public.add_on_versions v on v.id = a.add_on_version_id
        cross join unnest(v.limits) with ordinality g (amount, place)
        where a.school_group_id = p_school_group_id and private.in_force(a)
      ) x on x.place = p.place
      group by p.place, p.amount order by p.place)
    else p_plan_limits end;
end;
comment on function private.merged_limits(uuid, bigint[], boolean) is
  'The limits that a group has under a plan that gives p_plan_limits; the plan''s alone while its '
  'subscription is not in force.';
grant execute on function private.merged_limits(uuid, bigint[], boolean) to authenticated, service_role;

create function private.status_ends_at(s public.subscriptions)
  returns timestamptz language sql immutable parallel safe
  return case s.status when 'trial' then s.trial_ends_at when 'active' then s.current_period_end
                       when 'past_due' then s.past_due_until when 'grace' then s.grace_ends_at end;
comment on function private.status_ends_at(public.subscriptions) is
  'The date that ends the state of a subscription, or null; private.due_status() says what follows.';
grant execute on function private.status_ends_at(public.subscriptions) to authenticated, service_role;

-- Danger: a cast of the whole from text would be stable, and PostgreSQL would not put this into its query.
create function private.due_status(s public.subscriptions, p_now timestamptz)
  returns public.subscription_status language sql immutable parallel safe
  return case when private.status_ends_at(s) <= p_now then
    case s.status
      when 'trial' then public.subscription_status 'expired'
      when 'active' then case when s.cancel_at_period_end then public.subscription_status 'cancelled'
                              else 'past_due' end
      when 'past_due' then 'grace'
      when 'grace' then 'expired' end end;
comment on function private.due_status(public.subscriptions, timestamptz) is
  'The state that a date moves the subscription to at p_now, or null.';
grant execute on function private.due_status(public.subscriptions, timestamptz)
  to authenticated, service_role;

-- The one place that says which plan is in force. A subscription that gives nothing leaves the group on
-- `gratuit`, and fallback_reason says why: fail closed, data untouched.
create view private.effective_entitlements with (security_invoker = true) as
select g.id as school_group_id,
       p.id as plan_id, p.slug as plan, p.name as plan_name,
       coalesce(v.version, p.version) as plan_version, p.rank as plan_rank, p.price_xaf,
       coalesce((v.definition->>'warn_at')::numeric(4, 3), p.warn_at) as warn_at,
       sp.slug as subscribed_plan, coalesce(s.status_now::text, 'none') as status,
       f.reason as fallback_reason,
       coalesce(v.limits, p.limits) as plan_limits, l.limits, v.id as pinned_version_id
from public.school_groups g
-- Worked out where the row is read, once, and not at each of the seven places that name it.
left join (
  select x.*, coalesce(private.due_status(x, private.now()), x.status) as status_now
  from public.subscriptions x) s on s.school_group_id = g.id
left join public.subscription_plans sp on sp.id = s.plan_id
cross join lateral (
  select case s.status_now
    when 'trial' then null when 'active' then null when 'past_due' then null when 'grace' then null
    when 'suspended' then 'subscription_suspended'
    when 'expired' then case when s.grace_ends_at is null and s.trial_ends_at is not null
                             then 'trial_expired' else 'grace_expired' end
    else 'no_active_subscription' end as reason) f
join public.subscription_plans p
  on p.id = case when f.reason is null then s.plan_id
                 else (select id from public.subscription_plans where slug = 'gratuit') end
left join public.plan_versions v on v.id = s.pinned_version_id and f.reason is null
cross join lateral private.merged_limits(g.id, coalesce(v.limits, p.limits), f.reason is null) l;
grant select on private.effective_entitlements to authenticated, service_role;

create function private.limit_of(p_resource public.resource, e private.effective_entitlements)
  returns bigint language sql immutable parallel safe
  return e.limits[private.place_of(p_resource)];
grant execute on function private.limit_of(public.resource, private.effective_entitlements)
  to authenticated, service_role;

create function private.overrides_in_force(e private.effective_entitlements)
  returns setof public.entitlement_overrides language sql stable parallel safe
begin atomic
  select o.* from public.entitlement_overrides o
  where o.school_group_id = e.school_group_id and e.fallback_reason is null and private.in_force(o);
end;

create function private.add_ons_in_force(e private.effective_entitlements)
  returns setof public.subscription_add_ons language sql stable parallel safe
begin atomic
  select a.* from public.subscription_add_ons a
  where a.school_group_id = e.school_group_id and e.fallback_reason is null and private.in_force(a);
end;

create function private.has_own_modules(e private.effective_entitlements)
  returns boolean language sql stable parallel safe
  return exists (select from private.overrides_in_force(e) o where o.module_id is not null)
      or exists (select from private.add_ons_in_force(e) a
                 join public.add_on_versions v on v.id = a.add_on_version_id where v.modules <> '{}');
comment on function private.has_own_modules(private.effective_entitlements) is
  'Whether an exception or an add-on in force names modules: then the plan''s version does not say what is '
  'open.';

create function private.effective_modules(e private.effective_entitlements)
  returns table (module_id uuid) language sql stable security definer set search_path = '' as $$
  with own as materialized (
    select o.kind, o.module_id from private.overrides_in_force(e) o where o.module_id is not null)
  select x.module_id from (
    select pm.module_id from public.plan_modules pm
    where e.pinned_version_id is null and pm.plan_id = e.plan_id
    union all
    select m.id from public.plan_versions v join public.modules m on v.definition->'modules' ? m.slug
    where v.id = e.pinned_version_id
    union
    select m.id from private.add_ons_in_force(e) a join public.add_on_versions v on v.id = a.add_on_version_id
    join public.modules m on m.slug = any (v.modules)
    union select o.module_id from own o where o.kind = 'module_addition') x
  where not exists (select 1 from own o where o.kind = 'module_removal' and o.module_id = x.module_id);
$$;
comment on function private.effective_modules(private.effective_entitlements) is
  '(plan modules + add-on modules + additions) − removals; the plan''s alone while fallen to gratuit.';

-- ───────────────────────────────────────────────────────────── decisions (pure)
-- The same function stands in src/core/decide.ts; tests/cases/decisions.json judges both.
create function private.decide(p_resource public.resource, p_limit bigint, p_usage bigint, p_requested bigint,
                               p_warn_at numeric, p_fallback_reason text)
  returns jsonb language sql immutable parallel safe
begin atomic
  select jsonb_build_object(
    'allowed', fits,
    'reason', case when fits then 'ok'
                   when p_fallback_reason is not null then p_fallback_reason
                   when p_usage >= p_limit then 'limit_reached'
                   else 'requested_exceeds_limit' end,
    'resource', p_resource,
    'limit', p_limit,
    'usage', p_usage,
    'requested', p_requested,
    -- greatest() passes over nulls: unlimited must stay null.
    'remaining', case when p_limit is not null then greatest(p_limit - p_usage, 0) end,
    'overage', coalesce(greatest(p_usage - p_limit, 0), 0),
    'percentage', case when p_limit is null then null
                       when p_limit = 0 then 100
                       else trim_scale(div(p_usage::numeric * 1000, p_limit) / 10) end,
    'unlimited', p_limit is null,
    'state', case when p_limit is null then 'unlimited'
                  when p_usage > p_limit then 'over_limit'
                  when p_usage = p_limit then 'blocked'
                  when p_usage >= p_warn_at * p_limit then 'warning'
                  else 'ok' end,
    'warn_at', trim_scale(p_warn_at))
  -- Compared by subtraction: usage + requested may pass the largest bigint.
  from (select p_limit is null or p_requested = 0 or p_requested <= p_limit - p_usage as fits) f;
end;
comment on function private.decide(public.resource, bigint, bigint, bigint, numeric, text) is
  'May p_requested (>= 0) more of p_resource be added? limit null is unlimited; a fallback reason explains '
  'why the group is on the free plan.';
grant execute on function private.decide(public.resource, bigint, bigint, bigint, numeric, text)
  to authenticated, service_role;

create function private.warning_level(p_limit bigint, p_usage bigint, p_warn_at numeric)
  returns smallint language sql immutable parallel safe
  return case when p_limit is null or p_usage = 0 then 0
              when p_usage >= p_limit then 3
              when p_usage >= greatest(0.9, p_warn_at) * p_limit then 2
              when p_usage >= p_warn_at * p_limit then 1
              else 0 end::smallint;
comment on function private.warning_level(bigint, bigint, numeric) is
  'Highest threshold that usage stands at or above: 1 warn_at, 2 90 %, 3 100 %.';

-- ───────────────────────────────────────────────────────────── refusals
create function private.amount_text(p_resource public.resource, p_amount bigint)
  returns text language sql immutable parallel safe
  return case when p_resource = 'storage'
              then (select replace(trim_scale(round(p_amount / size, 2))::text, '.', ',') || unit
                    from (values (1e9, ' Go'), (1e6, ' Mo'), (1e3, ' ko'), (1, ' octets')) u (size, unit)
                    where p_amount >= size or p_amount = 0 order by size desc limit 1)
              else replace(ltrim(to_char(p_amount, 'FM999,999,999,999')), ',', ' ') || case p_resource
                when 'schools' then case when p_amount > 1 then ' écoles' else ' école' end
                when 'students' then case when p_amount > 1 then ' élèves' else ' élève' end
                else case when p_amount > 1 then ' membres du personnel'
                          else ' membre du personnel' end end end;
comment on function private.amount_text(public.resource, bigint) is
  'French text of an amount: “10 écoles”, “1,5 Go”, “2,5 Mo” (p_amount in bytes).';

create function private.refuse_growth(p_decision jsonb)
  returns void language plpgsql volatile set search_path = '' as $$
declare
  v_resource constant public.resource := p_decision->>'resource';
  v_limit constant text := private.amount_text(v_resource, (p_decision->>'limit')::bigint);
begin
  raise exception using errcode = 'PT402',
    message = case p_decision->>'state'
      when 'over_limit' then format('Limite dépassée : %s, pour une limite de %s.',
        private.amount_text(v_resource, (p_decision->>'usage')::bigint), v_limit)
      when 'blocked' then format('Limite atteinte : %s.', v_limit)
      else format('Demande : %s ; place restante : %s (limite : %s).',
        private.amount_text(v_resource, (p_decision->>'requested')::bigint),
        private.amount_text(v_resource, (p_decision->>'remaining')::bigint), v_limit) end,
    detail = p_decision::text,
    hint = 'Libérez de la place, ou demandez un plan supérieur.';
end $$;

-- ───────────────────────────────────────────────────────────── the group's lock, revision and message
create function private.lock_group(p_school_group_id uuid)
  returns bigint language sql volatile security definer set search_path = '' as $$
  select rev from private.group_states where school_group_id = p_school_group_id for update;
$$;
comment on function private.lock_group(uuid) is
  'Takes the group''s lock and returns its present revision without raising it.';

create function private.touch_group(p_school_group_id uuid, p_event private.state_event)
  returns bigint language plpgsql volatile security definer set search_path = '' as $$
declare
  v_xid constant xid8 := pg_current_xact_id();
  -- More than 0 only after `set constraints … immediate`: what is touched after that is told again.
  v_told constant int := coalesce(nullif(current_setting('epilot.told', true), ''), '0');
  v_rev bigint;
begin
  update private.group_states g
  set rev = case when g.xid = v_xid and g.told = v_told then g.rev else g.rev + 1 end,
      event = case when g.xid = v_xid and g.told = v_told then greatest(g.event, p_event) else p_event end,
      xid = v_xid, told = v_told
  where g.school_group_id = p_school_group_id
    and (g.xid is distinct from v_xid or g.told <> v_told or g.event < p_event)
  returning g.rev into v_rev;
  if not found then
    select g.rev into v_rev from private.group_states g where g.school_group_id = p_school_group_id;
  end if;
  return v_rev;
end $$;
comment on function private.touch_group(uuid, private.state_event) is
  'Locks the group until commit and raises its revision, once a transaction. A caller that touches several '
  'does it in order of their ids.';

create function private.unix_ms(p_instant timestamptz)
  returns bigint language sql immutable parallel safe
  return floor(extract(epoch from p_instant) * 1000)::bigint;
comment on function private.unix_ms(timestamptz) is
  'Milliseconds since 1970, as messages and snapshots say instants.';

create function private.epoch()
  returns int language sql stable security definer set search_path = '' as $$
  select epoch from private.platform;
$$;

create function private.raise_epoch()
  returns int language sql volatile set search_path = '' as $$
  update private.platform set epoch = greatest(epoch + 1,
    floor(extract(epoch from private.now() - timestamptz '2026-01-01 00:00:00+00') / 60)::int)
  where one returning epoch;
$$;
comment on function private.raise_epoch() is
  'For the restore of a backup: screens then take the restored state, although its revisions are lower. The '
  'epoch is at least the minutes since 2026, so that a backup restored twice is not twice the same epoch.';

-- ───────────────────────────────────────────────────────────── what time alone will change
create function private.next_change_at(p_school_group_id uuid)
  returns timestamptz language sql stable security definer set search_path = '' as $$
  -- Rounded up to the millisecond, as messages give it: a screen that reads then must not be early.
  select date_trunc('milliseconds', min(t.at) + interval '999 microseconds') from (
    select private.status_ends_at(s) as at from public.subscriptions s
    where s.school_group_id = p_school_group_id
    union all
    select c.effective_at from public.scheduled_changes c
    where c.school_group_id = p_school_group_id and c.status = 'pending'
    union all
    select o.expires_at from public.entitlement_overrides o
    where o.school_group_id = p_school_group_id and o.ended_at is null
    union all
    select d.at from public.subscription_add_ons a
    cross join lateral (values (a.starts_at), (a.ends_at)) d (at)
    where a.school_group_id = p_school_group_id and a.ended_at is null) t
  where t.at > private.now();
$$;
comment on function private.next_change_at(uuid) is
  'The first instant to come at which time alone changes what the group may do: an exception or a state of '
  'the subscription ends, a scheduled change is due. Null when nothing is dated.';

-- Kept where the dates are written, by whatever writes them; no revision: nothing has changed yet.
create function private.tg_keep_next_at() returns trigger
  language plpgsql volatile security definer set search_path = '' as $$
begin
  -- The lock first: the next statement then reads the dates that earlier commits wrote.
  perform private.lock_group(new.school_group_id);
  -- The corridor ended at the old date: the next write is worked out.
  update private.group_states s set next_at = n.at, calm_until = default
  from (select private.next_change_at(new.school_group_id) as at) n
  where s.school_group_id = new.school_group_id and s.next_at is distinct from n.at;
  return null;
end $$;
create trigger keep_next_at after insert or update of status, trial_ends_at, current_period_end,
    past_due_until, grace_ends_at on public.subscriptions
  for each row execute function private.tg_keep_next_at();
create trigger keep_next_at after insert or update on public.scheduled_changes
  for each row execute function private.tg_keep_next_at();
create trigger keep_next_at after insert or update on public.entitlement_overrides
  for each row execute function private.tg_keep_next_at();
create trigger keep_next_at after insert or update on public.subscription_add_ons
  for each row execute function private.tg_keep_next_at();

-- ───────────────────────────────────────────────────────────── the message
-- The plan's version names the modules, unless the group has modules of its own:
-- then its screens ask for them.
create function private.rights_message(p_school_group_id uuid)
  returns jsonb language plpgsql stable security definer set search_path = ''
  set plan_cache_mode = force_generic_plan as $$
declare v_next_at constant timestamptz := private.next_change_at(p_school_group_id);
begin
  return case when v_next_at is null then '{}'
              else jsonb_build_object('next_at', private.unix_ms(v_next_at)) end || (
    select jsonb_build_object(
         'plan', e.plan, 'pv', e.plan_version, 'status', e.status, 'warn', trim_scale(e.warn_at),
         'limits', to_jsonb(e.limits))
       || coalesce((select jsonb_build_object('pending', jsonb_build_array(
                      p.slug, private.unix_ms(c.effective_at)))
                    from public.scheduled_changes c join public.subscription_plans p on p.id = c.plan_id
                    where c.school_group_id = p_school_group_id and c.status = 'pending'), '{}')
       || case when private.has_own_modules(e) then '{"own": true}'::jsonb else '{}' end
    from private.effective_entitlements e where e.school_group_id = p_school_group_id);
end $$;
comment on function private.rights_message(uuid) is
  'What a state message says besides usage when rights have changed; shape in src/core/messages.ts.';

create function private.tg_group_states__announce() returns trigger
  language plpgsql volatile security definer set search_path = '' as $$
declare v_event private.state_event; v_usage text; v_told text;
begin
  -- Read again: usage and event may have grown since the update that queued this trigger. The message of
  -- nearly every write is put together as text: building jsonb costs the writer more.
  select s.event, '{"e": ' || p.epoch || ', "rev": ' || s.rev || ', "usage": ['
           || array_to_string(s.used, ',') || '], "at": ' || private.unix_ms(now())
           || case when s.next_at > private.now()
                   then ', "next_at": ' || private.unix_ms(s.next_at) else '' end || '}'
  into v_event, v_usage
  from private.group_states s cross join private.platform p where s.school_group_id = new.school_group_id;
  if not found then return null; end if;
  if v_event = 'usage_changed' then
    perform realtime.send(v_usage::jsonb, 'usage_changed', 'group:' || new.school_group_id, true);
  else
    perform realtime.send((v_usage::jsonb - 'next_at') || private.rights_message(new.school_group_id),
      v_event::text, 'group:' || new.school_group_id, true);
  end if;
  v_told := set_config('epilot.told',
    (coalesce(nullif(current_setting('epilot.told', true), ''), '0')::int + 1)::text, true);
  return null;
end $$;

create constraint trigger announce after update on private.group_states
  deferrable initially deferred for each row when (old.rev is distinct from new.rev)
  execute function private.tg_group_states__announce();

-- ───────────────────────────────────────────────────────────── counters
create view public.usage_counters with (security_invoker = true) as
select s.school_group_id, r.resource, s.used[r.place] as used
from private.group_states s
cross join unnest(enum_range(null::public.resource)) with ordinality r (resource, place);
comment on view public.usage_counters is
  'One row a group and resource; storage in bytes. private.recount_usage() says what it must hold.';
grant select on public.usage_counters to authenticated, service_role;

create function private.move_counter(p_school_group_id uuid, p_resource public.resource,
    p_delta bigint, p_limit bigint)
  returns bigint language plpgsql volatile security definer set search_path = '' as $$
declare
  v_place constant int := private.place_of(p_resource);
  v_today constant date := private.today();
  v_mark private.usage_marks; v_used bigint;
begin
  -- `strict` closes the door: a group without counters must not count as unlimited.
  update private.group_states set used[v_place] = used[v_place] + p_delta
  where school_group_id = p_school_group_id returning used[v_place] into strict v_used;
  select * into strict v_mark from private.usage_marks
  where school_group_id = p_school_group_id and resource = p_resource;
  if v_mark.day < v_today then
    insert into public.usage_daily (school_group_id, resource, day, used, "limit")
    values (p_school_group_id, p_resource, v_mark.day, v_used - p_delta, v_mark.day_limit)
    -- A transaction that began before midnight may have written after close_days() had closed its day.
    on conflict (school_group_id, resource, day)
    do update set used = excluded.used, "limit" = excluded."limit";
  end if;
  update private.usage_marks set day = greatest(day, v_today), day_limit = p_limit
  where school_group_id = p_school_group_id and resource = p_resource
    and (day < v_today or day_limit is distinct from p_limit);
  return v_used;
end $$;
comment on function private.move_counter(uuid, public.resource, bigint, bigint) is
  'Moves a counter, closing the day of its last change first; returns what it holds. The caller holds the '
  'group''s lock.';

create function private.set_calm(p_school_group_id uuid, p_resource public.resource,
    p_limit bigint, p_warn_at numeric)
  returns void language plpgsql volatile security definer set search_path = '' as $$
declare
  v_place constant int := private.place_of(p_resource);
  v_notified constant smallint := (select notified from private.usage_marks
                                   where school_group_id = p_school_group_id and resource = p_resource);
begin
  update private.group_states s set
    calm_from[v_place] = case when p_limit is null then 0 else
      case v_notified when 0 then 0 when 1 then ceil(p_warn_at * p_limit)
        when 2 then ceil(greatest(0.9, p_warn_at) * p_limit) end end,
    calm_to[v_place] = case when p_limit is null then 9000000000000000 else
      case v_notified when 0 then ceil(p_warn_at * p_limit) - 1
        when 1 then ceil(greatest(0.9, p_warn_at) * p_limit) - 1 when 2 then p_limit - 1 end end,
    calm_until[v_place] = least(
      (private.today() + 1)::timestamp at time zone 'Africa/Brazzaville',
      -- Rounded up to the millisecond there, and here never too late.
      private.next_change_at(p_school_group_id) - interval '1 millisecond')
  where s.school_group_id = p_school_group_id;
end $$;
comment on function private.set_calm(uuid, public.resource, bigint, numeric) is
  'Works out the calm corridor of a counter whose limit and warning level have just been judged. The caller '
  'holds the group''s lock.';

-- ───────────────────────────────────────────────────────────── notices and thresholds
create function private.notify(p_school_group_id uuid, p_kind public.notification_kind, p_params jsonb,
    p_resource public.resource default null, p_level int default null, p_rev bigint default null)
  returns void language plpgsql volatile security definer set search_path = '' as $$
declare
  v_rev constant bigint := coalesce(p_rev, private.lock_group(p_school_group_id));
  v_pushes boolean; v_rises boolean; v_open public.notifications;
begin
  select pushes into strict v_pushes from private.notification_kinds where kind = p_kind;
  if p_level is not null then
    select * into v_open from public.notifications
    where school_group_id = p_school_group_id and kind = p_kind and resource is not distinct from p_resource
      and level is not null and resolved_at is null;
  end if;
  if p_level = coalesce(v_open.level, 0) and (p_level = 0 or p_params = v_open.params) then return; end if;
  -- A group gets a hundred notices a day at most, since notices stay for ever. After that an open notice
  -- still shows the present level.
  v_rises := p_level is null or p_level > coalesce(v_open.level, 0)
    and private.within_rate(p_school_group_id, 'threshold_notice');
  if v_open.id is null and v_rises then
    insert into public.notifications (school_group_id, kind, resource, level, params, rev)
    values (p_school_group_id, p_kind, p_resource, p_level, p_params, v_rev);
  elsif p_level = 0 then
    update public.notifications set resolved_at = now() where id = v_open.id;
  else
    update public.notifications set level = p_level, params = p_params,
      rev = case when v_rises then v_rev else rev end,
      turn = case when v_rises then nextval('private.notification_turns') else turn end,
      raised_at = case when v_rises then now() else raised_at end
    where id = v_open.id;
  end if;
  -- Screens that show a notice which falls read it again; nobody is alerted.
  if v_pushes and (v_rises or v_open.id is not null) then
    perform realtime.send(
      jsonb_strip_nulls(jsonb_build_object('rev', v_rev, 'kind', p_kind, 'resource', p_resource)),
      case when v_rises then 'notification' else 'notice_changed' end, 'group:' || p_school_group_id, true);
  end if;
end $$;
comment on function private.notify is
  'Stores a notice and pushes it: an event (p_level null), or the standing notice of p_resource at p_level, '
  'which opens, rises, falls, and is resolved at 0. A rise pushes once and makes the notice unread again '
  '(I10). p_rev: the group''s revision, where the caller holds its lock already.';

create function private.notify_thresholds(p_school_group_id uuid, p_resource public.resource, p_used bigint,
                                          p_limit bigint, e private.effective_entitlements, p_rev bigint,
                                          p_rights_moved boolean default false)
  returns void language plpgsql volatile security definer set search_path = '' as $$
declare v_level constant smallint := private.warning_level(p_limit, p_used, e.warn_at);
begin
  update private.usage_marks set notified = v_level
  where school_group_id = p_school_group_id and resource = p_resource and notified <> v_level;
  if not found and not (p_rights_moved and v_level > 0) then return; end if;
  perform private.notify(p_school_group_id, 'usage_threshold', jsonb_build_object(
      'threshold', case v_level when 1 then trim_scale(e.warn_at)
        when 2 then trim_scale(greatest(0.9, e.warn_at)) else 1 end,
      'usage', p_used, 'limit', p_limit, 'plan', e.plan),
    p_resource, v_level, p_rev);
end $$;
comment on function private.notify_thresholds is
  'Moves the notice of a resource to the threshold that its usage stands at (I10). p_rights_moved: an '
  'open notice at the same threshold shows the new limit, share and plan, too.';

create function private.judge_thresholds(p_school_group_id uuid, p_rev bigint)
  returns void language plpgsql volatile security definer set search_path = ''
  set plan_cache_mode = force_generic_plan as $$
declare e private.effective_entitlements; c record; v_limit bigint;
begin
  select * into e from private.effective_entitlements where school_group_id = p_school_group_id;
  for c in select resource, used, day_limit
           from public.usage_counters join private.usage_marks using (school_group_id, resource)
           where school_group_id = p_school_group_id order by resource loop
    v_limit := private.limit_of(c.resource, e);
    if c.day_limit is distinct from v_limit then
      perform private.move_counter(p_school_group_id, c.resource, 0, v_limit);
    end if;
    perform private.notify_thresholds(p_school_group_id, c.resource, c.used, v_limit, e, p_rev, true);
    perform private.set_calm(p_school_group_id, c.resource, v_limit, e.warn_at);
  end loop;
end $$;
comment on function private.judge_thresholds(uuid, bigint) is
  'Limits moved under the usage: moves the notices of all resources to where usage now stands. Call it under '
  'the group''s lock.';

create function private.tell_entitlements(p_school_group_id uuid)
  returns bigint language plpgsql volatile security definer set search_path = '' as $$
declare v_rev constant bigint := private.touch_group(p_school_group_id, 'entitlements_changed');
begin
  perform private.judge_thresholds(p_school_group_id, v_rev);
  return v_rev;
end $$;
comment on function private.tell_entitlements(uuid) is
  'To be called last by whatever changed the limits or modules of one group.';

-- ───────────────────────────────────────────────────────────── counting and enforcing
create function private.apply_usage(p_resource public.resource, p_group uuid, p_delta bigint)
  returns void language plpgsql volatile security definer set search_path = ''
  set plan_cache_mode = force_generic_plan as $$
declare
  v_place constant int := private.place_of(p_resource);
  v_now constant timestamptz := private.now();
  v_xid constant xid8 := pg_current_xact_id();
  v_told constant int := coalesce(nullif(current_setting('epilot.told', true), ''), '0');
  v_rev bigint; v_used bigint; v_limit bigint;
  e private.effective_entitlements;
begin
  if p_delta = 0 then return; end if;
  -- In the corridor: the lock, the comparison, the counter and the revision
  -- (as in touch_group) in one update.
  update private.group_states s
  set used[v_place] = s.used[v_place] + p_delta,
      rev = case when s.xid = v_xid and s.told = v_told then s.rev else s.rev + 1 end,
      event = case when s.xid = v_xid and s.told = v_told then s.event else 'usage_changed' end,
      xid = v_xid, told = v_told
  where s.school_group_id = p_group
    and s.used[v_place] + p_delta between s.calm_from[v_place] and s.calm_to[v_place]
    and v_now < s.calm_until[v_place];
  if found then return; end if;

  -- The lock first, the revision last: constraints made immediate would tell the state at the revision.
  v_rev := private.lock_group(p_group);
  -- Read after the lock, by a new statement: the limit of whoever committed before us.
  select * into strict e from private.effective_entitlements where school_group_id = p_group;
  v_limit := private.limit_of(p_resource, e);
  v_used := private.move_counter(p_group, p_resource, p_delta, v_limit);
  if p_delta > 0 and v_used > v_limit then
    perform private.refuse_growth(
      private.decide(p_resource, v_limit, v_used - p_delta, p_delta, e.warn_at, e.fallback_reason)
      || jsonb_build_object('plan', e.plan, 'plan_version', e.plan_version, 'rev', v_rev));
  end if;
  v_rev := private.touch_group(p_group, 'usage_changed');
  perform private.notify_thresholds(p_group, p_resource, v_used, v_limit, e, v_rev);
  perform private.set_calm(p_group, p_resource, v_limit, e.warn_at);
end $$;
comment on function private.apply_usage(public.resource, uuid, bigint) is
  'Moves a counter of a group by what a statement did to it, and refuses growth beyond the limit (PT402). '
  'Groups in order of their ids.';

-- One function for every counted table: the column `counts` says what a row takes. Arguments: the resource
-- and its place.
create function private.tg_count_usage() returns trigger
  language plpgsql volatile security definer set search_path = '' as $$
declare
  v_place constant int := tg_argv[1];
  v_now constant timestamptz := private.now();
  v_xid constant xid8 := pg_current_xact_id();
  v_told constant int := coalesce(nullif(current_setting('epilot.told', true), ''), '0');
  v_group uuid; v_delta bigint;
begin
  if tg_op = 'INSERT' then
    -- What apply_usage() does in the corridor, for the one group that nearly every statement is about, in the
    -- statement that sums: a call more, and a loop, would cost as much as the counter.
    update private.group_states s
    set used[v_place] = s.used[v_place] + d.n,
        rev = case when s.xid = v_xid and s.told = v_told then s.rev else s.rev + 1 end,
        event = case when s.xid = v_xid and s.told = v_told then s.event else 'usage_changed' end,
        xid = v_xid, told = v_told
    from (select school_group_id, sum(counts)::bigint as n, count(*) over () as groups
          from new_rows where counts > 0 group by 1) d
    where s.school_group_id = d.school_group_id and d.groups = 1
      and s.used[v_place] + d.n between s.calm_from[v_place] and s.calm_to[v_place]
      and v_now < s.calm_until[v_place];
    if found then return null; end if;
    for v_group, v_delta in select school_group_id, sum(counts) from new_rows group by 1 order by 1 loop
      perform private.apply_usage(tg_argv[0]::public.resource, v_group, v_delta);
    end loop;
  elsif tg_op = 'DELETE' then
    for v_group, v_delta in select school_group_id, -sum(counts) from old_rows group by 1 order by 1 loop
      perform private.apply_usage(tg_argv[0]::public.resource, v_group, v_delta);
    end loop;
  elsif tg_op = 'UPDATE' then
    for v_group, v_delta in
      select school_group_id, sum(n) from (
        select school_group_id, counts as n from new_rows
        union all select school_group_id, -counts from old_rows) d
      group by 1 having sum(n) <> 0 order by 1 loop
      perform private.apply_usage(tg_argv[0]::public.resource, v_group, v_delta);
    end loop;
  else
    for v_group, v_delta in select school_group_id, -used[v_place] from private.group_states
                            where used[v_place] > 0 order by 1 loop
      perform private.apply_usage(tg_argv[0]::public.resource, v_group, v_delta);
    end loop;
  end if;
  return null;
end $$;

-- The one place that says which table holds a resource.
do $$
declare t record; v_rows text[];
begin
  for t in select name, resource, private.place_of(resource) as place
           from (values ('schools', 'schools'::public.resource), ('students', 'students'), ('staff', 'staff'),
                        ('documents', 'storage')) v (name, resource) loop
    execute format('create trigger count_insert after insert on public.%I
      referencing new table as new_rows
      for each statement execute function private.tg_count_usage(%L, %L)', t.name, t.resource, t.place);
    execute format('create trigger count_delete after delete on public.%I
      referencing old table as old_rows
      for each statement execute function private.tg_count_usage(%L, %L)', t.name, t.resource, t.place);
    execute format('create trigger count_update after update on public.%I
      referencing old table as old_rows new table as new_rows
      for each statement execute function private.tg_count_usage(%L, %L)', t.name, t.resource, t.place);
    execute format('create trigger count_truncate after truncate on public.%I
      for each statement execute function private.tg_count_usage(%L, %L)', t.name, t.resource, t.place);
    v_rows := v_rows || format('select school_group_id, %L::public.resource as resource,
      sum(counts)::bigint as used from public.%I group by 1', t.resource, t.name);
  end loop;
  execute 'create view private.counted_usage with (security_invoker = true) as '
    || array_to_string(v_rows, ' union all ');
end $$;
comment on view private.counted_usage is 'Usage of groups that have rows, counted from the rows.';

create function private.recount_usage()
  returns table (school_group_id uuid, resource public.resource, used bigint)
  language sql stable security definer set search_path = '' as $$
  select g.id, r.resource, coalesce(c.used, 0)
  from public.school_groups g
  cross join unnest(enum_range(null::public.resource)) r (resource)
  left join private.counted_usage c on c.school_group_id = g.id and c.resource = r.resource;
$$;
comment on function private.recount_usage() is
  'What each counter must hold, counted from the rows: the other side of I2.';

-- ───────────────────────────────────────────────────────────── a group is born
create function private.tg_school_groups__equip() returns trigger
  language plpgsql volatile security definer set search_path = '' as $$
begin
  insert into private.group_states (school_group_id) values (new.id);
  insert into private.usage_marks (school_group_id, resource)
  select new.id, r from unnest(enum_range(null::public.resource)) r;
  insert into public.subscriptions (school_group_id, plan_id)
  select new.id, id from public.subscription_plans where slug = 'gratuit';
  return null;
end $$;
create trigger equip after insert on public.school_groups
  for each row execute function private.tg_school_groups__equip();

-- ───────────────────────────────────────────────────────────── a subscription changes
create function private.hold_plan(p_plan_id uuid)
  returns void language sql volatile security definer set search_path = '' as $$
  select 1 from public.subscription_plans where id = p_plan_id or slug = 'gratuit' order by id for share;
$$;
comment on function private.hold_plan(uuid) is
  'Keeps the plan, and the one a group falls back to, from being edited until commit. Taken before the '
  'group''s lock.';

-- A change of plan is a change to what is on sale now.
create function private.tg_subscriptions__hold_plan() returns trigger
  language plpgsql volatile security definer set search_path = '' as $$
begin
  if tg_op = 'UPDATE' and new.school_group_id <> old.school_group_id then
    perform private.fail('PT403', 'forbidden', 'Un abonnement ne change pas de groupe.');
  end if;
  if tg_op = 'UPDATE' and new.plan_id <> old.plan_id then
    new.pinned_version_id := null;
  end if;
  if new.pinned_version_id is not null and not exists (
    select 1 from public.plan_versions
    where id = new.pinned_version_id and plan_id = new.plan_id and status <> 'draft') then
    perform private.fail('PT400', 'invalid_request',
      'La version gardée est une version publiée du plan du groupe.', 'pinned_version_id');
  end if;
  -- Plan before group, like every other writer that holds both: an edit of the plan in flight either
  -- waits for us and finds our group, or is finished and judged here.
  perform private.hold_plan(new.plan_id);
  return new;
end $$;
create trigger hold_plan before insert or update of plan_id, status, school_group_id, pinned_version_id
  on public.subscriptions
  for each row execute function private.tg_subscriptions__hold_plan();

create function public.notify_plan_change() returns trigger
  language plpgsql volatile security definer set search_path = '' as $$
declare
  v_from public.subscription_plans; v_to public.subscription_plans;
  v_kind text; v_rev bigint; v_message jsonb;
  v_reason constant text := nullif(current_setting('epilot.change_reason', true), '');
begin
  select * into v_to from public.subscription_plans where id = new.plan_id;
  if tg_op = 'UPDATE' then
    select * into v_from from public.subscription_plans where id = old.plan_id;
  end if;
  v_kind := case when tg_op = 'INSERT' then 'created'
                 when new.plan_id <> old.plan_id then 'plan_changed' else 'status_changed' end;

  v_rev := private.touch_group(new.school_group_id, 'plan_changed');
  insert into public.subscription_events
    (school_group_id, kind, from_plan_id, to_plan_id, from_status, to_status, reason, actor_id, rev)
  values (new.school_group_id, v_kind, v_from.id, v_to.id,
          case when tg_op = 'UPDATE' then old.status end, new.status, v_reason, auth.uid(), v_rev);
  if tg_op = 'UPDATE' then
    insert into public.audit_log (actor_id, action, school_group_id, detail)
    values (auth.uid(), 'subscription_' || v_kind, new.school_group_id, jsonb_build_object(
      'from_plan', v_from.slug, 'to_plan', v_to.slug, 'from_status', old.status,
      'to_status', new.status, 'reason', v_reason));
  end if;

  perform private.judge_thresholds(new.school_group_id, v_rev);
  if v_kind <> 'created' then
    perform private.notify(new.school_group_id, v_kind::public.notification_kind, jsonb_build_object(
      'from', case v_kind when 'plan_changed' then v_from.slug else old.status::text end,
      'to', case v_kind when 'plan_changed' then v_to.slug else new.status::text end), p_rev => v_rev);
  end if;

  v_message := jsonb_build_object('school_group_id', new.school_group_id, 'kind', v_kind,
    'from', v_from.slug, 'to', v_to.slug, 'rev', v_rev, 'at', private.unix_ms(now()));
  -- For listeners on the back end. The browsers' message goes out at commit, with the group's revision.
  perform pg_notify('plan_changed', v_message::text);
  perform realtime.send(v_message, 'activity', 'platform', true);
  return null;
end $$;

create trigger notify_plan_insert after insert on public.subscriptions
  for each row execute function public.notify_plan_change();
-- Only a change of what the subscription gives: a note or a payment date is no plan change.
create trigger notify_plan_update after update on public.subscriptions
  for each row when (old.plan_id is distinct from new.plan_id or old.status is distinct from new.status)
  execute function public.notify_plan_change();

-- ───────────────────────────────────────────────────────────── limits that move past the functions
-- What moves limits by plain SQL, past the functions, is followed too.
create function private.tg_follow_rights() returns trigger
  language plpgsql volatile security definer set search_path = '' as $$
begin
  perform private.lock_group(new.school_group_id);
  perform private.tell_entitlements(new.school_group_id);
  return null;
end $$;
create trigger follow after insert or update on public.entitlement_overrides
  for each row execute function private.tg_follow_rights();

create trigger follow after insert or update on public.subscription_add_ons
  for each row execute function private.tg_follow_rights();

-- Groups that follow the plan, or have fallen back to it, in order of id, as every writer of several groups;
-- those pinned to an older version keep what they have.
create function private.tg_subscription_plans__tell_groups() returns trigger
  language plpgsql volatile security definer set search_path = '' as $$
declare v_group uuid;
begin
  for v_group in select school_group_id from private.effective_entitlements
                 where plan_id = new.id and pinned_version_id is null order by 1 loop
    perform private.lock_group(v_group);
    -- Looked at again under the lock: the group may have left the plan meanwhile.
    continue when not exists (select 1 from private.effective_entitlements
                              where school_group_id = v_group and plan_id = new.id
                                and pinned_version_id is null);
    perform private.tell_entitlements(v_group);
  end loop;
  return null;
end $$;
create trigger tell_groups after update on public.subscription_plans for each row
  when ((new.version, new.limits, new.warn_at) is distinct from (old.version, old.limits, old.warn_at))
  execute function private.tg_subscription_plans__tell_groups();

create function private.tg_subscriptions__forget_calm() returns trigger
  language plpgsql volatile security definer set search_path = '' as $$
begin
  perform private.lock_group(new.school_group_id);
  update private.group_states set calm_until = default where school_group_id = new.school_group_id;
  return null;
end $$;
create trigger forget_calm after update on public.subscriptions for each row
  when (old.pinned_version_id is distinct from new.pinned_version_id)
  execute function private.tg_subscriptions__forget_calm();

-- ───────────────────────────────────────────────────────────── questions
create function private.decision_for(e private.effective_entitlements,
    p_resource public.resource, p_requested bigint)
  returns jsonb language sql stable security definer set search_path = '' as $$
  select private.decide(c.resource, private.limit_of(c.resource, e), c.used, p_requested,
    e.warn_at, e.fallback_reason)
    || jsonb_build_object('plan', e.plan, 'plan_version', e.plan_version, 'rev', r.rev)
  from public.usage_counters c join private.group_states r using (school_group_id)
  where c.school_group_id = e.school_group_id and c.resource = p_resource;
$$;

create function private.restrictions_of(e private.effective_entitlements)
  returns jsonb language sql stable security definer set search_path = '' as $$
  select jsonb_object_agg(r, private.decision_for(e, r, 1)) from unnest(enum_range(null::public.resource)) r;
$$;

create function public.check_plan_restrictions(p_restriction_type text, p_requested bigint default 1,
                                               p_school_group_id uuid default null)
  returns jsonb language plpgsql stable security definer set search_path = ''
  set plan_cache_mode = force_generic_plan as $$
declare
  v_group constant uuid := private.resolve_group(p_school_group_id);
  v_resource public.resource;
  e private.effective_entitlements;
begin
  v_resource := private.require_resource(p_restriction_type);
  if p_requested is null or p_requested < 0 then
    perform private.fail('PT400', 'invalid_request',
      'La quantité demandée est un nombre positif.', 'p_requested');
  end if;
  select * into e from private.effective_entitlements where school_group_id = v_group;
  return private.decision_for(e, v_resource, p_requested);
end $$;
comment on function public.check_plan_restrictions(text, bigint, uuid) is
  'May the group add p_requested (bytes for storage) of the resource? Returns a decision; the write itself '
  'is judged again.';
grant execute on function public.check_plan_restrictions(text, bigint, uuid) to authenticated;

create function public.get_all_plan_restrictions(p_school_group_id uuid default null)
  returns jsonb language plpgsql stable security definer set search_path = ''
  set plan_cache_mode = force_generic_plan as $$
declare
  v_group constant uuid := private.resolve_group(p_school_group_id);
  v_result jsonb;
begin
  select jsonb_build_object('school_group_id', v_group, 'plan', e.plan, 'status', e.status, 'rev', r.rev,
                            'as_of', now(), 'restrictions', private.restrictions_of(e))
  into v_result
  from private.effective_entitlements e join private.group_states r using (school_group_id)
  where e.school_group_id = v_group;
  return v_result;
end $$;
comment on function public.get_all_plan_restrictions(uuid) is
  'The four decisions of a group, in one computation.';
grant execute on function public.get_all_plan_restrictions(uuid) to authenticated;

create function public.can_access_module(p_module text, p_school_group_id uuid default null)
  returns boolean language plpgsql stable security definer set search_path = ''
  set plan_cache_mode = force_generic_plan as $$
declare v_group constant uuid := private.resolve_group(p_school_group_id);
begin
  return exists (
    select 1 from private.effective_entitlements e cross join lateral private.effective_modules(e) x
    join public.modules m on m.id = x.module_id
    where e.school_group_id = v_group and (m.slug = p_module or m.id::text = lower(p_module)));
end $$;
comment on function public.can_access_module(text, uuid) is
  'Whether the module (slug or id) is open to the group; false for an unknown one.';
grant execute on function public.can_access_module(text, uuid) to authenticated;

create function public.can_access_category(p_category text, p_school_group_id uuid default null)
  returns boolean language plpgsql stable security definer set search_path = ''
  set plan_cache_mode = force_generic_plan as $$
declare v_group constant uuid := private.resolve_group(p_school_group_id);
begin
  return exists (
    select 1 from private.effective_entitlements e cross join lateral private.effective_modules(e) x
    join public.modules m on m.id = x.module_id join public.business_categories c on c.id = m.category_id
    where e.school_group_id = v_group and (c.slug = p_category or c.id::text = lower(p_category)));
end $$;
comment on function public.can_access_category(text, uuid) is
  'Whether at least one module of the category (slug or id) is open to the group.';
grant execute on function public.can_access_category(text, uuid) to authenticated;

create function private.sources_of(e private.effective_entitlements)
  returns jsonb language sql stable security definer set search_path = '' as $$
  with given as (
    select a.created_at, a.quantity, v.limits, v.modules, jsonb_build_object('id', a.id, 'source', 'add_on',
      'add_on', o.slug, 'origin', a.source, 'expires_at', a.ends_at) as source
    from private.add_ons_in_force(e) a join public.add_on_versions v on v.id = a.add_on_version_id
    join public.add_ons o on o.id = a.add_on_id)
  select jsonb_build_object(
    'limits', (select jsonb_object_agg(r.resource,
        jsonb_build_array(jsonb_build_object('source', 'plan', 'plan', e.plan, 'version', e.plan_version,
          'amount', e.plan_limits[private.place_of(r.resource)]))
        || coalesce((select jsonb_agg(jsonb_strip_nulls(x.source) || jsonb_build_object('amount', x.amount)
                                      order by x.created_at)
           from (
             select o.created_at, o.amount, jsonb_build_object('id', o.id,
               'source', case o.kind when 'limit' then 'override' else 'grant' end,
               'reason', o.reason, 'expires_at', o.expires_at) as source
             from private.overrides_in_force(e) o where o.resource = r.resource
             union all
             select a.created_at, a.limits[private.place_of(r.resource)] * a.quantity, a.source
             from given a where a.limits[private.place_of(r.resource)] > 0) x), '[]'))
      from unnest(enum_range(null::public.resource)) r (resource)),
    'modules', coalesce((
      select jsonb_agg(jsonb_strip_nulls(x.source) order by x.created_at, x.source->>'module') from (
        select o.created_at, jsonb_build_object('id', o.id, 'module', m.slug,
          'source', case o.kind when 'module_addition' then 'addition' else 'removal' end,
          'reason', o.reason, 'expires_at', o.expires_at) as source
        from private.overrides_in_force(e) o join public.modules m on m.id = o.module_id
        union all
        select a.created_at, a.source || jsonb_build_object('module', module)
        from given a cross join unnest(a.modules) module) x), '[]'));
$$;
comment on function private.sources_of(private.effective_entitlements) is
  'Where each limit and each module of the group''s own comes from: the plan''s amount, then the override '
  '(which replaces all) or the grants and add-ons (which add to it).';

create function private.catalogue_version()
  returns text language sql stable security definer set search_path = '' as $$
  -- The epoch with them: a restored database gives the numbers of transactions a second time.
  select md5(string_agg(x, ',' order by x collate "C")) from (
    select 'e' || private.epoch()
    union all select xmin::text from public.subscription_plans
    union all select xmin::text from public.modules
    union all select xmin::text from public.business_categories) t (x);
$$;
comment on function private.catalogue_version() is
  'Changes with every transaction that writes a plan, a module or a category, for it leaves its number on '
  'the row; plan_modules moves its plan.';

create view public.notices with (security_invoker = true) as
select n.id, n.school_group_id, n.kind, n.resource, n.level, n.params, n.rev, n.turn, n.created_at,
       n.raised_at, n.resolved_at,
       n.resolved_at is null and not exists (
         select from public.notification_reads r
         where r.notification_id = n.id and r.profile_id = (select auth.uid()) and r.turn >= n.turn) as unread
from public.notifications n;
comment on view public.notices is
  'Notices as the caller sees them. Unread: not resolved, and come or risen since the caller read it.';
grant select on public.notices to authenticated;

create function private.unread_notices(p_school_group_id uuid)
  returns bigint language sql stable security definer set search_path = '' as $$
  select count(*) from public.notices
  where school_group_id = p_school_group_id and unread and kind = any (private.my_notification_kinds());
$$;
comment on function private.unread_notices(uuid) is
  'How many unread notices the caller has of a group that they may read.';

create function public.get_entitlements(p_school_group_id uuid default null)
  returns jsonb language plpgsql stable security definer set search_path = ''
  set plan_cache_mode = force_generic_plan as $$
declare
  v_group constant uuid := private.resolve_group(p_school_group_id);
  v_result jsonb;
begin
  select jsonb_build_object(
    'school_group_id', v_group, 'plan', e.plan, 'plan_name', e.plan_name,
    'subscribed_plan', e.subscribed_plan, 'plan_version', e.plan_version, 'status', e.status,
    'e', private.epoch(), 'rev', r.rev, 'as_of', now(),
    'next_at', private.unix_ms(private.next_change_at(v_group)), 'warn_at', trim_scale(e.warn_at),
    'restrictions', private.restrictions_of(e),
    'modules', x.modules, 'categories', x.categories, 'sources', private.sources_of(e),
    'pending_change', (select jsonb_build_object('plan', p.slug, 'effective_at', s.effective_at)
                       from public.scheduled_changes s join public.subscription_plans p on p.id = s.plan_id
                       where s.school_group_id = v_group and s.status = 'pending'),
    'unread_notices', private.unread_notices(v_group),
    'catalogue', private.catalogue_version())
  into v_result
  from private.effective_entitlements e join private.group_states r using (school_group_id)
  cross join lateral (
    select coalesce(jsonb_agg(m.slug order by m.slug collate "C"), '[]') as modules,
           coalesce((select jsonb_agg(c.slug order by c.slug collate "C") from public.business_categories c
                     where c.id = any (array_agg(m.category_id))), '[]') as categories
    from private.effective_modules(e) em join public.modules m on m.id = em.module_id) x
  where e.school_group_id = v_group;
  return v_result;
end $$;
comment on function public.get_entitlements(uuid) is
  'The snapshot that a screen starts from; shape: EntitlementSnapshot in src/core/entitlements.ts.';
grant execute on function public.get_entitlements(uuid) to authenticated;

-- ───────────────────────────────────────────────────────────── usage, for lists and reports
create view public.school_group_usage with (security_invoker = true) as
select c.school_group_id, e.plan, c.resource, c.used, l."limit",
       (d->>'remaining')::bigint as remaining, (d->>'percentage')::numeric as percentage, d->>'state' as state
from public.usage_counters c
join private.effective_entitlements e using (school_group_id)
cross join lateral (select private.limit_of(c.resource, e) as "limit") l
cross join lateral private.decide(c.resource, l."limit", c.used, 1, e.warn_at, e.fallback_reason) d;
comment on view public.school_group_usage is
  'One row a group and resource, as the caller may see; storage in bytes.';
grant select on public.school_group_usage to authenticated, service_role;

-- ───────────────────────────────────────────────────────────── topics
-- Nobody writes to them but the database: there is no insert policy.
create function private.can_read_topic(p_topic text)
  returns boolean language sql stable security definer set search_path = '' as $$
  select case
    when p_topic = 'catalogue' then private.is_member()
    when p_topic = 'platform' then private.is_super_admin()
    when p_topic like 'group:%' then
      p_topic = 'group:' || private.my_group_id() or private.is_super_admin()
    else false end;
$$;
comment on function private.can_read_topic(text) is
  'Whether the caller may listen to a private topic; asked once, when the channel is joined.';
grant execute on function private.can_read_topic(text) to authenticated;

create policy "members listen to their topics" on realtime.messages for select to authenticated
  using (extension = 'broadcast' and topic = (select realtime.topic())
    and (select private.can_read_topic((select realtime.topic()))));

alter publication supabase_realtime
  add table public.subscriptions, public.plan_modules, public.plan_categories;
