-- Schema `realtime`: what hosted Supabase already has, for a PostgreSQL that has it not. Here its messages, the days
-- they are kept in and the publications; 030_realtime.sql has the functions that send them.
-- Applied by a superuser after 010_roles.sql; every statement may run again on every start.
--
-- The names, columns and rights are Supabase's, so that one set of policies and triggers fits both.
-- Three things are stricter here than there: a default partition from the first day (a missing partition must not
-- lose a message), days counted in UTC whatever the session's time zone, and messages of one transaction that each
-- have an instant of their own, so that replay knows their order.

create schema if not exists realtime;
alter schema realtime owner to supabase_realtime_admin;
grant usage on schema realtime to anon, authenticated, service_role;
grant usage on schema realtime to postgres with grant option;

grant anon, authenticated, service_role to supabase_realtime_admin;

-- Messages ------------------------------------------------------------------------------------------------

create table if not exists realtime.messages (
  topic          text      not null,
  extension      text      not null,
  payload        jsonb,
  event          text,
  private        boolean   default false,
  updated_at     timestamp not null default timezone('utc', now()),
  inserted_at    timestamp not null default timezone('utc', clock_timestamp()),
  id             uuid      not null default gen_random_uuid(),
  binary_payload bytea,
  primary key (id, inserted_at)
) partition by range (inserted_at);

create table if not exists realtime.messages_default partition of realtime.messages default;

-- For a table that an earlier version made.
alter table realtime.messages alter column inserted_at set default timezone('utc', clock_timestamp());

-- Replay asks for the newest of one topic since an instant.
create index if not exists messages_replay_idx on realtime.messages (topic, inserted_at desc)
  where extension = 'broadcast' and private;

alter table realtime.messages owner to supabase_realtime_admin;
alter table realtime.messages_default owner to supabase_realtime_admin;

-- No policy stands here: until the project writes one, nobody but service_role may join a private channel.
alter table realtime.messages enable row level security;
alter table realtime.messages_default enable row level security;

revoke all on realtime.messages from public, anon, authenticated, service_role;
revoke all on realtime.messages_default from public, anon, authenticated, service_role;
grant select, insert, update on realtime.messages to anon, authenticated, service_role;
-- A trigger of the parent is one of each partition.
grant all on realtime.messages, realtime.messages_default to postgres;

-- Partitions ----------------------------------------------------------------------------------------------

-- Makes today's partition and those of the coming days, drops those past keeping, and empties the default
-- partition of what is past keeping. Safe to call at any time from any number of processes.
--   p_days_ahead  days made beyond today
--   p_keep        how long a message can be replayed
create or replace function realtime.maintain_partitions(
  p_days_ahead int default 3,
  p_keep interval default interval '72 hours'
) returns void
  language plpgsql
  volatile
  security definer
  set search_path = ''
  set lock_timeout = '3s'
as $$
declare
  v_today  date := timezone('utc', now())::date;
  v_oldest timestamp := timezone('utc', now()) - p_keep;
  v_day    date;
  v_name   text;
begin
  -- Transaction lock: two gateways starting at once must not both create the same day.
  perform pg_advisory_xact_lock(hashtextextended('realtime.maintain_partitions', 0));

  for v_day in select v_today + n from generate_series(0, p_days_ahead) as n loop
    v_name := 'messages_' || to_char(v_day, 'YYYY_MM_DD');
    continue when to_regclass(format('realtime.%I', v_name)) is not null;
    -- After a long stand-still the default partition may hold rows of this day; PostgreSQL then refuses the
    -- partition. They stay where they are: readable, replicated, and deleted below when their time comes.
    continue when exists (
      select from realtime.messages_default as d where d.inserted_at >= v_day and d.inserted_at < v_day + 1
    );
    -- Attaching takes a weaker lock on the parent than `create table … partition of`: senders are not held up.
    execute format('create table realtime.%I (like realtime.messages including defaults including constraints)', v_name);
    execute format('alter table realtime.%I enable row level security', v_name);
    execute format('revoke all on realtime.%I from public, anon, authenticated, service_role', v_name);
    execute format('grant all on realtime.%I to postgres', v_name);
    execute format(
      'alter table realtime.messages attach partition realtime.%I for values from (%L) to (%L)',
      v_name, v_day::timestamp, (v_day + 1)::timestamp
    );
  end loop;

  for v_name in
    select c.relname
    from pg_catalog.pg_inherits as i
    join pg_catalog.pg_class as c on c.oid = i.inhrelid
    where i.inhparent = 'realtime.messages'::regclass
      and c.relname ~ '^messages_\d{4}_\d{2}_\d{2}$'
      and to_date(substr(c.relname, 10), 'YYYY_MM_DD') + 1 <= v_oldest
  loop
    execute format('drop table realtime.%I', v_name);
  end loop;

  delete from realtime.messages_default as d where d.inserted_at < v_oldest;
end
$$;

alter function realtime.maintain_partitions(int, interval) owner to supabase_realtime_admin;

select realtime.maintain_partitions();

-- Partitions that an earlier version made.
do $$
declare
  v_partition regclass;
begin
  for v_partition in select inhrelid from pg_catalog.pg_inherits where inhparent = 'realtime.messages'::regclass loop
    execute format('grant all on %s to postgres', v_partition);
  end loop;
end
$$;

-- Publications --------------------------------------------------------------------------------------------

-- Two publications, because each has its own rule. The first publishes each message once, as an insert into the
-- partitioned table. The project owns `supabase_realtime`: it adds and removes tables there as `postgres`.
do $$
begin
  if not exists (select from pg_catalog.pg_publication where pubname = 'supabase_realtime_messages_publication') then
    create publication supabase_realtime_messages_publication for table realtime.messages
      with (publish = 'insert', publish_via_partition_root = true);
  end if;
  if not exists (select from pg_catalog.pg_publication where pubname = 'supabase_realtime') then
    create publication supabase_realtime;
  end if;
  -- From version 18 on PostgreSQL refuses UPDATE and DELETE on a published table whose replica identity holds a
  -- generated column that is not published. Older versions do not know the option, so it stands in a text.
  if current_setting('server_version_num')::int >= 180000 then
    execute 'alter publication supabase_realtime set (publish_generated_columns = stored)';
  end if;
end
$$;
alter publication supabase_realtime owner to postgres;
