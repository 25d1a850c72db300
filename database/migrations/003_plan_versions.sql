-- 003 · Plan versions: each edit of a plan is a version on record; a draft is edited at leisure,
-- simulated on the real groups, then published at once.
--
-- Publishing changes the plan's row and modules in one transaction; the triggers below raise each
-- touched group's revision and send each one message. Groups that keep the old version are pinned to its
-- record and hear nothing.

-- ───────────────────────────────────────────────────────────── a plan changes
create function private.next_plan_version(p_plan_id uuid, p_version int)
  returns int language sql stable security definer set search_path = '' as $$
  select p_version + count(*)::int from public.plan_versions
  where plan_id = p_plan_id and version = p_version;
$$;
comment on function private.next_plan_version(uuid, int) is
  'The version an edit belongs to: a new one when p_version is on record, else the one still open in this '
  'transaction.';

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
create constraint trigger record_insert after insert on public.subscription_plans
  deferrable initially deferred for each row execute function private.tg_subscription_plans__record();
create constraint trigger record_update after update on public.subscription_plans
  deferrable initially deferred for each row when (old.version is distinct from new.version)
  execute function private.tg_subscription_plans__record();

-- ───────────────────────────────────────────────────────────── modules of a plan, and its categories
create function private.derive_plan_categories(p_plan_id uuid)
  returns void language plpgsql volatile security definer set search_path = '' as $$
begin
  delete from public.plan_categories pc where pc.plan_id = p_plan_id and not exists (
    select 1 from public.plan_modules pm join public.modules m on m.id = pm.module_id
    where pm.plan_id = pc.plan_id and m.category_id = pc.category_id);
  insert into public.plan_categories (plan_id, category_id)
  select distinct pm.plan_id, m.category_id from public.plan_modules pm
  join public.modules m on m.id = pm.module_id
  where pm.plan_id = p_plan_id
  on conflict do nothing;
end $$;
comment on function private.derive_plan_categories(uuid) is
  'Makes plan_categories equal to the categories of plan_modules (I7).';

create function private.follow_modules(p_plan_id uuid)
  returns void language plpgsql volatile security definer set search_path = '' as $$
begin
  -- The plan's row is the lock of its modules. A statement of its own, so that the next ones see what
  -- the one we waited for committed: its version, its modules.
  perform 1 from public.subscription_plans where id = p_plan_id for update;
  update public.subscription_plans set version = private.next_plan_version(id, version) where id = p_plan_id;
  perform private.derive_plan_categories(p_plan_id);
end $$;
comment on function private.follow_modules(uuid) is
  'The modules of a plan changed: a new version of it, and its categories derived again.';

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
create trigger follow_update after update on public.plan_modules
  referencing old table as old_rows new table as new_rows
  for each statement execute function private.tg_plan_modules__follow();

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

-- ───────────────────────────────────────────────────────────── drafts
create function private.published_plan(p_slug text)
  returns public.subscription_plans language plpgsql stable security definer set search_path = '' as $$
declare p public.subscription_plans;
begin
  select * into p from public.subscription_plans where slug = p_slug and status = 'published';
  if not found then
    perform private.fail('PT404', 'unknown_plan', 'Ce plan n’existe pas ou n’est pas en vente.',
      (select string_agg(slug, ', ' order by rank) from public.subscription_plans
        where status = 'published'));
  end if;
  return p;
end $$;

create function private.valid_definition(p_definition jsonb)
  returns jsonb language plpgsql stable security definer set search_path = '' as $$
declare
  c_limits constant text[] := '{max_schools,max_students,max_staff,max_storage}';
  v_key text; v_unknown text;
