-- Roles, schemas and default privileges as hosted Supabase has them. Run by the superuser `supabase_admin` (or
-- the superuser of your own PostgreSQL) where Supabase is not there; every statement may be run again.
--
-- Law: `postgres` is no superuser. It owns what the migrations make, and nothing in auth, realtime or storage.

do $$
declare
  v_role record;
begin
  for v_role in
    select *
    from (values
      ('supabase_admin', 'superuser login createdb createrole replication bypassrls'),
      ('postgres', 'login createdb createrole replication bypassrls'),
      ('anon', 'nologin noinherit'),
      ('authenticated', 'nologin noinherit'),
      ('service_role', 'nologin noinherit bypassrls'),
      ('authenticator', 'login noinherit'),
      ('supabase_auth_admin', 'nologin noinherit createrole'),
      ('supabase_storage_admin', 'nologin noinherit createrole'),
      ('supabase_realtime_admin', 'nologin noinherit')
    ) as wanted (name, attributes)
    where not exists (select from pg_catalog.pg_roles where rolname = wanted.name)
  loop
    execute format('create role %I %s', v_role.name, v_role.attributes);
  end loop;
end
$$;

grant anon, authenticated, service_role to authenticator, postgres;
grant pg_read_all_data, pg_monitor, pg_signal_backend to postgres;

-- Hosted Supabase took these memberships away in 2025, and so did we: see 050_policies.sql for what stays allowed.
do $$
declare
  v_admin text;
begin
  for v_admin in
    select m.roleid::regrole::text
    from pg_catalog.pg_auth_members m
    where m.member = 'postgres'::regrole and m.roleid::regrole::text like 'supabase\_%\_admin'
  loop
    execute format('revoke %s from postgres', v_admin);
  end loop;
end
$$;

-- Roles belong to the whole cluster, where two starters on two databases would trip over each other: what is
-- already so is left alone.
do $$
declare
  v_setting record;
begin
  for v_setting in
    select *
    from (values
      ('anon', 'statement_timeout', '3s'),
      ('authenticated', 'statement_timeout', '8s'),
      ('authenticator', 'statement_timeout', '8s'),
      ('authenticator', 'lock_timeout', '8s'),
      ('authenticator', 'timezone', 'UTC'),
      ('postgres', 'search_path', '"$user", public, extensions')
    ) as wanted (role, name, value)
    where not exists (
      select
      from pg_catalog.pg_db_role_setting s
      join pg_catalog.pg_roles r on r.oid = s.setrole
      where r.rolname = wanted.role and s.setdatabase = 0
        and format('%s=%s', wanted.name, wanted.value) = any (s.setconfig)
    )
  loop
    -- A list is not one value, so the search path is written as it is.
    execute format(
      'alter role %I set %I = %s',
      v_setting.role,
      v_setting.name,
      case when v_setting.name = 'search_path' then v_setting.value else quote_literal(v_setting.value) end
    );
  end loop;
end
$$;

do $$
begin
  execute format('grant all on database %I to postgres', current_database());
end
$$;

-- Extensions live in their own schema, so that `public` holds nothing but the product.
create schema if not exists extensions;
grant usage on schema extensions to postgres, anon, authenticated, service_role;
create extension if not exists pgcrypto with schema extensions;
create extension if not exists "uuid-ossp" with schema extensions;
grant all on all routines in schema extensions to postgres, anon, authenticated, service_role;

-- Danger, and hosted Supabase does it all the same: whatever is created in `public`, functions included, is
-- granted to the API's roles. Migrations revoke by name; the catalogue test holds them to it.
grant usage on schema public to postgres, anon, authenticated, service_role;
grant create on schema public to postgres;
alter default privileges for role postgres in schema public
  grant all on tables to postgres, anon, authenticated, service_role;
alter default privileges for role postgres in schema public
  grant all on functions to postgres, anon, authenticated, service_role;
alter default privileges for role postgres in schema public
  grant all on sequences to postgres, anon, authenticated, service_role;

-- The ledger of migrations, shared with the Supabase CLI.
create schema if not exists supabase_migrations authorization postgres;
