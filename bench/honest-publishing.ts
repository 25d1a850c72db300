/** Publishing of plan changes that is deliberately slow or wrong, as SQL: what stands between a message and its slot. */

/** Every plan change waits before it is published. */
export const WAITING = `
create function public.bench_wait() returns trigger language plpgsql as $$
begin perform pg_sleep(0.3); return new; end $$;
create trigger bench_wait before insert on realtime.messages
  for each row when (new.event = 'plan_changed') execute function public.bench_wait();
`;

/** Of five plan changes of a group, one is never published, one twice, and one with another plan. */
export const MANGLING = `
create table public.bench_seen (topic text primary key, n int not null);
create function public.bench_mangle() returns trigger language plpgsql security definer as $$
declare v_n int;
begin
  insert into public.bench_seen as s values (new.topic, 1)
  on conflict (topic) do update set n = s.n + 1 returning n into v_n;
  if v_n % 5 = 0 then return null; end if;
  if v_n % 5 = 1 then new.payload := jsonb_set(new.payload, '{plan}', '"gratuit"'); end if;
  return new;
end $$;
create function public.bench_double() returns trigger language plpgsql security definer as $$
begin
  if (select n % 5 = 2 from public.bench_seen where topic = new.topic) then
    insert into realtime.messages (payload, event, topic, private, extension)
    values (new.payload, 'plan_changed', new.topic, true, 'broadcast');
  end if;
  return null;
end $$;
create trigger bench_mangle before insert on realtime.messages
  for each row when (new.event = 'plan_changed' and pg_trigger_depth() < 2) execute function public.bench_mangle();
create trigger bench_double after insert on realtime.messages
  for each row when (new.event = 'plan_changed' and pg_trigger_depth() < 2) execute function public.bench_double();
`;