begin
  if jsonb_typeof(p_definition) is distinct from 'object' then
    perform private.fail('PT400', 'invalid_request', 'La définition d’un plan est un objet.', 'p_definition');
  end if;
  -- A misspelt field must not look saved.
  select k into v_key from jsonb_object_keys(p_definition) k
  where k <> all (c_limits || '{warn_at,price_xaf,billing_period,modules}') order by k limit 1;
  if found then
    perform private.fail('PT400', 'invalid_request', 'Ce champ n’existe pas dans un plan.', v_key);
  end if;
  foreach v_key in array c_limits loop
    if not (p_definition ? v_key) or jsonb_typeof(p_definition->v_key) not in ('number', 'null')
       or (p_definition->>v_key)::numeric not between 0 and 2000000000
       or (p_definition->>v_key)::numeric % 1 <> 0 then
      perform private.fail('PT400', 'invalid_request',
        'Une limite est un nombre entier positif, ou null pour illimité.', v_key);
    end if;
  end loop;
  if jsonb_typeof(p_definition->'price_xaf') is distinct from 'number'
     or (p_definition->>'price_xaf')::numeric not between 0 and 1000000000000
     or (p_definition->>'price_xaf')::numeric % 1 <> 0 then
    perform private.fail('PT400', 'invalid_request', 'Le prix est un nombre entier de FCFA.', 'price_xaf');
  elsif p_definition->>'billing_period' is distinct from 'month'
     and p_definition->>'billing_period' is distinct from 'year' then
    perform private.fail('PT400', 'invalid_request', 'La période est month ou year.', 'billing_period');
  elsif jsonb_typeof(p_definition->'warn_at') is distinct from 'number'
     or (p_definition->>'warn_at')::numeric not between 0.001 and 1 then
    perform private.fail('PT400', 'invalid_request', 'L’avertissement est une part entre 0 et 1.', 'warn_at');
  elsif jsonb_typeof(p_definition->'modules') is distinct from 'array'
     or exists (select 1 from jsonb_array_elements(p_definition->'modules') x
                where jsonb_typeof(x) <> 'string') then
    perform private.fail('PT400', 'invalid_request', 'Les modules sont une liste.', 'modules');
  end if;
  select string_agg(x.slug, ', ') into v_unknown
  from jsonb_array_elements_text(p_definition->'modules') x (slug)
  where not exists (select 1 from public.modules m where m.slug = x.slug);
  if v_unknown is not null then
    perform private.fail('PT404', 'feature_not_found', 'Module inconnu : ' || v_unknown || '.', 'modules');
  end if;
  return jsonb_build_object(
    'max_schools', p_definition->'max_schools', 'max_students', p_definition->'max_students',
    'max_staff', p_definition->'max_staff', 'max_storage', p_definition->'max_storage',
    'warn_at', (p_definition->>'warn_at')::numeric(4, 3), 'price_xaf', p_definition->'price_xaf',
    'billing_period', p_definition->'billing_period',
    'modules', (select coalesce(jsonb_agg(distinct x.slug order by x.slug), '[]')
                from jsonb_array_elements_text(p_definition->'modules') x (slug)));
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
  v_plan uuid;
begin
  -- Locks in the order of every writer: modules, subscriptions, plans, groups. The plans are this one, to be
  -- edited, and `gratuit`, which a change of subscriptions holds.
  perform 1 from public.modules where d->'modules' ? slug order by id for share;
  perform 1 from public.subscriptions where plan_id = v.plan_id order by school_group_id for update;
  for v_plan in
    select id from public.subscription_plans where id = v.plan_id or slug = 'gratuit' order by id loop
    if v_plan = v.plan_id then
      perform 1 from public.subscription_plans where id = v_plan for update;
    else
      perform 1 from public.subscription_plans where id = v_plan for share;
    end if;
  end loop;
  -- Read under the lock: another publisher, or an edit by hand, may have gone before.
  select * into p from public.subscription_plans where id = v.plan_id;
  if p_expected_version <> p.version then
    perform private.fail('PT409', 'stale_revision', 'Le plan a changé depuis votre simulation.',
      'Simulez à nouveau, puis publiez.', jsonb_build_object('version', p.version));
  elsif private.plan_definition(p) = d then
    perform private.fail('PT409', 'nothing_to_publish', 'Ce brouillon ne change rien au plan.');
  end if;
  -- An edit of this very transaction is not on record yet: the groups may be pinned to it,
  -- and its number is taken.
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

create function private.require_existing(p_existing text)
  returns text language plpgsql immutable set search_path = '' as $$
begin
  if p_existing is null or p_existing not in ('move', 'grandfather') then
    perform private.fail('PT400', 'invalid_request',
      'Les groupes du plan suivent (move) ou gardent leur version (grandfather).', 'p_existing');
  end if;
  return p_existing;
end $$;

create function public.publish_plan_version(p_version_id uuid, p_existing text default 'move',
    p_expected_version int default null)
  returns jsonb language plpgsql volatile security definer set search_path = '' as $$
