-- 007 · The life of a subscription: a state machine that refuses illegal moves, dates that act, requests that are reviewed.
--
--            ┌───────────────► cancelled ◄──────────────┐
--   trial ───┼──► active ◄──► past_due ──► grace ──► expired
--            │       ▲▼           │          │          │
--            └► expired  suspended ◄─────────┘          │
--                    └──────────── active ◄─────────────┘
--
-- Dates act through run_due_jobs() alone: trial_ends_at, current_period_end, past_due_until, grace_ends_at, scheduled
-- changes, exceptions past their date. It may be called at any time, by any number of callers.

alter table public.subscriptions
  add column past_due_until timestamptz,
  add column cancel_at_period_end boolean not null default false;
comment on column public.subscriptions.current_period_end is 'Paid until; null for plans that are not paid by period.';

create table private.subscription_transitions (
  from_status public.subscription_status not null,
  to_status public.subscription_status not null,
  primary key (from_status, to_status)
);
comment on table private.subscription_transitions is 'The arrows of the diagram above; every other change of status is refused.';
alter table private.subscription_transitions enable row level security;
insert into private.subscription_transitions values
  ('trial', 'active'), ('trial', 'expired'), ('trial', 'cancelled'),
  ('active', 'past_due'), ('active', 'suspended'), ('active', 'cancelled'), ('active', 'expired'), ('active', 'trial'),
  ('past_due', 'active'), ('past_due', 'grace'), ('past_due', 'suspended'), ('past_due', 'cancelled'),
  ('grace', 'active'), ('grace', 'expired'), ('grace', 'suspended'), ('grace', 'cancelled'),
  ('suspended', 'active'), ('suspended', 'cancelled'),
  ('expired', 'active'), ('expired', 'cancelled'),
  ('cancelled', 'active'), ('cancelled', 'trial');

create function private.tg_subscriptions__transition() returns trigger
  language plpgsql volatile security definer set search_path = '' as $$
begin
  if not exists (select 1 from private.subscription_transitions where from_status = old.status and to_status = new.status) then
    perform private.fail('PT409', 'illegal_transition', format('Un abonnement ne passe pas de %s à %s.', old.status, new.status),
      (select string_agg(to_status::text, ', ' order by to_status) from private.subscription_transitions where from_status = old.status),
      jsonb_build_object('from', old.status, 'to', new.status));
  end if;
  -- A date belongs to its state: what a state left behind would act, or explain a refusal, wrongly later.
  if new.status <> 'trial' and new.status <> 'expired' then new.trial_ends_at := null; end if;
  if new.status not in ('grace', 'expired') then new.grace_ends_at := null; end if;
  if new.status <> 'past_due' then new.past_due_until := null; end if;
  if new.status in ('cancelled', 'active') then new.cancel_at_period_end := false; end if;
  -- Unpaid is never for ever, whoever wrote the status.
  if new.status = 'past_due' then new.past_due_until := coalesce(new.past_due_until, private.now() + interval '7 days'); end if;
  if new.status = 'grace' then new.grace_ends_at := coalesce(new.grace_ends_at, private.now() + interval '14 days'); end if;
  return new;
end $$;
create trigger transition before update on public.subscriptions for each row
  when (old.status is distinct from new.status) execute function private.tg_subscriptions__transition();

-- ───────────────────────────────────────────────────────────── acts of a super admin
create function private.locked_subscription(p_school_group_id uuid, p_expected_rev bigint, p_plan_id uuid default null)
  returns public.subscriptions language plpgsql volatile security definer set search_path = '' as $$
declare v public.subscriptions; v_rev bigint;
begin
  select * into v from public.subscriptions where school_group_id = p_school_group_id for update;
  perform private.hold_plan(coalesce(p_plan_id, v.plan_id));
  v_rev := private.lock_group(p_school_group_id);
  if p_expected_rev <> v_rev then
    perform private.fail('PT409', 'stale_revision', 'Le groupe a changé depuis votre aperçu.',
      'Relisez l’aperçu, puis confirmez.', jsonb_build_object('rev', v_rev));
  end if;
  return v;
