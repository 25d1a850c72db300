-- 001 · Foundation: who exists, what is sold, who bought what, and who may see it.
--
-- Order of layers: privileges → types → tables → security helpers → policies and grants → rules.
-- Runs as a role that is not superuser, on Supabase or beside the platform files of `server/platform`.

-- ───────────────────────────────────────────────────────────── privileges
-- Supabase grants everything created in `public` to the API roles. A forgotten revoke must not open a
-- door, so nothing is granted by default from here on: each object says what it gives to whom.
alter default privileges in schema public revoke all on tables from public, anon, authenticated, service_role;
alter default privileges in schema public revoke all on sequences from public, anon, authenticated, service_role;
alter default privileges in schema public revoke all on functions from public, anon, authenticated, service_role;
alter default privileges revoke execute on functions from public;

create schema private;
comment on schema private is 'Helpers of policies, triggers and functions. Not exposed by the API.';
revoke all on schema private from public;
-- Policies run as the caller: the caller must reach the helper functions granted below, and only those.
grant usage on schema private to authenticated, service_role;

-- ───────────────────────────────────────────────────────────── types
create type public.user_role as enum ('super_admin', 'admin_groupe', 'personnel');
create type public.resource as enum ('schools', 'students', 'staff', 'storage');
create type public.subscription_status as enum
  ('trial', 'active', 'past_due', 'grace', 'suspended', 'cancelled', 'expired');

