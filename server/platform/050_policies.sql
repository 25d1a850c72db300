-- Policies and triggers of role `postgres` on the tables of auth, realtime and storage, which it does not own. Applied by a
-- superuser after the other files; every statement may run again.
--
-- Law, as on hosted Supabase: `postgres` is a member of none of the three admin roles. PostgreSQL itself then refuses it with
-- 42501 every DDL on their objects, but for CREATE TRIGGER, which needs the privilege TRIGGER alone. Hosted Supabase lets
-- `postgres` also create, change and drop policies and drop triggers there: its extension `supautils` makes it the owner for the
-- time of that one statement. PostgreSQL has no such right, so two event triggers do the same without an extension:
--   · `ddl_command_start` fires before the statement's rights are judged, and lends the memberships;
--   · `ddl_command_end` takes them back. A statement that fails takes the loan back with it.
-- No other session ever sees the loan, which is never committed, and nothing but that one statement runs while it lasts.
-- Why not a lasting membership with a trigger that refuses: membership is also every right on every row, TRUNCATE and
-- GRANT, and an event trigger sees neither rows nor what was granted on.
--
-- Danger: until version 16, a role with CREATEROLE may grant itself any role that is no superuser, these too. There the next start of
-- the server takes the membership back (010_roles.sql).

create or replace function extensions.lend_admin_roles() returns event_trigger
  language plpgsql volatile security definer set search_path = '' as $$
declare
  -- Within a definer function nothing else says for whom the statement runs.
  v_role constant text := coalesce(nullif(current_setting('role'), 'none'), session_user);
  -- From version 16 on what is lent are the rights alone, not SET ROLE.
  v_rights_alone constant text := case when current_setting('server_version_num')::int >= 160000 then ' with inherit true, set false' else '' end;
begin
  if v_role = 'postgres' then
    execute 'grant supabase_auth_admin, supabase_realtime_admin, supabase_storage_admin to postgres' || v_rights_alone;
  end if;
end
$$;

create or replace function extensions.take_admin_roles_back() returns event_trigger
  language plpgsql volatile security definer set search_path = '' as $$
begin
  if coalesce(nullif(current_setting('role'), 'none'), session_user) = 'postgres' then
    revoke supabase_auth_admin, supabase_realtime_admin, supabase_storage_admin from postgres;
  end if;
end
$$;

do $$
declare
  v_tags constant text := $tags$('CREATE POLICY', 'ALTER POLICY', 'DROP POLICY', 'DROP TRIGGER')$tags$;
begin
  if not exists (select from pg_catalog.pg_event_trigger where evtname = 'lend_admin_roles') then
    execute 'create event trigger lend_admin_roles on ddl_command_start when tag in ' || v_tags
      || ' execute function extensions.lend_admin_roles()';
    execute 'create event trigger take_admin_roles_back on ddl_command_end when tag in ' || v_tags
      || ' execute function extensions.take_admin_roles_back()';
  end if;
end
$$;

-- What stands in `extensions` is granted to everybody at the next start (010_roles.sql).
revoke execute on function extensions.lend_admin_roles(), extensions.take_admin_roles_back()
  from public, postgres, anon, authenticated, service_role;