end $$;
comment on function private.locked_subscription(uuid, bigint, uuid) is
  'Locks subscription, plan (its own, or the one it is to change to) and group, in that order; refuses a revision that is not the present one.';

create function public.set_subscription_status(p_school_group_id uuid, p_status text, p_reason text,
                                               p_until timestamptz default null, p_expected_rev bigint default null)
  returns jsonb language plpgsql volatile security definer set search_path = '' as $$
declare v public.subscriptions; v_reason text; v_status public.subscription_status;
begin
  perform private.require_super_admin();
  perform private.resolve_group(p_school_group_id);
  v_reason := private.require_reason(p_reason);
  if p_status is null or p_status <> all (enum_range(null::public.subscription_status)::text[]) then
    perform private.fail('PT400', 'invalid_request', 'État d’abonnement inconnu.', array_to_string(enum_range(null::public.subscription_status), ', '));
  end if;
  v_status := p_status::public.subscription_status;
  if p_until <= private.now() or p_until > private.now() + interval '10 years' then
    perform private.fail('PT400', 'invalid_request', 'La date est à venir, dans les dix ans.', 'p_until');
  elsif v_status in ('trial', 'grace') and p_until is null then
    perform private.fail('PT400', 'invalid_request', 'Un essai ou un délai de grâce a une fin.', 'p_until');
  end if;
  v := private.locked_subscription(p_school_group_id, p_expected_rev);
  if v.status = v_status then
    perform private.fail('PT409', 'same_status', 'L’abonnement est déjà dans cet état.');
  end if;
  perform set_config('epilot.change_reason', v_reason, true);
  update public.subscriptions set status = v_status,
    trial_ends_at = case when v_status = 'trial' then p_until else trial_ends_at end,
    grace_ends_at = case when v_status = 'grace' then p_until else grace_ends_at end,
    past_due_until = case when v_status = 'past_due' then coalesce(p_until, private.now() + interval '7 days') else past_due_until end,
    current_period_end = case when v_status = 'active' then p_until else current_period_end end
  where id = v.id;
  perform set_config('epilot.change_reason', '', true);
  return jsonb_build_object('school_group_id', p_school_group_id, 'from_status', v.status, 'to_status', v_status,
                            'rev', private.tell_entitlements(p_school_group_id));
end $$;
comment on function public.set_subscription_status(uuid, text, text, timestamptz, bigint) is
  'Super admin: moves a subscription along a legal transition. p_until: end of the trial, of the grace, of the days past due, or of the paid period.';

create function public.renew_subscription(p_school_group_id uuid, p_period_end timestamptz, p_reason text, p_expected_rev bigint default null)
  returns jsonb language plpgsql volatile security definer set search_path = '' as $$
declare v public.subscriptions; v_reason text;
begin
  perform private.require_super_admin();
  perform private.resolve_group(p_school_group_id);
  v_reason := private.require_reason(p_reason);
  v := private.locked_subscription(p_school_group_id, p_expected_rev);
  if p_period_end is null or p_period_end <= greatest(private.now(), v.current_period_end)
     or p_period_end > private.now() + interval '10 years' then
    perform private.fail('PT400', 'invalid_request', 'La nouvelle échéance est après l’ancienne, et à venir, dans les dix ans.', 'p_period_end');
  end if;
  perform set_config('epilot.change_reason', v_reason, true);
  update public.subscriptions set current_period_end = p_period_end, cancel_at_period_end = false, status = 'active' where id = v.id;
  perform set_config('epilot.change_reason', '', true);
  perform private.audit('subscription_renewed', p_school_group_id, jsonb_build_object('period_end', p_period_end, 'reason', v_reason));
  return jsonb_build_object('school_group_id', p_school_group_id, 'status', 'active', 'period_end', p_period_end,
    'rev', case when v.status = 'active' then private.lock_group(p_school_group_id) else private.tell_entitlements(p_school_group_id) end);
