-- 004 · What the screens read: the catalogue for everybody, groups and their history for super admins.
-- One function a screen, so that a screen costs one request.

create function private.require_super_admin()
  returns void language plpgsql stable security definer set search_path = '' as $$
begin
  if auth.uid() is null then
    perform private.fail('PT401', 'not_authenticated', 'Connectez-vous pour continuer.');
  elsif not private.is_super_admin() then
    perform private.fail('PT403', 'forbidden', 'Cette page est réservée aux super administrateurs.');
  end if;
end $$;

create function public.get_catalogue()
  returns jsonb language plpgsql stable security definer set search_path = '' as $$
begin
  if auth.uid() is null then
    perform private.fail('PT401', 'not_authenticated', 'Connectez-vous pour continuer.');
  elsif not private.is_member() then
    perform private.fail('PT403', 'forbidden', 'Votre compte n’est pas actif.');
  end if;
  return jsonb_build_object(
    'plans', (select jsonb_agg(jsonb_build_object(
        'slug', p.slug, 'name', p.name, 'rank', p.rank, 'version', p.version, 'price_xaf', p.price_xaf,
        'billing_period', p.billing_period, 'warn_at', trim_scale(p.warn_at),
        'limits', jsonb_build_array(p.max_schools, p.max_students, p.max_staff, p.max_storage * 1000000000::bigint),
        'modules', coalesce((select jsonb_agg(m.slug order by m.slug collate "C") from public.plan_modules pm
                             join public.modules m on m.id = pm.module_id where pm.plan_id = p.id), '[]')) order by p.rank)
      from public.subscription_plans p where p.status = 'published'),
    'categories', (select jsonb_agg(jsonb_build_object('slug', slug, 'name', name, 'icon', icon, 'color', color,
        'position', position) order by position) from public.business_categories),
    'modules', (select jsonb_agg(jsonb_build_object('slug', m.slug, 'name', m.name, 'category', c.slug,
        'description', m.description, 'icon', m.icon, 'position', m.position) order by m.position)
      from public.modules m join public.business_categories c on c.id = m.category_id));
end $$;
comment on function public.get_catalogue() is 'Published plans with limits (bytes for storage) and module slugs, categories, modules. Shape: Catalogue in src/core/catalogue.ts.';

create function private.search_key(p_text text)
  returns text language sql immutable parallel safe set search_path = '' as $$
  select replace(translate(lower(p_text), 'àâäçéèêëîïôöùûüÿ', 'aaaceeeeiioouuuy'), 'œ', 'oe');
$$;
comment on function private.search_key(text) is 'Text as people search it in French: without case and accents. Both sides of a comparison go through it.';

create function public.list_school_groups(p_search text default null, p_plan text default null, p_state text default null,
    p_sort text default 'name', p_descending boolean default false, p_limit int default 25, p_offset int default 0)
  returns jsonb language plpgsql stable security definer set search_path = '' as $$
declare
  v_result jsonb;
  -- Typed text, not a pattern: a % or _ in it means itself.
  v_pattern constant text := '%' || regexp_replace(private.search_key(btrim(p_search)), '([%_\\])', '\\\1', 'g') || '%';
