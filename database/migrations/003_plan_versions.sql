-- 003 · Plan versions: each edit of a plan is a version on record; a draft is edited at leisure,
-- simulated on the real groups, then published at once.
--
-- Publishing changes the plan's row and modules in one transaction; the triggers below raise each
-- touched group's revision and send each one message. Groups that keep the old version are pinned to its
-- record and hear nothing.

-- ───────────────────────────────────────────────────────────── a plan changes
create function private.tg_subscription_plans__version() returns trigger
  language plpgsql volatile security definer set search_path = '' as $$
begin
  -- A new version when the present one is on record, else the one that this transaction opened.
  new.version := old.version + (select count(*) from public.plan_versions
                                where plan_id = old.id and version = old.version);
  return new;
end $$;
-- A write of the version itself says that the plan changed elsewhere: its modules, its price.
create trigger version before update on public.subscription_plans for each row
  when ((new.max_schools, new.max_students, new.max_staff, new.max_storage, new.warn_at, new.version)
        is distinct from
        (old.max_schools, old.max_students, old.max_staff, old.max_storage, old.warn_at, old.version))
  execute function private.tg_subscription_plans__version();

-- ───────────────────────────────────────────────────────────── the record
create function private.plan_definition(p public.subscription_plans)
  returns jsonb language sql stable security definer set search_path = '' as $$
  select jsonb_build_object(
    'max_schools', p.max_schools, 'max_students', p.max_students, 'max_staff', p.max_staff,
    'max_storage', p.max_storage,
    'warn_at', p.warn_at, 'price_xaf', p.price_xaf, 'billing_period', p.billing_period,
    'modules', coalesce((select jsonb_agg(m.slug order by m.slug) from public.plan_modules pm
                         join public.modules m on m.id = pm.module_id where pm.plan_id = p.id), '[]'));
$$;
comment on function private.plan_definition(public.subscription_plans) is
  'What the plan gives now: limits (storage in Go), warning share, price, module slugs.';

create function private.record_plan_version(p_plan_id uuid)
  returns void language plpgsql volatile security definer set search_path = '' as $$
declare p public.subscription_plans;
begin
  select * into p from public.subscription_plans where id = p_plan_id;
  -- Several edits of one transaction are one version; a published draft is its own record.
  if not found
     or exists (select 1 from public.plan_versions where plan_id = p.id and version = p.version) then
    return;
  end if;
  update public.plan_versions set status = 'archived', updated_at = now()
  where plan_id = p.id and status = 'published';
  insert into public.plan_versions (plan_id, version, status, definition, published_at, published_by)
  values (p.id, p.version, 'published', private.plan_definition(p), now(), auth.uid());
  perform realtime.send(jsonb_build_object('plan', p.slug, 'pv', p.version),
    'plan_published', 'catalogue', true);
end $$;
comment on function private.record_plan_version(uuid) is
  'Records what the plan gives now, unless its version is on record.';

create function private.tg_subscription_plans__record() returns trigger
  language plpgsql volatile security definer set search_path = '' as $$
begin
  perform private.record_plan_version(new.id);
  return null;
end $$;
-- At commit, so that the record holds the modules that the same transaction attached.
create constraint trigger record after insert or update on public.subscription_plans
  deferrable initially deferred for each row execute function private.tg_subscription_plans__record();

-- ───────────────────────────────────────────────────────────── modules of a plan, and its categories
create function private.follow_modules(p_plan_id uuid)
  returns void language plpgsql volatile security definer set search_path = '' as $$
begin
  -- The plan's row is the lock of its modules. A statement of its own, so that the next ones see what
  -- the one we waited for committed: its version, its modules.
  perform 1 from public.subscription_plans where id = p_plan_id for update;
  update public.subscription_plans set version = version + 1 where id = p_plan_id;
  -- I7: its categories are those of its modules.
  delete from public.plan_categories pc where pc.plan_id = p_plan_id and not exists (
    select 1 from public.plan_modules pm join public.modules m on m.id = pm.module_id
    where pm.plan_id = pc.plan_id and m.category_id = pc.category_id);
  insert into public.plan_categories (plan_id, category_id)
  select distinct pm.plan_id, m.category_id from public.plan_modules pm
  join public.modules m on m.id = pm.module_id where pm.plan_id = p_plan_id
  on conflict do nothing;
end $$;
comment on function private.follow_modules(uuid) is
  'The modules of a plan changed: a new version of it, and its categories derived again (I7).';

create function private.tg_plan_modules__follow() returns trigger
  language plpgsql volatile security definer set search_path = '' as $$