end $$;
comment on function public.renew_subscription(uuid, timestamptz, text, bigint) is 'Super admin: a period was paid for. Brings the subscription back to active.';

create function public.cancel_at_period_end(p_school_group_id uuid, p_cancel boolean, p_reason text)
  returns void language plpgsql volatile security definer set search_path = '' as $$
declare v_reason text; v public.subscriptions;
begin
  perform private.require_super_admin();
  perform private.resolve_group(p_school_group_id);
  v_reason := private.require_reason(p_reason);
  if p_cancel is null then
    perform private.fail('PT400', 'invalid_request', 'Dites si l’abonnement s’arrête à l’échéance.', 'p_cancel');
  end if;
  v := private.locked_subscription(p_school_group_id, null);
  if v.cancel_at_period_end = p_cancel then return; end if;
  if p_cancel and (v.status <> 'active' or v.current_period_end is null) then
    perform private.fail('PT409', 'illegal_transition', 'Cet abonnement n’a pas d’échéance à laquelle s’arrêter.');
  end if;
  update public.subscriptions set cancel_at_period_end = p_cancel where id = v.id;
  perform private.audit(case when p_cancel then 'cancellation_planned' else 'cancellation_withdrawn' end, p_school_group_id,
                        jsonb_build_object('reason', v_reason, 'period_end', v.current_period_end));
end $$;

comment on function public.cancel_at_period_end(uuid, boolean, text) is
  'Super admin: the subscription ends at the end of the period that is paid for (true), or goes on after all (false).';

create function public.cancel_scheduled_change(p_school_group_id uuid, p_reason text)
  returns jsonb language plpgsql volatile security definer set search_path = '' as $$
declare v_reason text; v_plan text;
begin
  perform private.require_super_admin();
  perform private.resolve_group(p_school_group_id);
  v_reason := private.require_reason(p_reason);
  perform private.locked_subscription(p_school_group_id, null);
  update public.scheduled_changes c set status = 'cancelled', closed_at = now()
  from public.subscription_plans p where c.school_group_id = p_school_group_id and c.status = 'pending' and c.effective_at > private.now() and p.id = c.plan_id
  returning p.slug into v_plan;
  if v_plan is null then
    perform private.fail('PT409', 'nothing_scheduled', 'Aucun changement n’est prévu pour ce groupe.');
  end if;
  perform private.audit('scheduled_change_cancelled', p_school_group_id, jsonb_build_object('to_plan', v_plan, 'reason', v_reason));
  return jsonb_build_object('school_group_id', p_school_group_id, 'plan', v_plan, 'rev', private.tell_entitlements(p_school_group_id));
end $$;
comment on function public.cancel_scheduled_change(uuid, text) is 'Super admin: undoes a scheduled change of plan that is not due yet.';

-- As in 002, by the clock of 005. A group that kept an older version of its plan may change to the plan as it is sold now.
create or replace function public.change_plan(p_school_group_id uuid, p_plan_slug text, p_reason text,
                                              p_effective timestamptz default null, p_expected_rev bigint default null)
  returns jsonb language plpgsql volatile security definer set search_path = '' as $$
declare
  v_group uuid; v_reason text;
  v_now constant boolean := p_effective is null or p_effective <= private.now();
  v public.subscriptions; v_from public.subscription_plans; v_to public.subscription_plans;