begin
  perform private.require_super_admin();
  if p_limit is null or p_limit not between 1 and 200 or p_offset is null or p_offset < 0 then
    perform private.fail('PT400', 'invalid_request', 'Une page compte de 1 à 200 lignes.', 'p_limit, p_offset');
  elsif p_sort is null or p_sort <> all (array['name', 'plan', 'schools', 'students', 'staff']) then
    perform private.fail('PT400', 'invalid_request', 'Tri inconnu.', 'name, plan, schools, students, staff');
  elsif p_state <> all (array['near', 'blocked', 'over_limit']) then
    perform private.fail('PT400', 'invalid_request', 'Filtre d’état inconnu.', 'near, blocked, over_limit');
  end if;

  with usage as (
    select c.school_group_id, array_agg(c.used order by c.resource) as used
    from public.usage_counters c group by c.school_group_id
  ), judged as (
    select g.id, g.name, g.code, g.city, g.department, g.status, e.plan, e.plan_name, e.plan_rank,
           e.status as subscription_status, e.price_xaf, u.used,
           array[e.max_schools, e.max_students, e.max_staff, e.max_storage] as limits,
           (select max(case when l is null then 0 when n > l then 3 when n = l then 2 when n >= e.warn_at * l then 1 else 0 end)
            from unnest(u.used, array[e.max_schools, e.max_students, e.max_staff, e.max_storage]) t (n, l)) as severity
    from public.school_groups g
    join private.effective_entitlements e on e.school_group_id = g.id
    join usage u on u.school_group_id = g.id
    where (nullif(btrim(p_search), '') is null or private.search_key(g.name) like v_pattern
        or private.search_key(g.city) like v_pattern or private.search_key(g.code) like v_pattern)
      and (p_plan is null or e.plan = p_plan)
  ), filtered as (
    select * from judged
    where p_state is null or severity = case p_state when 'near' then 1 when 'blocked' then 2 else 3 end
  ), page as (
    select *, row_number() over (order by
        case when p_descending then case p_sort when 'plan' then -plan_rank when 'schools' then -used[1]
          when 'students' then -used[2] when 'staff' then -used[3] end
        else case p_sort when 'plan' then plan_rank when 'schools' then used[1]
          when 'students' then used[2] when 'staff' then used[3] end end,
        -- As French sorts: É stands with E, not after Z.
        case when p_sort = 'name' and p_descending then name end collate "fr-x-icu" desc, name collate "fr-x-icu") as place
    from filtered order by place limit p_limit offset p_offset
  )
  select jsonb_build_object(
    'total', (select count(*) from filtered),
    'groups', coalesce(jsonb_agg(jsonb_build_object(
      'id', p.id, 'name', p.name, 'code', p.code, 'city', p.city, 'department', p.department, 'status', p.status,
      'plan', p.plan, 'plan_name', p.plan_name, 'subscription_status', p.subscription_status, 'price_xaf', p.price_xaf,
      'rev', r.rev, 'limits', to_jsonb(p.limits), 'usage', to_jsonb(p.used),
      'state', (array['ok', 'warning', 'blocked', 'over_limit'])[p.severity + 1]) order by p.place), '[]'))
  into v_result
  from page p join private.group_states r on r.school_group_id = p.id;
  return v_result;
end $$;
comment on function public.list_school_groups(text, text, text, text, boolean, int, int) is
  'Super admin: one page of groups with plan in force, limits and usage in the order of the resources, and the worst state of the four.';

create function public.get_school_group(p_school_group_id uuid)
  returns jsonb language plpgsql stable security definer set search_path = '' as $$
begin
  perform private.require_super_admin();
  perform private.resolve_group(p_school_group_id);
  return (
    select jsonb_build_object('id', g.id, 'name', g.name, 'code', g.code, 'city', g.city, 'department', g.department,
      'contact_name', g.contact_name, 'contact_email', g.contact_email, 'contact_phone', g.contact_phone,
      'status', g.status, 'created_at', g.created_at,
      'subscription', (select jsonb_build_object('plan', p.slug, 'status', s.status, 'started_at', s.started_at,
                         'current_period_end', s.current_period_end)
                       from public.subscriptions s join public.subscription_plans p on p.id = s.plan_id
                       where s.school_group_id = g.id),
      'events', (select coalesce(jsonb_agg(to_jsonb(h) order by h.id desc), '[]') from (
        select v.id, v.kind, f.slug as from_plan, t.slug as to_plan, v.from_status, v.to_status, v.reason, v.created_at,
               nullif(btrim(a.first_name || ' ' || a.last_name), '') as actor_name
        from public.subscription_events v
        left join public.subscription_plans f on f.id = v.from_plan_id
        join public.subscription_plans t on t.id = v.to_plan_id
        left join public.profiles a on a.id = v.actor_id
        where v.school_group_id = g.id order by v.id desc limit 50) h))
    from public.school_groups g where g.id = p_school_group_id);
end $$;
comment on function public.get_school_group(uuid) is 'Super admin: a group''s identity, subscription and newest 50 events.';

grant execute on function public.get_catalogue(), public.get_school_group(uuid),
  public.list_school_groups(text, text, text, text, boolean, int, int) to authenticated;
