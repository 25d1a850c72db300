-- 001 · Foundation: who exists, what is sold, who bought what, and who may see it.
--
-- Order: privileges → types and domains → clock and failure → people, and who asks → every table, each
-- with its policies and grants. What moves by itself (counters, plans, messages) stands in the next files.
--
-- Runs as a role that is not superuser, on Supabase or beside the platform files of `server/platform`.

-- ───────────────────────────────────────────────────────────── privileges
-- Supabase grants everything created in `public` to the API roles. A forgotten revoke must not open a
-- door, so nothing is granted by default from here on: each object says what it gives to whom.
alter default privileges in schema public revoke all on tables
  from public, anon, authenticated, service_role;
alter default privileges in schema public revoke all on sequences
  from public, anon, authenticated, service_role;
alter default privileges in schema public revoke all on functions
  from public, anon, authenticated, service_role;
alter default privileges revoke execute on functions from public;

create schema private;
comment on schema private is 'Helpers of policies, triggers and functions. Not exposed by the API.';
revoke all on schema private from public;
-- Policies run as the caller: the caller must reach the helper functions granted below, and only those.
grant usage on schema private to authenticated, service_role;

-- ───────────────────────────────────────────────────────────── types and domains
create type public.user_role as enum ('super_admin', 'admin_groupe', 'personnel');
create type public.resource as enum ('schools', 'students', 'staff', 'storage');
create type public.subscription_status as enum
  ('trial', 'active', 'past_due', 'grace', 'suspended', 'cancelled', 'expired');
-- A kind of notice also needs its row in private.notification_kinds and its words: see CONTRIBUTING.md.
create type public.notification_kind as enum
  ('usage_threshold', 'plan_changed', 'status_changed', 'request_decided');
-- Domains over text, for what several tables check alike. Clients see a string, and a value can be taken
-- back. Columns have them, arguments do not: an unknown slug is a 404 with a sentence, and no broken value.
create domain public.slug as text check (value ~ '^[a-z0-9-]+$');
comment on domain public.slug is 'A name in code, messages and addresses, which does not change.';
-- Not `color`: by that name @supabase/lite knows a type of PostgREST's own tests.
create domain public.colour as text check (value ~ '^#[0-9A-F]{6}$');
comment on domain public.colour is 'Red, green and blue in capital hexadecimal digits, as `#1D3557`.';
create domain public.publication_status as text check (value in ('draft', 'published', 'archived'));
comment on domain public.publication_status is 'Of what is sold and of its versions.';
create domain public.institution_status as text check (value in ('active', 'archived'));
comment on domain public.institution_status is 'Of groups and schools, which are archived and not deleted.';
create domain public.person_status as text check (value in ('active', 'inactive'));
comment on domain public.person_status is 'Of pupils and employees: only active ones count.';
create type private.state_event as enum ('usage_changed', 'entitlements_changed', 'plan_changed');
comment on type private.state_event is
  'In rising order: the strongest event of a transaction names its message.';

-- ───────────────────────────────────────────────────────────── clock
-- A standard body: PostgreSQL puts it into the statement that asks, and every counted write asks.
create function private.now() returns timestamptz language sql stable parallel safe
  return case when session_user = 'authenticator' then now()
              else coalesce(nullif(current_setting('epilot.now', true), '')::timestamptz, now()) end;
comment on function private.now() is
  'The instant by which dates are judged. Tests and operators may set epilot.now for their session; the '
  'API''s login role may not.';
grant execute on function private.now() to authenticated, service_role;

create function private.today() returns date language sql stable parallel safe
  return (private.now() at time zone 'Africa/Brazzaville')::date;
comment on function private.today() is 'The day it is for the customers, whatever the session''s time zone.';

-- ───────────────────────────────────────────────────────────── failure, and guards that any table may use
create function private.fail(p_sqlstate text, p_code text, p_message text, p_hint text default null,
    p_detail jsonb default '{}')
  returns void language plpgsql volatile set search_path = '' as $$
begin
  raise exception using errcode = p_sqlstate, message = p_message,
    detail = (jsonb_build_object('code', p_code) || p_detail)::text, hint = coalesce(p_hint, '');
end $$;
comment on function private.fail(text, text, text, text, jsonb) is
  'Raises an error with a sentence for a person and a stable code of docs/ERRORS.md. A SQLSTATE of PTnnn is '
  'HTTP status nnn.';

create function private.tg_refuse() returns trigger language plpgsql volatile set search_path = '' as $$
begin
  raise exception using errcode = 'PT403', message = tg_argv[0],
    detail = jsonb_build_object('code', coalesce(tg_argv[1], 'append_only'))::text;
end $$;
comment on function private.tg_refuse() is
  'Refuses the statement for every role. Arguments: the sentence, and the code if it is not append_only.';

create function private.tg_set_updated_at() returns trigger
  language plpgsql volatile set search_path = '' as $$
begin
  new.updated_at := now();
  return new;
end $$;

-- ───────────────────────────────────────────────────────────── groups, schools, accounts
create function private.search_key(p_text text) returns text language sql immutable parallel safe
  return replace(translate(lower(p_text), 'àâäçéèêëîïôöùûüÿ', 'aaaceeeeiioouuuy'), 'œ', 'oe');
comment on function private.search_key(text) is
  'Text as people search it in French: without case and accents. Both sides of a comparison go through it.';
-- A role that writes a group computes its generated key.
grant execute on function private.search_key(text) to service_role;

create table public.school_groups (
  id uuid primary key default gen_random_uuid(),
  name text not null unique check (char_length(name) between 2 and 120),
  code text unique check (code ~ '^[A-Z0-9-]{2,20}$'),
  city text check (char_length(city) <= 80),
  department text check (char_length(department) <= 80),
  contact_name text check (char_length(contact_name) <= 120),
  contact_email text check (char_length(contact_email) <= 254),
  contact_phone text check (char_length(contact_phone) <= 40),
  status public.institution_status not null default 'active',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  -- Derived, so that a search reads it and no name is folded again. A capital parts the fields: no key
  -- holds one, so nothing that is typed matches across them.
  search_key text generated always as (
    private.search_key(name) || 'C' || coalesce(private.search_key(city), '') || 'C'
    || coalesce(private.search_key(code), '')) stored
);
-- As French sorts: É stands with E, not after Z. A page of the list is read from this index alone.
create index school_groups_french_name_idx on public.school_groups (name collate "fr-x-icu") include (id);
comment on table public.school_groups is
  'A customer: a group of schools that holds one subscription. Archived, never deleted: its history refers '
  'to it.';
comment on column public.school_groups.search_key is
  'Name, city and code as people search them; written by the database.';