begin
  if not private.is_super_admin() then
    perform private.resolve_group(null);  -- tells a stranger to sign in; a member is refused here
    perform private.fail('PT403', 'forbidden', 'Seul un super administrateur change le plan d’un groupe.',
      'Demandez un changement de plan à votre interlocuteur E-Pilot.');
  end if;
  v_group := private.resolve_group(p_school_group_id);
  v_reason := private.require_reason(p_reason);
  if p_effective > private.now() + interval '2 years' then
    perform private.fail('PT400', 'invalid_request', 'La date d’effet est dans les deux ans.', 'p_effective');
  end if;
  v_to := private.published_plan(p_plan_slug);
  v := private.locked_subscription(v_group, p_expected_rev, v_to.id);
  select * into v_from from public.subscription_plans where id = v.plan_id;
  if v_now and v.plan_id = v_to.id and v.pinned_version_id is null then
    perform private.fail('PT409', 'same_plan', format('Le groupe est déjà au plan %s.', v_to.name));
  end if;

  -- One future a group: whatever was planned before is replaced.
  update public.scheduled_changes set status = 'cancelled', closed_at = now()
  where school_group_id = v_group and status = 'pending';
  if v_now then
    perform private.subscribe(v_group, v_to.id, v_reason);
  else
    insert into public.scheduled_changes (school_group_id, plan_id, effective_at, reason, created_by)
    values (v_group, v_to.id, p_effective, v_reason, auth.uid());
    perform private.audit('plan_change_scheduled', v_group, jsonb_build_object(
      'from_plan', v_from.slug, 'to_plan', v_to.slug, 'effective_at', p_effective, 'reason', v_reason));
  end if;
  return jsonb_build_object('school_group_id', v_group, 'from_plan', v_from.slug, 'to_plan', v_to.slug,
    'rev', private.tell_entitlements(v_group),
    'outcome', case when v_now then 'applied' else 'scheduled' end,
    'effective_at', case when v_now then private.now() else p_effective end);
end $$;

create function private.subscribe(p_school_group_id uuid, p_plan_id uuid, p_reason text)
  returns void language plpgsql volatile security definer set search_path = '' as $$
declare v_plan uuid; v_pinned uuid;
begin
  select plan_id, pinned_version_id into v_plan, v_pinned from public.subscriptions where school_group_id = p_school_group_id;
  if v_plan <> p_plan_id then
    perform set_config('epilot.change_reason', p_reason, true);
    update public.subscriptions set plan_id = p_plan_id where school_group_id = p_school_group_id;
    perform set_config('epilot.change_reason', '', true);
  elsif v_pinned is not null then
    update public.subscriptions set pinned_version_id = null where school_group_id = p_school_group_id;
    perform private.audit('subscription_version_left', p_school_group_id, jsonb_build_object('version_id', v_pinned, 'reason', p_reason));
  end if;
end $$;
comment on function private.subscribe(uuid, uuid, text) is
  'Puts a group on the plan as it is sold now. The caller holds subscription, plan and group, and tells the group.';

-- ───────────────────────────────────────────────────────────── dates act
create function private.due_status(s public.subscriptions, p_now timestamptz)
  returns public.subscription_status language sql immutable set search_path = '' as $$
  select case
    when s.status = 'trial' and s.trial_ends_at <= p_now then 'expired'
    when s.status = 'active' and s.current_period_end <= p_now then
      case when s.cancel_at_period_end then 'cancelled' else 'past_due' end
    when s.status = 'past_due' and s.past_due_until <= p_now then 'grace'
    when s.status = 'grace' and s.grace_ends_at <= p_now then 'expired'
  end::public.subscription_status;
$$;
comment on function private.due_status(public.subscriptions, timestamptz) is 'The state that a date moves the subscription to at p_now, or null.';

drop function private.run_due_jobs(timestamptz);
create function private.run_due_jobs(p_now timestamptz default null)
  returns jsonb language plpgsql volatile security definer set search_path = '' as $$
declare
  v_now constant timestamptz := coalesce(p_now, private.now());
  v_groups uuid[]; v_group uuid; v_status public.subscription_status; v_before int;
  s public.subscriptions; c public.scheduled_changes; o public.entitlement_overrides;
  v_states int := 0; v_changes int := 0; v_overrides int := 0;
