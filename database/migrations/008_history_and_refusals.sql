-- 008 · What happened: usage day by day, why a write was refused, whether the counters are true.

-- ───────────────────────────────────────────────────────────── usage, day by day
-- A counter remembers the day of its last change. The first change of a later day writes the closed day to
-- usage_daily, so history costs one row a counter and active day and nothing on the writes in between. A day without a
-- row is a day without a change: get_usage_history() carries the last one forward, so no day is missing.
create table public.usage_daily (
  school_group_id uuid not null references public.school_groups (id) on delete restrict,
  resource public.resource not null,
  day date not null,
  used bigint not null,
  "limit" bigint,
  primary key (school_group_id, resource, day)
);
comment on table public.usage_daily is 'Usage and limit as a day ended (Africa/Brazzaville); storage in bytes; only days on which they changed.';
alter table public.usage_daily enable row level security;
create policy "group admins see their history" on public.usage_daily for select to authenticated
  using (school_group_id = (select private.my_admin_group_id()) or (select private.is_super_admin()));
grant select on public.usage_daily to authenticated, service_role;

alter table private.usage_marks
  add column day date not null default private.today(),
  add column day_limit bigint;
update private.usage_marks c set day_limit = private.limit_of(c.resource, e)
from private.effective_entitlements e where e.school_group_id = c.school_group_id;
comment on column private.usage_marks.day is 'Day of the last change of the counter or of day_limit.';

create function private.move_counter(p_school_group_id uuid, p_resource public.resource, p_delta bigint, p_limit bigint)
  returns bigint language plpgsql volatile security definer set search_path = '' as $$
declare
  v_place constant int := private.place_of(p_resource);
  v_today constant date := private.today();
  v_mark private.usage_marks; v_used bigint;
begin
  -- `strict` closes the door: a group without counters must not count as unlimited.
  update private.group_states set used[v_place] = used[v_place] + p_delta
  where school_group_id = p_school_group_id returning used[v_place] into strict v_used;
  select * into strict v_mark from private.usage_marks where school_group_id = p_school_group_id and resource = p_resource;
  if v_mark.day < v_today then
    insert into public.usage_daily (school_group_id, resource, day, used, "limit")
    values (p_school_group_id, p_resource, v_mark.day, v_used - p_delta, v_mark.day_limit)
    -- A transaction that began before midnight may have written after close_days() had closed its day.
    on conflict (school_group_id, resource, day) do update set used = excluded.used, "limit" = excluded."limit";
  end if;
  update private.usage_marks set day = greatest(day, v_today), day_limit = p_limit
  where school_group_id = p_school_group_id and resource = p_resource
    and (day < v_today or day_limit is distinct from p_limit);
  return v_used;
end $$;
comment on function private.move_counter(uuid, public.resource, bigint, bigint) is
  'Moves a counter, closing the day of its last change first; returns what it holds. The caller holds the group''s lock.';

-- The calm corridor: the range of usage, and the time, in which a write of this counter changes nothing but the counter:
-- no limit reached, no threshold crossed, no day closed, no exception expired. Inside it a write is one update; outside, or
-- when a bound is null, everything is worked out again. Whatever moves a limit sets the corridor anew under the group's lock.
alter table private.group_states
  add column calm_from bigint[] not null default '{null,null,null,null}',
  add column calm_to bigint[] not null default '{null,null,null,null}',
  add column calm_until timestamptz[] not null default '{null,null,null,null}';

create function private.set_calm(p_school_group_id uuid, p_resource public.resource, p_limit bigint, p_warn_at numeric)
  returns void language plpgsql volatile security definer set search_path = '' as $$
declare
  v_place constant int := private.place_of(p_resource);
  v_notified constant smallint := (select notified from private.usage_marks
                                   where school_group_id = p_school_group_id and resource = p_resource);