-- ───────────────────────────────────────────────────────────── tenancy
create table public.school_groups (
  id uuid primary key default gen_random_uuid(),
  name text not null unique check (char_length(name) between 2 and 120),
  code text unique check (code ~ '^[A-Z0-9-]{2,20}$'),
  city text check (char_length(city) <= 80),
  department text check (char_length(department) <= 80),
  contact_name text check (char_length(contact_name) <= 120),
  contact_email text check (char_length(contact_email) <= 254),
  contact_phone text check (char_length(contact_phone) <= 40),
  status text not null default 'active' check (status in ('active', 'archived')),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
comment on table public.school_groups is 'A customer: a group of schools that holds one subscription. Archived, never deleted: its history refers to it.';

create table public.schools (
  id uuid primary key default gen_random_uuid(),
  school_group_id uuid not null references public.school_groups (id) on delete restrict,
  name text not null check (char_length(btrim(name)) between 2 and 120),
  code text check (char_length(code) <= 20),
  city text check (char_length(city) <= 80),
  address text check (char_length(address) <= 200),
  status text not null default 'active' check (status in ('active', 'archived')),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  -- Target of the composite keys below: a pupil can only sit in a school of its own group.
  unique (id, school_group_id)
);
create index schools_group_status_name_idx on public.schools (school_group_id, status, name);
comment on table public.schools is 'Counted as `schools` unless archived.';

create table public.students (
  id uuid primary key default gen_random_uuid(),
  school_group_id uuid not null references public.school_groups (id) on delete restrict,
  school_id uuid not null,
  first_name text not null check (char_length(btrim(first_name)) between 1 and 80),
  last_name text not null check (char_length(btrim(last_name)) between 1 and 80),
  registration_number text check (char_length(registration_number) <= 40),
  class_name text check (char_length(class_name) <= 40),
  gender text check (gender in ('F', 'M')),
  birth_date date,
  status text not null default 'active' check (status in ('active', 'inactive')),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  -- `on update cascade`: a school that moves to another group takes what it holds with it.
  foreign key (school_id, school_group_id) references public.schools (id, school_group_id)
    on update cascade on delete cascade
);
create index students_group_idx on public.students (school_group_id, status);
create index students_school_idx on public.students (school_id, school_group_id);
comment on table public.students is 'Counted as `students` while active.';

create table public.staff (
  id uuid primary key default gen_random_uuid(),
  school_group_id uuid not null references public.school_groups (id) on delete restrict,
  school_id uuid not null,
  first_name text not null check (char_length(btrim(first_name)) between 1 and 80),
  last_name text not null check (char_length(btrim(last_name)) between 1 and 80),
  job_title text check (char_length(job_title) <= 80),
  email text check (char_length(email) <= 254),
  phone text check (char_length(phone) <= 40),
  status text not null default 'active' check (status in ('active', 'inactive')),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  foreign key (school_id, school_group_id) references public.schools (id, school_group_id)
    on update cascade on delete cascade
);
create index staff_group_idx on public.staff (school_group_id, status);
create index staff_school_idx on public.staff (school_id, school_group_id);
comment on table public.staff is 'Employees of a school. Counted as `staff` while active; pupils and accounts are not.';

create table public.profiles (
  id uuid primary key references auth.users (id) on delete cascade,
  role public.user_role not null,
  school_group_id uuid references public.school_groups (id) on delete restrict,
  school_id uuid,
  first_name text not null default '' check (char_length(first_name) <= 80),
  last_name text not null default '' check (char_length(last_name) <= 80),
  locale text not null default 'fr' check (locale in ('fr', 'en')),
  status text not null default 'active' check (status in ('active', 'disabled')),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  foreign key (school_id, school_group_id) references public.schools (id, school_group_id)
    on update cascade on delete set null (school_id),
  -- The platform's own people belong to no group; everybody else belongs to exactly one.
  check ((role = 'super_admin') = (school_group_id is null)),
  check (school_id is null or role = 'personnel')
);
create index profiles_group_idx on public.profiles (school_group_id);
create index profiles_school_idx on public.profiles (school_id, school_group_id);
comment on table public.profiles is 'What an account may be. An account without an active profile has no right at all.';

create function private.largest_document() returns bigint
  language sql immutable parallel safe set search_path = '' as $$ select 52428800::bigint $$;
comment on function private.largest_document() is
  'Bytes: 50 MiB, what every plan of hosted Supabase allows a file. The server has the same constant, and a test holds them equal.';
grant execute on function private.largest_document() to authenticated, service_role;

create table public.documents (
  id uuid primary key default gen_random_uuid(),
  school_group_id uuid not null references public.school_groups (id) on delete restrict,
  school_id uuid,
  name text not null check (char_length(btrim(name)) between 1 and 200),
  mime_type text not null default 'application/octet-stream' check (char_length(mime_type) <= 120),
  size_bytes bigint not null check (size_bytes between 1 and private.largest_document()),
  uploaded_by uuid default auth.uid() references public.profiles (id) on delete set null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  foreign key (school_id, school_group_id) references public.schools (id, school_group_id)
    on update cascade on delete cascade
);
create index documents_group_idx on public.documents (school_group_id, created_at desc);
create index documents_school_idx on public.documents (school_id, school_group_id);
create index documents_uploaded_by_idx on public.documents (uploaded_by);
comment on table public.documents is 'Inserting a row claims its bytes; `storage` counts the sum of size_bytes.';

-- ───────────────────────────────────────────────────────────── catalogue
create table public.business_categories (
  id uuid primary key default gen_random_uuid(),
  slug text not null unique check (slug ~ '^[a-z0-9-]+$'),
  name text not null,
  icon text not null,
  color text not null check (color ~ '^#[0-9A-F]{6}$'),
  position int not null
);

create table public.modules (
  id uuid primary key default gen_random_uuid(),
  slug text not null unique check (slug ~ '^[a-z0-9-]+$'),
  category_id uuid not null references public.business_categories (id) on delete restrict,
  name text not null,
  description text not null default '',
  icon text not null,
  is_core boolean not null default false,
  position int not null
);
create index modules_category_idx on public.modules (category_id);

create table public.subscription_plans (
  id uuid primary key default gen_random_uuid(),
  slug text not null unique check (slug ~ '^[a-z0-9-]+$'),
  name text not null,
  rank int not null,
  status text not null default 'published' check (status in ('draft', 'published', 'archived')),
  price_xaf bigint not null check (price_xaf >= 0),
  billing_period text not null default 'month' check (billing_period in ('month', 'year')),
  -- null is unlimited. No other value stands for it: -1 and 999999 are numbers like any other.
  max_schools int check (max_schools >= 0),
  max_students int check (max_students >= 0),
  max_staff int check (max_staff >= 0),
  max_storage int check (max_storage >= 0),
  warn_at numeric(4, 3) not null default 0.8 check (warn_at > 0 and warn_at <= 1),
  trial_days int not null default 0 check (trial_days >= 0),
  version int not null default 1,
  color text not null default '#1D3557' check (color ~ '^#[0-9A-F]{6}$'),
  icon text not null default 'Package',
  updated_at timestamptz not null default now()
);
comment on column public.subscription_plans.max_storage is 'Go (10^9 bytes). Everywhere else in the API storage is in bytes.';
comment on column public.subscription_plans.version is 'Raised by the database whenever what the plan gives changes; never written by hand.';

create table public.plan_modules (
  plan_id uuid not null references public.subscription_plans (id) on delete cascade,
  module_id uuid not null references public.modules (id) on delete cascade,
  primary key (plan_id, module_id)
);
create index plan_modules_module_idx on public.plan_modules (module_id);

create table public.plan_categories (
  plan_id uuid not null references public.subscription_plans (id) on delete cascade,
  category_id uuid not null references public.business_categories (id) on delete cascade,
  primary key (plan_id, category_id)
);
create index plan_categories_category_idx on public.plan_categories (category_id);
comment on table public.plan_categories is 'Derived from plan_modules by the database (I7). Nobody writes it by hand.';

create table public.plan_versions (
  id uuid primary key default gen_random_uuid(),
  plan_id uuid not null references public.subscription_plans (id) on delete restrict,
  version int not null,
  definition jsonb not null,
  published_at timestamptz not null default now(),
  published_by uuid references public.profiles (id) on delete restrict,
  unique (plan_id, version)
);
create index plan_versions_published_by_idx on public.plan_versions (published_by);
comment on table public.plan_versions is 'The immutable record of what each published version gave.';

-- ───────────────────────────────────────────────────────────── subscriptions
create table public.subscriptions (
  id uuid primary key default gen_random_uuid(),
  school_group_id uuid not null unique references public.school_groups (id) on delete restrict,
  plan_id uuid not null references public.subscription_plans (id) on delete restrict,
  status public.subscription_status not null default 'active',
  started_at timestamptz not null default now(),
  trial_ends_at timestamptz,
  grace_ends_at timestamptz,
  current_period_end timestamptz,
  updated_at timestamptz not null default now()
);
create index subscriptions_plan_idx on public.subscriptions (plan_id);
comment on table public.subscriptions is 'One row a group (I3). Its past is in subscription_events.';

create table public.subscription_events (
  id bigint generated always as identity primary key,
  school_group_id uuid not null references public.school_groups (id) on delete restrict,
  kind text not null check (kind in ('created', 'plan_changed', 'status_changed')),
  from_plan_id uuid references public.subscription_plans (id) on delete restrict,
  to_plan_id uuid not null references public.subscription_plans (id) on delete restrict,
  from_status public.subscription_status,
  to_status public.subscription_status not null,
  reason text,
  actor_id uuid references public.profiles (id) on delete restrict,
  rev bigint not null,
  created_at timestamptz not null default now()
);
create index subscription_events_group_idx on public.subscription_events (school_group_id, id desc);
create index subscription_events_from_plan_idx on public.subscription_events (from_plan_id);
create index subscription_events_to_plan_idx on public.subscription_events (to_plan_id);
create index subscription_events_actor_idx on public.subscription_events (actor_id);
comment on table public.subscription_events is 'Append-only: who changed what, when, from, to and why.';

create table public.scheduled_changes (
  id uuid primary key default gen_random_uuid(),
  school_group_id uuid not null references public.school_groups (id) on delete restrict,
  plan_id uuid not null references public.subscription_plans (id) on delete restrict,
  effective_at timestamptz not null,
  reason text not null,
  status text not null default 'pending' check (status in ('pending', 'applied', 'cancelled')),
  created_by uuid references public.profiles (id) on delete set null,
  created_at timestamptz not null default now(),
  closed_at timestamptz
);
create unique index scheduled_changes_one_pending_idx on public.scheduled_changes (school_group_id)
  where status = 'pending';
create index scheduled_changes_group_idx on public.scheduled_changes (school_group_id);
create index scheduled_changes_due_idx on public.scheduled_changes (effective_at) where status = 'pending';
create index scheduled_changes_plan_idx on public.scheduled_changes (plan_id);
create index scheduled_changes_created_by_idx on public.scheduled_changes (created_by);

create table public.audit_log (
  id bigint generated always as identity primary key,
  at timestamptz not null default now(),
  actor_id uuid references public.profiles (id) on delete restrict,
  action text not null,
  school_group_id uuid references public.school_groups (id) on delete restrict,
  detail jsonb not null default '{}'
);
create index audit_log_group_idx on public.audit_log (school_group_id, id desc);
create index audit_log_actor_idx on public.audit_log (actor_id);
comment on table public.audit_log is 'Every privileged act. Append-only: an account that acted is disabled, never deleted.';

-- ───────────────────────────────────────────────────────────── security helpers
-- Definer functions read `profiles` past its own policies; without them those policies would recurse.
-- `(select helper())` in a policy is evaluated once a statement, not once a row.

-- Law: a token is worth what its session is. A session that was ended (sign-out, another password, `end_session`) is
-- gone from auth.sessions, and its access token acts for nobody from that moment, not from its expiry on. A token
-- that names no session is signed by the operator's own hand; there is nothing to end.
-- In plpgsql, which keeps its plan: it is asked in every statement of everybody.
create function private.session_in_force() returns boolean
  language plpgsql stable security definer set search_path = '' as $$
declare v_session constant text := auth.jwt() ->> 'session_id';
begin
  if v_session is null then
    return true;
  elsif v_session !~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then
    return false;
  end if;
  return exists (select 1 from auth.sessions s
                 where s.id = v_session::uuid and s.user_id = auth.uid() and (s.not_after is null or s.not_after > now()));
end $$;
comment on function private.session_in_force() is 'Whether the session that the caller''s token names still exists; true for a token that names none.';

create function private.second_factor_given() returns boolean
  language sql stable security definer set search_path = '' as $$
  select coalesce(auth.jwt() ->> 'aal' = 'aal2', false)
    or not exists (select 1 from auth.mfa_factors where user_id = auth.uid() and status = 'verified');
$$;
comment on function private.second_factor_given() is 'Whether the caller signed in with a second factor, or has none to give.';

create function private.is_super_admin() returns boolean
  language sql stable security definer set search_path = '' as $$
  select exists (select 1 from public.profiles
                 where id = auth.uid() and role = 'super_admin' and status = 'active')
    and private.session_in_force() and private.second_factor_given();
$$;
comment on function private.is_super_admin() is 'Whether the caller is an active super admin, with the second factor if the account has one.';

create function private.my_group_id() returns uuid
  language sql stable security definer set search_path = '' as $$
  select p.school_group_id from public.profiles p join public.school_groups g on g.id = p.school_group_id
  where p.id = auth.uid() and p.status = 'active' and g.status = 'active' and private.session_in_force();
$$;
comment on function private.my_group_id() is 'Group of the caller, whatever the role; null for super admins, strangers, and members of an archived group.';

create function private.my_admin_group_id() returns uuid
  language sql stable security definer set search_path = '' as $$
  select p.school_group_id from public.profiles p join public.school_groups g on g.id = p.school_group_id
  where p.id = auth.uid() and p.status = 'active' and p.role = 'admin_groupe' and g.status = 'active'
    and private.session_in_force();
$$;
comment on function private.my_admin_group_id() is 'Group that the caller administers, or null.';

create function private.my_school_id() returns uuid
  language sql stable security definer set search_path = '' as $$
  select p.school_id from public.profiles p join public.school_groups g on g.id = p.school_group_id
  where p.id = auth.uid() and p.status = 'active' and g.status = 'active' and private.session_in_force();
$$;
comment on function private.my_school_id() is 'School of a staff account, or null.';

create function private.is_member() returns boolean
  language sql stable security definer set search_path = '' as $$
  select private.my_group_id() is not null or private.is_super_admin();
$$;
comment on function private.is_member() is 'Whether the caller may act at all, in any role.';

create function private.my_profile_id() returns uuid
  language sql stable security definer set search_path = '' as $$
  select case when private.session_in_force() then auth.uid() end;
$$;
comment on function private.my_profile_id() is 'Account of the caller, also when it is disabled; null once its session has ended.';

create function private.fail(p_sqlstate text, p_code text, p_message text, p_hint text default null, p_detail jsonb default '{}')
  returns void language plpgsql volatile set search_path = '' as $$
begin
  raise exception using errcode = p_sqlstate, message = p_message,
    detail = (jsonb_build_object('code', p_code) || p_detail)::text, hint = coalesce(p_hint, '');
end $$;
comment on function private.fail(text, text, text, text, jsonb) is
  'Raises an error with a sentence for a person and a stable code of docs/ERRORS.md. A SQLSTATE of PTnnn is HTTP status nnn.';

grant execute on function private.is_super_admin(), private.my_group_id(), private.my_admin_group_id(),
  private.my_school_id(), private.is_member(), private.my_profile_id() to authenticated, service_role;

-- ───────────────────────────────────────────────────────────── policies and grants
do $$
declare t regclass;
begin
  foreach t in array array['school_groups', 'schools', 'students', 'staff', 'profiles', 'documents',
    'business_categories', 'modules', 'subscription_plans', 'plan_modules', 'plan_categories', 'plan_versions',
    'subscriptions', 'subscription_events', 'scheduled_changes', 'audit_log']::regclass[] loop
    execute format('alter table %s enable row level security', t);
  end loop;
end $$;

create policy "members see their group, super admins all" on public.school_groups for select to authenticated
  using (id = (select private.my_group_id()) or (select private.is_super_admin()));

create policy "group members see the schools" on public.schools for select to authenticated
  using (school_group_id = (select private.my_group_id()) or (select private.is_super_admin()));
create policy "group admins create schools" on public.schools for insert to authenticated
  with check (school_group_id = (select private.my_admin_group_id()));
create policy "group admins edit schools" on public.schools for update to authenticated
  using (school_group_id = (select private.my_admin_group_id()))
  with check (school_group_id = (select private.my_admin_group_id()));

create policy "group admins see pupils, staff those of their school" on public.students for select to authenticated
  using (school_group_id = (select private.my_admin_group_id()) or school_id = (select private.my_school_id())
    or (select private.is_super_admin()));
create policy "group admins enrol pupils" on public.students for insert to authenticated
  with check (school_group_id = (select private.my_admin_group_id()));
create policy "group admins edit pupils" on public.students for update to authenticated
  using (school_group_id = (select private.my_admin_group_id()))
  with check (school_group_id = (select private.my_admin_group_id()));

create policy "group admins see staff, staff those of their school" on public.staff for select to authenticated
  using (school_group_id = (select private.my_admin_group_id()) or school_id = (select private.my_school_id())
    or (select private.is_super_admin()));
create policy "group admins add staff" on public.staff for insert to authenticated
  with check (school_group_id = (select private.my_admin_group_id()));
create policy "group admins edit staff" on public.staff for update to authenticated
  using (school_group_id = (select private.my_admin_group_id()))
  with check (school_group_id = (select private.my_admin_group_id()));

create policy "group admins see documents, staff those of their school" on public.documents for select to authenticated
  using (school_group_id = (select private.my_admin_group_id()) or school_id = (select private.my_school_id())
    or (select private.is_super_admin()));
create policy "group admins claim documents" on public.documents for insert to authenticated
  with check (school_group_id = (select private.my_admin_group_id()));
create policy "group admins delete documents" on public.documents for delete to authenticated
  using (school_group_id = (select private.my_admin_group_id()));

create policy "one sees oneself, a group admin the group" on public.profiles for select to authenticated
  using (id = (select private.my_profile_id()) or school_group_id = (select private.my_admin_group_id())
    or (select private.is_super_admin()));
create policy "one edits one's own name and language" on public.profiles for update to authenticated
  using (id = (select private.my_profile_id()) and status = 'active') with check (id = (select private.my_profile_id()));

create policy "members read the catalogue" on public.business_categories for select to authenticated
  using ((select private.is_member()));
create policy "members read the catalogue" on public.modules for select to authenticated
  using ((select private.is_member()));
create policy "members read published plans" on public.subscription_plans for select to authenticated
  using (((select private.is_member()) and status = 'published') or (select private.is_super_admin())
    -- One's own plan is read also after it was withdrawn from sale.
    or id in (select plan_id from public.subscriptions));
create policy "members read the catalogue" on public.plan_modules for select to authenticated
  using ((select private.is_member()));
create policy "members read the catalogue" on public.plan_categories for select to authenticated
  using ((select private.is_member()));

create policy "members see their subscription" on public.subscriptions for select to authenticated
  using (school_group_id = (select private.my_group_id()) or (select private.is_super_admin()));
create policy "super admins change plans" on public.subscriptions for update to authenticated
  using ((select private.is_super_admin())) with check ((select private.is_super_admin()));
create policy "group admins see their history" on public.subscription_events for select to authenticated
  using (school_group_id = (select private.my_admin_group_id()) or (select private.is_super_admin()));
create policy "group admins see what is scheduled" on public.scheduled_changes for select to authenticated
  using (school_group_id = (select private.my_admin_group_id()) or (select private.is_super_admin()));
create policy "super admins read the audit log" on public.audit_log for select to authenticated
  using ((select private.is_super_admin()));

grant select on public.school_groups, public.schools, public.students, public.staff, public.profiles,
  public.documents, public.business_categories, public.modules, public.subscription_plans, public.plan_modules,
  public.plan_categories, public.plan_versions, public.subscriptions, public.subscription_events,
  public.scheduled_changes, public.audit_log to authenticated, service_role;

grant insert (id, school_group_id, name, code, city, address),
  update (name, code, city, address, status) on public.schools to authenticated;
grant insert (id, school_group_id, school_id, first_name, last_name, registration_number, class_name, gender, birth_date),
  update (school_id, first_name, last_name, registration_number, class_name, gender, birth_date, status)
  on public.students to authenticated;
grant insert (id, school_group_id, school_id, first_name, last_name, job_title, email, phone),
  update (school_id, first_name, last_name, job_title, email, phone, status) on public.staff to authenticated;
grant insert (id, school_group_id, school_id, name, mime_type, size_bytes), delete on public.documents to authenticated;
grant update (first_name, last_name, locale) on public.profiles to authenticated;
grant update (plan_id) on public.subscriptions to authenticated;

-- The platform's own back end: the customers' rows, never the records that the database keeps of them.
grant insert, update on public.school_groups to service_role;
grant insert, update, delete on public.schools, public.students, public.staff, public.profiles, public.documents to service_role;
grant update (plan_id, status) on public.subscriptions to service_role;

-- ───────────────────────────────────────────────────────────── rules
create function private.tg_set_updated_at() returns trigger language plpgsql volatile set search_path = '' as $$
begin
  new.updated_at := now();
  return new;
end $$;

do $$
declare t text;
begin
  foreach t in array array['school_groups', 'schools', 'students', 'staff', 'profiles', 'documents',
    'subscription_plans', 'subscriptions'] loop
    execute format('create trigger set_updated_at before update on public.%I
      for each row execute function private.tg_set_updated_at()', t);
  end loop;
end $$;

create function private.tg_refuse() returns trigger language plpgsql volatile set search_path = '' as $$
begin
  raise exception using errcode = 'PT403', message = tg_argv[0],
    detail = jsonb_build_object('code', coalesce(tg_argv[1], 'append_only'))::text;
end $$;
comment on function private.tg_refuse() is 'Refuses the statement, whoever asks. Arguments: the sentence, and the code if it is not append_only.';

create trigger append_only before update or delete or truncate on public.subscription_events
  for each statement execute function private.tg_refuse('L’historique d’un abonnement ne se réécrit pas.');
create trigger append_only before update or delete or truncate on public.audit_log
  for each statement execute function private.tg_refuse('Le journal d’audit ne se réécrit pas.');
create trigger append_only before update or delete or truncate on public.plan_versions
  for each statement execute function private.tg_refuse('Une version publiée ne change pas.');
create trigger one_subscription before delete or truncate on public.subscriptions
  for each statement execute function private.tg_refuse('Un groupe garde toujours un abonnement ; changez son plan.');

-- Code, messages and cached catalogues name plans, modules and categories by slug; `gratuit` is what a group
-- falls back to. A name on the screen may change, the slug may not.
create trigger slug_is_contract before update of slug on public.subscription_plans for each row
  when (old.slug is distinct from new.slug) execute function private.tg_refuse('Le slug d’un plan ne change pas ; changez son nom.', 'forbidden');
create trigger slug_is_contract before update of slug on public.modules for each row
  when (old.slug is distinct from new.slug) execute function private.tg_refuse('Le slug d’un module ne change pas ; changez son nom.', 'forbidden');
create trigger slug_is_contract before update of slug on public.business_categories for each row
  when (old.slug is distinct from new.slug) execute function private.tg_refuse('Le slug d’une catégorie ne change pas ; changez son nom.', 'forbidden');

-- ───────────────────────────────────────────────────────────── rights that are lost at once
-- Requests ask at each statement. A server that holds channels open hears here whose rights to ask for again.
create function private.tg_profiles__tell_access() returns trigger language plpgsql volatile set search_path = '' as $$
begin
  perform pg_notify('access_changed', jsonb_build_object('subject', old.id)::text);
  return null;
end $$;
create trigger tell_access after delete or update of status, role, school_group_id, school_id on public.profiles
  for each row execute function private.tg_profiles__tell_access();

create function private.tg_school_groups__tell_access() returns trigger language plpgsql volatile security definer set search_path = '' as $$
begin
  perform pg_notify('access_changed', jsonb_build_object('subject', id)::text) from public.profiles where school_group_id = old.id;
  return null;
end $$;
create trigger tell_access after update of status on public.school_groups
  for each row when (old.status is distinct from new.status) execute function private.tg_school_groups__tell_access();

-- ───────────────────────────────────────────────────────────── one's own sessions
create function public.my_sessions()
  returns table (id uuid, created_at timestamptz, refreshed_at timestamptz, user_agent text, ip text, current boolean)
  language plpgsql stable security definer set search_path = '' as $$
begin
  if private.my_profile_id() is null then
    perform private.fail('PT401', 'not_authenticated', 'Connectez-vous pour continuer.');
  end if;
  return query
  select s.id, s.created_at, s.refreshed_at at time zone 'UTC', s.user_agent, host(s.ip),
    coalesce(s.id::text = auth.jwt() ->> 'session_id', false)
  from auth.sessions s where s.user_id = auth.uid() and (s.not_after is null or s.not_after > now())
  order by coalesce(s.refreshed_at at time zone 'UTC', s.created_at) desc, s.id;
end $$;
comment on function public.my_sessions() is 'Where the caller is signed in, the latest first; `current` is the session that asks.';

create function public.end_session(p_session_id uuid)
  returns boolean language plpgsql volatile security definer set search_path = '' as $$
begin
  if private.my_profile_id() is null then
    perform private.fail('PT401', 'not_authenticated', 'Connectez-vous pour continuer.');
  end if;
  delete from auth.sessions where id = p_session_id and user_id = auth.uid();
  return found;
end $$;
comment on function public.end_session(uuid) is 'Ends one session of the caller at once; false when the caller has no such session.';
grant execute on function public.my_sessions(), public.end_session(uuid) to authenticated;
