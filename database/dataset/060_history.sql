-- The past of every group that has none: one row a counter and day on which it changed, as private.close_days() would have
-- written it, from the day the group came (at most dataset.days ago) to yesterday. Today stands in the counter itself.
-- Numbered by name, so that groups whose ids were drawn at random have the same past each time.

create temporary table dataset_counters on commit drop as
with numbered as (
  select g.id, row_number() over (order by g.name collate "C") as n, t.today,
         greatest((g.created_at at time zone 'Africa/Brazzaville')::date, t.today - t.days) as since,
         (g.created_at at time zone 'Africa/Brazzaville')::date <= t.today - t.days as settled
  from public.school_groups g cross join (select private.today() as today, current_setting('dataset.days')::int as days) t
  where not exists (select from public.usage_daily h where h.school_group_id = g.id)
), held as (
  select school_group_id, array_agg(used order by resource) as used, array_agg("limit" order by resource) as limits,
         bool_or(used > "limit") as above
  from public.school_group_usage group by 1
), allowed as (
  -- A group that stands above its limits grew on a plan that held it.
  select h.school_group_id, h.used, case when h.above then p.limits else h.limits end as limits
  from held h left join lateral (
    select l.limits from public.subscription_plans p
    cross join lateral (select p.limits) l
    where h.above and not exists (select from unnest(h.used, l.limits) x (used, "limit") where x.used > x."limit")
    order by p.rank limit 1) p on true)
select g.n * 4 + r.place as n, g.id as school_group_id, r.resource, g.since, g.today, u.used, a.limits[r.place] as "limit",
       -- What stood there when the history begins; a group that came later began with nothing.
       case when g.settled then floor(u.used * (0.55 + 0.35 * pg_temp.chance(g.n, 80)))::bigint else 0 end as began,
       least(case r.resource when 'schools' then 6 when 'students' then 80 when 'staff' then 15 else 30 end, u.used) as changes
from numbered g
join allowed a on a.school_group_id = g.id
cross join unnest(enum_range(null::public.resource)) with ordinality r (resource, place)
cross join lateral (select a.used[r.place] as used) u
where g.since < g.today;

insert into public.usage_daily (school_group_id, resource, day, used, "limit")
with drawn as (
  select n, since as day from dataset_counters
  union
  -- People enrol from September to November, and nobody on Sundays.
  select c.n, x.day from dataset_counters c cross join generate_series(1, c.changes) i
  cross join lateral (select c.since + floor((c.today - c.since) * pg_temp.chance(c.n * 100 + i, 81))::int as day) x
  where extract(isodow from x.day) < 7
    and pg_temp.chance(c.n * 100 + i, 82) < case when extract(month from x.day) in (9, 10, 11) then 1 when extract(month from x.day) in (7, 8) then 0.1 else 0.4 end
), weighed as (
  select n, day, case when extract(month from day) in (9, 10, 11) then 5 else 1 end as weight from drawn
), placed as (
  select n, day, row_number() over days as place, count(*) over (partition by n) as days,
         -- Nothing has come on the first day, all on the last.
         coalesce((sum(weight) over days - first_value(weight) over days)::float8
                  / nullif(sum(weight) over (partition by n) - first_value(weight) over days, 0), 1) as share
  from weighed window days as (partition by n order by day)
), grown as (
  select c.n, c.school_group_id, c.resource, p.day, c."limit",
         greatest(0, c.began + floor((c.used - c.began) * p.share)
           -- Between those who come, a few leave.
           - case when p.place > 1 and p.place < p.days then floor(c.used * 0.015 * pg_temp.chance(p.n * 1000 + p.place, 83)) else 0 end)::bigint as used
  from placed p join dataset_counters c using (n))
select school_group_id, resource, day, used, "limit"
from (select *, lag(used) over (partition by n order by day) as before from grown) g
where used is distinct from before;
analyze public.usage_daily;