declare v_plans uuid[]; v_plan uuid;
begin
  if tg_op <> 'INSERT' then
    v_plans := array(select plan_id from old_rows);
  end if;
  if tg_op <> 'DELETE' then
    -- A module on its way to another category is waited for: both transactions derive from it.
    perform 1 from public.modules where id in (select module_id from new_rows) order by id for share;
    v_plans := v_plans || array(select plan_id from new_rows);
  end if;
  for v_plan in select distinct p from unnest(v_plans) p order by p loop
    perform private.follow_modules(v_plan);
  end loop;
  return null;
end $$;
create trigger follow_insert after insert on public.plan_modules referencing new table as new_rows
  for each statement execute function private.tg_plan_modules__follow();
create trigger follow_delete after delete on public.plan_modules referencing old table as old_rows
  for each statement execute function private.tg_plan_modules__follow();
create trigger follow_update after update on public.plan_modules
  referencing old table as old_rows new table as new_rows
  for each statement execute function private.tg_plan_modules__follow();

create function private.tg_modules__recategorise() returns trigger
  language plpgsql volatile security definer set search_path = '' as $$
begin
  perform private.follow_modules(plan_id)
  from (select plan_id from public.plan_modules where module_id = new.id order by 1) p;
  return null;
end $$;
create trigger recategorise after update on public.modules for each row
  when (old.category_id is distinct from new.category_id) execute function private.tg_modules__recategorise();

-- ───────────────────────────────────────────────────────────── drafts
create function private.is_whole_number(p_value jsonb, p_most bigint)
  returns boolean language sql immutable parallel safe
  return case when jsonb_typeof(p_value) = 'number'
              then p_value::numeric between 0 and p_most and p_value::numeric % 1 = 0 else false end;

create function private.valid_definition(p_definition jsonb)
  returns jsonb language plpgsql stable security definer set search_path = '' as $$
declare
  c_limits constant text[] := '{max_schools,max_students,max_staff,max_storage}';
  d constant jsonb := p_definition;
  v_wrong record; v_unknown text;
begin
  if jsonb_typeof(d) is distinct from 'object' then
    perform private.fail('PT400', 'invalid_request', 'La définition d’un plan est un objet.', 'p_definition');
  end if;
  select * into v_wrong from (
    -- A misspelt field must not look saved.
    select 1 as rank, k as field, 'Ce champ n’existe pas dans un plan.' as sentence
    from jsonb_object_keys(d) k where k <> all (c_limits || '{warn_at,price_xaf,billing_period,modules}')
    union all select 2, l, 'Une limite est un nombre entier positif, ou null pour illimité.'
    from unnest(c_limits) l
    where d->l is distinct from 'null' and not private.is_whole_number(d->l, 2000000000)
    union all select 3, 'price_xaf', 'Le prix est un nombre entier de FCFA.'
    where not private.is_whole_number(d->'price_xaf', 1000000000000)
    union all select 4, 'billing_period', 'La période est month ou year.'
    where coalesce(d->>'billing_period', '') not in ('month', 'year')
    union all select 5, 'warn_at', 'L’avertissement est une part entre 0 et 1.'
    where case jsonb_typeof(d->'warn_at')
            when 'number' then (d->>'warn_at')::numeric not between 0.001 and 1 else true end
    union all select 6, 'modules', 'Les modules sont une liste.'
    where jsonb_typeof(d->'modules') is distinct from 'array'
      or jsonb_path_exists(d, 'strict $.modules[*] ? (@.type() != "string")', silent => true)) w
  order by rank, field limit 1;
  if found then
    perform private.fail('PT400', 'invalid_request', v_wrong.sentence, v_wrong.field);
  end if;
  select string_agg(x.slug, ', ') into v_unknown from jsonb_array_elements_text(d->'modules') x (slug)
  where not exists (select 1 from public.modules m where m.slug = x.slug);
  if v_unknown is not null then
    perform private.fail('PT404', 'feature_not_found', 'Module inconnu : ' || v_unknown || '.', 'modules');
  end if;
  return d || jsonb_build_object('warn_at', (d->>'warn_at')::numeric(4, 3),
    'modules', (select coalesce(jsonb_agg(distinct x.slug order by x.slug), '[]')
                from jsonb_array_elements_text(d->'modules') x (slug)));
end $$;
comment on function private.valid_definition(jsonb) is
  'The definition, normalised; raises with the name of the first field that is not right.';

create function private.draft_for_update(p_version_id uuid)
  returns public.plan_versions language plpgsql volatile security definer set search_path = '' as $$
declare v public.plan_versions;
begin
  perform private.require_super_admin();
  select * into v from public.plan_versions where id = p_version_id for update;
  if not found then
    perform private.fail('PT404', 'version_not_found', 'Ce brouillon n’existe pas.', 'p_version_id');
  elsif v.status <> 'draft' then
    perform private.fail('PT409', 'already_closed', 'Cette version est déjà publiée.');
  end if;
  return v;
