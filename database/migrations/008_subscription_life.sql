-- 008 · The life of a subscription: a state machine that refuses illegal moves, and dates that act.
--
--            ┌───────────────► cancelled ◄──────────────┐
--   trial ───┼──► active ◄──► past_due ──► grace ──► expired
--            │       ▲▼           │          │          │
--            └► expired  suspended ◄─────────┘          │
--                    └──────────── active ◄─────────────┘
--
-- Dates act through run_due_jobs() alone: trial_ends_at, current_period_end, past_due_until, grace_ends_at,
-- scheduled changes, exceptions and add-ons past their date. It may be called at any time, by any number of
-- callers.

-- ───────────────────────────────────────────────────────────── transitions
create table private.subscription_transitions (
  from_status public.subscription_status not null,
  to_status public.subscription_status not null,
  primary key (from_status, to_status)
);
comment on table private.subscription_transitions is
  'The arrows of the diagram above; every other change of status is refused.';
alter table private.subscription_transitions enable row level security;
insert into private.subscription_transitions values
  ('trial', 'active'), ('trial', 'expired'), ('trial', 'cancelled'),
  ('active', 'past_due'), ('active', 'suspended'), ('active', 'cancelled'),
  ('active', 'expired'), ('active', 'trial'),
  ('past_due', 'active'), ('past_due', 'grace'), ('past_due', 'suspended'), ('past_due', 'cancelled'),
  ('grace', 'active'), ('grace', 'expired'), ('grace', 'suspended'), ('grace', 'cancelled'),
  ('suspended', 'active'), ('suspended', 'cancelled'),
  ('expired', 'active'), ('expired', 'cancelled'),
  ('cancelled', 'active'), ('cancelled', 'trial');

create function private.time_to_pay() returns interval language sql immutable parallel safe
  return interval '7 days';
comment on function private.time_to_pay() is 'How long a subscription is past due before its grace begins.';
create function private.time_of_grace() returns interval language sql immutable parallel safe
  return interval '14 days';
comment on function private.time_of_grace() is 'How long the grace lasts before the subscription expires.';

create function private.tg_subscriptions__transition() returns trigger
  language plpgsql volatile security definer set search_path = '' as $$
begin
  if not exists (select 1 from private.subscription_transitions
                 where from_status = old.status and to_status = new.status) then
    perform private.fail('PT409', 'illegal_transition',
      format('Un abonnement ne passe pas de %s à %s.', old.status, new.status),
      (select string_agg(to_status::text, ', ' order by to_status) from private.subscription_transitions
        where from_status = old.status),
      jsonb_build_object('from', old.status, 'to', new.status));
  end if;
  -- A date belongs to its state: what a state left behind would act, or explain a refusal, wrongly later.
  if new.status <> 'trial' and new.status <> 'expired' then new.trial_ends_at := null; end if;
  if new.status not in ('grace', 'expired') then new.grace_ends_at := null; end if;
  if new.status <> 'past_due' then new.past_due_until := null; end if;
  if new.status in ('cancelled', 'active') then new.cancel_at_period_end := false; end if;
  -- A subscription that is past due always has an end, also when plain SQL set the status.
  if new.status = 'past_due' then
    new.past_due_until := coalesce(new.past_due_until, private.now() + private.time_to_pay());
  end if;
  if new.status = 'grace' then
    new.grace_ends_at := coalesce(new.grace_ends_at, private.now() + private.time_of_grace());
  end if;
  return new;
end $$;
create trigger transition before update on public.subscriptions for each row
  when (old.status is distinct from new.status) execute function private.tg_subscriptions__transition();

-- ───────────────────────────────────────────────────────────── acts of a super admin
create function public.set_subscription_status(p_school_group_id uuid, p_status text, p_reason text,
    p_until timestamptz default null, p_expected_rev bigint default null)
  returns jsonb language plpgsql volatile security definer set search_path = '' as $$
declare v public.subscriptions; v_reason text; v_status public.subscription_status;
begin
  perform private.require_super_admin();
  perform private.resolve_group(p_school_group_id);
  v_reason := private.require_reason(p_reason);
  if p_status is null or p_status <> all (enum_range(null::public.subscription_status)::text[]) then
    perform private.fail('PT400', 'invalid_request', 'État d’abonnement inconnu.',
      array_to_string(enum_range(null::public.subscription_status), ', '));
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
    past_due_until = case when v_status = 'past_due'
                          then coalesce(p_until, private.now() + private.time_to_pay())
                          else past_due_until end,
    current_period_end = case when v_status = 'active' then p_until else current_period_end end
  where id = v.id;
  perform set_config('epilot.change_reason', '', true);
  return jsonb_build_object('school_group_id', p_school_group_id,
    'from_status', v.status, 'to_status', v_status, 'rev', private.tell_entitlements(p_school_group_id));
end $$;
comment on function public.set_subscription_status(uuid, text, text, timestamptz, bigint) is
  'Super admin: moves a subscription along a legal transition. p_until: end of the trial, of the grace, of '
  'the days past due, or of the paid period.';
grant execute on function public.set_subscription_status(uuid, text, text, timestamptz, bigint)
  to authenticated;

create function public.renew_subscription(p_school_group_id uuid, p_period_end timestamptz, p_reason text,
    p_expected_rev bigint default null)
  returns jsonb language plpgsql volatile security definer set search_path = '' as $$