create table public.schools (
  id uuid primary key default gen_random_uuid(),
  school_group_id uuid not null references public.school_groups (id) on delete restrict,
  name text not null check (char_length(btrim(name)) between 2 and 120),
  code text check (char_length(code) <= 20),
  city text check (char_length(city) <= 80),
  address text check (char_length(address) <= 200),
  status public.institution_status not null default 'active',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  counts bigint not null generated always as (case when status <> 'archived' then 1 else 0 end) stored,
  -- Target of the composite keys below: a pupil can only sit in a school of its own group.
  unique (id, school_group_id)
);
create index schools_group_status_name_idx on public.schools (school_group_id, status, name);
comment on table public.schools is 'Counted as `schools` unless archived.';
comment on column public.schools.counts is
  'What the row takes of its group''s limit; written by the database.';

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
comment on table public.profiles is
  'What an account may be. An account without an active profile has no right at all.';

-- ───────────────────────────────────────────────────────────── who asks
-- Definer functions read `profiles` past its own policies; without them those policies would recurse.
-- `(select helper())` in a policy is evaluated once a statement, not once a row.

-- Law: a token is worth what its session is. A session that was ended (sign-out, another password,
-- `end_session`) is gone from auth.sessions, and its access token acts for nobody from that moment, not from
-- its expiry on. A token that names no session is signed by the operator's own hand; there is nothing to end.
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
                 where s.id = v_session::uuid and s.user_id = auth.uid()
                   and (s.not_after is null or s.not_after > now()));
end $$;
comment on function private.session_in_force() is
  'Whether the session that the caller''s token names still exists; true for a token that names none.';

create function private.second_factor_given() returns boolean
  language sql stable security definer set search_path = '' as $$
  select coalesce(auth.jwt() ->> 'aal' = 'aal2', false)
    or not exists (select 1 from auth.mfa_factors where user_id = auth.uid() and status = 'verified');
$$;
comment on function private.second_factor_given() is
  'Whether the caller signed in with a second factor, or has none to give.';

create function private.is_super_admin() returns boolean
  language sql stable security definer set search_path = '' as $$
  select exists (select 1 from public.profiles
                 where id = auth.uid() and role = 'super_admin' and status = 'active')
    and private.session_in_force() and private.second_factor_given();
$$;
comment on function private.is_super_admin() is
  'Whether the caller is an active super admin, with the second factor if the account has one.';
grant execute on function private.is_super_admin() to authenticated, service_role;

create function private.my_group_id() returns uuid
  language sql stable security definer set search_path = '' as $$
  select p.school_group_id from public.profiles p join public.school_groups g on g.id = p.school_group_id
  where p.id = auth.uid() and p.status = 'active' and g.status = 'active' and private.session_in_force();
$$;
comment on function private.my_group_id() is
  'Group of the caller, whatever the role; null for super admins, strangers, and members of an archived '
  'group.';
grant execute on function private.my_group_id() to authenticated, service_role;

create function private.my_admin_group_id() returns uuid
  language sql stable security definer set search_path = '' as $$
  select p.school_group_id from public.profiles p join public.school_groups g on g.id = p.school_group_id
  where p.id = auth.uid() and p.status = 'active' and p.role = 'admin_groupe' and g.status = 'active'
    and private.session_in_force();
$$;
comment on function private.my_admin_group_id() is 'Group that the caller administers, or null.';
grant execute on function private.my_admin_group_id() to authenticated, service_role;

create function private.my_school_id() returns uuid
  language sql stable security definer set search_path = '' as $$
  select p.school_id from public.profiles p join public.school_groups g on g.id = p.school_group_id
  where p.id = auth.uid() and p.status = 'active' and g.status = 'active' and private.session_in_force();
$$;
comment on function private.my_school_id() is 'School of a staff account, or null.';
grant execute on function private.my_school_id() to authenticated, service_role;

create function private.is_member() returns boolean
  language sql stable security definer set search_path = '' as $$
  select private.my_group_id() is not null or private.is_super_admin();
$$;
comment on function private.is_member() is 'Whether the caller may act at all, in any role.';
grant execute on function private.is_member() to authenticated, service_role;

create function private.my_profile_id() returns uuid
  language sql stable security definer set search_path = '' as $$
  select case when private.session_in_force() then auth.uid() end;
$$;
comment on function private.my_profile_id() is
  'Account of the caller, also when it is disabled; null once its session has ended.';
grant execute on function private.my_profile_id() to authenticated, service_role;

-- Policies of the three tables that these helpers read.
alter table public.school_groups enable row level security;
create policy "members see their group, super admins all" on public.school_groups for select to authenticated
  using (id = (select private.my_group_id()) or (select private.is_super_admin()));
grant select on public.school_groups to authenticated, service_role;
-- The platform's own back end, here and below: the customers' rows, never the records that the database keeps
-- of them.
grant insert, update on public.school_groups to service_role;
create trigger set_updated_at before update on public.school_groups
  for each row execute function private.tg_set_updated_at();

alter table public.schools enable row level security;
create policy "group members see the schools" on public.schools for select to authenticated
  using (school_group_id = (select private.my_group_id()) or (select private.is_super_admin()));
create policy "group admins create schools" on public.schools for insert to authenticated
  with check (school_group_id = (select private.my_admin_group_id()));
create policy "group admins edit schools" on public.schools for update to authenticated
  using (school_group_id = (select private.my_admin_group_id()))
  with check (school_group_id = (select private.my_admin_group_id()));
grant select on public.schools to authenticated, service_role;
grant insert (id, school_group_id, name, code, city, address),
  update (name, code, city, address, status) on public.schools to authenticated;
grant insert, update, delete on public.schools to service_role;
create trigger set_updated_at before update on public.schools
  for each row execute function private.tg_set_updated_at();

alter table public.profiles enable row level security;
create policy "one sees oneself, a group admin the group" on public.profiles for select to authenticated
  using (id = (select private.my_profile_id()) or school_group_id = (select private.my_admin_group_id())
    or (select private.is_super_admin()));
create policy "one edits one's own name and language" on public.profiles for update to authenticated
  using (id = (select private.my_profile_id()) and status = 'active')
  with check (id = (select private.my_profile_id()));
grant select on public.profiles to authenticated, service_role;
grant update (first_name, last_name, locale) on public.profiles to authenticated;
grant insert, update, delete on public.profiles to service_role;
create trigger set_updated_at before update on public.profiles
  for each row execute function private.tg_set_updated_at();

-- ───────────────────────────────────────────────────────────── guards of functions
create function private.require_signed_in()
  returns void language plpgsql stable security definer set search_path = '' as $$
begin
  if private.my_profile_id() is null then
    perform private.fail('PT401', 'not_authenticated', 'Connectez-vous pour continuer.');
  end if;
end $$;

create function private.require_super_admin()
  returns void language plpgsql stable security definer set search_path = '' as $$
