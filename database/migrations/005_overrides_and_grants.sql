-- 005 · Exceptions: a limit set for one group, a module opened or closed for it, a quantity granted for a time.
--
-- Effective limit = the override in force, else plan limit + grants in force. Effective modules = plan modules
-- + additions − removals. A group fallen to `gratuit` has gratuit, nothing else.
-- Time decides alone: an exception past its date is out of force at once; run_due_jobs() then closes it and tells the group.

-- ───────────────────────────────────────────────────────────── clock
create function private.now() returns timestamptz language sql stable set search_path = '' as $$
  select case when session_user = 'authenticator' then now()
              else coalesce(nullif(current_setting('epilot.now', true), '')::timestamptz, now()) end;
$$;
comment on function private.now() is
  'The instant by which dates are judged. Tests and operators may set epilot.now for their session; the API''s login role may not.';
grant execute on function private.now() to authenticated, service_role;

create function private.today() returns date language sql stable set search_path = '' as $$
  select (private.now() at time zone 'Africa/Brazzaville')::date;
$$;
comment on function private.today() is 'The day it is for the customers, whatever the session''s time zone.';

-- ───────────────────────────────────────────────────────────── tables
create table public.entitlement_overrides (
  id uuid primary key default gen_random_uuid(),
  school_group_id uuid not null references public.school_groups (id) on delete restrict,
  kind text not null check (kind in ('limit', 'grant', 'module_addition', 'module_removal')),
  resource public.resource,
  -- `limit`: the limit itself, null is unlimited. `grant`: what is added to the plan's. Bytes for storage.
  amount bigint check (amount >= 0),
  module_id uuid references public.modules (id) on delete restrict,
  reason text not null check (char_length(btrim(reason)) between 1 and 500),
  expires_at timestamptz,
  created_by uuid references public.profiles (id) on delete restrict,
  created_at timestamptz not null default now(),
  ended_at timestamptz,
  ended_by uuid references public.profiles (id) on delete restrict,
  check (case kind
    when 'limit' then resource is not null and module_id is null
    when 'grant' then resource is not null and module_id is null and amount > 0 and expires_at is not null
    else resource is null and amount is null and module_id is not null end)
);
create unique index entitlement_overrides_one_limit_idx on public.entitlement_overrides (school_group_id, resource)
  where kind = 'limit' and ended_at is null;
create unique index entitlement_overrides_one_module_idx on public.entitlement_overrides (school_group_id, module_id)
  where module_id is not null and ended_at is null;
create index entitlement_overrides_open_idx on public.entitlement_overrides (school_group_id) where ended_at is null;
create index entitlement_overrides_due_idx on public.entitlement_overrides (expires_at) where ended_at is null;
create index entitlement_overrides_group_idx on public.entitlement_overrides (school_group_id, created_at desc);
create index entitlement_overrides_module_idx on public.entitlement_overrides (module_id);
create index entitlement_overrides_created_by_idx on public.entitlement_overrides (created_by);
create index entitlement_overrides_ended_by_idx on public.entitlement_overrides (ended_by);
comment on table public.entitlement_overrides is 'Per-group exceptions, up or down. Ended, never deleted or rewritten.';

create table public.school_group_notes (
  id bigint generated always as identity primary key,
  school_group_id uuid not null references public.school_groups (id) on delete restrict,
  body text not null check (char_length(btrim(body)) between 1 and 4000),
  author_id uuid default auth.uid() references public.profiles (id) on delete restrict,
  created_at timestamptz not null default now()
);
create index school_group_notes_group_idx on public.school_group_notes (school_group_id, id desc);
create index school_group_notes_author_idx on public.school_group_notes (author_id);
comment on table public.school_group_notes is 'What the platform''s people write about a customer. Never shown to the customer.';

alter table public.entitlement_overrides enable row level security;
alter table public.school_group_notes enable row level security;
-- All members: the view below judges as its caller, and staff must see the same limits as their admin.
create policy "members see their group's exceptions" on public.entitlement_overrides for select to authenticated
  using (school_group_id = (select private.my_group_id()) or (select private.is_super_admin()));
create policy "super admins read notes" on public.school_group_notes for select to authenticated
  using ((select private.is_super_admin()));
create policy "super admins write notes" on public.school_group_notes for insert to authenticated
  with check ((select private.is_super_admin()) and author_id = (select auth.uid()));