end $$;

create function public.create_plan_draft(p_plan_slug text)
  returns jsonb language plpgsql volatile security definer set search_path = '' as $$
declare p public.subscription_plans; v public.plan_versions;
begin
  perform private.require_super_admin();
  p := private.published_plan(p_plan_slug);
  insert into public.plan_versions (plan_id, status, version, definition, published_at, created_by)
  values (p.id, 'draft', null, private.plan_definition(p), null, auth.uid()) returning * into v;
  perform private.audit('plan_draft_created', null, jsonb_build_object('plan', p.slug, 'version_id', v.id));
  return jsonb_build_object('id', v.id, 'plan', p.slug, 'based_on', p.version, 'definition', v.definition);
end $$;
comment on function public.create_plan_draft(text) is
  'Super admin: a draft that begins as what the plan gives now.';
grant execute on function public.create_plan_draft(text) to authenticated;

create function public.update_plan_draft(p_version_id uuid, p_definition jsonb)
  returns jsonb language plpgsql volatile security definer set search_path = '' as $$
declare v public.plan_versions := private.draft_for_update(p_version_id);
begin
  update public.plan_versions
  set definition = private.valid_definition(v.definition || coalesce(p_definition, '{}')), updated_at = now()
  where id = v.id returning * into v;
  perform private.audit('plan_draft_updated', null, jsonb_build_object('version_id', v.id, 'fields',
    (select jsonb_agg(k order by k) from jsonb_object_keys(coalesce(p_definition, '{}')) k)));
  return jsonb_build_object('id', v.id, 'definition', v.definition);
end $$;
comment on function public.update_plan_draft(uuid, jsonb) is
  'Super admin: replaces the given fields of a draft''s definition.';
grant execute on function public.update_plan_draft(uuid, jsonb) to authenticated;

create function public.delete_plan_draft(p_version_id uuid)
  returns void language plpgsql volatile security definer set search_path = '' as $$
declare v constant public.plan_versions := private.draft_for_update(p_version_id);
begin
  delete from public.plan_versions where id = v.id;
  perform private.audit('plan_draft_deleted', null, jsonb_build_object('version_id', v.id));
end $$;
comment on function public.delete_plan_draft(uuid) is
  'Super admin: throws a draft away. What was published stays.';
grant execute on function public.delete_plan_draft(uuid) to authenticated;

-- ───────────────────────────────────────────────────────────── publishing
create function private.apply_plan_version(v public.plan_versions, p_existing text, p_expected_version int)
  returns int language plpgsql volatile security definer set search_path = '' as $$
declare
  d constant jsonb := v.definition;
  p public.subscription_plans;
begin
  if p_existing is null or p_existing not in ('move', 'grandfather') then
    perform private.fail('PT400', 'invalid_request',
      'Les groupes du plan suivent (move) ou gardent leur version (grandfather).', 'p_existing');
  end if;
  -- Locks in the order of every writer: modules, subscriptions, plans, groups. The plans are this one, to be
  -- edited, and `gratuit`, which a change of subscriptions holds.
  perform 1 from public.modules where d->'modules' ? slug order by id for share;
  perform 1 from public.subscriptions where plan_id = v.plan_id order by school_group_id for update;
  perform 1 from public.subscription_plans where slug = 'gratuit' and id < v.plan_id for share;
  perform 1 from public.subscription_plans where id = v.plan_id for update;
  perform 1 from public.subscription_plans where slug = 'gratuit' and id > v.plan_id for share;
  -- Read under the lock: another publisher, or an edit by hand, may have gone before.
  select * into p from public.subscription_plans where id = v.plan_id;
  if p_expected_version <> p.version then
    perform private.fail('PT409', 'stale_revision', 'Le plan a changé depuis votre simulation.',
      'Simulez à nouveau, puis publiez.', jsonb_build_object('version', p.version));
  elsif private.plan_definition(p) = d then
    perform private.fail('PT409', 'nothing_to_publish', 'Ce brouillon ne change rien au plan.');
  end if;
  -- An edit of this transaction is not on record yet: groups may be pinned to it, and it has its number.
  perform private.record_plan_version(p.id);
  if p_existing = 'grandfather' then
    -- A subscription that came between the two locks is pinned too, unless another session is changing it
    -- now and waits for us: to wait for that session would be a deadlock.
    update public.subscriptions set pinned_version_id = (
      select id from public.plan_versions where plan_id = p.id and version = p.version)
    where id in (select id from public.subscriptions
                 where plan_id = p.id and pinned_version_id is null for update skip locked);
  end if;
  -- The draft becomes the record of the version that the next statements open.
  update public.plan_versions set status = 'archived', updated_at = now()
  where plan_id = p.id and status = 'published';
  delete from public.plan_modules pm using public.modules m
  where pm.plan_id = p.id and m.id = pm.module_id and not (d->'modules' ? m.slug);
  insert into public.plan_modules (plan_id, module_id)
  select p.id, m.id from public.modules m where d->'modules' ? m.slug
  on conflict do nothing;
  update public.subscription_plans set
    max_schools = (d->>'max_schools')::int, max_students = (d->>'max_students')::int,
    max_staff = (d->>'max_staff')::int, max_storage = (d->>'max_storage')::int,
    warn_at = (d->>'warn_at')::numeric,
    price_xaf = (d->>'price_xaf')::bigint, billing_period = d->>'billing_period', version = p.version + 1
  where id = p.id;
  update public.plan_versions set status = 'published', version = p.version + 1, published_at = now(),
    published_by = auth.uid(), updated_at = now()
  where id = v.id;
  return p.version + 1;