begin
  perform private.require_signed_in();
  if not private.second_factor_given() then
    perform private.fail('PT403', 'second_factor_required',
      'Saisissez le code de votre application d’authentification.');
  elsif not private.is_super_admin() then
    perform private.fail('PT403', 'forbidden', 'Cette page est réservée aux super administrateurs.');
  end if;
end $$;

create function private.require_group_admin()
  returns uuid language plpgsql stable security definer set search_path = '' as $$
declare v_group constant uuid := private.my_admin_group_id();
begin
  perform private.require_signed_in();
  if v_group is null then
    perform private.fail('PT403', 'forbidden', 'Seul l’administrateur d’un groupe scolaire peut faire cela.');
  end if;
  return v_group;
end $$;
comment on function private.require_group_admin() is
  'The group that the caller administers; raises for everybody else.';

create function private.resolve_group(p_school_group_id uuid)
  returns uuid language plpgsql stable security definer set search_path = '' as $$
declare v_own constant uuid := private.my_group_id();
begin
  if v_own is not null and coalesce(p_school_group_id, v_own) = v_own then
    return v_own;
  elsif not private.is_super_admin() then
    -- The same answer whether or not the group exists: nobody learns of other groups by asking.
    perform private.require_signed_in();
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

create function private.require_group_reader(p_school_group_id uuid)
  returns uuid language plpgsql stable security definer set search_path = '' as $$
declare v_group constant uuid := private.resolve_group(p_school_group_id);
begin
  if private.my_admin_group_id() is distinct from v_group and not private.is_super_admin() then
    perform private.fail('PT403', 'forbidden', 'Seul l’administrateur du groupe peut voir cela.');
  end if;
  return v_group;
end $$;
comment on function private.require_group_reader(uuid) is
  'The group (also for null: the caller''s own), for its admin and super admins; raises for everybody else.';

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
    perform private.fail('PT400', 'unknown_resource', 'Cette ressource n’a pas de limite.',
      'schools, students, staff, storage');
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

-- ───────────────────────────────────────────────────────────── rights that are lost at once
-- Requests ask at each statement. A server that holds channels open hears here whose rights to ask for again.
create function private.tg_profiles__tell_access() returns trigger
  language plpgsql volatile set search_path = '' as $$
begin
  perform pg_notify('access_changed', jsonb_build_object('subject', old.id)::text);
  return null;
end $$;
create trigger tell_access after delete or update of status, role, school_group_id, school_id
  on public.profiles
  for each row execute function private.tg_profiles__tell_access();

create function private.tg_school_groups__tell_access() returns trigger
  language plpgsql volatile security definer set search_path = '' as $$
begin
  perform pg_notify('access_changed', jsonb_build_object('subject', id)::text)
  from public.profiles where school_group_id = old.id;
  return null;
end $$;
create trigger tell_access after update of status on public.school_groups
  for each row when (old.status is distinct from new.status)
  execute function private.tg_school_groups__tell_access();

-- ───────────────────────────────────────────────────────────── one's own sessions
create function public.my_sessions()
  returns table (id uuid, created_at timestamptz, refreshed_at timestamptz,
    user_agent text, ip text, current boolean)
  language plpgsql stable security definer set search_path = '' as $$
begin
  perform private.require_signed_in();
  return query
  select s.id, s.created_at, s.refreshed_at at time zone 'UTC', s.user_agent, host(s.ip),
    coalesce(s.id::text = auth.jwt() ->> 'session_id', false)
  from auth.sessions s where s.user_id = auth.uid() and (s.not_after is null or s.not_after > now())
  order by coalesce(s.refreshed_at at time zone 'UTC', s.created_at) desc, s.id;
end $$;
comment on function public.my_sessions() is
  'Where the caller is signed in, the latest first; `current` is the session that asks.';
grant execute on function public.my_sessions() to authenticated;

create function public.end_session(p_session_id uuid)
  returns boolean language plpgsql volatile security definer set search_path = '' as $$
begin
  perform private.require_signed_in();
  delete from auth.sessions where id = p_session_id and user_id = auth.uid();
  return found;
end $$;
comment on function public.end_session(uuid) is
  'Ends one session of the caller at once; false when the caller has no such session.';
grant execute on function public.end_session(uuid) to authenticated;

-- ───────────────────────────────────────────────────────────── what a group counts
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
  status public.person_status not null default 'active',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  counts bigint not null generated always as (case when status = 'active' then 1 else 0 end) stored,
  -- `on update cascade`: a school that moves to another group takes what it holds with it.
  foreign key (school_id, school_group_id) references public.schools (id, school_group_id)
    on update cascade on delete cascade
);
create index students_group_idx on public.students (school_group_id, status);
create index students_school_idx on public.students (school_id, school_group_id);
create index students_registration_idx on public.students (school_group_id, registration_number)
  where registration_number is not null;
comment on table public.students is 'Counted as `students` while active.';
comment on column public.students.counts is
  'What the row takes of its group''s limit; written by the database.';
alter table public.students enable row level security;
create policy "group admins see pupils, staff those of their school" on public.students
  for select to authenticated
  using (school_group_id = (select private.my_admin_group_id()) or school_id = (select private.my_school_id())
    or (select private.is_super_admin()));
create policy "group admins enrol pupils" on public.students for insert to authenticated
  with check (school_group_id = (select private.my_admin_group_id()));
create policy "group admins edit pupils" on public.students for update to authenticated
  using (school_group_id = (select private.my_admin_group_id()))
  with check (school_group_id = (select private.my_admin_group_id()));
grant select on public.students to authenticated, service_role;
grant insert (id, school_group_id, school_id, first_name, last_name, registration_number, class_name,
    gender, birth_date),
  update (school_id, first_name, last_name, registration_number, class_name, gender, birth_date, status)
  on public.students to authenticated;
grant insert, update, delete on public.students to service_role;
create trigger set_updated_at before update on public.students
  for each row execute function private.tg_set_updated_at();

create table public.staff (
  id uuid primary key default gen_random_uuid(),
  school_group_id uuid not null references public.school_groups (id) on delete restrict,
  school_id uuid not null,
  first_name text not null check (char_length(btrim(first_name)) between 1 and 80),
  last_name text not null check (char_length(btrim(last_name)) between 1 and 80),
  job_title text check (char_length(job_title) <= 80),
  email text check (char_length(email) <= 254),
  phone text check (char_length(phone) <= 40),
  status public.person_status not null default 'active',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  counts bigint not null generated always as (case when status = 'active' then 1 else 0 end) stored,
  foreign key (school_id, school_group_id) references public.schools (id, school_group_id)
    on update cascade on delete cascade
);
create index staff_group_idx on public.staff (school_group_id, status);
create index staff_school_idx on public.staff (school_id, school_group_id);
create index staff_email_idx on public.staff (school_group_id, lower(email)) where email is not null;
comment on table public.staff is
  'Employees of a school. Counted as `staff` while active; pupils and accounts are not.';
