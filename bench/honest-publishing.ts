/** Publishing of plan changes that is deliberately slow or wrong, as SQL: what stands between a message and its slot. */

/** Puts `body` before each message that our functions send; the server replaces what it finds in the place of `realtime.send`. */
const sendingBy = (body: string): string => `
create function public.bench_send(payload jsonb, event text, topic text, private boolean) returns void language plpgsql as $$
declare v_n int;
begin
  ${body}
  perform realtime.send(payload, event, topic, private);
end $$;
do $$
declare v_function record;
begin
  for v_function in
    select pg_get_functiondef(oid) as sql from pg_proc
    where pronamespace = 'private'::regnamespace and prosrc like '%realtime.send(%'
  loop
    execute replace(v_function.sql, 'realtime.send(', 'public.bench_send(');
  end loop;
end $$;
`;

/** Every plan change waits before it is published. */
export const WAITING = sendingBy(`if event = 'plan_changed' then perform pg_sleep(0.3); end if;`);

/** Of five plan changes of a group, one is never published, one twice, and one with another plan. */
export const MANGLING = `
create table public.bench_seen (topic text primary key, n int not null);
create function public.bench_count(p_topic text) returns int language sql security definer as $$
  insert into public.bench_seen as s values (p_topic, 1) on conflict (topic) do update set n = s.n + 1 returning n
$$;
${sendingBy(`
  if event = 'plan_changed' then
    v_n := public.bench_count(topic);
    if v_n % 5 = 0 then return; end if;
    if v_n % 5 = 1 then payload := jsonb_set(payload, '{plan}', '"gratuit"'); end if;
    if v_n % 5 = 2 then perform realtime.send(payload, event, topic, private); end if;
  end if;`)}
`;
