-- 005 · What the screens read: the catalogue for everybody; groups, their history and their counters for
-- super admins. One function a screen, so that a screen costs one request.

-- ───────────────────────────────────────────────────────────── catalogue
create function public.get_catalogue()
  returns jsonb language plpgsql stable security definer set search_path = '' as $$
begin
  perform private.require_signed_in();
  if not private.is_member() then
    perform private.fail('PT403', 'forbidden', 'Votre compte n’est pas actif.');
  end if;
  return jsonb_build_object(
    'version', private.catalogue_version(),
    'plans', (select jsonb_agg(jsonb_build_object(
        'slug', p.slug, 'name', p.name, 'rank', p.rank, 'version', p.version, 'price_xaf', p.price_xaf,
        'billing_period', p.billing_period, 'warn_at', trim_scale(p.warn_at),
        'limits', to_jsonb(p.limits),
        'modules', coalesce((select jsonb_agg(m.slug order by m.slug collate "C") from public.plan_modules pm
                             join public.modules m on m.id = pm.module_id where pm.plan_id = p.id), '[]'))
        order by p.rank)
      from public.subscription_plans p where p.status = 'published'),
    'categories', (select jsonb_agg(jsonb_build_object(
        'slug', slug, 'name', name, 'icon', icon, 'color', color, 'position', position) order by position)
      from public.business_categories),
    'modules', (select jsonb_agg(jsonb_build_object('slug', m.slug, 'name', m.name, 'category', c.slug,
        'description', m.description, 'icon', m.icon, 'position', m.position) order by m.position)
      from public.modules m join public.business_categories c on c.id = m.category_id));
end $$;
comment on function public.get_catalogue() is
  'Published plans with limits (bytes for storage) and module slugs, categories, modules, and the version '
  'that get_entitlements names. Shape: Catalogue in src/core/catalogue.ts.';
grant execute on function public.get_catalogue() to authenticated;

-- ───────────────────────────────────────────────────────────── groups
create function public.list_school_groups(
    p_search text default null, p_plan text default null, p_state text default null,
    p_sort text default 'name', p_descending boolean default false,
    p_limit int default 25, p_offset int default 0)
  returns jsonb language plpgsql stable security definer set search_path = '' as $$
declare
  -- Typed text, not a pattern: a % or _ in it means itself.
  v_pattern constant text := '%'
    || regexp_replace(private.search_key(nullif(btrim(p_search), '')), '([%_\\])', '\\\1', 'g') || '%';
  -- As private.decide() judges, of all four: a limit of null is never reached.
  v_any constant text := '(g.used[1] %1$s e.limits[1] or g.used[2] %1$s e.limits[2] '
    'or g.used[3] %1$s e.limits[3] or g.used[4] %1$s e.limits[4])';
  v_place constant int := array_position(array['schools', 'students', 'staff'], p_sort);
  v_direction constant text := case when p_descending then 'desc' else 'asc' end;
  v_groups text := 'select id, name from public.school_groups';
  v_judged text := '';
  v_total bigint; v_ids uuid[];