comment on column public.staff.counts is
  'What the row takes of its group''s limit; written by the database.';
alter table public.staff enable row level security;
create policy "group admins see staff, staff those of their school" on public.staff
  for select to authenticated
  using (school_group_id = (select private.my_admin_group_id()) or school_id = (select private.my_school_id())
    or (select private.is_super_admin()));
create policy "group admins add staff" on public.staff for insert to authenticated
  with check (school_group_id = (select private.my_admin_group_id()));
create policy "group admins edit staff" on public.staff for update to authenticated
  using (school_group_id = (select private.my_admin_group_id()))
  with check (school_group_id = (select private.my_admin_group_id()));
grant select on public.staff to authenticated, service_role;
grant insert (id, school_group_id, school_id, first_name, last_name, job_title, email, phone),
  update (school_id, first_name, last_name, job_title, email, phone, status) on public.staff to authenticated;
grant insert, update, delete on public.staff to service_role;
create trigger set_updated_at before update on public.staff
  for each row execute function private.tg_set_updated_at();

create function private.largest_document() returns bigint
  language sql immutable parallel safe return 52428800::bigint;
comment on function private.largest_document() is
  'Bytes: 50 MiB, what every plan of hosted Supabase allows a file. The server has the same constant, and a '
  'test holds them equal.';
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
  status text not null default 'reserved' check (status in ('reserved', 'stored')),
  reserved_until timestamptz default private.now() + interval '1 hour',
  storage_path text not null default '',
  counts bigint not null generated always as (size_bytes) stored,
  foreign key (school_id, school_group_id) references public.schools (id, school_group_id)
    on update cascade on delete cascade,
  constraint documents_reservation_check check ((status = 'stored') = (reserved_until is null))
);
create index documents_group_idx on public.documents (school_group_id, created_at desc);
create index documents_school_idx on public.documents (school_id, school_group_id);
create index documents_uploaded_by_idx on public.documents (uploaded_by);
create unique index documents_storage_path_idx on public.documents (storage_path);
create index documents_stale_idx on public.documents (reserved_until) where status = 'reserved';
comment on table public.documents is
  'Inserting a row claims its bytes; `storage` counts the sum of size_bytes.';
comment on column public.documents.counts is
  'What the row takes of its group''s limit; written by the database.';
comment on column public.documents.storage_path is
  'Set once: a school that moves to another group takes its rows along, and their objects stay where they '
  'lie.';
alter table public.documents enable row level security;
create policy "group admins see documents, staff those of their school" on public.documents
  for select to authenticated
  using (school_group_id = (select private.my_admin_group_id()) or school_id = (select private.my_school_id())
    or (select private.is_super_admin()));
create policy "group admins claim documents" on public.documents for insert to authenticated
  with check (school_group_id = (select private.my_admin_group_id()));
create policy "group admins delete documents" on public.documents for delete to authenticated
  using (school_group_id = (select private.my_admin_group_id()));
grant select on public.documents to authenticated, service_role;
grant insert (id, school_group_id, school_id, name, mime_type, size_bytes)
  on public.documents to authenticated;
grant insert, update, delete on public.documents to service_role;
create trigger set_updated_at before update on public.documents
  for each row execute function private.tg_set_updated_at();

-- ───────────────────────────────────────────────────────────── catalogue
-- Code, messages and cached catalogues name plans, modules and categories by slug; `gratuit` is what a group
-- falls back to. A name on the screen may change, the slug may not.
create table public.business_categories (
  id uuid primary key default gen_random_uuid(),
  slug public.slug not null unique,
  name text not null,
  icon text not null,
  color public.colour not null,
  position int not null
);
alter table public.business_categories enable row level security;
create policy "members read the catalogue" on public.business_categories for select to authenticated
  using ((select private.is_member()));
grant select on public.business_categories to authenticated, service_role;
create trigger slug_is_contract before update of slug on public.business_categories for each row
  when (old.slug is distinct from new.slug)
  execute function private.tg_refuse('Le slug d’une catégorie ne change pas ; changez son nom.', 'forbidden');

create table public.modules (
  id uuid primary key default gen_random_uuid(),
  slug public.slug not null unique,
  category_id uuid not null references public.business_categories (id) on delete restrict,
  name text not null,
  description text not null default '',
  icon text not null,
  is_core boolean not null default false,
  position int not null
);
create index modules_category_idx on public.modules (category_id);
alter table public.modules enable row level security;
create policy "members read the catalogue" on public.modules for select to authenticated
  using ((select private.is_member()));
grant select on public.modules to authenticated, service_role;
create trigger slug_is_contract before update of slug on public.modules for each row
  when (old.slug is distinct from new.slug)
  execute function private.tg_refuse('Le slug d’un module ne change pas ; changez son nom.', 'forbidden');

create function private.plan_limits(p_schools int, p_students int, p_staff int, p_storage int)
  returns bigint[] language sql immutable parallel safe
  return array[p_schools, p_students, p_staff, p_storage * 1000000000::bigint];
comment on function private.plan_limits(int, int, int, int) is
  'The limits of a plan in the order of the resources, as everything after reads them: p_storage in Go '
  'becomes bytes; null is unlimited.';

create table public.subscription_plans (
  id uuid primary key default gen_random_uuid(),
  slug public.slug not null unique,
  name text not null,
  rank int not null,
  status public.publication_status not null default 'published',
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
  color public.colour not null default '#1D3557',
  icon text not null default 'Package',
  updated_at timestamptz not null default now(),
  limits bigint[] not null generated always as (
    private.plan_limits(max_schools, max_students, max_staff, max_storage)) stored
);
comment on column public.subscription_plans.max_storage is
  'Go (10^9 bytes). Everywhere else in the API storage is in bytes.';
comment on column public.subscription_plans.limits is
  'The four limits in the order of the resources, storage in bytes; null is unlimited.';
comment on column public.subscription_plans.version is
  'Raised by the database whenever what the plan gives changes; never written by hand.';
create trigger slug_is_contract before update of slug on public.subscription_plans for each row
  when (old.slug is distinct from new.slug)
  execute function private.tg_refuse('Le slug d’un plan ne change pas ; changez son nom.', 'forbidden');

create table public.plan_modules (
  plan_id uuid not null references public.subscription_plans (id) on delete cascade,
  module_id uuid not null references public.modules (id) on delete cascade,
  primary key (plan_id, module_id)
);
create index plan_modules_module_idx on public.plan_modules (module_id);
alter table public.plan_modules enable row level security;
create policy "members read the catalogue" on public.plan_modules for select to authenticated
  using ((select private.is_member()));