begin
  -- Locks in the order of every writer: subscriptions, plans, groups. A subscription that somebody holds is left to them,
  -- or to the next call: who waits for nobody here can be waited for by anybody.
  select array_agg(due.school_group_id order by due.school_group_id) into v_groups from (
    select x.school_group_id from public.subscriptions x
    where private.due_status(x, v_now) is not null
      or x.school_group_id in (select school_group_id from public.scheduled_changes where status = 'pending' and effective_at <= v_now)
      or x.school_group_id in (select school_group_id from public.entitlement_overrides where ended_at is null and expires_at <= v_now)
    order by x.school_group_id for update skip locked) due;
  perform 1 from public.subscription_plans where slug = 'gratuit'
    or id in (select plan_id from public.subscriptions where school_group_id = any (v_groups))
    or id in (select plan_id from public.scheduled_changes where school_group_id = any (v_groups) and status = 'pending' and effective_at <= v_now)
  order by id for share;

  foreach v_group in array coalesce(v_groups, '{}') loop
    perform private.lock_group(v_group);
    v_before := v_states + v_changes + v_overrides;
    -- Each subscription as many steps as are due: after a long stop a period may have ended, and its grace too.
    select * into s from public.subscriptions where school_group_id = v_group;
    loop
      v_status := private.due_status(s, v_now);
      exit when v_status is null;
      perform set_config('epilot.change_reason', 'Échéance', true);
      update public.subscriptions set status = v_status,
        past_due_until = case when v_status = 'past_due' then s.current_period_end + interval '7 days' end,
        grace_ends_at = case when v_status = 'grace' then s.past_due_until + interval '14 days' else grace_ends_at end
      where id = s.id returning * into s;
      perform set_config('epilot.change_reason', '', true);
      v_states := v_states + 1;
    end loop;

    update public.scheduled_changes set status = 'applied', closed_at = now()
    where school_group_id = v_group and status = 'pending' and effective_at <= v_now returning * into c;
    if found then
      perform private.subscribe(v_group, c.plan_id, c.reason);
      v_changes := v_changes + 1;
    end if;

    for o in update public.entitlement_overrides set ended_at = expires_at
             where school_group_id = v_group and ended_at is null and expires_at <= v_now returning * loop
      perform private.audit('override_expired', v_group, jsonb_build_object('id', o.id, 'kind', o.kind));
      v_overrides := v_overrides + 1;
    end loop;
    if v_states + v_changes + v_overrides > v_before then perform private.tell_entitlements(v_group); end if;
  end loop;
  return jsonb_build_object('subscriptions', v_states, 'scheduled_changes', v_changes, 'overrides', v_overrides);
end $$;
comment on function private.run_due_jobs(timestamptz) is
  'Makes every date that has come act, and returns how many did. Idempotent; concurrent callers share the work.';

-- ───────────────────────────────────────────────────────────── requests
create table public.plan_change_requests (
  id uuid primary key default gen_random_uuid(),
  school_group_id uuid not null references public.school_groups (id) on delete restrict,
  plan_id uuid not null references public.subscription_plans (id) on delete restrict,
  reason text not null check (char_length(btrim(reason)) between 1 and 500),
  wished_date date,
  status text not null default 'pending' check (status in ('pending', 'approved', 'refused', 'cancelled')),
  requested_by uuid not null references public.profiles (id) on delete restrict,
  created_at timestamptz not null default now(),
  reviewed_by uuid references public.profiles (id) on delete restrict,
  review_note text check (char_length(review_note) <= 500),
  closed_at timestamptz,
  check ((status = 'pending') = (closed_at is null))
);
create unique index plan_change_requests_one_pending_idx on public.plan_change_requests (school_group_id) where status = 'pending';
create index plan_change_requests_group_idx on public.plan_change_requests (school_group_id, created_at desc);
create index plan_change_requests_status_idx on public.plan_change_requests (status, created_at);
create index plan_change_requests_plan_idx on public.plan_change_requests (plan_id);
create index plan_change_requests_requested_by_idx on public.plan_change_requests (requested_by);
create index plan_change_requests_reviewed_by_idx on public.plan_change_requests (reviewed_by);
comment on table public.plan_change_requests is 'A group admin asks for a plan, a super admin answers. Closed once, never deleted or rewritten.';
alter table public.plan_change_requests enable row level security;
create policy "group admins see their requests" on public.plan_change_requests for select to authenticated
  using (school_group_id = (select private.my_admin_group_id()) or (select private.is_super_admin()));