begin
  update private.group_states s set
    calm_from[v_place] = case when p_limit is null then 0 else
      case v_notified when 0 then 0 when 1 then ceil(p_warn_at * p_limit) when 2 then ceil(greatest(0.9, p_warn_at) * p_limit) end end,
    calm_to[v_place] = case when p_limit is null then 9000000000000000 else
      case v_notified when 0 then ceil(p_warn_at * p_limit) - 1 when 1 then ceil(greatest(0.9, p_warn_at) * p_limit) - 1
                      when 2 then p_limit - 1 end end,
    calm_until[v_place] = least(
      (private.today() + 1)::timestamp at time zone 'Africa/Brazzaville',
      (select min(o.expires_at) from public.entitlement_overrides o
       where o.school_group_id = p_school_group_id and o.resource = p_resource and o.ended_at is null and o.expires_at > private.now()))
  where s.school_group_id = p_school_group_id;
end $$;
comment on function private.set_calm(uuid, public.resource, bigint, numeric) is
  'Works out the calm corridor of a counter whose limit and warning level have just been judged. The caller holds the group''s lock.';

create or replace function private.apply_usage(p_resource public.resource, p_group uuid, p_delta bigint)
  returns void language plpgsql volatile security definer set search_path = '' as $$
declare
  v_place constant int := private.place_of(p_resource);
  v_now constant timestamptz := private.now();
  v_xid constant xid8 := pg_current_xact_id();
  v_told constant int := coalesce(nullif(current_setting('epilot.told', true), ''), '0');
  v_rev bigint; v_used bigint; v_limit bigint;
  e private.effective_entitlements;
begin
  if p_delta = 0 then return; end if;
  -- In the corridor: the lock, the comparison, the counter and the revision (as in touch_group) in one update.
  update private.group_states s
  set used[v_place] = s.used[v_place] + p_delta,
      rev = case when s.xid = v_xid and s.told = v_told then s.rev else s.rev + 1 end,
      event = case when s.xid = v_xid and s.told = v_told then s.event else 'usage_changed' end,
      xid = v_xid, told = v_told
  where s.school_group_id = p_group
    and s.used[v_place] + p_delta between s.calm_from[v_place] and s.calm_to[v_place] and v_now < s.calm_until[v_place];
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

create or replace function private.judge_thresholds(p_school_group_id uuid, p_rev bigint)
  returns void language plpgsql volatile security definer set search_path = '' as $$
declare e private.effective_entitlements; c record; v_limit bigint;
begin
  select * into e from private.effective_entitlements where school_group_id = p_school_group_id;
  for c in select resource, used, day_limit from public.usage_counters join private.usage_marks using (school_group_id, resource)
           where school_group_id = p_school_group_id order by resource loop
    v_limit := private.limit_of(c.resource, e);
    if c.day_limit is distinct from v_limit then
      perform private.move_counter(p_school_group_id, c.resource, 0, v_limit);
    end if;
    perform private.notify_thresholds(p_school_group_id, c.resource, c.used, v_limit, e, p_rev);
    perform private.set_calm(p_school_group_id, c.resource, v_limit, e.warn_at);
  end loop;
end $$;

-- What moves limits by plain SQL, past the functions, is followed too.
create function private.tg_entitlement_overrides__follow() returns trigger
  language plpgsql volatile security definer set search_path = '' as $$
begin
  perform private.lock_group(new.school_group_id);
  perform private.tell_entitlements(new.school_group_id);
  return null;
end $$;
create trigger follow after insert or update on public.entitlement_overrides
  for each row execute function private.tg_entitlement_overrides__follow();

create function private.tg_subscriptions__forget_calm() returns trigger
  language plpgsql volatile security definer set search_path = '' as $$
begin
  perform private.lock_group(new.school_group_id);
  update private.group_states set calm_until = default where school_group_id = new.school_group_id;
  return null;
end $$;
create trigger forget_calm after update on public.subscriptions for each row
  when (old.pinned_version_id is distinct from new.pinned_version_id) execute function private.tg_subscriptions__forget_calm();

create function public.get_usage_history(p_school_group_id uuid default null, p_days int default 90)
  returns jsonb language plpgsql stable security definer set search_path = '' as $$