grant select on public.plan_modules to authenticated, service_role;
create trigger no_truncate before truncate on public.plan_modules
  for each statement execute function private.tg_refuse('Retirez les modules plan par plan.');

create table public.plan_categories (
  plan_id uuid not null references public.subscription_plans (id) on delete cascade,
  category_id uuid not null references public.business_categories (id) on delete cascade,
  primary key (plan_id, category_id)
);
create index plan_categories_category_idx on public.plan_categories (category_id);
comment on table public.plan_categories is
  'Derived from plan_modules by the database (I7). Nobody writes it by hand.';
alter table public.plan_categories enable row level security;
create policy "members read the catalogue" on public.plan_categories for select to authenticated
  using ((select private.is_member()));
grant select on public.plan_categories to authenticated, service_role;

create function private.tg_plan_categories__derived() returns trigger
  language plpgsql volatile set search_path = '' as $$
begin
  -- Depth 1 is a statement written by hand; the derivation itself runs inside another trigger.
  if pg_trigger_depth() = 1 then
    perform private.fail('PT403', 'forbidden',
      'Les catégories d’un plan découlent de ses modules ; changez plan_modules.');
  end if;
  return null;
end $$;
create trigger derived before insert or update or delete or truncate on public.plan_categories
  for each statement execute function private.tg_plan_categories__derived();

create table public.plan_versions (
  id uuid primary key default gen_random_uuid(),
  plan_id uuid not null references public.subscription_plans (id) on delete restrict,
  version int,
  definition jsonb not null,
  published_at timestamptz,
  published_by uuid references public.profiles (id) on delete restrict,
  status public.publication_status not null default 'published',
  created_by uuid references public.profiles (id) on delete restrict,
  updated_at timestamptz not null default now(),
  limits bigint[] not null generated always as (private.plan_limits(
    (definition->>'max_schools')::int, (definition->>'max_students')::int, (definition->>'max_staff')::int,
    (definition->>'max_storage')::int)) stored,
  unique (plan_id, version),
  constraint plan_versions_draft_check check ((status = 'draft') = (version is null))
);
create index plan_versions_published_by_idx on public.plan_versions (published_by);
create index plan_versions_created_by_idx on public.plan_versions (created_by);
create index plan_versions_plan_status_idx on public.plan_versions (plan_id, status);
create unique index plan_versions_one_published_idx on public.plan_versions (plan_id)
  where status = 'published';
comment on table public.plan_versions is 'The immutable record of what each published version gave.';
alter table public.plan_versions enable row level security;
-- A pinned group's screens, and school_group_usage, read what the group is pinned to.
create policy "members read published versions, super admins drafts too" on public.plan_versions
  for select to authenticated
  using ((status <> 'draft' and (select private.is_member())) or (select private.is_super_admin()));
grant select on public.plan_versions to authenticated, service_role;

-- The record is immutable row by row: a draft moves freely, a published version may only be archived.
create function private.tg_versions__immutable() returns trigger
  language plpgsql volatile set search_path = '' as $$
declare c_free constant text[] := '{status,updated_at}'::text[] || coalesce(tg_argv[0], '{}')::text[];
begin
  if tg_op = 'TRUNCATE' or (old.status <> 'draft' and (tg_op = 'DELETE' or
      to_jsonb(new) - c_free is distinct from to_jsonb(old) - c_free
      or new.status = 'draft' or (old.status = 'archived' and new.status <> 'archived'))) then
    raise exception using errcode = 'PT403', message = 'Une version publiée ne change pas.',
    detail = '{"code":"append_only"}';
  end if;
  return case tg_op when 'DELETE' then old else new end;
end $$;
comment on function private.tg_versions__immutable() is
  'Keeps published versions as they are. Argument: generated columns, which are not worked out yet before an '
  'update.';
create trigger immutable before update or delete on public.plan_versions
  for each row execute function private.tg_versions__immutable('{limits}');
create trigger immutable_truncate before truncate on public.plan_versions
  for each statement execute function private.tg_versions__immutable();

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
  updated_at timestamptz not null default now(),
  pinned_version_id uuid references public.plan_versions (id) on delete restrict,
  past_due_until timestamptz,
  cancel_at_period_end boolean not null default false
);
create index subscriptions_plan_idx on public.subscriptions (plan_id);
create index subscriptions_pinned_version_idx on public.subscriptions (pinned_version_id);
comment on table public.subscriptions is 'One row a group (I3). Its past is in subscription_events.';
comment on column public.subscriptions.pinned_version_id is
  'Version the group keeps although a newer one is published; null follows the plan.';
comment on column public.subscriptions.current_period_end is
  'Paid until; null for plans that are not paid by period.';
alter table public.subscriptions enable row level security;
create policy "members see their subscription" on public.subscriptions for select to authenticated
  using (school_group_id = (select private.my_group_id()) or (select private.is_super_admin()));
create policy "super admins change plans" on public.subscriptions for update to authenticated
  using ((select private.is_super_admin())) with check ((select private.is_super_admin()));
grant select on public.subscriptions to authenticated, service_role;
grant update (plan_id) on public.subscriptions to authenticated;
grant update (plan_id, status) on public.subscriptions to service_role;
create trigger set_updated_at before update on public.subscriptions
  for each row execute function private.tg_set_updated_at();
create trigger one_subscription before delete or truncate on public.subscriptions
  for each statement
  execute function private.tg_refuse('Un groupe garde toujours un abonnement ; changez son plan.');

-- Its policy reads subscriptions.
alter table public.subscription_plans enable row level security;
create policy "members read published plans" on public.subscription_plans for select to authenticated
  using (((select private.is_member()) and status = 'published') or (select private.is_super_admin())
    -- One's own plan is read also after it was withdrawn from sale.
    or id in (select plan_id from public.subscriptions));
grant select on public.subscription_plans to authenticated, service_role;
create trigger set_updated_at before update on public.subscription_plans
  for each row execute function private.tg_set_updated_at();

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
alter table public.subscription_events enable row level security;
create policy "group admins see their history" on public.subscription_events for select to authenticated
  using (school_group_id = (select private.my_admin_group_id()) or (select private.is_super_admin()));
grant select on public.subscription_events to authenticated, service_role;
create trigger append_only before update or delete or truncate on public.subscription_events
  for each statement execute function private.tg_refuse('L’historique d’un abonnement ne se réécrit pas.');

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
alter table public.scheduled_changes enable row level security;
create policy "group admins see what is scheduled" on public.scheduled_changes for select to authenticated
  using (school_group_id = (select private.my_admin_group_id()) or (select private.is_super_admin()));
grant select on public.scheduled_changes to authenticated, service_role;

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
create unique index plan_change_requests_one_pending_idx on public.plan_change_requests (school_group_id)
  where status = 'pending';