begin
  perform private.require_super_admin();
  if p_limit is null or p_limit not between 1 and 200 or p_offset is null or p_offset < 0 then
    perform private.fail('PT400', 'invalid_request',
      'Une page compte de 1 à 200 lignes.', 'p_limit, p_offset');
  elsif p_sort is null or p_sort <> all (array['name', 'plan', 'schools', 'students', 'staff']) then
    perform private.fail('PT400', 'invalid_request', 'Tri inconnu.', 'name, plan, schools, students, staff');
  elsif p_state <> all (array['near', 'blocked', 'over_limit']) then
    perform private.fail('PT400', 'invalid_request', 'Filtre d’état inconnu.', 'near, blocked, over_limit');
  end if;

  -- Who is on the page: a statement of its own for each question, that reads what the question is
  -- about and no more. All groups are judged only where the judgement decides; without a question it
  -- is the index of names.
  if v_place is not null or p_state is not null then
    v_groups := 'select id, name, used from public.school_groups '
      'join private.group_states on school_group_id = id';
  end if;
  if v_pattern is not null then
    v_groups := v_groups || ' where search_key like $1';
  end if;
  if p_plan is not null or p_state is not null or p_sort = 'plan' then
    -- Fences (offset 0): the planner can not tell how many groups a plan has, and would look each up singly;
    -- and it would work a limit out anew at every place that names it. What a search finds is looked up
    -- singly: the planner takes it for few, and would read all groups again for each of them.
    v_groups := v_groups || ' offset 0';
    v_judged := case when v_pattern is null
        then ' join (select * from private.effective_entitlements offset 0) e on e.school_group_id = g.id'
        else ' cross join lateral (select * from private.effective_entitlements x '
          'where x.school_group_id = g.id offset 0) e' end
      || ' where ' || case when p_plan is null then 'true' else 'e.plan = $2' end;
  end if;
  v_judged := v_judged || case p_state
    when 'over_limit' then ' and ' || format(v_any, '>')
    when 'blocked' then ' and ' || format(v_any, '>=') || ' and ' || format(v_any, '>') || ' is not true'
    when 'near' then ' and ' || format(v_any, '>= e.warn_at *')
      || ' and ' || format(v_any, '>=') || ' is not true'
    else '' end;
  execute format('with found as %s (select g.id, g.name, %s as key from (%s) g %s)
    select (select count(*) from found), array(select id from found order by %s limit $3 offset $4)',
    case when v_pattern is null and v_place is null and v_judged = ''
         then 'not materialized' else 'materialized' end,
    case when p_sort = 'plan' then 'e.plan_rank' when v_place is not null then 'g.used[$5]' else 'null' end,
    v_groups, v_judged,
    case p_sort when 'name' then 'name collate "fr-x-icu" ' || v_direction
                else 'key ' || v_direction || ', name collate "fr-x-icu"' end)
  into v_total, v_ids using v_pattern, p_plan, p_limit, p_offset, v_place;

  -- What the page tells of them.
  return jsonb_build_object('total', v_total, 'groups', (
    select coalesce(jsonb_agg(jsonb_build_object(
      'id', g.id, 'name', g.name, 'code', g.code, 'city', g.city, 'department', g.department,
      'status', g.status, 'plan', e.plan, 'plan_name', e.plan_name, 'subscription_status', e.status,
      'price_xaf', e.price_xaf, 'e', private.epoch(), 'rev', s.rev, 'at', private.unix_ms(now()),
      'next_at', private.unix_ms(private.next_change_at(g.id)), 'warn', e.warn_at,
      'limits', to_jsonb(l.limits), 'usage', to_jsonb(s.used),
      'state', (array['ok', 'warning', 'blocked', 'over_limit'])[1 + (
        select max(case when l is null then 0 when n > l then 3 when n = l then 2
                        when n >= e.warn_at * l then 1 else 0 end)
        from unnest(s.used, l.limits) t (n, l))]) order by array_position(v_ids, g.id)), '[]')
    from public.school_groups g
    join private.effective_entitlements e on e.school_group_id = g.id
    join private.group_states s on s.school_group_id = g.id
    -- Fenced: worked out once, read twice.
    cross join lateral (select e.limits offset 0) l
    where g.id = any (v_ids)));
end $$;
comment on function public.list_school_groups(text, text, text, text, boolean, int, int) is
  'Super admin: one page of groups with plan in force, the share of a limit from which it warns, limits and '
  'usage in the order of the resources, and the worst state of the four.';
grant execute on function public.list_school_groups(text, text, text, text, boolean, int, int)
  to authenticated;

create function public.get_school_group(p_school_group_id uuid)
  returns jsonb language plpgsql stable security definer set search_path = '' as $$