declare
  v constant public.plan_versions := private.draft_for_update(p_version_id);
  v_slug constant text := (select slug from public.subscription_plans where id = v.plan_id);
  v_version int;
begin
  perform private.require_existing(p_existing);
  v_version := private.apply_plan_version(v, p_existing, p_expected_version);
  perform realtime.send(jsonb_build_object('plan', v_slug, 'pv', v_version),
    'plan_published', 'catalogue', true);
  perform private.audit('plan_published', null,
    jsonb_build_object('plan', v_slug, 'version', v_version, 'existing', p_existing));
  return jsonb_build_object('plan', v_slug, 'version', v_version, 'existing', p_existing);
end $$;
comment on function public.publish_plan_version(uuid, text, int) is
  'Super admin: makes a draft the plan. p_existing: move takes the groups along, grandfather leaves them on '
  'what they have.';
grant execute on function public.publish_plan_version(uuid, text, int) to authenticated;

create function private.groups_of_plan(p_plan_id uuid)
  returns jsonb language sql stable security definer set search_path = '' as $$
  select coalesce(jsonb_agg(jsonb_build_object(
    'id', e.school_group_id, 'name', g.name, 'rev', r.rev, 'usage', to_jsonb(r.used),
    'limits', to_jsonb(e.limits),
    'modules', (select coalesce(jsonb_agg(m.slug), '[]')
                from private.effective_modules(e) x join public.modules m on m.id = x.module_id))), '[]')
  from private.effective_entitlements e
  join public.school_groups g on g.id = e.school_group_id
  join private.group_states r on r.school_group_id = e.school_group_id
  where e.plan_id = p_plan_id;
$$;

create function public.simulate_plan_publication(p_version_id uuid, p_existing text default 'move')
  returns jsonb language plpgsql volatile security definer set search_path = '' as $$
declare
  v constant public.plan_versions := private.draft_for_update(p_version_id);
  v_before jsonb; v_groups jsonb;
begin
  perform private.require_existing(p_existing);
  v_before := private.groups_of_plan(v.plan_id);
  begin
    -- The real thing, in a subtransaction that is always rolled back: what is shown is what would be.
    perform private.apply_plan_version(v, p_existing, null);
    with before as (
      select * from jsonb_to_recordset(v_before)
        b (id uuid, name text, rev bigint, modules jsonb, usage jsonb, limits jsonb)),
    after as (
      select * from jsonb_to_recordset(private.groups_of_plan(v.plan_id))
        a (id uuid, rev bigint, modules jsonb, limits jsonb)),
    compared as (
      select b.id, b.name, b.usage, b.limits as limits_before, a.limits as limits_after,
             a.rev <> b.rev as touched,
             (select coalesce(jsonb_agg(x order by x), '[]')
              from jsonb_array_elements(a.modules) x where not b.modules @> x) as gained,
             (select coalesce(jsonb_agg(x order by x), '[]')
              from jsonb_array_elements(b.modules) x where not a.modules @> x) as lost,
             (select jsonb_agg(
                greatest(coalesce(u.n::bigint - nullif(a.limits->(u.place - 1)::int, 'null')::bigint, 0), 0)
                order by u.place)
              from jsonb_array_elements_text(b.usage) with ordinality u (n, place)) as overage
      from before b join after a using (id))
    select jsonb_build_object(
      'touched', count(*) filter (where touched),
      'over_limit', count(*) filter (where overage <> '[0, 0, 0, 0]'),
      'groups', coalesce(jsonb_agg(
        jsonb_build_object('id', id, 'name', name, 'usage', usage, 'limits_before', limits_before,
          'limits_after', limits_after, 'modules_gained', gained, 'modules_lost', lost, 'overage', overage)
        order by overage <> '[0, 0, 0, 0]' desc, name) filter (where touched), '[]'))
    into v_groups from compared;
    raise exception using errcode = 'EP001';
  exception when sqlstate 'EP001' then null;
  end;
  return v_groups || jsonb_build_object(
    'plan', (select slug from public.subscription_plans where id = v.plan_id), 'existing', p_existing);
end $$;
comment on function public.simulate_plan_publication(uuid, text) is
  'Super admin: for each group that publishing would touch, what it gains, loses and by how much it would be '
  'over. Changes nothing.';
grant execute on function public.simulate_plan_publication(uuid, text) to authenticated;