create index plan_change_requests_group_idx on public.plan_change_requests (school_group_id, created_at desc);
create index plan_change_requests_status_idx on public.plan_change_requests (status, created_at);
create index plan_change_requests_plan_idx on public.plan_change_requests (plan_id);
create index plan_change_requests_requested_by_idx on public.plan_change_requests (requested_by);
create index plan_change_requests_reviewed_by_idx on public.plan_change_requests (reviewed_by);
comment on table public.plan_change_requests is
  'A group admin asks for a plan, a super admin answers. Closed once, never deleted or rewritten.';
alter table public.plan_change_requests enable row level security;
create policy "group admins see their requests" on public.plan_change_requests for select to authenticated
  using (school_group_id = (select private.my_admin_group_id()) or (select private.is_super_admin()));
grant select on public.plan_change_requests to authenticated, service_role;
create trigger kept before delete or truncate on public.plan_change_requests
  for each statement execute function private.tg_refuse('Une demande se retire, elle ne s’efface pas.');
create trigger closed_once before update on public.plan_change_requests
  for each row when (old.status <> 'pending')
  execute function private.tg_refuse('Une demande close ne se réécrit pas.');

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
create unique index entitlement_overrides_one_limit_idx
  on public.entitlement_overrides (school_group_id, resource)
  where kind = 'limit' and ended_at is null;
create unique index entitlement_overrides_one_module_idx
  on public.entitlement_overrides (school_group_id, module_id)
  where module_id is not null and ended_at is null;
create index entitlement_overrides_open_idx on public.entitlement_overrides (school_group_id)
  where ended_at is null;
create index entitlement_overrides_due_idx on public.entitlement_overrides (expires_at)
  where ended_at is null;
create index entitlement_overrides_group_idx
  on public.entitlement_overrides (school_group_id, created_at desc);
create index entitlement_overrides_module_idx on public.entitlement_overrides (module_id);
create index entitlement_overrides_created_by_idx on public.entitlement_overrides (created_by);
create index entitlement_overrides_ended_by_idx on public.entitlement_overrides (ended_by);
comment on table public.entitlement_overrides is
  'Per-group exceptions, up or down. Ended, never deleted or rewritten.';
alter table public.entitlement_overrides enable row level security;
-- All members: effective_entitlements judges as its caller, and staff must see the limits of their admin.
create policy "members see their group's exceptions" on public.entitlement_overrides
  for select to authenticated
  using (school_group_id = (select private.my_group_id()) or (select private.is_super_admin()));
grant select on public.entitlement_overrides to authenticated, service_role;
create trigger kept before delete or truncate on public.entitlement_overrides
  for each statement execute function private.tg_refuse('Une dérogation se termine, elle ne s’efface pas.');

create function private.tg_end_once() returns trigger language plpgsql volatile set search_path = '' as $$
declare c_free constant text[] := '{ended_at,ended_by}'::text[] || coalesce(tg_argv[1], '{}')::text[];
begin
  if old.ended_at is not null or to_jsonb(new) - c_free is distinct from to_jsonb(old) - c_free then
    perform private.fail('PT403', 'append_only', tg_argv[0]);
  end if;
  return new;
end $$;
comment on function private.tg_end_once() is
  'A row ends once and is not rewritten. Arguments: the sentence, and the columns that move until the end.';
create trigger end_once before update on public.entitlement_overrides for each row
  execute function private.tg_end_once('Une dérogation se termine une fois ; elle ne se réécrit pas.');

-- ───────────────────────────────────────────────────────────── add-ons
create table public.add_ons (
  id uuid primary key default gen_random_uuid(),
  slug public.slug not null unique,
  name text not null check (char_length(btrim(name)) between 2 and 120),
  description text not null default '' check (char_length(description) <= 2000),
  kind text not null check (kind in ('pack', 'module', 'bundle')),
  status public.publication_status not null default 'draft',
  price_xaf bigint not null check (price_xaf >= 0),
  billing_period text not null default 'month' check (billing_period in ('month', 'year', 'once')),
  updated_at timestamptz not null default now()
);
comment on table public.add_ons is
  'What is sold beside a plan: room (pack), modules, or both (bundle). A trial is once per group and slug.';
alter table public.add_ons enable row level security;
create policy "members read what is or was sold, super admins drafts too" on public.add_ons
  for select to authenticated
  using ((status <> 'draft' and (select private.is_member())) or (select private.is_super_admin()));
grant select on public.add_ons to authenticated, service_role;
create trigger slug_is_contract before update of slug on public.add_ons for each row
  when (old.slug is distinct from new.slug)
  execute function private.tg_refuse('Le slug d’une extension ne change pas ; changez son nom.', 'forbidden');
create trigger set_updated_at before update on public.add_ons
  for each row execute function private.tg_set_updated_at();

create table public.add_on_versions (
  id uuid primary key default gen_random_uuid(),
  add_on_id uuid not null references public.add_ons (id) on delete restrict,
  version int,
  -- Added to the plan's limits, in the order of the resources, storage in bytes. 0 adds nothing.
  limits bigint[] not null default '{0,0,0,0}' check (cardinality(limits) = 4
    and array_position(limits, null) is null and 0 <= all (limits) and 1000000000000000 >= all (limits)),
  -- Slugs, as in the definition of a plan.
  modules text[] not null default '{}' check (array_position(modules, null) is null),
  status public.publication_status not null default 'draft',
  published_at timestamptz,
  published_by uuid references public.profiles (id) on delete restrict,
  created_by uuid references public.profiles (id) on delete restrict,
  updated_at timestamptz not null default now(),
  unique (add_on_id, version),
  -- Target of what a group owns.
  unique (id, add_on_id),
  constraint add_on_versions_draft_check check ((status = 'draft') = (version is null))
);
create unique index add_on_versions_one_published_idx on public.add_on_versions (add_on_id)
  where status = 'published';
create index add_on_versions_published_by_idx on public.add_on_versions (published_by);
create index add_on_versions_created_by_idx on public.add_on_versions (created_by);
comment on table public.add_on_versions is
  'The immutable record of what each published version of an add-on gives.';
alter table public.add_on_versions enable row level security;
create policy "members read published versions, super admins drafts too" on public.add_on_versions
  for select to authenticated
  using ((status <> 'draft' and (select private.is_member())) or (select private.is_super_admin()));
grant select on public.add_on_versions to authenticated, service_role;
create trigger immutable before update or delete on public.add_on_versions
  for each row execute function private.tg_versions__immutable();
create trigger immutable_truncate before truncate on public.add_on_versions
  for each statement execute function private.tg_versions__immutable();