grant select on public.entitlement_overrides to authenticated, service_role;
grant select, insert (school_group_id, body) on public.school_group_notes to authenticated;
create trigger append_only before update or delete or truncate on public.school_group_notes
  for each statement execute function private.tg_refuse('Une note ne se réécrit pas ; ajoutez-en une autre.');
create trigger kept before delete or truncate on public.entitlement_overrides
  for each statement execute function private.tg_refuse('Une dérogation se termine, elle ne s’efface pas.');
create function private.tg_entitlement_overrides__end_once() returns trigger
  language plpgsql volatile set search_path = '' as $$
begin
  if old.ended_at is not null
     or to_jsonb(new) - '{ended_at,ended_by}'::text[] is distinct from to_jsonb(old) - '{ended_at,ended_by}'::text[] then
    perform private.fail('PT403', 'append_only', 'Une dérogation se termine une fois ; elle ne se réécrit pas.');
  end if;
  return new;
end $$;
create trigger end_once before update on public.entitlement_overrides
  for each row execute function private.tg_entitlement_overrides__end_once();

-- ───────────────────────────────────────────────────────────── pinned versions
alter table public.subscriptions add column pinned_version_id uuid references public.plan_versions (id) on delete restrict;
create index subscriptions_pinned_version_idx on public.subscriptions (pinned_version_id);
comment on column public.subscriptions.pinned_version_id is 'Version the group keeps although a newer one is published; null follows the plan.';

-- ───────────────────────────────────────────────────────────── what a group holds, exceptions included
create or replace view private.effective_entitlements with (security_invoker = true) as
select g.id as school_group_id,
       p.id as plan_id, p.slug as plan, p.name as plan_name, coalesce(v.version, p.version) as plan_version, p.rank as plan_rank,
       p.price_xaf, coalesce((v.definition->>'warn_at')::numeric(4, 3), p.warn_at) as warn_at,
       sp.slug as subscribed_plan, coalesce(s.status::text, 'none') as status, f.reason as fallback_reason,
       case when o.set_schools then o.schools else b.max_schools + coalesce(o.more_schools, 0) end as max_schools,
       case when o.set_students then o.students else b.max_students + coalesce(o.more_students, 0) end as max_students,
       case when o.set_staff then o.staff else b.max_staff + coalesce(o.more_staff, 0) end as max_staff,
       case when o.set_storage then o.storage else b.max_storage + coalesce(o.more_storage, 0) end as max_storage,
       v.id as pinned_version_id
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
                 else (select id from public.subscription_plans where slug = 'gratuit') end
left join public.plan_versions v on v.id = s.pinned_version_id and f.reason is null
cross join lateral (
  select case when v.id is null then p.max_schools else (v.definition->>'max_schools')::int end::bigint as max_schools,
         case when v.id is null then p.max_students else (v.definition->>'max_students')::int end::bigint as max_students,
         case when v.id is null then p.max_staff else (v.definition->>'max_staff')::int end::bigint as max_staff,
         case when v.id is null then p.max_storage else (v.definition->>'max_storage')::int end * 1000000000::bigint as max_storage) b
cross join lateral (
  select coalesce(bool_or(x.kind = 'limit' and x.resource = 'schools'), false) as set_schools,
         max(x.amount) filter (where x.kind = 'limit' and x.resource = 'schools') as schools,
         sum(x.amount) filter (where x.kind = 'grant' and x.resource = 'schools')::bigint as more_schools,
         coalesce(bool_or(x.kind = 'limit' and x.resource = 'students'), false) as set_students,
         max(x.amount) filter (where x.kind = 'limit' and x.resource = 'students') as students,
         sum(x.amount) filter (where x.kind = 'grant' and x.resource = 'students')::bigint as more_students,
         coalesce(bool_or(x.kind = 'limit' and x.resource = 'staff'), false) as set_staff,
         max(x.amount) filter (where x.kind = 'limit' and x.resource = 'staff') as staff,
         sum(x.amount) filter (where x.kind = 'grant' and x.resource = 'staff')::bigint as more_staff,
         coalesce(bool_or(x.kind = 'limit' and x.resource = 'storage'), false) as set_storage,
         max(x.amount) filter (where x.kind = 'limit' and x.resource = 'storage') as storage,
         sum(x.amount) filter (where x.kind = 'grant' and x.resource = 'storage')::bigint as more_storage
  from public.entitlement_overrides x
  where x.school_group_id = g.id and x.ended_at is null and f.reason is null
    and (x.expires_at is null or x.expires_at > private.now())) o;