begin
  perform private.require_super_admin();
  perform private.resolve_group(p_school_group_id);
  return (
    select jsonb_build_object(
      'id', g.id, 'name', g.name, 'code', g.code, 'city', g.city, 'department', g.department,
      'contact_name', g.contact_name, 'contact_email', g.contact_email, 'contact_phone', g.contact_phone,
      'status', g.status, 'created_at', g.created_at,
      'subscription', (select jsonb_build_object(
                         'plan', p.slug, 'status', s.status, 'started_at', s.started_at,
                         'current_period_end', s.current_period_end)
                       from public.subscriptions s join public.subscription_plans p on p.id = s.plan_id
                       where s.school_group_id = g.id),
      'events', (select coalesce(jsonb_agg(to_jsonb(h) order by h.id desc), '[]') from (
        select v.id, v.kind, f.slug as from_plan, t.slug as to_plan, v.from_status,
               v.to_status, v.reason, v.created_at,
               nullif(btrim(a.first_name || ' ' || a.last_name), '') as actor_name
        from public.subscription_events v
        left join public.subscription_plans f on f.id = v.from_plan_id
        join public.subscription_plans t on t.id = v.to_plan_id
        left join public.profiles a on a.id = v.actor_id
        where v.school_group_id = g.id order by v.id desc limit 50) h))
    from public.school_groups g where g.id = p_school_group_id);
end $$;
comment on function public.get_school_group(uuid) is
  'Super admin: a group''s identity, subscription and newest 50 events.';
grant execute on function public.get_school_group(uuid) to authenticated;

-- ───────────────────────────────────────────────────────────── are the counters true
create function public.verify_usage()
  returns jsonb language plpgsql stable security definer set search_path = '' as $$
begin
  perform private.require_super_admin();
  return (
    select coalesce(jsonb_agg(jsonb_build_object(
      'school_group_id', r.school_group_id, 'name', g.name, 'resource', r.resource,
      'counter', c.used, 'recount', r.used) order by g.name, r.resource), '[]')
    from private.recount_usage() r left join public.usage_counters c using (school_group_id, resource)
    join public.school_groups g on g.id = r.school_group_id where c.used is distinct from r.used);
end $$;
comment on function public.verify_usage() is
  'Super admin: every counter that differs from a recount of its rows; an empty list is the normal result.';
grant execute on function public.verify_usage() to authenticated;

-- Through move_counter(): a mended counter must not rewrite the day before.
create function private.repair_usage() returns int
  language plpgsql volatile security definer set search_path = '' as $$
declare v_repaired int := 0; v record; v_counter bigint; v_recount bigint; e private.effective_entitlements;
begin
  for v in
    select school_group_id, resource from private.recount_usage() r
    left join public.usage_counters c using (school_group_id, resource)
    where c.used is distinct from r.used order by 1, 2
  loop
    -- A group whose row is gone gets one with a revision above all that were ever told:
    -- its screens see a gap and refetch.
    insert into private.group_states (school_group_id, rev)
    values (v.school_group_id, floor(extract(epoch from clock_timestamp()) * 1000)) on conflict do nothing;
    perform private.lock_group(v.school_group_id);
    -- Counted again under the lock: a writer may have been on its way at the first look.
    select c.used, r.used into v_counter, v_recount from private.recount_usage() r
    left join public.usage_counters c using (school_group_id, resource)
    where r.school_group_id = v.school_group_id and r.resource = v.resource;
    continue when v_counter = v_recount;
    select * into e from private.effective_entitlements where school_group_id = v.school_group_id;
    perform private.move_counter(v.school_group_id, v.resource, v_recount - coalesce(v_counter, 0),
      private.limit_of(v.resource, e));
    v_repaired := v_repaired + 1;
    perform private.judge_thresholds(v.school_group_id,
      private.touch_group(v.school_group_id, 'usage_changed'));
    perform private.audit('usage_repaired', v.school_group_id, jsonb_build_object(
      'resource', v.resource, 'counter', v_counter, 'recount', v_recount));
  end loop;
  return v_repaired;
end $$;
comment on function private.repair_usage() is
  'Sets every drifted counter to its recount, audits each, and returns how many there were; 0 is the normal '
  'result.';

create function public.repair_usage()
  returns int language plpgsql volatile security definer set search_path = '' as $$
begin
  perform private.require_super_admin();
  return private.repair_usage();
end $$;
comment on function public.repair_usage() is
  'Super admin: sets every drifted counter to its recount, audits each, returns how many.';
grant execute on function public.repair_usage() to authenticated;