create table public.subscription_add_ons (
  id uuid primary key default gen_random_uuid(),
  school_group_id uuid not null references public.school_groups (id) on delete restrict,
  add_on_id uuid not null,
  add_on_version_id uuid not null,
  source text not null check (source in ('purchase', 'trial', 'auto', 'granted')),
  quantity int not null default 1 check (quantity between 1 and 100),
  starts_at timestamptz not null default private.now(),
  ends_at timestamptz,
  created_by uuid references public.profiles (id) on delete restrict,
  created_at timestamptz not null default now(),
  ended_at timestamptz,
  ended_by uuid references public.profiles (id) on delete restrict,
  foreign key (add_on_version_id, add_on_id) references public.add_on_versions (id, add_on_id)
    on delete restrict,
  check (ends_at > starts_at),
  check (source <> 'trial' or ends_at is not null)
);
create index subscription_add_ons_group_idx on public.subscription_add_ons (school_group_id, created_at desc);
create index subscription_add_ons_open_idx on public.subscription_add_ons (school_group_id)
  where ended_at is null;
create index subscription_add_ons_due_idx on public.subscription_add_ons (ends_at) where ended_at is null;
create unique index subscription_add_ons_one_trial_idx on public.subscription_add_ons
  (school_group_id, add_on_id) where source = 'trial';
create index subscription_add_ons_version_idx on public.subscription_add_ons (add_on_version_id, add_on_id);
create index subscription_add_ons_created_by_idx on public.subscription_add_ons (created_by);
create index subscription_add_ons_ended_by_idx on public.subscription_add_ons (ended_by);
comment on table public.subscription_add_ons is
  'What a group owns beside its plan, from starts_at to ends_at. Ended, never deleted or rewritten.';
alter table public.subscription_add_ons enable row level security;
-- All members, as the exceptions above.
create policy "members see their group's add-ons" on public.subscription_add_ons for select to authenticated
  using (school_group_id = (select private.my_group_id()) or (select private.is_super_admin()));
grant select on public.subscription_add_ons to authenticated, service_role;
create trigger kept before delete or truncate on public.subscription_add_ons
  for each statement execute function private.tg_refuse('Une extension se termine, elle ne s’efface pas.');
create trigger end_once before update on public.subscription_add_ons for each row execute function
  private.tg_end_once('Une extension se termine une fois ; elle ne se réécrit pas.', '{ends_at}');

create function private.tg_subscription_add_ons__of_published() returns trigger
  language plpgsql volatile security definer set search_path = '' as $$
begin
  if exists (select from public.add_on_versions where id = new.add_on_version_id and status = 'draft') then
    perform private.fail('PT400', 'invalid_request', 'Cette version d’extension n’est pas publiée.',
      'add_on_version_id');
  end if;
  return new;
end $$;
create trigger of_published before insert on public.subscription_add_ons
  for each row execute function private.tg_subscription_add_ons__of_published();

-- ───────────────────────────────────────────────────────────── state of a group
create table private.platform (
  one boolean primary key default true check (one),
  epoch int not null default 1 check (epoch > 0)
);
comment on table private.platform is
  'One row. The epoch is raised by a restore from a backup, so that screens take revisions that are older '
  'than what they have seen.';
alter table private.platform enable row level security;
insert into private.platform default values;

create table private.group_states (
  school_group_id uuid primary key references public.school_groups (id) on delete restrict,
  rev bigint not null default 0,
  -- Transaction that raised rev last: a second touch of the same transaction does not raise it again.
  xid xid8,
  -- How many messages that transaction had sent by then: 0, unless its constraints were made immediate.
  told int not null default 0,
  event private.state_event not null default 'usage_changed',
  -- In the order of the resources (private.place_of); storage in bytes.
  used bigint[] not null default array_fill(0::bigint, array[cardinality(enum_range(null::public.resource))])
    check (cardinality(used) = cardinality(calm_from) and (0 <= all (used)) is true),
  -- The calm corridor: the range of usage, and the time, in which a write of this counter changes nothing but
  -- the counter: no limit reached, no threshold crossed, no day closed, no exception expired. Inside it a
  -- write is one update; outside, or when a bound is null, everything is worked out again. Whatever moves a
  -- limit sets the corridor anew under the group's lock.
  calm_from bigint[] not null
    default array_fill(null::bigint, array[cardinality(enum_range(null::public.resource))]),
  calm_to bigint[] not null
    default array_fill(null::bigint, array[cardinality(enum_range(null::public.resource))]),
  calm_until timestamptz[] not null
    default array_fill(null::timestamptz, array[cardinality(enum_range(null::public.resource))]),
  -- When time alone next changes what the group may do; screens ask again then. Null when nothing is dated.
  next_at timestamptz
) with (fillfactor = 50);
comment on table private.group_states is
  'The lock, the revision and the usage of a group in one row, so that a counted write is one update. Usage '
  'is kept by triggers (I2).';
alter table private.group_states enable row level security;
create policy "members see their usage" on private.group_states for select to authenticated
  using (school_group_id = (select private.my_group_id()) or (select private.is_super_admin()));
grant select (school_group_id, used) on private.group_states to authenticated, service_role;

-- What is remembered of a counter beside its value; most writes leave it alone.
create table private.usage_marks (
  school_group_id uuid not null references public.school_groups (id) on delete restrict,
  resource public.resource not null,
  -- The threshold that usage stands at: 0 none, 1 warn_at, 2 90 %, 3 100 %. The level of the open notice.
  notified smallint not null default 0 check (notified between 0 and 3),
  day date not null default private.today(),
  day_limit bigint,
  primary key (school_group_id, resource)
);
comment on table private.usage_marks is
  'The threshold each counter stands at, and the day of its last change.';
comment on column private.usage_marks.day is 'Day of the last change of the counter or of day_limit.';
alter table private.usage_marks enable row level security;

create table public.usage_daily (
  school_group_id uuid not null references public.school_groups (id) on delete restrict,
  resource public.resource not null,
  day date not null,
  used bigint not null,
  "limit" bigint,
  primary key (school_group_id, resource, day)
);
comment on table public.usage_daily is
  'Usage and limit as a day ended (Africa/Brazzaville); storage in bytes; only days on which they changed.';
alter table public.usage_daily enable row level security;
create policy "group admins see their history" on public.usage_daily for select to authenticated
  using (school_group_id = (select private.my_admin_group_id()) or (select private.is_super_admin()));
grant select on public.usage_daily to authenticated, service_role;

create table public.refusals (
  id bigint generated always as identity primary key,
  school_group_id uuid not null references public.school_groups (id) on delete restrict,
  at timestamptz not null default now(),
  actor_id uuid references public.profiles (id) on delete restrict,
  source text not null check (source in ('reported', 'import')),
  decision jsonb not null
);
create index refusals_group_idx on public.refusals (school_group_id, id desc);
create index refusals_actor_idx on public.refusals (actor_id, at desc);
comment on table public.refusals is
  'Refused growth: what was asked, what stood, which revision. The decision is computed here, never taken '
  'from a client.';