-- ───────────────────────────────────────────────────────────── modules in force
create function private.overrides_in_force(e private.effective_entitlements)
  returns setof public.entitlement_overrides language sql stable security definer set search_path = '' as $$
  select x.* from public.entitlement_overrides x
  where x.school_group_id = e.school_group_id and x.ended_at is null and e.fallback_reason is null
    and (x.expires_at is null or x.expires_at > private.now());
$$;

create function private.effective_modules(e private.effective_entitlements)
  returns table (module_id uuid) language sql stable security definer set search_path = '' as $$
  with own as materialized (select o.kind, o.module_id from private.overrides_in_force(e) o where o.module_id is not null)
  select x.module_id from (
    select pm.module_id from public.plan_modules pm where e.pinned_version_id is null and pm.plan_id = e.plan_id
    union all
    select m.id from public.plan_versions v join public.modules m on v.definition->'modules' ? m.slug where v.id = e.pinned_version_id
    union select o.module_id from own o where o.kind = 'module_addition') x
  where not exists (select 1 from own o where o.kind = 'module_removal' and o.module_id = x.module_id);
$$;
comment on function private.effective_modules(private.effective_entitlements) is '(plan modules + additions) − removals; the plan''s alone while fallen to gratuit.';

create or replace function public.can_access_module(p_module text, p_school_group_id uuid default null)
  returns boolean language plpgsql stable security definer set search_path = '' as $$
declare v_group constant uuid := private.resolve_group(p_school_group_id);
begin
  return exists (
    select 1 from private.effective_entitlements e cross join lateral private.effective_modules(e) x
    join public.modules m on m.id = x.module_id
    where e.school_group_id = v_group and (m.slug = p_module or m.id::text = lower(p_module)));
end $$;

create or replace function public.can_access_category(p_category text, p_school_group_id uuid default null)
  returns boolean language plpgsql stable security definer set search_path = '' as $$
declare v_group constant uuid := private.resolve_group(p_school_group_id);
begin
  return exists (
    select 1 from private.effective_entitlements e cross join lateral private.effective_modules(e) x
    join public.modules m on m.id = x.module_id join public.business_categories c on c.id = m.category_id
    where e.school_group_id = v_group and (c.slug = p_category or c.id::text = lower(p_category)));
end $$;

create function private.plan_limit(e private.effective_entitlements, p_resource public.resource)
  returns bigint language sql stable security definer set search_path = '' as $$
  select case p_resource when 'storage' then 1000000000::bigint else 1 end
    * (coalesce(v.definition, jsonb_build_object('max_schools', p.max_schools, 'max_students', p.max_students,
         'max_staff', p.max_staff, 'max_storage', p.max_storage)) ->> ('max_' || p_resource))::bigint
  from public.subscription_plans p left join public.plan_versions v on v.id = e.pinned_version_id
  where p.id = e.plan_id;
$$;
comment on function private.plan_limit(private.effective_entitlements, public.resource) is 'What the plan in force alone gives, before exceptions.';

create function private.limit_with_exceptions(e private.effective_entitlements, p_resource public.resource)
  returns bigint language sql stable security definer set search_path = '' as $$
  select case when bool_or(o.kind = 'limit') then max(o.amount) filter (where o.kind = 'limit')
              else private.plan_limit(e, p_resource) + coalesce(sum(o.amount) filter (where o.kind = 'grant'), 0)::bigint end
  from private.overrides_in_force(e) o where o.resource = p_resource;
$$;
comment on function private.limit_with_exceptions(private.effective_entitlements, public.resource) is
  'The limit a group would have under the plan named in e; the view effective_entitlements says what it has.';

