-- What gives schema `realtime` its messages: the log that a gateway reads, and the functions that send.
-- Applied by a superuser after 025_realtime_messages.sql; every statement may run again on every start.
--
-- Two things differ here from hosted Supabase: `send` writes to the log instead of the table while a gateway reads it
-- (ADR 0016), and it keeps payloads which are no JSON object instead of dropping them with a warning.

-- The feed ------------------------------------------------------------------------------------------------

-- `send` writes messages to the log, and the gateway believes what it reads there. So nobody may write to the log but
-- the owner of this schema, its members, and `postgres`, to whom the triggers that send belong. See docs/adr/0016.
do $$
declare
  v_function regprocedure;
begin
  for v_function in
    select p.oid from pg_catalog.pg_proc as p
    where p.pronamespace = 'pg_catalog'::regnamespace and p.proname = 'pg_logical_emit_message'
  loop
    execute format('revoke execute on function %s from public, anon, authenticated, service_role', v_function);
    execute format('grant execute on function %s to postgres, supabase_realtime_admin', v_function);
  end loop;
end
$$;

-- Whether a gateway reads the log of this database. Without one nobody would deliver or store what `send` writes there.
-- `set_feed` replaces it: PostgreSQL compiles a constant into `send`, where the question to a table would cost as much
-- as the message. A database restored without its slot has no feed until a gateway starts.
do $$
begin
  if to_regprocedure('realtime.has_feed()') is null
    or not exists (
      select from pg_catalog.pg_replication_slots where database = current_database() and plugin = 'pgoutput'
    )
  then
    create or replace function realtime.has_feed() returns boolean language sql stable return false;
  end if;
end
$$;

-- Says whether a gateway reads the log. The gateway calls it when its slot stands, and before it drops its slot.
create or replace function realtime.set_feed(p_has_feed boolean) returns void
  language plpgsql
  volatile
  security definer
  set search_path = ''
as $$
declare
  -- A record of the log has the encoding of the database, and the gateway reads UTF-8.
  v_has_feed boolean := p_has_feed and getdatabaseencoding() = 'UTF8';
begin
  perform pg_advisory_xact_lock(hashtextextended('realtime.set_feed', 0));
  if realtime.has_feed() is distinct from v_has_feed then
    execute format(
      'create or replace function realtime.has_feed() returns boolean language sql stable return %L::boolean', v_has_feed
    );
  end if;
end
$$;

-- How far the log is stored: this message and all before it, in the order of commits. One row, written with the
-- messages: whoever reads both in one snapshot knows which live messages it has already read.
create table if not exists realtime.stored_until (
  one         boolean not null default true primary key check (one),
  commit_lsn  pg_lsn  not null,
  message_lsn pg_lsn  not null
);
alter table realtime.stored_until owner to supabase_realtime_admin;
alter table realtime.stored_until enable row level security;
revoke all on realtime.stored_until from public, anon, authenticated, service_role;
grant select, insert, update, delete on realtime.stored_until to postgres;

-- Stores messages that the gateway has read in the log. Safe to repeat: what is stored already stays as it is.
--   p_messages     array of {id, topic, event, private, at, payload | bytes in hexadecimal digits}, oldest first
--   p_commit_lsn   where the commit of the last of them stands, and
--   p_message_lsn  the message itself; null when its log is not the one that is being read now
create or replace function realtime.store_messages(p_messages jsonb, p_commit_lsn pg_lsn, p_message_lsn pg_lsn)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path = ''
as $$
declare
  v_lsn pg_lsn;
begin
  -- The gateway acknowledges what is stored here, so it must be on this disk. A standby need not have it: it has not
  -- the slot either, and must not hold up the storage.
  perform set_config('synchronous_commit', 'local', true);
  -- Danger: first, so that the gateway knows the rows that follow as messages which it has delivered.
  v_lsn := pg_logical_emit_message(true, 'realtime.stored', '');
  insert into realtime.messages
    (id, topic, event, private, inserted_at, updated_at, extension, payload, binary_payload)
  select (m->>'id')::uuid, m->>'topic', m->>'event', (m->>'private')::boolean, (m->>'at')::timestamp,
         (m->>'at')::timestamp, 'broadcast', m->'payload', decode(m->>'bytes', 'hex')
  from jsonb_array_elements(p_messages) with ordinality as e (m, n)
  order by n
  on conflict do nothing;
  insert into realtime.stored_until as s (commit_lsn, message_lsn)
  select p_commit_lsn, p_message_lsn where p_commit_lsn is not null
  on conflict (one) do update set commit_lsn = excluded.commit_lsn, message_lsn = excluded.message_lsn
  where (s.commit_lsn, s.message_lsn) < (excluded.commit_lsn, excluded.message_lsn);
end
$$;

-- Sending -------------------------------------------------------------------------------------------------

-- Name of the topic under decision; policies on realtime.messages compare with it.
create or replace function realtime.topic() returns text
  language sql
  stable
  set search_path = ''
as $$
  select nullif(current_setting('realtime.topic', true), '')
