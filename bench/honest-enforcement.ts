/** Enforcement that is deliberately slow or leaky, as SQL: what the benchmark must tell from the real one. */
import { UNENFORCED } from './enforcement-variants.ts';

/** Ours, and every statement waits before it takes a lock. */
export const SLEEPING = `
create function bench.tg_sleep() returns trigger language plpgsql as $$
begin perform pg_sleep(0.3); return null; end $$;
create trigger asleep before insert on public.students for each statement execute function bench.tg_sleep();
`;

/** Counts the rows and compares, and takes no lock: writers that count together all see the last place free. */
export const UNLOCKED = `
${UNENFORCED}
create function bench.tg_unlocked() returns trigger language plpgsql as $$
declare v_used bigint; v_limit bigint;
begin
  select p.max_students into v_limit from public.subscriptions s join public.subscription_plans p on p.id = s.plan_id
  where s.school_group_id = new.school_group_id;
  select count(*) into v_used from public.students
  where school_group_id = new.school_group_id and status = 'active';
  if v_used >= v_limit then raise exception 'limit reached'; end if;
  -- As long as a slow disk takes: between the count and the commit, others count.
  perform pg_sleep(0.01);
  return new;
end $$;
create trigger unlocked before insert on public.students for each row execute function bench.tg_unlocked();
`;

/** Ours, past which every tenth student slips: not active while it is counted, active when nobody looks. */
export const DRIFTING = `
create sequence bench.rows_seen;
create function bench.tg_hide() returns trigger language plpgsql as $$
begin
  if nextval('bench.rows_seen') % 10 = 0 then new.status := 'inactive'; end if;
  return new;
end $$;
create function bench.tg_slip_in() returns trigger language plpgsql as $$
begin
  set local session_replication_role = replica;
  update public.students set status = 'active' where id = new.id;
  set local session_replication_role = origin;
  return null;
end $$;
create trigger hide before insert on public.students for each row execute function bench.tg_hide();
create trigger slip_in after insert on public.students for each row
  when (new.status = 'inactive') execute function bench.tg_slip_in();
`;

/** Says yes and keeps every fifth student out: fast, for what is not written costs nothing. */
export const SWALLOWING = `
create sequence bench.rows_seen;
create function bench.tg_swallow() returns trigger language plpgsql as $$
begin
  if nextval('bench.rows_seen') % 5 = 0 then return null; end if;
  return new;
end $$;
create trigger swallow before insert on public.students for each row execute function bench.tg_swallow();
`;