end $$;

create function public.publish_plan_version(p_version_id uuid, p_existing text default 'move',
    p_expected_version int default null)
  returns jsonb language plpgsql volatile security definer set search_path = '' as $$
declare
  v constant public.plan_versions := private.draft_for_update(p_version_id);
  v_slug constant text := (select slug from public.subscription_plans where id = v.plan_id);
  v_version constant int := private.apply_plan_version(v, p_existing, p_expected_version);
  v_published constant jsonb :=
    jsonb_build_object('plan', v_slug, 'version', v_version, 'existing', p_existing);
begin
  perform realtime.send(jsonb_build_object('plan', v_slug, 'pv', v_version),
    'plan_published', 'catalogue', true);
  perform private.audit('plan_published', null, v_published);
  return v_published;
end $$;
comment on function public.publish_plan_version(uuid, text, int) is
  'Super admin: makes a draft the plan. Its groups follow (move) or keep what they have (grandfather).';
grant execute on function public.publish_plan_version(uuid, text, int) to authenticated;

create function private.groups_of_plan(p_plan_id uuid)
  returns jsonb language sql stable security definer set search_path = '' as $$
  select coalesce(jsonb_agg(jsonb_build_object(
    'id', e.school_group_id, 'name', g.name, 'rev', r.rev, 'usage', r.used, 'limits', e.limits,
    'modules', array(select m.slug from private.effective_modules(e) x
                     join public.modules m on m.id = x.module_id order by m.slug))), '[]')
  from private.effective_entitlements e
  join public.school_groups g on g.id = e.school_group_id
  join private.group_states r on r.school_group_id = e.school_group_id
  where e.plan_id = p_plan_id;
$$;

create function public.simulate_plan_publication(p_version_id uuid, p_existing text default 'move')
  returns jsonb language plpgsql volatile security definer set search_path = '' as $$
declare
  v constant public.plan_versions := private.draft_for_update(p_version_id);
  v_before constant jsonb := private.groups_of_plan(v.plan_id);
  v_groups jsonb;
begin
  begin
    -- The real thing, in a subtransaction that is always rolled back: what is shown is what would be.
    perform private.apply_plan_version(v, p_existing, null);
    with compared as (
      select b.id, b.name, b.usage, b.limits as limits_before, a.limits as limits_after,
             a.rev <> b.rev as touched,
             to_jsonb(a.modules) - b.modules as gained, to_jsonb(b.modules) - a.modules as lost,
             array(select greatest(x.used - x.most, 0)
                   from unnest(b.usage, a.limits) with ordinality x (used, most, place)
                   order by x.place) as overage
      from jsonb_to_recordset(v_before)
        b (id uuid, name text, rev bigint, modules text[], usage bigint[], limits bigint[])
      join jsonb_to_recordset(private.groups_of_plan(v.plan_id))
        a (id uuid, rev bigint, modules text[], limits bigint[]) using (id))
    select jsonb_build_object(
      'touched', count(*) filter (where touched),
      'over_limit', count(*) filter (where 0 < any (overage)),
      'groups', coalesce(jsonb_agg(
        jsonb_build_object('id', id, 'name', name, 'usage', usage, 'limits_before', limits_before,
          'limits_after', limits_after, 'modules_gained', gained, 'modules_lost', lost, 'overage', overage)
        order by 0 < any (overage) desc, name) filter (where touched), '[]'))
    into v_groups from compared;
    raise exception using errcode = 'EP001';
  exception when sqlstate 'EP001' then null;
  end;
  return v_groups || jsonb_build_object(
    'plan', (select slug from public.subscription_plans where id = v.plan_id), 'existing', p_existing);
end $$;
comment on function public.simulate_plan_publication(uuid, text) is
  'Super admin: what each group that publishing touches would gain, lose and be over by. Changes nothing.';
grant execute on function public.simulate_plan_publication(uuid, text) to authenticated;
