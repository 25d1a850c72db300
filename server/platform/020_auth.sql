-- Schema `auth`: its first tables are made by @supabase/lite just before this file; here they are completed with the
-- columns, types and indexes that Supabase has, so that accounts can move there with their hashes, sessions and
-- factors, and get the owner, the functions and the grants that hosted Supabase gives them.

do $$
declare
  v_type record;
begin
  for v_type in
    select *
    from (values
      ('factor_type', array['totp', 'webauthn', 'phone']),
      ('factor_status', array['unverified', 'verified']),
      ('aal_level', array['aal1', 'aal2', 'aal3'])
    ) as wanted (name, labels)
    where to_regtype('auth.' || wanted.name) is null
  loop
    execute format('create type auth.%I as enum (%s)', v_type.name,
      (select string_agg(quote_literal(label), ', ' order by place) from unnest(v_type.labels) with ordinality l (label, place)));
  end loop;
end
$$;

alter table auth.users add column if not exists instance_id uuid, add column if not exists is_super_admin boolean;
alter table auth.sessions add column if not exists oauth_client_id uuid;
alter table auth.refresh_tokens add column if not exists instance_id uuid;

do $$
begin
  if (select atttypid from pg_catalog.pg_attribute where attrelid = 'auth.sessions'::regclass and attname = 'aal') = 'text'::regtype then
    alter table auth.sessions drop constraint if exists sessions_aal_check;
    alter table auth.sessions alter column aal type auth.aal_level using aal::auth.aal_level;
  end if;
  if (select atttypid from pg_catalog.pg_attribute where attrelid = 'auth.refresh_tokens'::regclass and attname = 'id') = 'text'::regtype then
    alter table auth.refresh_tokens drop column id;
    alter table auth.refresh_tokens add column id bigserial primary key;
    alter table auth.refresh_tokens add constraint refresh_tokens_token_unique unique (token);
  end if;
end
$$;
-- @supabase/lite makes it again at every start, beside the index of the constraint.
drop index if exists auth.refresh_tokens_token_idx;

create table if not exists auth.mfa_factors (
  id uuid primary key,
  user_id uuid not null references auth.users (id) on delete cascade,
  friendly_name text,
  factor_type auth.factor_type not null,
  status auth.factor_status not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  secret text,
  phone text,
  last_challenged_at timestamptz unique,
  web_authn_credential jsonb,
  web_authn_aaguid uuid,
  last_webauthn_challenge_data jsonb
);
create unique index if not exists mfa_factors_user_friendly_name_unique on auth.mfa_factors (friendly_name, user_id)
  where btrim(friendly_name) <> '';
create index if not exists factor_id_created_at_idx on auth.mfa_factors (user_id, created_at);

create table if not exists auth.mfa_challenges (
  id uuid primary key,
  factor_id uuid not null references auth.mfa_factors (id) on delete cascade,
  created_at timestamptz not null,
  verified_at timestamptz,
  ip_address inet not null,
  otp_code text,
  web_authn_session_data jsonb
);
-- Ours alone: challenges live for minutes, and move nowhere.
alter table auth.mfa_challenges add column if not exists session_id uuid;
create index if not exists mfa_challenge_created_at_idx on auth.mfa_challenges (created_at desc);
create index if not exists mfa_challenges_factor_id_idx on auth.mfa_challenges (factor_id, created_at desc);

create table if not exists auth.mfa_amr_claims (
  session_id uuid not null references auth.sessions (id) on delete cascade,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  authentication_method text not null,
  id uuid primary key,
  constraint mfa_amr_claims_session_id_authentication_method_pkey unique (session_id, authentication_method)
);

-- What retention deletes by.
create index if not exists sessions_not_after_idx on auth.sessions (not_after desc);
create index if not exists user_id_created_at_idx on auth.sessions (user_id, created_at);
create index if not exists sessions_refreshed_at_idx on auth.sessions ((coalesce(refreshed_at, created_at at time zone 'UTC')));
create index if not exists refresh_tokens_updated_at_idx on auth.refresh_tokens (updated_at desc);
create index if not exists refresh_tokens_parent_idx on auth.refresh_tokens (parent);
create index if not exists audit_log_entries_created_at_idx on auth.audit_log_entries (created_at);
-- What enrolments of a day are counted by.
create index if not exists audit_log_entries_enrolments_idx on auth.audit_log_entries ((payload ->> 'actor_id'), created_at)
  where payload ->> 'action' = 'factor_in_progress';

-- A session that ends is made known to the servers, which refuse its access token and close its channels.
create or replace function auth.tg_sessions__tell_end() returns trigger language plpgsql volatile set search_path = '' as $$
begin
  perform pg_notify('access_changed', jsonb_build_object('session', id)::text) from old_rows;
  return null;
end
$$;
create or replace trigger tell_end after delete on auth.sessions
  referencing old table as old_rows for each statement execute function auth.tg_sessions__tell_end();

-- Hosted Supabase reads the claims from the older setting first, then from the JSON of the newer one.
create or replace function auth.uid() returns uuid language sql stable as $$
  select coalesce(
    nullif(current_setting('request.jwt.claim.sub', true), ''),
    nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub'
  )::uuid
$$;

create or replace function auth.role() returns text language sql stable as $$
  select coalesce(
    nullif(current_setting('request.jwt.claim.role', true), ''),
    nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'role'
  )
$$;

create or replace function auth.email() returns text language sql stable as $$
  select coalesce(
    nullif(current_setting('request.jwt.claim.email', true), ''),
    nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'email'
  )
$$;

create or replace function auth.jwt() returns jsonb language sql stable as $$
  select coalesce(
    nullif(current_setting('request.jwt.claim', true), ''),
    nullif(current_setting('request.jwt.claims', true), '')
  )::jsonb
$$;

do $$
declare
  v_object text;
begin
  alter schema auth owner to supabase_auth_admin;
  for v_object in
    select format('table %s', oid::regclass) from pg_catalog.pg_class
    where relnamespace = 'auth'::regnamespace and relkind = 'r'
    union all
    select format('type auth.%I', typname) from pg_catalog.pg_type where typnamespace = 'auth'::regnamespace and typtype = 'e'
    union all
    select format('function %s', oid::regprocedure) from pg_catalog.pg_proc where pronamespace = 'auth'::regnamespace
    union all
    select format('table %s', oid::regclass) from pg_catalog.pg_class
    where relnamespace = 'supabase_migrations'::regnamespace and relkind = 'r'
  loop
    execute format(
      'alter %s owner to %I',
      v_object,
      case when v_object like 'table supabase_migrations.%' then 'postgres' else 'supabase_auth_admin' end
    );
  end loop;
end
$$;

grant usage on schema auth to postgres, anon, authenticated, service_role, authenticator;
grant all on all tables in schema auth to postgres;
grant select on all tables in schema auth to postgres with grant option;
-- The API signs people in as its login role itself, before there is a role to switch to.
grant select, insert, update, delete on all tables in schema auth to authenticator;
grant usage on all sequences in schema auth to authenticator, postgres;
