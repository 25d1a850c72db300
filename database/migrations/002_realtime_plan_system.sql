-- 002 · The plan system: limits enforced in the writer's own transaction, one state message a commit.
--
-- How a write is judged. A statement trigger on each counted table sums what the statement did to each
-- group, takes the group's lock (its row in private.group_states), moves the counter and compares it
-- with the limit in force *now*. The lock is what makes the check exact: two writers of one group can not
-- both read the counter before either has moved it. A plan change takes the same lock.
--
-- How a change is told. Taking the lock raises the group's revision once a transaction. A deferred trigger
-- on that row runs at commit and sends one message with the state as it commits.

-- ───────────────────────────────────────────────────────────── revisions and counters
create type private.state_event as enum ('usage_changed', 'entitlements_changed', 'plan_changed');
comment on type private.state_event is 'In rising order: the strongest event of a transaction names its message.';

create table private.group_states (
  school_group_id uuid primary key references public.school_groups (id) on delete restrict,
  rev bigint not null default 0,
  -- Transaction that raised rev last: a second touch of the same transaction does not raise it again.
  xid xid8,
  -- How many messages that transaction had sent by then: 0, unless its constraints were made immediate.
  told int not null default 0,
  event private.state_event not null default 'usage_changed',
  -- In the order of the resources (private.place_of); storage in bytes.
  used bigint[] not null default '{0,0,0,0}'
    check (cardinality(used) = 4 and array_position(used, null) is null and 0 <= all (used))
) with (fillfactor = 50);
comment on table private.group_states is
  'The lock, the revision and the usage of a group in one row, so that a counted write is one update. Usage is kept by triggers (I2).';
alter table private.group_states enable row level security;

create function private.place_of(p_resource public.resource)
  returns int language sql immutable parallel safe set search_path = '' as $$
  select case p_resource when 'schools' then 1 when 'students' then 2 when 'staff' then 3 when 'storage' then 4 end;
$$;
comment on function private.place_of(public.resource) is 'Place of a resource in arrays of usage and limits, from 1.';

create view public.usage_counters with (security_invoker = true) as
select s.school_group_id, r.resource, s.used[r.place] as used
from private.group_states s cross join unnest(enum_range(null::public.resource)) with ordinality r (resource, place);
comment on view public.usage_counters is 'One row a group and resource; storage in bytes. private.recount_usage() says what it must hold.';

-- What is remembered of a counter beside its value; most writes leave it alone.
create table private.usage_marks (
  school_group_id uuid not null references public.school_groups (id) on delete restrict,
  resource public.resource not null,
  -- Highest warning already told: 0 none, 1 warn_at, 2 90 %, 3 100 %. Falls with usage, which re-arms it.
  notified smallint not null default 0 check (notified between 0 and 3),
  primary key (school_group_id, resource)
);
comment on table private.usage_marks is 'Warnings told of each counter, and the day of its last change.';
alter table private.usage_marks enable row level security;

create table public.notifications (
  id bigint generated always as identity primary key,
  school_group_id uuid not null references public.school_groups (id) on delete restrict,
  kind text not null check (kind in ('usage_threshold')),
  params jsonb not null,
  rev bigint not null,
  created_at timestamptz not null default now()
);
create index notifications_group_idx on public.notifications (school_group_id, id desc);
comment on table public.notifications is 'Parameters, not sentences: each reader gets the text in their own language.';

create table public.notification_reads (
  profile_id uuid not null references public.profiles (id) on delete cascade default auth.uid(),
  notification_id bigint not null references public.notifications (id) on delete cascade,
  read_at timestamptz not null default now(),
  primary key (profile_id, notification_id)
);
create index notification_reads_notification_idx on public.notification_reads (notification_id);

-- ───────────────────────────────────────────────────────────── decisions (pure)
-- The same function stands in src/core/decide.ts; tests/cases/decisions.json judges both.
create function private.decide(p_resource public.resource, p_limit bigint, p_usage bigint, p_requested bigint,
                               p_warn_at numeric, p_fallback_reason text)
  returns jsonb language sql immutable parallel safe set search_path = '' as $$
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
$$;
comment on function private.decide(public.resource, bigint, bigint, bigint, numeric, text) is
  'May p_requested (>= 0) more of p_resource be added? limit null is unlimited; a fallback reason explains why the group is on the free plan.';

create function private.warning_level(p_limit bigint, p_usage bigint, p_warn_at numeric)
  returns smallint language sql immutable parallel safe set search_path = '' as $$
  select case when p_limit is null or p_usage = 0 then 0
              when p_usage >= p_limit then 3
              when p_usage >= greatest(0.9, p_warn_at) * p_limit then 2
              when p_usage >= p_warn_at * p_limit then 1
              else 0 end::smallint;
$$;
comment on function private.warning_level(bigint, bigint, numeric) is 'Highest threshold that usage stands at or above: 1 warn_at, 2 90 %, 3 100 %.';

-- ───────────────────────────────────────────────────────────── what a group holds
-- The one place that says which plan is in force. A subscription that gives nothing leaves the group on
-- `gratuit`, and fallback_reason says why: fail closed, data untouched.
create view private.effective_entitlements with (security_invoker = true) as
select g.id as school_group_id,
       p.id as plan_id, p.slug as plan, p.name as plan_name, p.version as plan_version, p.rank as plan_rank,
       p.price_xaf, p.warn_at, sp.slug as subscribed_plan, coalesce(s.status::text, 'none') as status, f.reason as fallback_reason,
       p.max_schools::bigint as max_schools, p.max_students::bigint as max_students, p.max_staff::bigint as max_staff,
       p.max_storage * 1000000000::bigint as max_storage
from public.school_groups g
left join public.subscriptions s on s.school_group_id = g.id
left join public.subscription_plans sp on sp.id = s.plan_id
cross join lateral (
  select case s.status
    when 'trial' then null when 'active' then null when 'past_due' then null when 'grace' then null
    when 'suspended' then 'subscription_past_due'
    when 'expired' then case when s.grace_ends_at is null and s.trial_ends_at is not null
                             then 'trial_expired' else 'grace_expired' end
    else 'no_active_subscription' end as reason) f
