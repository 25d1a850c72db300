-- 012 · What is done without being asked: every minute, every night.

create function private.run_minute_jobs()
  returns jsonb language sql volatile security definer set search_path = '' as $$
  select private.run_due_jobs()
    || jsonb_build_object('reservations', private.expire_reservations(private.now()));
$$;
comment on function private.run_minute_jobs() is
  'To be called every minute by whatever schedules: croner beside the embedded server, pg_cron on Supabase.';

create function private.run_nightly_jobs()
  returns jsonb language sql volatile security definer set search_path = '' as $$
  delete from private.daily_acts where (subject, act) in (
    select subject, act from private.daily_acts where day < private.today() for update skip locked);
  select jsonb_build_object('counters_repaired', private.repair_usage())
    || jsonb_build_object('days_closed', private.close_days());
$$;
comment on function private.run_nightly_jobs() is
  'To be called after midnight, Africa/Brazzaville. counters_repaired is 0, or somebody must look at the '
  'audit log.';

-- ───────────────────────────────────────────────────────────── who calls the jobs where nobody else does
-- pg_cron, where it can be had (hosted Supabase). The embedded server schedules them itself; called by both,
-- they share the work.
do $$
begin
  if exists (select from pg_catalog.pg_available_extensions where name = 'pg_cron') then
    create extension if not exists pg_cron;
    perform cron.schedule('epilot-minute', '* * * * *', 'select private.run_minute_jobs()');
    -- 00:10 in Brazzaville, which is one hour ahead of UTC all year.
    perform cron.schedule('epilot-night', '10 23 * * *', 'select private.run_nightly_jobs()');
  end if;
exception when others then
  -- Offered but not loaded, or not this role's to create: a schedule is missing, and everything else must
  -- still be migrated.
  raise warning 'pg_cron could not be set up (%): '
    'have private.run_minute_jobs() and private.run_nightly_jobs() called otherwise', sqlerrm;
end $$;
