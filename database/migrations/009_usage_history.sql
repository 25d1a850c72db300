-- 009 · What happened: usage day by day, why a write was refused, which notices were read.

-- ───────────────────────────────────────────────────────────── usage, day by day
-- A counter remembers the day of its last change. The first change of a later day writes the closed day to
-- usage_daily (move_counter), so history costs one row a counter and active day and nothing on the writes
-- in between. A day without a row is a day without a change: get_usage_history() carries the last one
-- forward, so no day is missing.
create function public.get_usage_history(p_school_group_id uuid default null, p_days int default 90)
  returns jsonb language plpgsql stable security definer set search_path = '' as $$
declare v_group constant uuid := private.require_group_reader(p_school_group_id);
begin
  if p_days is null or p_days not between 1 and 731 then
    perform private.fail('PT400', 'invalid_request', 'De 1 à 731 jours.', 'p_days');
  end if;
  return (
    select jsonb_agg(jsonb_build_object('day', d.day, 'usage', d.used, 'limits', d.limits) order by d.day)
    from (
      select t.day, jsonb_agg(coalesce(h.used, 0) order by c.resource) as used,
             jsonb_agg(h."limit" order by c.resource) as limits
      from (select private.today() - n as day from generate_series(0, p_days - 1) n) t
      cross join (public.usage_counters join private.usage_marks using (school_group_id, resource)) c
      -- The counter's own state is the newest day; before it, the closed day that stands nearest behind.
      left join lateral (
        (select c.used, c.day_limit as "limit" where c.day <= t.day)
        union all
        (select x.used, x."limit" from public.usage_daily x
         where x.school_group_id = c.school_group_id and x.resource = c.resource
           and x.day <= t.day and c.day > t.day
         order by x.day desc limit 1)) h on true
      where c.school_group_id = v_group
      group by t.day) d);
end $$;
comment on function public.get_usage_history(uuid, int) is
  'One entry a day, none missing: usage and limits in the order of the resources as the day ended (today: as '
  'it stands); before the first record usage is 0 and limits null.';
grant execute on function public.get_usage_history(uuid, int) to authenticated;

create function private.close_days()
  returns int language plpgsql volatile security definer set search_path = '' as $$
declare v_closed int;
begin
  insert into public.usage_daily (school_group_id, resource, day, used, "limit")
  select school_group_id, resource, day, used, day_limit
  from public.usage_counters join private.usage_marks using (school_group_id, resource)
  where day < private.today() order by school_group_id, resource
  on conflict do nothing;
  get diagnostics v_closed = row_count;
  return v_closed;
end $$;
comment on function private.close_days() is
  'Writes the last day of change of every quiet counter, so that reports can read usage_daily alone. '
  'Idempotent.';

-- ───────────────────────────────────────────────────────────── why was I refused at 10:42
-- A refused statement rolls back everything, its own record included; PostgreSQL has no transaction beside
-- it. What can speak afterwards does: the web app reports a refusal it met by report_refusal(), an import
-- records its own. A statement refused over bare SQL, or to a program that does not report, stands in that
-- program's error alone.
create function public.report_refusal(p_restriction_type text, p_requested bigint default 1)
  returns jsonb language plpgsql volatile security definer set search_path = '' as $$
declare v_group constant uuid := private.my_group_id(); v_decision jsonb;
begin
  perform private.require_signed_in();
  if v_group is null then
    perform private.fail('PT403', 'forbidden', 'Seul un membre d’un groupe rapporte un refus.');
  end if;
  v_decision := public.check_plan_restrictions(p_restriction_type, p_requested, v_group);
  -- What is let through by now is no refusal that can be explained.
  if (v_decision->>'allowed')::boolean then return v_decision; end if;
  -- One line a person and second, and so many a day: a program gone wild cannot fill the table. Looked at
  -- under the lock: two of its calls at once are one line.
  perform private.lock_group(v_group);
  if not exists (select 1 from public.refusals
                 where actor_id = auth.uid() and at > now() - interval '1 second')
     and private.within_rate(auth.uid(), 'refusal') then
    insert into public.refusals (school_group_id, actor_id, source, decision)
    values (v_group, auth.uid(), 'reported', v_decision);
  end if;
  return v_decision;
end $$;
comment on function public.report_refusal(text, bigint) is
  'Records that the caller was just refused, with the decision as it stands now and its revision. Returns '
  'that decision.';
grant execute on function public.report_refusal(text, bigint) to authenticated;

-- ───────────────────────────────────────────────────────────── notices that were read
create function public.mark_notifications_read(p_up_to bigint)
  returns int language plpgsql volatile security definer set search_path = '' as $$
declare v_group constant uuid := private.require_group_admin(); v_marked int;
begin
  insert into public.notification_reads as r (profile_id, notification_id, turn)
  select auth.uid(), n.id, n.turn from public.notices n
  where n.school_group_id = v_group and n.kind = any (private.my_notification_kinds())
    and n.unread and n.turn <= p_up_to
  on conflict (profile_id, notification_id) do update
    set turn = excluded.turn, read_at = now() where r.turn < excluded.turn;
  get diagnostics v_marked = row_count;
  return v_marked;
end $$;
comment on function public.mark_notifications_read(bigint) is
  'Marks the caller''s group''s notices up to that turn, the newest that the caller has seen, as read by the '
  'caller; one that rose meanwhile stays unread. Returns how many were not.';
grant execute on function public.mark_notifications_read(bigint) to authenticated;