join public.subscription_plans p
  on p.id = case when f.reason is null then s.plan_id
                 else (select id from public.subscription_plans where slug = 'gratuit') end;

create function private.limit_of(p_resource public.resource, e private.effective_entitlements)
  returns bigint language sql immutable parallel safe set search_path = '' as $$
  select case p_resource when 'schools' then e.max_schools when 'students' then e.max_students
                         when 'staff' then e.max_staff when 'storage' then e.max_storage end;
$$;

-- ───────────────────────────────────────────────────────────── the group's lock, revision and message
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
  'Locks the group until commit and raises its revision, once a transaction. Whoever touches several groups does it in order of their ids.';

create function private.state_message(s private.group_states)
  returns jsonb language plpgsql stable security definer set search_path = '' as $$
declare
  v_usage constant jsonb := jsonb_build_object('rev', s.rev, 'usage', s.used, 'at', floor(extract(epoch from now()) * 1000)::bigint);
begin
  -- By far the most frequent, and it says nothing that would have to be worked out.
  if s.event = 'usage_changed' then return v_usage; end if;
  return v_usage || (
    select jsonb_build_object(
         'plan', e.plan, 'pv', e.plan_version, 'status', e.status, 'warn', trim_scale(e.warn_at),
         'limits', jsonb_build_array(e.max_schools, e.max_students, e.max_staff, e.max_storage))
       || coalesce((select jsonb_build_object('pending', jsonb_build_object('plan', p.slug, 'effective_at', c.effective_at))
                    from public.scheduled_changes c join public.subscription_plans p on p.id = c.plan_id
                    where c.school_group_id = s.school_group_id and c.status = 'pending'), '{}')
    from private.effective_entitlements e where e.school_group_id = s.school_group_id);
end $$;
comment on function private.state_message(private.group_states) is 'Payload of a state message; shape in src/core/messages.ts.';

create function private.tg_group_states__announce() returns trigger
  language plpgsql volatile security definer set search_path = '' as $$
declare v_now private.group_states;
begin
  -- Read again: usage and event may have grown since the update that queued this trigger.
  select * into v_now from private.group_states where school_group_id = new.school_group_id;
  if found then
    perform realtime.send(private.state_message(v_now), v_now.event::text, 'group:' || v_now.school_group_id, true);
    perform set_config('epilot.told', (coalesce(nullif(current_setting('epilot.told', true), ''), '0')::int + 1)::text, true);
  end if;
  return null;
end $$;

create constraint trigger announce after update on private.group_states
  deferrable initially deferred for each row when (old.rev is distinct from new.rev)
  execute function private.tg_group_states__announce();

-- ───────────────────────────────────────────────────────────── refusals
create function private.amount_text(p_resource public.resource, p_amount bigint)
  returns text language sql immutable parallel safe set search_path = '' as $$
  select case when p_resource = 'storage'
              then (select replace(trim_scale(round(p_amount / size, 2))::text, '.', ',') || unit
                    from (values (1e9, ' Go'), (1e6, ' Mo'), (1e3, ' ko'), (1, ' octets')) u (size, unit)
                    where p_amount >= size or p_amount = 0 order by size desc limit 1)
              else replace(ltrim(to_char(p_amount, 'FM999,999,999,999')), ',', ' ') || case p_resource
                when 'schools' then case when p_amount > 1 then ' écoles' else ' école' end
                when 'students' then case when p_amount > 1 then ' élèves' else ' élève' end
                else case when p_amount > 1 then ' membres du personnel' else ' membre du personnel' end end end;
$$;
comment on function private.amount_text(public.resource, bigint) is 'French text of an amount: “10 écoles”, “1,5 Go”, “2,5 Mo” (p_amount in bytes).';

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

-- ───────────────────────────────────────────────────────────── counting and enforcing
create function private.notify_thresholds(p_school_group_id uuid, p_resource public.resource, p_used bigint,
                                          p_limit bigint, e private.effective_entitlements, p_rev bigint)
  returns void language plpgsql volatile security definer set search_path = '' as $$
declare
  v_level constant smallint := private.warning_level(p_limit, p_used, e.warn_at);
  v_notified smallint;
begin
  select notified into strict v_notified from private.usage_marks
  where school_group_id = p_school_group_id and resource = p_resource;
  if v_level = v_notified then return; end if;
  update private.usage_marks set notified = v_level
  where school_group_id = p_school_group_id and resource = p_resource;
  -- A group that crosses a mark again and again gets a hundred notices a day (005): notices stay for ever.
  if v_level > v_notified and private.within_rate(p_school_group_id, 'threshold_notice') then
    insert into public.notifications (school_group_id, kind, params, rev)
    select p_school_group_id, 'usage_threshold',
           jsonb_build_object('resource', p_resource, 'threshold', t.share, 'usage', p_used, 'limit', p_limit, 'plan', e.plan), p_rev
    from (values (1, trim_scale(e.warn_at)), (2, 0.9), (3, 1)) t (level, share)
    where t.level > v_notified and t.level <= v_level
      -- The plan's own warning may stand at 90 % or 100 %: one place is told once.
      and not (t.level = 2 and e.warn_at >= 0.9) and not (t.level = 1 and e.warn_at = 1)
    order by t.level;
    perform realtime.send(jsonb_build_object('rev', p_rev, 'kind', 'usage_threshold', 'resource', p_resource),
                          'notification', 'group:' || p_school_group_id, true);
  end if;
end $$;
comment on function private.notify_thresholds is 'Stores one notification for each threshold crossed upwards and re-arms those left below (I10).';

create function private.judge_thresholds(p_school_group_id uuid, p_rev bigint)
  returns void language sql volatile security definer set search_path = '' as $$
  select private.notify_thresholds(c.school_group_id, c.resource, c.used, private.limit_of(c.resource, e), e, p_rev)
  from public.usage_counters c join private.effective_entitlements e using (school_group_id)
  where c.school_group_id = p_school_group_id;
$$;
comment on function private.judge_thresholds(uuid, bigint) is
  'Limits moved under the usage: tells the thresholds that this crosses, re-arms those that it leaves. Call it under the group''s lock.';

