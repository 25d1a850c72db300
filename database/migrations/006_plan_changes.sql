-- 006 · A group changes its plan: compared before, changed now or on a date, requested and reviewed.

-- ───────────────────────────────────────────────────────────── preview
create function private.gains_and_losses(p_kind text, p_sides jsonb)
  returns jsonb language sql immutable parallel safe begin atomic
  select jsonb_build_object(
    p_kind || '_before', count(*) filter (where s.before),
    p_kind || '_after', count(*) filter (where s.after),
    p_kind || '_gained', coalesce(jsonb_agg(named) filter (where s.after and not s.before), '[]'),
    p_kind || '_lost', coalesce(jsonb_agg(named) filter (where s.before and not s.after), '[]'))
  from jsonb_to_recordset(coalesce(p_sides, '[]')) s (slug text, name text, before boolean, after boolean)
  cross join lateral jsonb_build_object('slug', s.slug, 'name', s.name) named;
end;
comment on function private.gains_and_losses(text, jsonb) is
  'Counts and names of two sides: [{slug, name, before, after}] in order of display.';

create function public.preview_plan_change(p_plan_slug text, p_school_group_id uuid default null)
  returns jsonb language plpgsql stable security definer set search_path = '' as $$
declare
  v_group constant uuid := private.require_group_reader(p_school_group_id);
  v_to public.subscription_plans;
  e private.effective_entitlements; v_next private.effective_entitlements;
  v_modules jsonb; v_categories jsonb; v_restrictions jsonb; v_fits boolean;
begin
  v_to := private.published_plan(p_plan_slug);
  select * into e from private.effective_entitlements where school_group_id = v_group;
  v_next := e;
  v_next.pinned_version_id := null;
  -- A subscription that gives nothing gives nothing under another plan either.
  if e.fallback_reason is null then
    v_next.plan_id := v_to.id;
    v_next.warn_at := v_to.warn_at;
    v_next.limits := (select m.limits from private.merged_limits(v_group, v_to.limits, true) m);
  end if;

  with sides as (
    select m.id, m.slug, m.name, m.position, m.category_id, b.module_id is not null as before,
           a.module_id is not null as after
    from public.modules m
    left join private.effective_modules(e) b on b.module_id = m.id
    left join private.effective_modules(v_next) a on a.module_id = m.id
    where b.module_id is not null or a.module_id is not null)
  select private.gains_and_losses('modules', (
           select jsonb_agg(to_jsonb(s) order by s.position) from sides s)),
         private.gains_and_losses('categories', (select jsonb_agg(to_jsonb(c) order by c.position) from (
           select c.slug, c.name, c.position, bool_or(s.before) as before, bool_or(s.after) as after
           from sides s join public.business_categories c on c.id = s.category_id group by c.id) c))
  into v_modules, v_categories;

  select jsonb_object_agg(c.resource, jsonb_build_object(
           'usage', c.used, 'current_limit', private.limit_of(c.resource, e),
           'new_limit', d->'limit', 'overage', d->'overage', 'state', d->'state')),
         bool_and((d->>'overage')::bigint = 0)
  into v_restrictions, v_fits
  from public.usage_counters c
  cross join lateral private.decide(c.resource, private.limit_of(c.resource, v_next),
                                    c.used, 1, v_next.warn_at, null) d
  where c.school_group_id = v_group;

  return v_modules || v_categories || jsonb_build_object(
    'school_group_id', v_group,
    'from_plan', jsonb_build_object('slug', e.plan, 'name', e.plan_name),
    'to_plan', jsonb_build_object('slug', v_to.slug, 'name', v_to.name),
    'rev', (select rev from private.group_states where school_group_id = v_group),
    'restrictions', v_restrictions, 'fits', v_fits,
    'affected_users', (select count(*) from public.profiles
                       where school_group_id = v_group and status = 'active'));
end $$;
comment on function public.preview_plan_change(text, uuid) is
  'What the change would give and take, by name, and how far usage would stand above each new limit. Changes '
  'nothing.';
grant execute on function public.preview_plan_change(text, uuid) to authenticated;

-- ───────────────────────────────────────────────────────────── change, now or on a date
create function private.locked_subscription(p_school_group_id uuid, p_expected_rev bigint,
    p_plan_id uuid default null)
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
  'Locks subscription, plan (its own, or the one it is to change to) and group, in that order; refuses a '
  'revision that is not the present one.';