alter table public.refusals enable row level security;
create policy "group admins see their refusals" on public.refusals for select to authenticated
  using (school_group_id = (select private.my_admin_group_id()) or (select private.is_super_admin()));
grant select on public.refusals to authenticated, service_role;
create trigger append_only before update or delete or truncate on public.refusals
  for each statement execute function private.tg_refuse('Un refus enregistré ne se réécrit pas.');

-- ───────────────────────────────────────────────────────────── notices
create table private.notification_kinds (
  kind public.notification_kind primary key,
  -- Whose notices they are: roles of the group itself, and super admins for every group.
  seen_by public.user_role[] not null check (seen_by <> '{}'),
  -- Whether a new or raised notice is sent to the open screens: not where a state message says the same.
  pushes boolean not null
);
comment on table private.notification_kinds is
  'What the database knows of each kind of notice: who sees it, and whether it pushes. private.notify() '
  'reads it.';
alter table private.notification_kinds enable row level security;
insert into private.notification_kinds (kind, seen_by, pushes) values
  ('usage_threshold', '{admin_groupe,super_admin}', true),
  ('plan_changed', '{admin_groupe,super_admin}', false),
  ('status_changed', '{admin_groupe,super_admin}', false),
  ('request_decided', '{admin_groupe,super_admin}', true);

create function private.my_notification_kinds()
  returns public.notification_kind[] language sql stable security definer set search_path = '' as $$
  select coalesce(array_agg(k.kind), '{}') from private.notification_kinds k
  join public.profiles p on p.id = auth.uid() and p.status = 'active' and p.role = any (k.seen_by);
$$;
comment on function private.my_notification_kinds() is
  'Kinds of notices that the caller''s role sees; of which groups is for the policy to say.';
grant execute on function private.my_notification_kinds() to authenticated;

create sequence private.notification_turns;

create table public.notifications (
  id bigint generated always as identity primary key,
  school_group_id uuid not null references public.school_groups (id) on delete restrict,
  kind public.notification_kind not null,
  resource public.resource,
  -- Null: an event, which stays as it is. Otherwise a standing notice, which moves until it is resolved.
  level smallint check (level > 0),
  params jsonb not null,
  -- The group's revision when the notice came, or rose last.
  rev bigint not null,
  -- Drawn under the group's lock whenever the notice comes or rises: what a person has seen of a group's
  -- notices is everything up to one turn.
  turn bigint not null default nextval('private.notification_turns'),
  created_at timestamptz not null default now(),
  raised_at timestamptz not null default now(),
  resolved_at timestamptz check (resolved_at is null or level is not null)
);
create index notifications_group_idx on public.notifications (school_group_id, turn desc);
-- I10: one open notice a group, kind and resource.
create unique index notifications_open_idx on public.notifications (school_group_id, kind, resource)
  nulls not distinct where level is not null and resolved_at is null;
comment on table public.notifications is
  'Parameters, not sentences: each reader gets the text in their own language. Written by private.notify() '
  'alone.';
alter table public.notifications enable row level security;
create policy "members see the notices for their role" on public.notifications for select to authenticated
  using (kind = any ((select private.my_notification_kinds())::public.notification_kind[])
    and (school_group_id = (select private.my_group_id()) or (select private.is_super_admin())));
grant select on public.notifications to authenticated, service_role;

create table public.notification_reads (
  profile_id uuid not null references public.profiles (id) on delete cascade default auth.uid(),
  notification_id bigint not null references public.notifications (id) on delete cascade,
  -- Turn of the notice as it was read: one that has risen since is unread again.
  turn bigint not null,
  read_at timestamptz not null default now(),
  primary key (profile_id, notification_id)
);
create index notification_reads_notification_idx on public.notification_reads (notification_id);
comment on table public.notification_reads is 'Written by mark_notifications_read() alone.';
alter table public.notification_reads enable row level security;
create policy "one sees what one has read" on public.notification_reads for select to authenticated
  using (profile_id = (select private.my_profile_id()));
grant select on public.notification_reads to authenticated;

-- ───────────────────────────────────────────────────────────── records of acts
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
comment on table public.audit_log is
  'Every privileged act. Append-only: an account that acted is disabled, never deleted.';
alter table public.audit_log enable row level security;
create policy "super admins read the audit log" on public.audit_log for select to authenticated
  using ((select private.is_super_admin()));
grant select on public.audit_log to authenticated, service_role;
create trigger append_only before update or delete or truncate on public.audit_log
  for each statement execute function private.tg_refuse('Le journal d’audit ne se réécrit pas.');

create function private.audit(p_action text, p_school_group_id uuid, p_detail jsonb)
  returns void language sql volatile security definer set search_path = '' as $$
  insert into public.audit_log (actor_id, action, school_group_id, detail)
  values (auth.uid(), p_action, p_school_group_id, jsonb_strip_nulls(p_detail));
$$;

create table public.school_group_notes (
  id bigint generated always as identity primary key,
  school_group_id uuid not null references public.school_groups (id) on delete restrict,
  body text not null check (char_length(btrim(body)) between 1 and 4000),
  author_id uuid default auth.uid() references public.profiles (id) on delete restrict,
  created_at timestamptz not null default now()
);
create index school_group_notes_group_idx on public.school_group_notes (school_group_id, id desc);
create index school_group_notes_author_idx on public.school_group_notes (author_id);
comment on table public.school_group_notes is
  'What the platform''s people write about a customer. Never shown to the customer.';
alter table public.school_group_notes enable row level security;
create policy "super admins read notes" on public.school_group_notes for select to authenticated
  using ((select private.is_super_admin()));
create policy "super admins write notes" on public.school_group_notes for insert to authenticated
  with check ((select private.is_super_admin()) and author_id = (select auth.uid()));
grant select, insert (school_group_id, body) on public.school_group_notes to authenticated;
create trigger append_only before update or delete or truncate on public.school_group_notes
  for each statement execute function private.tg_refuse('Une note ne se réécrit pas ; ajoutez-en une autre.');

-- What stays for ever must not be made in a loop. A function that leaves a row which nothing deletes asks
-- within_rate() first, so the numbers stand in one place: requests of a plan refuse beyond them, records and
-- notices are left out.
create table private.daily_acts (
  subject uuid not null,
  act text not null,
  day date not null,
  done int not null,
  primary key (subject, act)
);
comment on table private.daily_acts is
  'How often a group or an account (subject) did today what leaves a row for ever. One row each, not a '
  'history.';
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
  'Counts an act of today and tells whether it is within its rate. Rolls back with its caller. The caller '
  'holds the group''s lock.';