$$;

-- Sends `payload` to everyone joined to `topic` when the transaction commits. An object without `id` gets the
-- message's own, so that a client can drop a repeat.
--
-- While a gateway reads the log, the message is one record of it (see `has_feed`): the gateway delivers it and stores
-- it for replay, in batches. A caller whom the policies on realtime.messages concern inserts the row, and so meets them;
-- so does who may not write to the log, and what is too large for the promise below.
--   record  prefix `realtime`; a JSON array [id, topic, event, private, instant in UTC, form], a line feed, the payload.
--           form: `json`, `json_without_id` (the gateway adds the id: half of what send costs if done here), `bytes`
-- DANGER: every error becomes a warning, as on Supabase: a failing message must not fail the business write.
-- The first branch has no exception block, because a subtransaction costs the writer, and so nothing in it may be
-- able to fail: its sizes are bounded, the right to write to the log is looked at first, and null goes the other way.
-- A trigger that must not lose a message is therefore `security definer`, and its test looks for the row.
create or replace function realtime.send(payload jsonb, event text, topic text, private boolean default true)
  returns void
  language plpgsql
  volatile
  set search_path = ''
as $$
declare
  v_id uuid := gen_random_uuid();
  v_lsn pg_lsn;
begin
  if realtime.has_feed()
    and not row_security_active('realtime.messages'::regclass)
    and (current_user = 'postgres' or pg_has_role('supabase_realtime_admin', 'usage'))
    and octet_length(topic) + octet_length(event) <= 4096
    and pg_column_size(payload) <= 65536
  then
    -- An assignment, because `perform` would start the executor.
    v_lsn := pg_logical_emit_message(true, 'realtime', json_build_array(
      v_id, topic, event, private, timezone('utc', clock_timestamp()),
      case when jsonb_typeof(payload) = 'object' and not payload ? 'id' then 'json_without_id' else 'json' end
    )::text || E'\n' || payload::text);
  else
    begin
      perform set_config('realtime.topic', topic, true);
      insert into realtime.messages (id, payload, event, topic, private, extension)
      values (
        v_id,
        case
          when jsonb_typeof(payload) = 'object' and not payload ? 'id' then payload || jsonb_build_object('id', v_id)
          else payload
        end,
        event, topic, private, 'broadcast'
      );
    exception
      when others then
        raise warning 'WarnSendingBroadcastMessage: %', sqlerrm;
    end;
  end if;
end
$$;

-- The same for bytes. They reach clients of serializer 2.0.0 only.
create or replace function realtime.send_binary(payload bytea, event text, topic text, private boolean default true)
  returns void
  language plpgsql
  volatile
  set search_path = ''
as $$
declare
  v_lsn pg_lsn;
begin
  if realtime.has_feed()
    and not row_security_active('realtime.messages'::regclass)
    and (current_user = 'postgres' or pg_has_role('supabase_realtime_admin', 'usage'))
    and octet_length(topic) + octet_length(event) <= 4096
    and octet_length(payload) <= 65536
  then
    v_lsn := pg_logical_emit_message(true, 'realtime', convert_to(json_build_array(
      gen_random_uuid(), topic, event, private, timezone('utc', clock_timestamp()), 'bytes'
    )::text || E'\n', 'UTF8') || payload);
  else
    begin
      perform set_config('realtime.topic', topic, true);
      insert into realtime.messages (binary_payload, event, topic, private, extension)
      values (payload, event, topic, private, 'broadcast');
    exception
      when others then
        raise warning 'WarnSendingBroadcastMessage: %', sqlerrm;
    end;
  end if;
end
$$;

-- For row triggers: sends the change of one row, shaped as Supabase shapes it.
create or replace function realtime.broadcast_changes(
  topic_name text,
  event_name text,
  operation text,
  table_name text,
  table_schema text,
  new record,
  old record,
  level text default 'ROW'
) returns void
  language plpgsql
  volatile
  set search_path = ''
as $$
begin
  if level = 'STATEMENT' then
    raise exception 'function can only be triggered for each row, not for each statement';
  end if;
  if operation not in ('INSERT', 'UPDATE', 'DELETE') then
    raise exception 'Unexpected operation type: %', operation;
  end if;
  perform realtime.send(
    jsonb_build_object(
      'schema', table_schema, 'table', table_name, 'operation', operation, 'record', new, 'old_record', old
    ),
    event_name,
    topic_name
  );
end
$$;

do $$
declare
  v_function regprocedure;
begin
  for v_function in
    select p.oid from pg_catalog.pg_proc as p where p.pronamespace = 'realtime'::regnamespace
  loop
    execute format('alter function %s owner to supabase_realtime_admin', v_function);
  end loop;
end
$$;

grant execute on all functions in schema realtime to postgres, anon, authenticated, service_role;
revoke execute on function
  realtime.maintain_partitions(int, interval),
  realtime.set_feed(boolean),
  realtime.store_messages(jsonb, pg_lsn, pg_lsn)
  from public, anon, authenticated, service_role;