declare v_group constant uuid := private.resolve_group(p_school_group_id);
begin
  if private.my_admin_group_id() is distinct from v_group and not private.is_super_admin() then
    perform private.fail('PT403', 'forbidden', 'L’historique est réservé à l’administrateur du groupe.');
  elsif p_days is null or p_days not between 1 and 731 then
    perform private.fail('PT400', 'invalid_request', 'De 1 à 731 jours.', 'p_days');
  end if;
  return (
    select jsonb_agg(jsonb_build_object('day', d.day, 'usage', d.used, 'limits', d.limits) order by d.day)
    from (
      select t.day, jsonb_agg(coalesce(h.used, 0) order by c.resource) as used,
             jsonb_agg(h."limit" order by c.resource) as limits
      from (select private.today() - n as day from generate_series(0, p_days - 1) n) t
      cross join (public.usage_counters join private.usage_marks using (school_group_id, resource)) c
      -- The counter's own state is the newest day; before it, the closed day that stands nearest behind.
      left join lateral (
        (select c.used, c.day_limit as "limit" where c.day <= t.day)
        union all
        (select x.used, x."limit" from public.usage_daily x
         where x.school_group_id = c.school_group_id and x.resource = c.resource and x.day <= t.day and c.day > t.day
         order by x.day desc limit 1)) h on true
      where c.school_group_id = v_group
      group by t.day) d);
end $$;
comment on function public.get_usage_history(uuid, int) is
  'One entry a day, none missing: usage and limits in the order of the resources as the day ended (today: as it stands); before the first record usage is 0 and limits null.';

create function private.close_days()
  returns int language plpgsql volatile security definer set search_path = '' as $$
declare v_closed int;
begin
  insert into public.usage_daily (school_group_id, resource, day, used, "limit")
  select school_group_id, resource, day, used, day_limit
  from public.usage_counters join private.usage_marks using (school_group_id, resource)
  where day < private.today() order by school_group_id, resource
  on conflict do nothing;
  get diagnostics v_closed = row_count;
  return v_closed;
end $$;
comment on function private.close_days() is 'Writes the last day of change of every quiet counter, so that reports can read usage_daily alone. Idempotent.';

-- ───────────────────────────────────────────────────────────── why was I refused at 10:42
-- A refused statement rolls back everything, its own record included; PostgreSQL has no transaction beside it. What can
-- speak afterwards does: the web app reports a refusal it met by report_refusal(), an import records its own. A statement
-- refused over bare SQL, or to a program that does not report, stands in that program's error alone.
create table public.refusals (
  id bigint generated always as identity primary key,
  school_group_id uuid not null references public.school_groups (id) on delete restrict,
  at timestamptz not null default now(),
  actor_id uuid references public.profiles (id) on delete restrict,
  source text not null check (source in ('reported', 'import')),
  decision jsonb not null
);
create index refusals_group_idx on public.refusals (school_group_id, id desc);
create index refusals_actor_idx on public.refusals (actor_id, at desc);
comment on table public.refusals is 'Refused growth: what was asked, what stood, which revision. The decision is computed here, never taken from a client.';
alter table public.refusals enable row level security;
create policy "group admins see their refusals" on public.refusals for select to authenticated
  using (school_group_id = (select private.my_admin_group_id()) or (select private.is_super_admin()));
grant select on public.refusals to authenticated, service_role;
create trigger append_only before update or delete or truncate on public.refusals
  for each statement execute function private.tg_refuse('Un refus enregistré ne se réécrit pas.');

create function public.report_refusal(p_restriction_type text, p_requested bigint default 1)
  returns jsonb language plpgsql volatile security definer set search_path = '' as $$
declare v_group constant uuid := private.my_group_id(); v_decision jsonb;
begin
  if private.my_profile_id() is null then
    perform private.fail('PT401', 'not_authenticated', 'Connectez-vous pour continuer.');
  elsif v_group is null then
    perform private.fail('PT403', 'forbidden', 'Seul un membre d’un groupe rapporte un refus.');
  end if;
  v_decision := public.check_plan_restrictions(p_restriction_type, p_requested, v_group);
  -- What is let through by now is no refusal that can be explained.
  if (v_decision->>'allowed')::boolean then return v_decision; end if;
  -- One line a person and second, and so many a day (005): a program gone wild cannot fill the table. Looked at under the lock: two of its calls
  -- at once are one line.
  perform private.lock_group(v_group);
  if not exists (select 1 from public.refusals where actor_id = auth.uid() and at > now() - interval '1 second')
     and private.within_rate(auth.uid(), 'refusal') then
    insert into public.refusals (school_group_id, actor_id, source, decision) values (v_group, auth.uid(), 'reported', v_decision);
  end if;
  return v_decision;