grant select on public.plan_change_requests to authenticated, service_role;
create trigger kept before delete or truncate on public.plan_change_requests
  for each statement execute function private.tg_refuse('Une demande se retire, elle ne s’efface pas.');
create trigger closed_once before update on public.plan_change_requests for each row when (old.status <> 'pending')
  execute function private.tg_refuse('Une demande close ne se réécrit pas.');

create function private.request_json(r public.plan_change_requests)
  returns jsonb language sql stable security definer set search_path = '' as $$
  select jsonb_build_object('id', r.id, 'school_group_id', r.school_group_id, 'plan', (select slug from public.subscription_plans where id = r.plan_id),
    'status', r.status, 'reason', r.reason, 'wished_date', r.wished_date, 'review_note', r.review_note, 'created_at', r.created_at, 'closed_at', r.closed_at);
$$;

create function private.tg_plan_change_requests__tell() returns trigger
  language plpgsql volatile security definer set search_path = '' as $$
declare v_rev bigint;
begin
  -- Both sides, at once: the group follows its request, the platform its inbox. School staff listen to the group's topic
  -- and may not read requests: they hear that there is one, not what was written in it.
  perform realtime.send(jsonb_build_object('id', new.id, 'status', new.status), 'request_changed', 'group:' || new.school_group_id, true);
  perform realtime.send(private.request_json(new), 'request_changed', 'platform', true);
  perform private.audit('request_' || new.status, new.school_group_id, private.request_json(new));
  if new.status in ('approved', 'refused') then
    select rev into v_rev from private.group_states where school_group_id = new.school_group_id;
    insert into public.notifications (school_group_id, kind, params, rev)
    values (new.school_group_id, 'request_' || new.status, private.request_json(new), v_rev);
    perform realtime.send(jsonb_build_object('rev', v_rev, 'kind', 'request_' || new.status),
                          'notification', 'group:' || new.school_group_id, true);
  end if;
  return null;
end $$;
create trigger tell after insert or update of status on public.plan_change_requests
  for each row execute function private.tg_plan_change_requests__tell();
alter table public.notifications drop constraint notifications_kind_check,
  add constraint notifications_kind_check check (kind in ('usage_threshold', 'request_approved', 'request_refused'));

create function public.request_plan_change(p_plan_slug text, p_reason text, p_wished_date date default null)
  returns jsonb language plpgsql volatile security definer set search_path = '' as $$
declare
  v_group constant uuid := private.require_group_admin();
  v_reason constant text := private.require_reason(p_reason);
  p public.subscription_plans; r public.plan_change_requests;
begin
  p := private.published_plan(p_plan_slug);
  if p_wished_date < private.today() or p_wished_date > private.today() + 730 then
    perform private.fail('PT400', 'invalid_request', 'La date souhaitée est à venir, dans les deux ans.', 'p_wished_date');
  elsif exists (select 1 from public.subscriptions where school_group_id = v_group and plan_id = p.id and pinned_version_id is null) then
    perform private.fail('PT409', 'same_plan', format('Le groupe est déjà au plan %s.', p.name));
  end if;
  perform private.lock_group(v_group);
  select * into r from public.plan_change_requests where school_group_id = v_group and status = 'pending';
  if not found then
    if not private.within_rate(v_group, 'plan_change_request') then
      perform private.fail('PT429', 'too_many_today', 'Dix demandes par jour au plus : réessayez demain.');
    end if;
    insert into public.plan_change_requests (school_group_id, plan_id, reason, wished_date, requested_by)
    values (v_group, p.id, v_reason, p_wished_date, auth.uid()) returning * into r;
  elsif r.plan_id <> p.id then
    perform private.fail('PT409', 'request_pending', 'Une demande est déjà en cours.', 'Retirez-la, puis faites la nouvelle.', private.request_json(r));
  end if;
  return private.request_json(r);  -- a double submit is one request
