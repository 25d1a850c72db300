-- 010 · Who calls the jobs where nobody else does: pg_cron, where it can be had (hosted Supabase).
-- The embedded server schedules them itself; called by both, they share the work.

do $$
begin
  if exists (select from pg_catalog.pg_available_extensions where name = 'pg_cron') then
    create extension if not exists pg_cron;
    perform cron.schedule('epilot-minute', '* * * * *', 'select private.run_minute_jobs()');
    -- 00:10 in Brazzaville, which is one hour ahead of UTC all year.
    perform cron.schedule('epilot-night', '10 23 * * *', 'select private.run_nightly_jobs()');
  end if;
exception when others then
  -- Offered but not loaded, or not this role's to create: a schedule is missing, and everything else must still be migrated.
  raise warning 'pg_cron could not be set up (%): have private.run_minute_jobs() and private.run_nightly_jobs() called otherwise', sqlerrm;
end $$;
