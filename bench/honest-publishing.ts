/** Publishing of plan changes that is deliberately slow or wrong, as SQL: what stands between a message and its slot. */

/** Puts `body`, which may call `bench_send`, in the place of `realtime.send`. */
const sendingBy = (body: string): string => `
alter function realtime.send(jsonb, text, text, boolean) rename to bench_send;
create function realtime.send(payload jsonb, event text, topic text, private boolean default true)
  returns void language plpgsql as $$
declare v_n int;
begin
  ${body}
  perform realtime.bench_send(payload, event, topic, private);
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
    if v_n % 5 = 2 then perform realtime.bench_send(payload, event, topic, private); end if;
  end if;`)}
`;
