-- Schema `storage`: its tables are made by @supabase/lite just before these files; here they get the owner and
-- the grants that hosted Supabase gives them. Who may read or write an object is said by policies alone.

do $$
declare
  v_object text;
begin
  alter schema storage owner to supabase_storage_admin;
  for v_object in
    select format('table %s', oid::regclass) from pg_catalog.pg_class
    where relnamespace = 'storage'::regnamespace and relkind = 'r'
    union all
    select format('function %s', oid::regprocedure) from pg_catalog.pg_proc where pronamespace = 'storage'::regnamespace
  loop
    execute format('alter %s owner to supabase_storage_admin', v_object);
  end loop;
end
$$;

-- Law, as Supabase's Storage has it: a row that is deleted by SQL would leave its bytes behind, so only the storage service deletes,
-- and says so in a setting of its session. It holds for the superuser too.
create or replace function storage.protect_delete() returns trigger language plpgsql volatile set search_path = '' as $$
begin
  if current_setting('storage.allow_delete_query', true) is distinct from 'true' then
    raise exception 'Direct deletion from storage tables is not allowed. Use the Storage API instead.'
      using errcode = '42501', hint = 'This prevents accidental data loss from orphaned objects.';
  end if;
  return null;
end
$$;
alter function storage.protect_delete() owner to supabase_storage_admin;
create or replace trigger protect_buckets_delete before delete on storage.buckets
  for each statement execute function storage.protect_delete();
create or replace trigger protect_objects_delete before delete on storage.objects
  for each statement execute function storage.protect_delete();

alter table storage.buckets enable row level security;
alter table storage.objects enable row level security;

-- Danger, and Supabase does it all the same: every role of the API has every right here, and policies alone refuse.
grant usage on schema storage to anon, authenticated, service_role, authenticator;
grant usage on schema storage to postgres with grant option;
grant all on storage.buckets, storage.objects to anon, authenticated, service_role;
grant all on storage.buckets, storage.objects to postgres with grant option;