end $$;
comment on function public.report_refusal(text, bigint) is
  'Records that the caller was just refused, with the decision as it stands now and its revision. Returns that decision.';

-- ───────────────────────────────────────────────────────────── recount
create function public.verify_usage()
  returns jsonb language plpgsql stable security definer set search_path = '' as $$
begin
  perform private.require_super_admin();
  return (select coalesce(jsonb_agg(jsonb_build_object('school_group_id', r.school_group_id, 'name', g.name, 'resource', r.resource,
            'counter', c.used, 'recount', r.used) order by g.name, r.resource), '[]')
    from private.recount_usage() r left join public.usage_counters c using (school_group_id, resource)
    join public.school_groups g on g.id = r.school_group_id where c.used is distinct from r.used);
end $$;
comment on function public.verify_usage() is 'Super admin: every counter that differs from a recount of its rows; an empty list is the normal result.';

-- As in 002, through move_counter(): a mended counter must not rewrite the day before.
create or replace function private.repair_usage() returns int
  language plpgsql volatile security definer set search_path = '' as $$
declare v_repaired int := 0; v record; v_counter bigint; v_recount bigint; e private.effective_entitlements;
begin
  for v in
    select school_group_id, resource from private.recount_usage() r
    left join public.usage_counters c using (school_group_id, resource)
    where c.used is distinct from r.used order by 1, 2
  loop
    -- A group whose row is gone gets one with a revision above all that were ever told: its screens see a gap and refetch.
    insert into private.group_states (school_group_id, rev)
    values (v.school_group_id, floor(extract(epoch from clock_timestamp()) * 1000)) on conflict do nothing;
    perform private.lock_group(v.school_group_id);
    -- Counted again under the lock: a writer may have been on its way at the first look.
    select c.used, r.used into v_counter, v_recount from private.recount_usage() r
    left join public.usage_counters c using (school_group_id, resource)
    where r.school_group_id = v.school_group_id and r.resource = v.resource;
    continue when v_counter = v_recount;
    select * into e from private.effective_entitlements where school_group_id = v.school_group_id;
    perform private.move_counter(v.school_group_id, v.resource, v_recount - coalesce(v_counter, 0), private.limit_of(v.resource, e));
    v_repaired := v_repaired + 1;
    perform private.judge_thresholds(v.school_group_id, private.touch_group(v.school_group_id, 'usage_changed'));
    perform private.audit('usage_repaired', v.school_group_id,
                          jsonb_build_object('resource', v.resource, 'counter', v_counter, 'recount', v_recount));
  end loop;
  return v_repaired;
end $$;

create function public.repair_usage()
  returns int language plpgsql volatile security definer set search_path = '' as $$
begin
  perform private.require_super_admin();
  return private.repair_usage();
end $$;
comment on function public.repair_usage() is 'Super admin: sets every drifted counter to its recount, audits each, returns how many.';

create function public.mark_notifications_read(p_up_to bigint)
  returns int language plpgsql volatile security definer set search_path = '' as $$
declare v_group constant uuid := private.require_group_admin(); v_marked int;
begin
  insert into public.notification_reads (profile_id, notification_id)
  select auth.uid(), n.id from public.notifications n
  where n.school_group_id = v_group and n.id <= p_up_to on conflict do nothing;
  get diagnostics v_marked = row_count;
  return v_marked;
end $$;
comment on function public.mark_notifications_read(bigint) is 'Marks the caller''s group''s notices up to that id as read by the caller; returns how many were not.';

grant execute on function public.get_usage_history(uuid, int), public.report_refusal(text, bigint), public.verify_usage(),
  public.repair_usage(), public.mark_notifications_read(bigint) to authenticated;