end $$;
comment on function public.request_plan_change(text, text, date) is 'Group admin: asks for a plan. One pending request a group; asking twice for the same is asking once. Ten requests a group and day.';

create function public.cancel_plan_change_request(p_request_id uuid)
  returns jsonb language plpgsql volatile security definer set search_path = '' as $$
declare v_group constant uuid := private.require_group_admin(); r public.plan_change_requests;
begin
  select * into r from public.plan_change_requests where id = p_request_id and school_group_id = v_group for update;
  if not found then
    perform private.fail('PT404', 'request_not_found', 'Cette demande n’existe pas.', 'p_request_id');
  elsif r.status <> 'pending' then
    perform private.fail('PT409', 'already_closed', 'Cette demande est déjà close.', null, private.request_json(r));
  end if;
  update public.plan_change_requests set status = 'cancelled', closed_at = now() where id = r.id returning * into r;
  return private.request_json(r);
end $$;
comment on function public.cancel_plan_change_request(uuid) is 'Group admin: withdraws the group''s pending request.';

create function public.review_plan_change_request(p_request_id uuid, p_approve boolean, p_note text default null,
                                                  p_accept_overage boolean default false)
  returns jsonb language plpgsql volatile security definer set search_path = '' as $$
declare r public.plan_change_requests; v_slug text; v_preview jsonb; v_change jsonb;
begin
  perform private.require_super_admin();
  select * into r from public.plan_change_requests where id = p_request_id for update;
  if not found then
    perform private.fail('PT404', 'request_not_found', 'Cette demande n’existe pas.', 'p_request_id');
  elsif r.status <> 'pending' then
    perform private.fail('PT409', 'already_closed', 'Cette demande est déjà close.', null, private.request_json(r));
  elsif p_approve is null then
    perform private.fail('PT400', 'invalid_request', 'Approuvez ou refusez.', 'p_approve');
  elsif not p_approve then
    perform private.require_reason(p_note);
  end if;
  if p_approve then
    select slug into v_slug from public.subscription_plans where id = r.plan_id;
    -- Locked before it is judged: what fits here fits when it is applied below.
    perform private.locked_subscription(r.school_group_id, null, r.plan_id);
    v_preview := public.preview_plan_change(v_slug, r.school_group_id);
    if not (v_preview->>'fits')::boolean and not coalesce(p_accept_overage, false) then
      perform private.fail('PT409', 'no_longer_fits', 'L’usage du groupe dépasse maintenant les limites du plan demandé.',
        'Approuvez malgré le dépassement, ou refusez avec une note.', jsonb_build_object('restrictions', v_preview->'restrictions'));
    end if;
    v_change := public.change_plan(r.school_group_id, v_slug, coalesce(nullif(btrim(p_note), ''), r.reason),
                                   case when r.wished_date > private.today() then r.wished_date::timestamp at time zone 'Africa/Brazzaville' end);
  end if;
  update public.plan_change_requests set status = case when p_approve then 'approved' else 'refused' end,
    reviewed_by = auth.uid(), review_note = nullif(btrim(p_note), ''), closed_at = now() where id = r.id returning * into r;
  return private.request_json(r) || jsonb_build_object('change', v_change);
end $$;
comment on function public.review_plan_change_request(uuid, boolean, text, boolean) is
  'Super admin: approves (applied at once, or on the wished date) or refuses with a note. An approval whose usage no longer fits says so unless the overage is accepted.';

grant execute on function public.set_subscription_status(uuid, text, text, timestamptz, bigint),
  public.renew_subscription(uuid, timestamptz, text, bigint), public.cancel_at_period_end(uuid, boolean, text),
  public.cancel_scheduled_change(uuid, text), public.request_plan_change(text, text, date),
  public.cancel_plan_change_request(uuid), public.review_plan_change_request(uuid, boolean, text, boolean) to authenticated;