declare v public.subscriptions; v_reason text;
begin
  perform private.require_super_admin();
  perform private.resolve_group(p_school_group_id);
  v_reason := private.require_reason(p_reason);
  v := private.locked_subscription(p_school_group_id, p_expected_rev);
  if p_period_end is null or p_period_end <= greatest(private.now(), v.current_period_end)
     or p_period_end > private.now() + interval '10 years' then
    perform private.fail('PT400', 'invalid_request',
      'La nouvelle échéance est après l’ancienne, et à venir, dans les dix ans.', 'p_period_end');
  end if;
  perform set_config('epilot.change_reason', v_reason, true);
  update public.subscriptions
  set current_period_end = p_period_end, cancel_at_period_end = false, status = 'active' where id = v.id;
  perform set_config('epilot.change_reason', '', true);
  perform private.audit('subscription_renewed', p_school_group_id,
    jsonb_build_object('period_end', p_period_end, 'reason', v_reason));
  return jsonb_build_object(
    'school_group_id', p_school_group_id, 'status', 'active', 'period_end', p_period_end,
    'rev', case when v.status = 'active' then private.lock_group(p_school_group_id)
                else private.tell_entitlements(p_school_group_id) end);
end $$;
comment on function public.renew_subscription(uuid, timestamptz, text, bigint) is
  'Super admin: a period was paid for. Brings the subscription back to active.';
grant execute on function public.renew_subscription(uuid, timestamptz, text, bigint) to authenticated;

create function public.cancel_at_period_end(p_school_group_id uuid, p_cancel boolean, p_reason text)
  returns void language plpgsql volatile security definer set search_path = '' as $$
declare v_reason text; v public.subscriptions;
begin
  perform private.require_super_admin();
  perform private.resolve_group(p_school_group_id);
  v_reason := private.require_reason(p_reason);
  if p_cancel is null then
    perform private.fail('PT400', 'invalid_request',
      'Dites si l’abonnement s’arrête à l’échéance.', 'p_cancel');
  end if;
  v := private.locked_subscription(p_school_group_id, null);
  if v.cancel_at_period_end = p_cancel then return; end if;
  if p_cancel and (v.status <> 'active' or v.current_period_end is null) then
    perform private.fail('PT409', 'illegal_transition',
      'Cet abonnement n’a pas d’échéance à laquelle s’arrêter.');
  end if;
  update public.subscriptions set cancel_at_period_end = p_cancel where id = v.id;
  perform private.audit(case when p_cancel then 'cancellation_planned' else 'cancellation_withdrawn' end,
    p_school_group_id, jsonb_build_object('reason', v_reason, 'period_end', v.current_period_end));
end $$;
comment on function public.cancel_at_period_end(uuid, boolean, text) is
  'Super admin: the subscription ends at the end of the period that is paid for (true), or goes on after all '
  '(false).';
grant execute on function public.cancel_at_period_end(uuid, boolean, text) to authenticated;

-- ───────────────────────────────────────────────────────────── dates act
create function private.run_due_jobs(p_now timestamptz default null)
  returns jsonb language plpgsql volatile security definer set search_path = '' as $$
declare
  v_now constant timestamptz := coalesce(p_now, private.now());
  v_groups uuid[]; v_group uuid; v_status public.subscription_status; v_before int;
  s public.subscriptions; c public.scheduled_changes; o public.entitlement_overrides;
  v_states int := 0; v_changes int := 0; v_overrides int := 0; v_add_ons int := 0; v_add_on uuid;
begin
  -- Locks in the order of every writer: subscriptions, plans, groups. A subscription that somebody holds is
  -- left to them, or to the next call: who waits for nobody here can be waited for by anybody.
  select array_agg(due.school_group_id order by due.school_group_id) into v_groups from (
    select x.school_group_id from public.subscriptions x
    where private.due_status(x, v_now) is not null
      or x.school_group_id in (select school_group_id from public.scheduled_changes
                               where status = 'pending' and effective_at <= v_now)
      or x.school_group_id in (select school_group_id from public.entitlement_overrides
                               where ended_at is null and expires_at <= v_now)
      or x.school_group_id in (select school_group_id from public.subscription_add_ons
                               where ended_at is null and ends_at <= v_now)
    order by x.school_group_id for update skip locked) due;
  perform 1 from public.subscription_plans where slug = 'gratuit'
    or id in (select plan_id from public.subscriptions where school_group_id = any (v_groups))
    or id in (select plan_id from public.scheduled_changes
              where school_group_id = any (v_groups) and status = 'pending' and effective_at <= v_now)
  order by id for share;

  foreach v_group in array coalesce(v_groups, '{}') loop
    perform private.lock_group(v_group);
    v_before := v_states + v_changes + v_overrides + v_add_ons;
    -- Each subscription as many steps as are due: after a long stop a period may have ended,
    -- and its grace too.
    select * into s from public.subscriptions where school_group_id = v_group;
    loop
      v_status := private.due_status(s, v_now);
      exit when v_status is null;
      perform set_config('epilot.change_reason', 'Échéance', true);
      update public.subscriptions set status = v_status,
        past_due_until = case when v_status = 'past_due'
                              then s.current_period_end + private.time_to_pay() end,
        grace_ends_at = case when v_status = 'grace' then s.past_due_until + private.time_of_grace()
                             else grace_ends_at end
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
    for v_add_on in update public.subscription_add_ons set ended_at = ends_at where school_group_id = v_group
                    and ended_at is null and ends_at <= v_now returning id loop
      perform private.audit('add_on_expired', v_group, jsonb_build_object('id', v_add_on));
      v_add_ons := v_add_ons + 1;
    end loop;
    if v_states + v_changes + v_overrides + v_add_ons > v_before then
      perform private.tell_entitlements(v_group);
    end if;
  end loop;
  return jsonb_build_object('subscriptions', v_states, 'scheduled_changes', v_changes,
    'overrides', v_overrides, 'add_ons', v_add_ons);
end $$;
comment on function private.run_due_jobs(timestamptz) is
  'Makes every date that has come act, and returns how many did. Idempotent; concurrent callers share the '
  'work.';