create function private.sources_of(e private.effective_entitlements)
  returns jsonb language sql stable security definer set search_path = '' as $$
  select jsonb_build_object(
    'limits', (select jsonb_object_agg(r.resource, jsonb_build_array(jsonb_build_object('source', 'plan', 'plan', e.plan,
        'version', e.plan_version, 'amount', private.plan_limit(e, r.resource)))
      || coalesce((select jsonb_agg(jsonb_strip_nulls(jsonb_build_object('id', o.id, 'source', case o.kind when 'limit' then 'override' else 'grant' end,
             'reason', o.reason, 'expires_at', o.expires_at)) || jsonb_build_object('amount', o.amount) order by o.created_at)
           from private.overrides_in_force(e) o where o.resource = r.resource), '[]'))
      from unnest(enum_range(null::public.resource)) r (resource)),
    'modules', coalesce((select jsonb_agg(jsonb_strip_nulls(jsonb_build_object('id', o.id, 'module', m.slug,
        'source', case o.kind when 'module_addition' then 'addition' else 'removal' end,
        'reason', o.reason, 'expires_at', o.expires_at)) order by o.created_at)
      from private.overrides_in_force(e) o join public.modules m on m.id = o.module_id), '[]'));
$$;
comment on function private.sources_of(private.effective_entitlements) is
  'Where each limit comes from: the plan''s amount, then the override (which replaces it) or the grants (which add to it).';

create or replace function public.get_entitlements(p_school_group_id uuid default null)
  returns jsonb language plpgsql stable security definer set search_path = '' as $$
declare
  v_group constant uuid := private.resolve_group(p_school_group_id);
  v_result jsonb;
