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

-- As on Supabase, `postgres` writes the policies on storage.objects without being superuser.
grant supabase_storage_admin to postgres;
alter table storage.buckets enable row level security;
alter table storage.objects enable row level security;

grant usage on schema storage to postgres, anon, authenticated, service_role, authenticator;
grant all on all tables in schema storage to postgres, service_role;
grant select, insert, update, delete on storage.objects to authenticated;
grant select on storage.buckets to authenticated;