create function private.apply_usage(p_resource public.resource, p_group uuid, p_delta bigint)
  returns void language plpgsql volatile security definer set search_path = '' as $$
declare
  v_place constant int := private.place_of(p_resource);
  v_rev bigint; v_used bigint; v_limit bigint;
  e private.effective_entitlements;
begin
  if p_delta = 0 then return; end if;
  -- `strict` closes the door: a group without counters or plan in force must not count as unlimited.
  update private.group_states set used[v_place] = used[v_place] + p_delta
  where school_group_id = p_group returning used[v_place], rev into strict v_used, v_rev;
  -- Read after the lock, by a new statement: the limit of whoever committed before us.
  select * into strict e from private.effective_entitlements where school_group_id = p_group;
  v_limit := private.limit_of(p_resource, e);
  if p_delta > 0 and v_used > v_limit then
    perform private.refuse_growth(
      private.decide(p_resource, v_limit, v_used - p_delta, p_delta, e.warn_at, e.fallback_reason)
      || jsonb_build_object('plan', e.plan, 'plan_version', e.plan_version, 'rev', v_rev));
  end if;
  -- The revision last: constraints made immediate tell the state at the revision.
  v_rev := private.touch_group(p_group, 'usage_changed');
  perform private.notify_thresholds(p_group, p_resource, v_used, v_limit, e, v_rev);
end $$;
comment on function private.apply_usage(public.resource, uuid, bigint) is
  'Moves a counter of a group by what a statement did to it, and refuses growth beyond the limit (PT402). Groups in order of their ids.';

-- One function a counted table: what counts, and nothing else, differs.
create function private.tg_schools__count() returns trigger
  language plpgsql volatile security definer set search_path = '' as $$
declare v_group uuid; v_delta bigint;
begin
  if tg_op = 'INSERT' then
    for v_group, v_delta in select school_group_id, count(*) from new_rows where status <> 'archived' group by 1 order by 1 loop
      perform private.apply_usage('schools', v_group, v_delta);
    end loop;
  elsif tg_op = 'DELETE' then
    for v_group, v_delta in select school_group_id, -count(*) from old_rows where status <> 'archived' group by 1 order by 1 loop
      perform private.apply_usage('schools', v_group, v_delta);
    end loop;
  else
    for v_group, v_delta in
      select g, sum(n) from (select school_group_id g, count(*) n from new_rows where status <> 'archived' group by 1
                             union all select school_group_id, -count(*) from old_rows where status <> 'archived' group by 1) d
      group by 1 order by 1 loop
      perform private.apply_usage('schools', v_group, v_delta);
    end loop;
  end if;
  return null;
end $$;

create function private.tg_students__count() returns trigger
  language plpgsql volatile security definer set search_path = '' as $$
declare v_group uuid; v_delta bigint;
begin
  if tg_op = 'INSERT' then
    for v_group, v_delta in select school_group_id, count(*) from new_rows where status = 'active' group by 1 order by 1 loop
      perform private.apply_usage('students', v_group, v_delta);
    end loop;
  elsif tg_op = 'DELETE' then
    for v_group, v_delta in select school_group_id, -count(*) from old_rows where status = 'active' group by 1 order by 1 loop
      perform private.apply_usage('students', v_group, v_delta);
    end loop;
  else
    for v_group, v_delta in
      select g, sum(n) from (select school_group_id g, count(*) n from new_rows where status = 'active' group by 1
                             union all select school_group_id, -count(*) from old_rows where status = 'active' group by 1) d
      group by 1 order by 1 loop
      perform private.apply_usage('students', v_group, v_delta);
    end loop;
  end if;
  return null;
end $$;

create function private.tg_staff__count() returns trigger
  language plpgsql volatile security definer set search_path = '' as $$
declare v_group uuid; v_delta bigint;
begin
  if tg_op = 'INSERT' then
    for v_group, v_delta in select school_group_id, count(*) from new_rows where status = 'active' group by 1 order by 1 loop
      perform private.apply_usage('staff', v_group, v_delta);
    end loop;
  elsif tg_op = 'DELETE' then
    for v_group, v_delta in select school_group_id, -count(*) from old_rows where status = 'active' group by 1 order by 1 loop
      perform private.apply_usage('staff', v_group, v_delta);
    end loop;
  else
    for v_group, v_delta in
      select g, sum(n) from (select school_group_id g, count(*) n from new_rows where status = 'active' group by 1
                             union all select school_group_id, -count(*) from old_rows where status = 'active' group by 1) d
      group by 1 order by 1 loop
      perform private.apply_usage('staff', v_group, v_delta);
    end loop;
  end if;
  return null;
end $$;

create function private.tg_documents__count() returns trigger
  language plpgsql volatile security definer set search_path = '' as $$
declare v_group uuid; v_delta bigint;
begin
  if tg_op = 'INSERT' then
    for v_group, v_delta in select school_group_id, sum(size_bytes) from new_rows group by 1 order by 1 loop
      perform private.apply_usage('storage', v_group, v_delta);
    end loop;
  elsif tg_op = 'DELETE' then
    for v_group, v_delta in select school_group_id, -sum(size_bytes) from old_rows group by 1 order by 1 loop
      perform private.apply_usage('storage', v_group, v_delta);
    end loop;
  else
    for v_group, v_delta in
      select g, sum(n) from (select school_group_id g, sum(size_bytes) n from new_rows group by 1
                             union all select school_group_id, -sum(size_bytes) from old_rows group by 1) d
      group by 1 order by 1 loop
      perform private.apply_usage('storage', v_group, v_delta);
    end loop;
  end if;
  return null;
end $$;

create function private.tg_truncate__count() returns trigger
  language plpgsql volatile security definer set search_path = '' as $$
declare v_group uuid; v_used bigint;
begin
  for v_group, v_used in select school_group_id, used from public.usage_counters
                         where resource = tg_argv[0]::public.resource and used > 0 order by 1 loop
    perform private.apply_usage(tg_argv[0]::public.resource, v_group, -v_used);
  end loop;
  return null;
end $$;