begin
  select jsonb_build_object(
    'school_group_id', v_group, 'plan', e.plan, 'plan_name', e.plan_name, 'subscribed_plan', e.subscribed_plan,
    'plan_version', e.plan_version, 'status', e.status, 'rev', r.rev, 'as_of', now(), 'warn_at', trim_scale(e.warn_at),
    'restrictions', private.restrictions_of(e),
    'modules', x.modules, 'categories', x.categories, 'sources', private.sources_of(e),
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
  cross join lateral (
    select coalesce(jsonb_agg(m.slug order by m.slug collate "C"), '[]') as modules,
           coalesce((select jsonb_agg(c.slug order by c.slug collate "C") from public.business_categories c
                     where c.id = any (array_agg(m.category_id))), '[]') as categories
    from private.effective_modules(e) em join public.modules m on m.id = em.module_id) x
  where e.school_group_id = v_group;
  return v_result;
end $$;

-- The plan's version names the modules, unless the group has modules of its own: then its screens ask for them.
create or replace function private.state_message(s private.group_states)
  returns jsonb language plpgsql stable security definer set search_path = '' as $$
declare
  v_usage constant jsonb := jsonb_build_object('rev', s.rev, 'usage', s.used, 'at', floor(extract(epoch from now()) * 1000)::bigint);
begin
  if s.event = 'usage_changed' then return v_usage; end if;
  return v_usage || (
    select jsonb_build_object(
         'plan', e.plan, 'pv', e.plan_version, 'status', e.status, 'warn', trim_scale(e.warn_at),
         'limits', jsonb_build_array(e.max_schools, e.max_students, e.max_staff, e.max_storage))
       || coalesce((select jsonb_build_object('pending', jsonb_build_object('plan', p.slug, 'effective_at', c.effective_at))
                    from public.scheduled_changes c join public.subscription_plans p on p.id = c.plan_id
                    where c.school_group_id = s.school_group_id and c.status = 'pending'), '{}')
       || case when exists (select 1 from private.overrides_in_force(e) o where o.module_id is not null)
               then '{"own": true}'::jsonb else '{}' end
    from private.effective_entitlements e where e.school_group_id = s.school_group_id);
end $$;

-- ───────────────────────────────────────────────────────────── acts
create function private.audit(p_action text, p_school_group_id uuid, p_detail jsonb)
  returns void language sql volatile security definer set search_path = '' as $$
  insert into public.audit_log (actor_id, action, school_group_id, detail)
  values (auth.uid(), p_action, p_school_group_id, jsonb_strip_nulls(p_detail));
$$;

create function private.tell_entitlements(p_school_group_id uuid)
  returns bigint language plpgsql volatile security definer set search_path = '' as $$
declare v_rev constant bigint := private.touch_group(p_school_group_id, 'entitlements_changed');
begin
  perform private.judge_thresholds(p_school_group_id, v_rev);
  return v_rev;
end $$;
comment on function private.tell_entitlements(uuid) is 'To be called last by whatever changed the limits or modules of one group.';

create function private.require_reason(p_reason text)
  returns text language plpgsql immutable set search_path = '' as $$
begin
  if btrim(coalesce(p_reason, ''), E' \t\r\n') = '' then
    perform private.fail('PT400', 'reason_required', 'Indiquez le motif.', 'p_reason');
  elsif char_length(btrim(p_reason, E' \t\r\n')) > 500 then
    perform private.fail('PT400', 'invalid_request', 'Le motif tient en 500 caractères.', 'p_reason');
  end if;
  return btrim(p_reason, E' \t\r\n');
end $$;

create function private.require_resource(p_resource text)
  returns public.resource language plpgsql immutable set search_path = '' as $$
begin
  if p_resource is null or p_resource <> all (enum_range(null::public.resource)::text[]) then
    perform private.fail('PT400', 'unknown_resource', 'Cette ressource n’a pas de limite.', 'schools, students, staff, storage');
  end if;
  return p_resource::public.resource;
end $$;

create function private.require_future(p_expires_at timestamptz)
  returns void language plpgsql stable set search_path = '' as $$
begin
  if p_expires_at <= private.now() then
    perform private.fail('PT400', 'invalid_request', 'La date de fin est déjà passée.', 'p_expires_at');
  elsif p_expires_at > private.now() + interval '10 years' then  -- `infinity` too: no client can read it
    perform private.fail('PT400', 'invalid_request', 'La date de fin est dans les dix ans.', 'p_expires_at');
  end if;
end $$;

create function private.require_group_admin()
  returns uuid language plpgsql stable security definer set search_path = '' as $$
declare v_group constant uuid := private.my_admin_group_id();
begin
  if private.my_profile_id() is null then
    perform private.fail('PT401', 'not_authenticated', 'Connectez-vous pour continuer.');
  elsif v_group is null then
    perform private.fail('PT403', 'forbidden', 'Seul l’administrateur d’un groupe scolaire peut faire cela.');
  end if;
  return v_group;
end $$;
comment on function private.require_group_admin() is 'The group that the caller administers; raises for everybody else.';

create function private.lock_group(p_school_group_id uuid)
  returns bigint language sql volatile security definer set search_path = '' as $$
  select rev from private.group_states where school_group_id = p_school_group_id for update;
$$;
comment on function private.lock_group(uuid) is 'Takes the group''s lock and returns its present revision without raising it.';

-- ───────────────────────────────────────────────────────────── acts that have a rate
-- What stays for ever must not be made in a loop. A function that leaves a row which nothing deletes asks here first, so the
-- numbers stand in one place: requests of a plan refuse beyond them, records and notices are left out.
create table private.daily_acts (
  subject uuid not null,
  act text not null,
  day date not null,
  done int not null,
  primary key (subject, act)
);
comment on table private.daily_acts is 'How often a group or an account (subject) did today what leaves a row for ever. One row each, not a history.';
alter table private.daily_acts enable row level security;

create function private.within_rate(p_subject uuid, p_act text)
  returns boolean language plpgsql volatile security definer set search_path = '' as $$
declare
  v_most constant int := case p_act
    when 'plan_change_request' then 10  -- of a group
    when 'refusal' then 200             -- of an account
    when 'threshold_notice' then 100    -- of a group
  end;
begin
  -- The conflict waits for its row: two calls at once are two acts.
  insert into private.daily_acts as a (subject, act, day, done) values (p_subject, p_act, private.today(), 1)
  on conflict (subject, act) do update
    set day = excluded.day, done = case when a.day = excluded.day then a.done + 1 else 1 end
    where a.day <> excluded.day or a.done < v_most;
  return found;
end $$;
comment on function private.within_rate(uuid, text) is
  'Counts an act of today and tells whether it is within its rate. Rolls back with its caller. The caller holds the group''s lock.';

create function private.add_override(p_school_group_id uuid, p_kind text, p_resource public.resource, p_amount bigint,
                                     p_module_id uuid, p_reason text, p_expires_at timestamptz)
  returns jsonb language plpgsql volatile security definer set search_path = '' as $$
declare
  v_reason constant text := private.require_reason(p_reason);
  v_id uuid; v_rev bigint; v_replaces uuid;
begin
  perform private.require_future(p_expires_at);
  perform private.lock_group(p_school_group_id);
  -- One limit a resource, one word on a module: the exception before is ended, not rewritten. One that its date has
  -- ended already, and that no job has closed yet, is nobody's to end.
  if p_kind <> 'grant' then
    update public.entitlement_overrides set ended_at = least(expires_at, private.now()),
      ended_by = case when expires_at <= private.now() then null else auth.uid() end
    where school_group_id = p_school_group_id and ended_at is null and kind <> 'grant'
      and (resource = p_resource or module_id = p_module_id)
    returning id into v_replaces;
  end if;
  insert into public.entitlement_overrides (school_group_id, kind, resource, amount, module_id, reason, expires_at, created_by)
  values (p_school_group_id, p_kind, p_resource, p_amount, p_module_id, v_reason, p_expires_at, auth.uid())
  returning id into v_id;
  perform private.audit('override_added', p_school_group_id, jsonb_build_object('id', v_id, 'kind', p_kind, 'resource', p_resource,
    'amount', p_amount, 'module_id', p_module_id, 'reason', v_reason, 'expires_at', p_expires_at, 'replaces', v_replaces));
  v_rev := private.tell_entitlements(p_school_group_id);
  return jsonb_build_object('id', v_id, 'school_group_id', p_school_group_id, 'rev', v_rev);
end $$;

create function public.set_limit_override(p_school_group_id uuid, p_resource text, p_limit bigint, p_reason text,
                                          p_expires_at timestamptz default null)
  returns jsonb language plpgsql volatile security definer set search_path = '' as $$
begin
  perform private.require_super_admin();
  if p_limit not between 0 and 1000000000000000 then
    perform private.fail('PT400', 'invalid_request', 'Une limite est un nombre de 0 à 10^15, ou rien pour illimité.', 'p_limit');
  end if;
  return private.add_override(private.resolve_group(p_school_group_id), 'limit', private.require_resource(p_resource),
                              p_limit, null, p_reason, p_expires_at);
end $$;
comment on function public.set_limit_override(uuid, text, bigint, text, timestamptz) is
  'Super admin: replaces a group''s limit, up or down; null is unlimited; bytes for storage. Optional expiry.';

create function public.grant_quantity(p_school_group_id uuid, p_resource text, p_amount bigint, p_reason text, p_expires_at timestamptz)
  returns jsonb language plpgsql volatile security definer set search_path = '' as $$
begin
  perform private.require_super_admin();
  if p_amount is null or p_amount not between 1 and 1000000000000000 then
    perform private.fail('PT400', 'invalid_request', 'La quantité accordée est un nombre positif.', 'p_amount');
  elsif p_expires_at is null then
    perform private.fail('PT400', 'invalid_request', 'Une quantité est accordée jusqu’à une date.', 'p_expires_at');
  end if;
  return private.add_override(private.resolve_group(p_school_group_id), 'grant', private.require_resource(p_resource),
                              p_amount, null, p_reason, p_expires_at);
end $$;
comment on function public.grant_quantity(uuid, text, bigint, text, timestamptz) is
  'Super admin: adds room to the plan''s limit until a date; bytes for storage. Several grants add up.';

create function public.set_module_override(p_school_group_id uuid, p_module text, p_open boolean, p_reason text,
                                           p_expires_at timestamptz default null)
  returns jsonb language plpgsql volatile security definer set search_path = '' as $$
declare v_module uuid;
begin
  perform private.require_super_admin();
  select id into v_module from public.modules where slug = p_module or id::text = lower(p_module);
  if v_module is null then
    perform private.fail('PT404', 'feature_not_found', 'Ce module n’existe pas.', 'p_module');
  elsif p_open is null then
    perform private.fail('PT400', 'invalid_request', 'Dites si le module s’ouvre ou se ferme.', 'p_open');
  end if;
  return private.add_override(private.resolve_group(p_school_group_id), case when p_open then 'module_addition' else 'module_removal' end,
                              null, null, v_module, p_reason, p_expires_at);
end $$;
comment on function public.set_module_override(uuid, text, boolean, text, timestamptz) is
  'Super admin: opens or closes one module (slug or id) for one group, whatever its plan. Optional expiry.';

create function public.end_override(p_override_id uuid, p_reason text)
  returns jsonb language plpgsql volatile security definer set search_path = '' as $$
declare v public.entitlement_overrides; v_reason text;
begin
  perform private.require_super_admin();
  v_reason := private.require_reason(p_reason);
  select * into v from public.entitlement_overrides where id = p_override_id;
  if not found then
    perform private.fail('PT404', 'override_not_found', 'Cette dérogation n’existe pas.', 'p_override_id');
  end if;
  perform private.lock_group(v.school_group_id);
  update public.entitlement_overrides set ended_at = private.now(), ended_by = auth.uid()
  where id = v.id and ended_at is null and (expires_at is null or expires_at > private.now());
  if not found then
    perform private.fail('PT409', 'already_closed', 'Cette dérogation est déjà terminée.');
  end if;
  perform private.audit('override_ended', v.school_group_id, jsonb_build_object('id', v.id, 'kind', v.kind, 'reason', v_reason));
  return jsonb_build_object('id', v.id, 'school_group_id', v.school_group_id, 'rev', private.tell_entitlements(v.school_group_id));
end $$;
comment on function public.end_override(uuid, text) is 'Super admin: ends an override or a grant now.';

grant execute on function public.set_limit_override(uuid, text, bigint, text, timestamptz),
  public.grant_quantity(uuid, text, bigint, text, timestamptz), public.set_module_override(uuid, text, boolean, text, timestamptz),
  public.end_override(uuid, text) to authenticated;

-- ───────────────────────────────────────────────────────────── preview, exceptions kept
create or replace function public.preview_plan_change(p_plan_slug text, p_school_group_id uuid default null)
  returns jsonb language plpgsql stable security definer set search_path = '' as $$
declare
  v_group constant uuid := private.resolve_group(p_school_group_id);
  v_to public.subscription_plans;
  e private.effective_entitlements; v_next private.effective_entitlements;
  v_modules jsonb; v_categories jsonb; v_restrictions jsonb; v_fits boolean;
begin
  if private.my_admin_group_id() is distinct from v_group and not private.is_super_admin() then
    perform private.fail('PT403', 'forbidden', 'Seul l’administrateur du groupe peut comparer les plans.');
  end if;
  v_to := private.published_plan(p_plan_slug);
  select * into e from private.effective_entitlements where school_group_id = v_group;
  v_next := e;
  v_next.pinned_version_id := null;
  -- A subscription that gives nothing gives nothing under another plan either.
  if e.fallback_reason is null then
    v_next.plan_id := v_to.id;
    v_next.warn_at := v_to.warn_at;
  end if;

  with sides as (
    select m.id, m.slug, m.name, m.position, m.category_id, b.module_id is not null as before, a.module_id is not null as after
    from public.modules m
    left join private.effective_modules(e) b on b.module_id = m.id
    left join private.effective_modules(v_next) a on a.module_id = m.id
    where b.module_id is not null or a.module_id is not null)
  select private.gains_and_losses('modules', (select jsonb_agg(to_jsonb(s) order by s.position) from sides s)),
         private.gains_and_losses('categories', (select jsonb_agg(to_jsonb(c) order by c.position) from (
           select c.slug, c.name, c.position, bool_or(s.before) as before, bool_or(s.after) as after
           from sides s join public.business_categories c on c.id = s.category_id group by c.id) c))
  into v_modules, v_categories;

  select jsonb_object_agg(c.resource, jsonb_build_object('usage', c.used, 'current_limit', private.limit_of(c.resource, e),
           'new_limit', d->'limit', 'overage', d->'overage', 'state', d->'state')), bool_and((d->>'overage')::bigint = 0)
  into v_restrictions, v_fits
  from public.usage_counters c
  cross join lateral private.decide(c.resource, private.limit_with_exceptions(v_next, c.resource), c.used, 1, v_next.warn_at, null) d
  where c.school_group_id = v_group;

  return v_modules || v_categories || jsonb_build_object(
    'school_group_id', v_group,
    'from_plan', jsonb_build_object('slug', e.plan, 'name', e.plan_name),
    'to_plan', jsonb_build_object('slug', v_to.slug, 'name', v_to.name),
    'rev', (select rev from private.group_states where school_group_id = v_group),
    'restrictions', v_restrictions, 'fits', v_fits,
    'affected_users', (select count(*) from public.profiles where school_group_id = v_group and status = 'active'));
end $$;