create function private.subscribe(p_school_group_id uuid, p_plan_id uuid, p_reason text)
  returns void language plpgsql volatile security definer set search_path = '' as $$
declare v_plan uuid; v_pinned uuid;
begin
  select plan_id, pinned_version_id into v_plan, v_pinned from public.subscriptions
  where school_group_id = p_school_group_id;
  if v_plan <> p_plan_id then
    perform set_config('epilot.change_reason', p_reason, true);
    update public.subscriptions set plan_id = p_plan_id where school_group_id = p_school_group_id;
    perform set_config('epilot.change_reason', '', true);
  elsif v_pinned is not null then
    update public.subscriptions set pinned_version_id = null where school_group_id = p_school_group_id;
    perform private.audit('subscription_version_left', p_school_group_id,
      jsonb_build_object('version_id', v_pinned, 'reason', p_reason));
  end if;
end $$;
comment on function private.subscribe(uuid, uuid, text) is
  'Puts a group on the plan as it is sold now. The caller holds subscription, plan and group, and tells the '
  'group.';

-- A group that kept an older version of its plan may change to the plan as it is sold now.
create function public.change_plan(p_school_group_id uuid, p_plan_slug text, p_reason text,
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
comment on function public.change_plan(uuid, text, text, timestamptz, bigint) is
  'Super admin: changes a group''s plan now, or at p_effective. Refuses a p_expected_rev that is not the '
  'present one.';
grant execute on function public.change_plan(uuid, text, text, timestamptz, bigint) to authenticated;

create function public.cancel_scheduled_change(p_school_group_id uuid, p_reason text)
  returns jsonb language plpgsql volatile security definer set search_path = '' as $$
declare v_reason text; v_plan text;
begin
  perform private.require_super_admin();
  perform private.resolve_group(p_school_group_id);
  v_reason := private.require_reason(p_reason);
  perform private.locked_subscription(p_school_group_id, null);
  update public.scheduled_changes c set status = 'cancelled', closed_at = now()
  from public.subscription_plans p
  where c.school_group_id = p_school_group_id and c.status = 'pending' and c.effective_at > private.now()
    and p.id = c.plan_id
  returning p.slug into v_plan;
  if v_plan is null then
    perform private.fail('PT409', 'nothing_scheduled', 'Aucun changement n’est prévu pour ce groupe.');
  end if;
  perform private.audit('scheduled_change_cancelled', p_school_group_id,
    jsonb_build_object('to_plan', v_plan, 'reason', v_reason));
  return jsonb_build_object('school_group_id', p_school_group_id, 'plan', v_plan,
    'rev', private.tell_entitlements(p_school_group_id));
end $$;
comment on function public.cancel_scheduled_change(uuid, text) is
  'Super admin: undoes a scheduled change of plan that is not due yet.';
grant execute on function public.cancel_scheduled_change(uuid, text) to authenticated;

-- ───────────────────────────────────────────────────────────── requests
create function private.request_json(r public.plan_change_requests)
  returns jsonb language sql stable security definer set search_path = '' as $$
  select jsonb_build_object('id', r.id, 'school_group_id', r.school_group_id,
    'plan', (select slug from public.subscription_plans where id = r.plan_id),
    'status', r.status, 'reason', r.reason, 'wished_date', r.wished_date, 'review_note', r.review_note,
    'created_at', r.created_at, 'closed_at', r.closed_at);
$$;

create function private.tg_plan_change_requests__tell() returns trigger
  language plpgsql volatile security definer set search_path = '' as $$
begin
  -- Both sides, at once: the group follows its request, the platform its inbox. School staff listen to the
  -- group's topic and may not read requests: they hear that there is one, not what was written in it.
  perform realtime.send(jsonb_build_object('id', new.id, 'status', new.status), 'request_changed',
    'group:' || new.school_group_id, true);
  perform realtime.send(private.request_json(new), 'request_changed', 'platform', true);
  perform private.audit('request_' || new.status, new.school_group_id, private.request_json(new));
  if new.status in ('approved', 'refused') then
    perform private.notify(new.school_group_id, 'request_decided', private.request_json(new));
  end if;
  return null;
end $$;
create trigger tell after insert or update of status on public.plan_change_requests
  for each row execute function private.tg_plan_change_requests__tell();

create function public.request_plan_change(p_plan_slug text, p_reason text, p_wished_date date default null)
  returns jsonb language plpgsql volatile security definer set search_path = '' as $$
declare
  v_group constant uuid := private.require_group_admin();
  v_reason constant text := private.require_reason(p_reason);
  p public.subscription_plans; r public.plan_change_requests;
begin
  p := private.published_plan(p_plan_slug);
  if p_wished_date < private.today() or p_wished_date > private.today() + 730 then
    perform private.fail('PT400', 'invalid_request',
      'La date souhaitée est à venir, dans les deux ans.', 'p_wished_date');
  elsif exists (select 1 from public.subscriptions
                where school_group_id = v_group and plan_id = p.id and pinned_version_id is null) then
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
    perform private.fail('PT409', 'request_pending', 'Une demande est déjà en cours.',
      'Retirez-la, puis faites la nouvelle.', private.request_json(r));
  end if;
  return private.request_json(r);  -- a double submit is one request
end $$;
comment on function public.request_plan_change(text, text, date) is
  'Group admin: asks for a plan. One pending request a group; asking twice for the same is asking once. Ten '
  'requests a group and day.';
grant execute on function public.request_plan_change(text, text, date) to authenticated;

create function public.cancel_plan_change_request(p_request_id uuid)
  returns jsonb language plpgsql volatile security definer set search_path = '' as $$
declare v_group constant uuid := private.require_group_admin(); r public.plan_change_requests;
begin
  select * into r from public.plan_change_requests
  where id = p_request_id and school_group_id = v_group for update;
  if not found then
    perform private.fail('PT404', 'request_not_found', 'Cette demande n’existe pas.', 'p_request_id');
  elsif r.status <> 'pending' then
    perform private.fail('PT409', 'already_closed', 'Cette demande est déjà close.',
      null, private.request_json(r));
  end if;
  update public.plan_change_requests set status = 'cancelled', closed_at = now()
  where id = r.id returning * into r;
  return private.request_json(r);
end $$;
comment on function public.cancel_plan_change_request(uuid) is
  'Group admin: withdraws the group''s pending request.';
grant execute on function public.cancel_plan_change_request(uuid) to authenticated;

create function public.review_plan_change_request(p_request_id uuid, p_approve boolean,
    p_note text default null, p_accept_overage boolean default false)
  returns jsonb language plpgsql volatile security definer set search_path = '' as $$
declare r public.plan_change_requests; v_slug text; v_preview jsonb; v_change jsonb;
begin
  perform private.require_super_admin();
  select * into r from public.plan_change_requests where id = p_request_id for update;
  if not found then
    perform private.fail('PT404', 'request_not_found', 'Cette demande n’existe pas.', 'p_request_id');
  elsif r.status <> 'pending' then
    perform private.fail('PT409', 'already_closed', 'Cette demande est déjà close.',
      null, private.request_json(r));
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
      perform private.fail('PT409', 'no_longer_fits',
        'L’usage du groupe dépasse maintenant les limites du plan demandé.',
        'Approuvez malgré le dépassement, ou refusez avec une note.',
        jsonb_build_object('restrictions', v_preview->'restrictions'));
    end if;
    v_change := public.change_plan(r.school_group_id, v_slug, coalesce(nullif(btrim(p_note), ''), r.reason),
                                   case when r.wished_date > private.today()
                                        then r.wished_date::timestamp at time zone 'Africa/Brazzaville' end);
  end if;
  update public.plan_change_requests
  set status = case when p_approve then 'approved' else 'refused' end,
      reviewed_by = auth.uid(), review_note = nullif(btrim(p_note), ''), closed_at = now()
  where id = r.id returning * into r;
  return private.request_json(r) || jsonb_build_object('change', v_change);
end $$;
comment on function public.review_plan_change_request(uuid, boolean, text, boolean) is
  'Super admin: approves (applied at once, or on the wished date) or refuses with a note. An approval whose '
  'usage no longer fits says so unless the overage is accepted.';
grant execute on function public.review_plan_change_request(uuid, boolean, text, boolean) to authenticated;