do $$
declare t record;
begin
  for t in select * from (values ('schools', 'schools'), ('students', 'students'), ('staff', 'staff'),
                                 ('documents', 'storage')) v (name, resource) loop
    execute format('create trigger count_insert after insert on public.%1$I referencing new table as new_rows
      for each statement execute function private.%2$I()', t.name, 'tg_' || t.name || '__count');
    execute format('create trigger count_delete after delete on public.%1$I referencing old table as old_rows
      for each statement execute function private.%2$I()', t.name, 'tg_' || t.name || '__count');
    execute format('create trigger count_update after update on public.%1$I referencing old table as old_rows new table as new_rows
      for each statement execute function private.%2$I()', t.name, 'tg_' || t.name || '__count');
    execute format('create trigger count_truncate after truncate on public.%1$I
      for each statement execute function private.tg_truncate__count(%2$L)', t.name, t.resource);
  end loop;
end $$;

-- ───────────────────────────────────────────────────────────── recount
create function private.recount_usage()
  returns table (school_group_id uuid, resource public.resource, used bigint)
  language sql stable security definer set search_path = '' as $$
  select g.id, r.resource, coalesce(c.n, 0)
  from public.school_groups g
  cross join unnest(enum_range(null::public.resource)) r (resource)
  left join (
    select school_group_id, 'schools'::public.resource as resource, count(*) as n from public.schools where status <> 'archived' group by 1
    union all select school_group_id, 'students', count(*) from public.students where status = 'active' group by 1
    union all select school_group_id, 'staff', count(*) from public.staff where status = 'active' group by 1
    union all select school_group_id, 'storage', sum(size_bytes)::bigint from public.documents group by 1
  ) c on c.school_group_id = g.id and c.resource = r.resource;
$$;
comment on function private.recount_usage() is 'What each counter must hold, counted from the rows: the other side of I2.';

create function private.repair_usage() returns int
  language plpgsql volatile security definer set search_path = '' as $$
declare v_repaired int := 0; v record;
begin
  for v in
    select school_group_id, resource from private.recount_usage() r
    left join public.usage_counters c using (school_group_id, resource)
    where c.used is distinct from r.used order by 1, 2
  loop
    perform 1 from private.group_states g where g.school_group_id = v.school_group_id for update;
    -- Counted again under the lock: a writer may have been on its way at the first look.
    update private.group_states s set used[private.place_of(v.resource)] = r.used
    from private.recount_usage() r
    where s.school_group_id = v.school_group_id and r.school_group_id = v.school_group_id and r.resource = v.resource
      and s.used[private.place_of(v.resource)] <> r.used;
    continue when not found;
    v_repaired := v_repaired + 1;
    perform private.judge_thresholds(v.school_group_id, private.touch_group(v.school_group_id, 'usage_changed'));
    insert into public.audit_log (actor_id, action, school_group_id, detail)
    values (auth.uid(), 'usage_repaired', v.school_group_id, jsonb_build_object('resource', v.resource));
  end loop;
  return v_repaired;
end $$;
comment on function private.repair_usage() is 'Sets every drifted counter to its recount, audits each, and returns how many there were; 0 is the normal result.';

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
  'Keeps the plan, and the one a group falls back to, from being edited until commit. Taken before the group''s lock.';

create function private.tg_subscriptions__hold_plan() returns trigger
  language plpgsql volatile security definer set search_path = '' as $$
begin
  if tg_op = 'UPDATE' and new.school_group_id <> old.school_group_id then
    perform private.fail('PT403', 'forbidden', 'Un abonnement ne change pas de groupe.');
  end if;
  -- Plan before group, like every other writer that holds both: an edit of the plan in flight either
  -- waits for us and finds our group, or is finished and judged here.
  perform private.hold_plan(new.plan_id);
  return new;
end $$;
create trigger hold_plan before insert or update of plan_id, status, school_group_id on public.subscriptions
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
      'from_plan', v_from.slug, 'to_plan', v_to.slug, 'from_status', old.status, 'to_status', new.status, 'reason', v_reason));
  end if;

  perform private.judge_thresholds(new.school_group_id, v_rev);

  v_message := jsonb_build_object('school_group_id', new.school_group_id, 'kind', v_kind,
    'from', v_from.slug, 'to', v_to.slug, 'rev', v_rev, 'at', floor(extract(epoch from now()) * 1000)::bigint);
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

-- ───────────────────────────────────────────────────────────── a plan changes
create function private.next_plan_version(p_plan_id uuid, p_version int)
  returns int language sql stable security definer set search_path = '' as $$
  select p_version + count(*)::int from public.plan_versions where plan_id = p_plan_id and version = p_version;
$$;
comment on function private.next_plan_version(uuid, int) is
  'The version an edit belongs to: a new one when p_version is on record, else the one still open in this transaction.';

create function private.tg_subscription_plans__version() returns trigger
  language plpgsql volatile security definer set search_path = '' as $$
begin
  new.version := private.next_plan_version(old.id, old.version);
  return new;
end $$;
create trigger version before update on public.subscription_plans for each row
  when ((new.max_schools, new.max_students, new.max_staff, new.max_storage, new.warn_at)
        is distinct from (old.max_schools, old.max_students, old.max_staff, old.max_storage, old.warn_at))
  execute function private.tg_subscription_plans__version();

create function private.tg_subscription_plans__tell_groups() returns trigger
  language plpgsql volatile security definer set search_path = '' as $$
declare v_group uuid; v_rev bigint;
begin
  -- Groups of the plan, and those fallen back to it; in order of id, as every writer of several groups.
  for v_group in select school_group_id from private.effective_entitlements where plan_id = new.id order by 1 loop
    perform 1 from private.group_states where school_group_id = v_group for update;
    -- Looked at again under the lock: the group may have left the plan meanwhile.
    continue when not exists (select 1 from private.effective_entitlements
                              where school_group_id = v_group and plan_id = new.id);
    v_rev := private.touch_group(v_group, 'entitlements_changed');
    perform private.judge_thresholds(v_group, v_rev);
  end loop;
  return null;
end $$;
create trigger tell_groups after update on public.subscription_plans for each row
  when ((new.version, new.max_schools, new.max_students, new.max_staff, new.max_storage, new.warn_at)
        is distinct from (old.version, old.max_schools, old.max_students, old.max_staff, old.max_storage, old.warn_at))
  execute function private.tg_subscription_plans__tell_groups();

create function private.tg_subscription_plans__record() returns trigger
  language plpgsql volatile security definer set search_path = '' as $$
begin
  insert into public.plan_versions (plan_id, version, definition, published_by)
  select p.id, p.version, jsonb_build_object(
    'max_schools', p.max_schools, 'max_students', p.max_students, 'max_staff', p.max_staff, 'max_storage', p.max_storage,
    'warn_at', p.warn_at, 'price_xaf', p.price_xaf, 'billing_period', p.billing_period,
    'modules', coalesce((select jsonb_agg(m.slug order by m.slug) from public.plan_modules pm
                         join public.modules m on m.id = pm.module_id where pm.plan_id = p.id), '[]')), auth.uid()
  from public.subscription_plans p where p.id = new.id
  on conflict (plan_id, version) do nothing;  -- several edits of one transaction are one version
  if found then
    perform realtime.send(jsonb_build_object('plan', new.slug, 'pv', new.version), 'plan_published', 'catalogue', true);
  end if;
  return null;
end $$;
-- At commit, so that the record holds the modules that the same transaction attached.
create constraint trigger record_insert after insert on public.subscription_plans
  deferrable initially deferred for each row execute function private.tg_subscription_plans__record();
create constraint trigger record_update after update on public.subscription_plans
  deferrable initially deferred for each row when (old.version is distinct from new.version)
  execute function private.tg_subscription_plans__record();

create function private.derive_plan_categories(p_plan_id uuid)
  returns void language plpgsql volatile security definer set search_path = '' as $$
begin
  delete from public.plan_categories pc where pc.plan_id = p_plan_id and not exists (
    select 1 from public.plan_modules pm join public.modules m on m.id = pm.module_id
    where pm.plan_id = pc.plan_id and m.category_id = pc.category_id);
  insert into public.plan_categories (plan_id, category_id)
  select distinct pm.plan_id, m.category_id from public.plan_modules pm join public.modules m on m.id = pm.module_id
  where pm.plan_id = p_plan_id
  on conflict do nothing;
end $$;
comment on function private.derive_plan_categories(uuid) is 'Makes plan_categories equal to the categories of plan_modules (I7).';

create function private.follow_modules(p_plan_id uuid)
  returns void language plpgsql volatile security definer set search_path = '' as $$
begin
  -- The plan's row is the lock of its modules. A statement of its own, so that the next ones see what
  -- the one we waited for committed: its version, its modules.
  perform 1 from public.subscription_plans where id = p_plan_id for update;
  update public.subscription_plans set version = private.next_plan_version(id, version) where id = p_plan_id;
  perform private.derive_plan_categories(p_plan_id);
end $$;
comment on function private.follow_modules(uuid) is 'The modules of a plan changed: a new version of it, and its categories derived again.';

create function private.tg_plan_modules__follow() returns trigger
  language plpgsql volatile security definer set search_path = '' as $$
declare v_plans uuid[]; v_plan uuid;
begin
  if tg_op = 'DELETE' then
    select array_agg(distinct plan_id order by plan_id) into v_plans from old_rows;
  else
    -- A module on its way to another category is waited for: both transactions derive from it.
    perform 1 from public.modules where id in (select module_id from new_rows) order by id for share;
    if tg_op = 'INSERT' then
      select array_agg(distinct plan_id order by plan_id) into v_plans from new_rows;
    else
      select array_agg(plan_id order by plan_id) into v_plans
      from (select plan_id from new_rows union select plan_id from old_rows) c;
    end if;
  end if;
  foreach v_plan in array coalesce(v_plans, '{}') loop
    perform private.follow_modules(v_plan);
  end loop;
  return null;
end $$;
create trigger follow_insert after insert on public.plan_modules referencing new table as new_rows
  for each statement execute function private.tg_plan_modules__follow();
create trigger follow_delete after delete on public.plan_modules referencing old table as old_rows
  for each statement execute function private.tg_plan_modules__follow();
create trigger follow_update after update on public.plan_modules referencing old table as old_rows new table as new_rows
  for each statement execute function private.tg_plan_modules__follow();
create trigger no_truncate before truncate on public.plan_modules
  for each statement execute function private.tg_refuse('Retirez les modules plan par plan.');

create function private.tg_modules__recategorise() returns trigger
  language plpgsql volatile security definer set search_path = '' as $$
declare v_plan uuid;
begin
  for v_plan in select plan_id from public.plan_modules where module_id = new.id order by 1 loop
    perform private.follow_modules(v_plan);
  end loop;
  return null;
end $$;
create trigger recategorise after update on public.modules for each row
  when (old.category_id is distinct from new.category_id) execute function private.tg_modules__recategorise();

create function private.tg_plan_categories__derived() returns trigger
  language plpgsql volatile set search_path = '' as $$
begin
  -- Depth 1 is a statement written by hand; the derivation itself runs inside another trigger.
  if pg_trigger_depth() = 1 then
    perform private.fail('PT403', 'forbidden', 'Les catégories d’un plan découlent de ses modules ; changez plan_modules.');
  end if;
  return null;
end $$;
create trigger derived before insert or update or delete or truncate on public.plan_categories
  for each statement execute function private.tg_plan_categories__derived();

-- ───────────────────────────────────────────────────────────── questions
create function private.resolve_group(p_school_group_id uuid)
  returns uuid language plpgsql stable security definer set search_path = '' as $$
declare v_own constant uuid := private.my_group_id();
begin
  if v_own is not null and coalesce(p_school_group_id, v_own) = v_own then
    return v_own;
  elsif not private.is_super_admin() then
    -- The same answer whether or not the group exists: nobody learns of other groups by asking.
    if private.my_profile_id() is null then
      perform private.fail('PT401', 'not_authenticated', 'Connectez-vous pour continuer.');
    end if;
    perform private.fail('PT403', 'forbidden', 'Vous n’avez pas accès à ce groupe scolaire.');
  elsif p_school_group_id is null then
    perform private.fail('PT400', 'invalid_request', 'Indiquez un groupe scolaire.', 'p_school_group_id');
  elsif not exists (select 1 from public.school_groups where id = p_school_group_id) then
    perform private.fail('PT404', 'group_not_found', 'Ce groupe scolaire n’existe pas.');
  end if;
  return p_school_group_id;
end $$;
comment on function private.resolve_group(uuid) is
  'The group a caller may ask about: their own (also for null), any for a super admin. Raises otherwise.';

create function private.decision_for(e private.effective_entitlements, p_resource public.resource, p_requested bigint)
  returns jsonb language sql stable security definer set search_path = '' as $$
  select private.decide(c.resource, private.limit_of(c.resource, e), c.used, p_requested, e.warn_at, e.fallback_reason)
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
  returns jsonb language plpgsql stable security definer set search_path = '' as $$
declare
  v_group constant uuid := private.resolve_group(p_school_group_id);
  e private.effective_entitlements;
begin
  if p_restriction_type is null or p_restriction_type <> all (enum_range(null::public.resource)::text[]) then
    perform private.fail('PT400', 'unknown_resource', 'Cette ressource n’a pas de limite.', 'schools, students, staff, storage');
  elsif p_requested is null or p_requested < 0 then
    perform private.fail('PT400', 'invalid_request', 'La quantité demandée est un nombre positif.', 'p_requested');
  end if;
  select * into e from private.effective_entitlements where school_group_id = v_group;
  return private.decision_for(e, p_restriction_type::public.resource, p_requested);
end $$;
comment on function public.check_plan_restrictions(text, bigint, uuid) is
  'May the group add p_requested (bytes for storage) of the resource? Returns a decision; the write itself is judged again.';

create function public.get_all_plan_restrictions(p_school_group_id uuid default null)
  returns jsonb language plpgsql stable security definer set search_path = '' as $$
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
comment on function public.get_all_plan_restrictions(uuid) is 'The four decisions of a group, in one computation.';

create function public.can_access_module(p_module text, p_school_group_id uuid default null)
  returns boolean language plpgsql stable security definer set search_path = '' as $$
declare v_group constant uuid := private.resolve_group(p_school_group_id);
begin
  return exists (
    select 1 from private.effective_entitlements e
    join public.plan_modules pm on pm.plan_id = e.plan_id join public.modules m on m.id = pm.module_id
    where e.school_group_id = v_group and (m.slug = p_module or m.id::text = lower(p_module)));
end $$;
comment on function public.can_access_module(text, uuid) is 'Whether the module (slug or id) is open to the group; false for an unknown one.';

create function public.can_access_category(p_category text, p_school_group_id uuid default null)
  returns boolean language plpgsql stable security definer set search_path = '' as $$
declare v_group constant uuid := private.resolve_group(p_school_group_id);
begin
  return exists (
    select 1 from private.effective_entitlements e
    join public.plan_categories pc on pc.plan_id = e.plan_id join public.business_categories c on c.id = pc.category_id
    where e.school_group_id = v_group and (c.slug = p_category or c.id::text = lower(p_category)));
end $$;
comment on function public.can_access_category(text, uuid) is 'Whether at least one module of the category (slug or id) is open to the group.';

create function private.catalogue_version()
  returns text language sql stable security definer set search_path = '' as $$
  select md5(string_agg(x, ',' order by x collate "C")) from (
    select xmin::text from public.subscription_plans
    union all select xmin::text from public.modules
    union all select xmin::text from public.business_categories) t (x);
$$;
comment on function private.catalogue_version() is
  'Changes with every transaction that writes a plan, a module or a category, for it leaves its number on the row; plan_modules moves its plan.';

create function public.get_entitlements(p_school_group_id uuid default null)
  returns jsonb language plpgsql stable security definer set search_path = '' as $$
declare
  v_group constant uuid := private.resolve_group(p_school_group_id);
  v_result jsonb;
begin
  select jsonb_build_object(
    'school_group_id', v_group, 'plan', e.plan, 'plan_name', e.plan_name, 'subscribed_plan', e.subscribed_plan,
    'plan_version', e.plan_version, 'status', e.status, 'rev', r.rev, 'as_of', now(), 'warn_at', trim_scale(e.warn_at),
    'restrictions', private.restrictions_of(e),
    'modules', coalesce((select jsonb_agg(m.slug order by m.slug collate "C") from public.plan_modules pm
                         join public.modules m on m.id = pm.module_id where pm.plan_id = e.plan_id), '[]'),
    'categories', coalesce((select jsonb_agg(c.slug order by c.slug collate "C") from public.plan_categories pc
                            join public.business_categories c on c.id = pc.category_id where pc.plan_id = e.plan_id), '[]'),
    'pending_change', (select jsonb_build_object('plan', p.slug, 'effective_at', s.effective_at)
                       from public.scheduled_changes s join public.subscription_plans p on p.id = s.plan_id
                       where s.school_group_id = v_group and s.status = 'pending'),
    -- Of those that the caller may read: school staff are shown none, so they count none.
    'unread_notices', (select count(*) from public.notifications n
                       where n.school_group_id = v_group
                         and (private.my_admin_group_id() = v_group or private.is_super_admin()) and not exists (
                         select 1 from public.notification_reads x where x.notification_id = n.id and x.profile_id = auth.uid())),
    'catalogue', private.catalogue_version())
  into v_result
  from private.effective_entitlements e join private.group_states r using (school_group_id)
  where e.school_group_id = v_group;
  return v_result;
end $$;
comment on function public.get_entitlements(uuid) is 'The snapshot that a screen starts from; shape: EntitlementSnapshot in src/core/entitlements.ts.';

-- ───────────────────────────────────────────────────────────── changing a plan
create function private.published_plan(p_slug text)
  returns public.subscription_plans language plpgsql stable security definer set search_path = '' as $$
declare p public.subscription_plans;
begin
  select * into p from public.subscription_plans where slug = p_slug and status = 'published';
  if not found then
    perform private.fail('PT404', 'unknown_plan', 'Ce plan n’existe pas ou n’est pas en vente.',
      (select string_agg(slug, ', ' order by rank) from public.subscription_plans where status = 'published'));
  end if;
  return p;
end $$;

create function private.gains_and_losses(p_kind text, p_sides jsonb)
  returns jsonb language sql immutable parallel safe set search_path = '' as $$
  select jsonb_build_object(
    p_kind || '_before', count(*) filter (where s.before),
    p_kind || '_after', count(*) filter (where s.after),
    p_kind || '_gained', coalesce(jsonb_agg(named) filter (where s.after and not s.before), '[]'),
    p_kind || '_lost', coalesce(jsonb_agg(named) filter (where s.before and not s.after), '[]'))
  from jsonb_to_recordset(coalesce(p_sides, '[]')) s (slug text, name text, before boolean, after boolean)
  cross join lateral jsonb_build_object('slug', s.slug, 'name', s.name) named;
$$;
comment on function private.gains_and_losses(text, jsonb) is 'Counts and names of two sides: [{slug, name, before, after}] in order of display.';

create function public.preview_plan_change(p_plan_slug text, p_school_group_id uuid default null)
  returns jsonb language plpgsql stable security definer set search_path = '' as $$
declare
  v_group constant uuid := private.resolve_group(p_school_group_id);
  v_to public.subscription_plans;
  e private.effective_entitlements; v_modules jsonb; v_categories jsonb; v_restrictions jsonb; v_fits boolean;
begin
  if not private.is_super_admin() and private.my_admin_group_id() is distinct from v_group then
    perform private.fail('PT403', 'forbidden', 'Seul l’administrateur du groupe peut comparer les plans.');
  end if;
  v_to := private.published_plan(p_plan_slug);
  select * into e from private.effective_entitlements where school_group_id = v_group;

  with sides as (
    select m.slug, m.name, m.position, bool_or(pm.plan_id = e.plan_id) as before, bool_or(pm.plan_id = v_to.id) as after
    from public.plan_modules pm join public.modules m on m.id = pm.module_id
    where pm.plan_id in (e.plan_id, v_to.id) group by m.id)
  select private.gains_and_losses('modules', jsonb_agg(to_jsonb(s) order by s.position)) into v_modules from sides s;

  with sides as (
    select c.slug, c.name, c.position, bool_or(pc.plan_id = e.plan_id) as before, bool_or(pc.plan_id = v_to.id) as after
    from public.plan_categories pc join public.business_categories c on c.id = pc.category_id
    where pc.plan_id in (e.plan_id, v_to.id) group by c.id)
  select private.gains_and_losses('categories', jsonb_agg(to_jsonb(s) order by s.position)) into v_categories from sides s;

  select jsonb_object_agg(c.resource, jsonb_build_object('usage', c.used, 'current_limit', private.limit_of(c.resource, e),
           'new_limit', d->'limit', 'overage', d->'overage', 'state', d->'state')), bool_and((d->>'overage')::bigint = 0)
  into v_restrictions, v_fits
  from public.usage_counters c
  cross join lateral (select case c.resource when 'schools' then v_to.max_schools when 'students' then v_to.max_students
    when 'staff' then v_to.max_staff else v_to.max_storage * 1000000000::bigint end as new_limit) l
  cross join lateral private.decide(c.resource, l.new_limit, c.used, 1, v_to.warn_at, null) d
  where c.school_group_id = v_group;

  return v_modules || v_categories || jsonb_build_object(
    'school_group_id', v_group,
    'from_plan', jsonb_build_object('slug', e.plan, 'name', e.plan_name),
    'to_plan', jsonb_build_object('slug', v_to.slug, 'name', v_to.name),
    'rev', (select rev from private.group_states where school_group_id = v_group),
    'restrictions', v_restrictions, 'fits', v_fits,
    'affected_users', (select count(*) from public.profiles where school_group_id = v_group and status = 'active'));
end $$;
comment on function public.preview_plan_change(text, uuid) is
  'What the change would give and take, by name, and how far usage would stand above each new limit. Changes nothing.';

create function public.change_plan(p_school_group_id uuid, p_plan_slug text, p_reason text,
                                   p_effective timestamptz default null, p_expected_rev bigint default null)
  returns jsonb language plpgsql volatile security definer set search_path = '' as $$
declare
  v_group uuid; v_rev bigint;
  v_reason constant text := btrim(coalesce(p_reason, ''), E' \t\r\n');
  v_now constant boolean := p_effective is null or p_effective <= now();
  v_from public.subscription_plans; v_to public.subscription_plans;
begin
  if not private.is_super_admin() then
    perform private.resolve_group(null);  -- tells a stranger to sign in; a member is refused here
    perform private.fail('PT403', 'forbidden', 'Seul un super administrateur change le plan d’un groupe.',
      'Demandez un changement de plan à votre interlocuteur E-Pilot.');
  end if;
  v_group := private.resolve_group(p_school_group_id);
  if v_reason = '' then
    perform private.fail('PT400', 'reason_required', 'Indiquez le motif du changement.', 'p_reason');
  elsif char_length(v_reason) > 500 then
    perform private.fail('PT400', 'invalid_request', 'Le motif tient en 500 caractères.', 'p_reason');
  elsif p_effective > now() + interval '2 years' then
    perform private.fail('PT400', 'invalid_request', 'La date d’effet est dans les deux ans.', 'p_effective');
  end if;
  v_to := private.published_plan(p_plan_slug);

  -- Locks in the order of every writer: subscription, plan, group.
  perform 1 from public.subscriptions where school_group_id = v_group for update;
  perform private.hold_plan(v_to.id);
  -- Read only now: whoever held the subscription before us may have left another plan.
  select p.* into v_from from public.subscriptions s join public.subscription_plans p on p.id = s.plan_id
  where s.school_group_id = v_group;
  select rev into v_rev from private.group_states where school_group_id = v_group for update;
  if p_expected_rev is distinct from v_rev and p_expected_rev is not null then
    perform private.fail('PT409', 'stale_revision', 'Le groupe a changé depuis votre aperçu.',
      'Relisez l’aperçu, puis confirmez.', jsonb_build_object('rev', v_rev));
  elsif v_from.id = v_to.id and v_now then
    perform private.fail('PT409', 'same_plan', format('Le groupe est déjà au plan %s.', v_to.name));
  end if;

  -- One future a group: whatever was planned before is replaced.
  update public.scheduled_changes set status = 'cancelled', closed_at = now()
  where school_group_id = v_group and status = 'pending';
  if v_now then
    perform set_config('epilot.change_reason', v_reason, true);
    update public.subscriptions set plan_id = v_to.id where school_group_id = v_group;
    perform set_config('epilot.change_reason', '', true);
  else
    insert into public.scheduled_changes (school_group_id, plan_id, effective_at, reason, created_by)
    values (v_group, v_to.id, p_effective, v_reason, auth.uid());
    insert into public.audit_log (actor_id, action, school_group_id, detail)
    values (auth.uid(), 'plan_change_scheduled', v_group, jsonb_build_object(
      'from_plan', v_from.slug, 'to_plan', v_to.slug, 'effective_at', p_effective, 'reason', v_reason));
    perform private.touch_group(v_group, 'entitlements_changed');
  end if;
  return jsonb_build_object('school_group_id', v_group, 'from_plan', v_from.slug, 'to_plan', v_to.slug,
    'rev', private.touch_group(v_group, 'entitlements_changed'),
    'outcome', case when v_now then 'applied' else 'scheduled' end,
    'effective_at', case when v_now then now() else p_effective end);
end $$;
comment on function public.change_plan(uuid, text, text, timestamptz, bigint) is
  'Super admin: changes a group''s plan now, or at p_effective. Refuses a p_expected_rev that is not the present one.';

create function private.run_due_jobs(p_now timestamptz default now())
  returns int language plpgsql volatile security definer set search_path = '' as $$
declare v public.scheduled_changes; v_applied int := 0;
begin
  -- Every plan before any group, and the groups in order of id, like an edit of a plan: neither waits for the
  -- other in a circle.
  perform 1 from public.subscription_plans p where p.slug = 'gratuit' or exists (
    select 1 from public.scheduled_changes c where c.plan_id = p.id and c.status = 'pending' and c.effective_at <= p_now)
  order by p.id for share;
  for v in select c.* from public.scheduled_changes c join public.subscriptions s using (school_group_id)
           where c.status = 'pending' and c.effective_at <= p_now
           order by c.school_group_id for update of s, c skip locked loop
    update public.scheduled_changes set status = 'applied', closed_at = now() where id = v.id;
    perform set_config('epilot.change_reason', v.reason, true);
    update public.subscriptions set plan_id = v.plan_id where school_group_id = v.school_group_id;
    perform set_config('epilot.change_reason', '', true);
    perform private.touch_group(v.school_group_id, 'entitlements_changed');
    v_applied := v_applied + 1;
  end loop;
  return v_applied;
end $$;
comment on function private.run_due_jobs(timestamptz) is
  'Applies the plan changes that are due at p_now and returns how many. Idempotent; concurrent callers share the work.';

-- ───────────────────────────────────────────────────────────── usage, for lists and reports
create view public.school_group_usage with (security_invoker = true) as
select c.school_group_id, e.plan, c.resource, c.used, l."limit",
       (d->>'remaining')::bigint as remaining, (d->>'percentage')::numeric as percentage, d->>'state' as state
from public.usage_counters c
join private.effective_entitlements e using (school_group_id)
cross join lateral (select private.limit_of(c.resource, e) as "limit") l
cross join lateral private.decide(c.resource, l."limit", c.used, 1, e.warn_at, e.fallback_reason) d;
comment on view public.school_group_usage is 'One row a group and resource, as the caller may see; storage in bytes.';

-- ───────────────────────────────────────────────────────────── policies and grants
alter table public.notifications enable row level security;
alter table public.notification_reads enable row level security;

create policy "members see their usage" on private.group_states for select to authenticated
  using (school_group_id = (select private.my_group_id()) or (select private.is_super_admin()));
create policy "group admins see their notices" on public.notifications for select to authenticated
  using (school_group_id = (select private.my_admin_group_id()) or (select private.is_super_admin()));
create policy "one sees what one has read" on public.notification_reads for select to authenticated
  using (profile_id = (select private.my_profile_id()));
create policy "one marks as read what one may see" on public.notification_reads for insert to authenticated
  with check (profile_id = (select private.my_profile_id())
    and exists (select 1 from public.notifications n where n.id = notification_id));

grant select (school_group_id, used) on private.group_states to authenticated, service_role;
grant select on public.usage_counters, public.notifications, public.school_group_usage to authenticated, service_role;
grant select, insert (notification_id) on public.notification_reads to authenticated;
grant select on private.effective_entitlements to authenticated, service_role;
grant execute on function private.limit_of(public.resource, private.effective_entitlements),
  private.decide(public.resource, bigint, bigint, bigint, numeric, text) to authenticated, service_role;
grant execute on function public.check_plan_restrictions(text, bigint, uuid), public.get_all_plan_restrictions(uuid),
  public.can_access_module(text, uuid), public.can_access_category(text, uuid), public.get_entitlements(uuid),
  public.preview_plan_change(text, uuid), public.change_plan(uuid, text, text, timestamptz, bigint) to authenticated;

-- Topics. Nobody writes to them but the database: there is no insert policy.
create function private.can_read_topic(p_topic text)
  returns boolean language sql stable security definer set search_path = '' as $$
  select case
    when p_topic = 'catalogue' then private.is_member()
    when p_topic = 'platform' then private.is_super_admin()
    when p_topic like 'group:%' then
      p_topic = 'group:' || private.my_group_id() or private.is_super_admin()
    else false end;
$$;
comment on function private.can_read_topic(text) is 'Whether the caller may listen to a private topic; asked once, when the channel is joined.';
grant execute on function private.can_read_topic(text) to authenticated;

create policy "members listen to their topics" on realtime.messages for select to authenticated
  using (extension = 'broadcast' and topic = (select realtime.topic())
    and (select private.can_read_topic((select realtime.topic()))));

alter publication supabase_realtime add table public.subscriptions, public.plan_modules, public.plan_categories;
