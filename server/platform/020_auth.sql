-- Schema `auth`: its tables are made by @supabase/lite just before this file; here they get the owner, the
-- functions and the grants that hosted Supabase gives them.

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
-- The API signs people in as its login role itself, before there is a role to switch to.
grant select, insert, update, delete on all tables in schema auth to authenticator;
