/** The data set of P1–P3, and what enforcement is compared with, as SQL. */

/**
 * `bench.load(groups, students, hot, room)`: groups of one school on a plan whose limits are far away but are limits.
 * Codes order the schools: one of `hot` students where all writers meet; `groups` of `students` each; one more of
 * `students` that has room for `room` others until its plan's limit; one of `students` that takes the bulk.
 */
export const SAMPLE_SCHOOLS = `
create schema bench;
create function bench.load(p_groups int, p_students int, p_hot int, p_room int) returns void language plpgsql as $$
begin
  insert into public.subscription_plans (slug, name, rank, price_xaf, max_schools, max_students, max_staff, max_storage)
  values ('bench', 'Bench', 9, 0, 1000000, 100000000, 1000000, 1000000),
         ('bench-tight', 'Bench, tight', 9, 0, 1000000, p_students + p_room, 1000000, 1000000);
  insert into public.school_groups (name) select 'GROUPE ' || n from generate_series(1, p_groups + 3) n;
  update public.subscriptions set plan_id = (select id from public.subscription_plans where slug = 'bench');
  insert into public.schools (school_group_id, name, code)
  select id, 'École', 'B' || lpad((row_number() over ())::text, 6, '0') from public.school_groups;
  update public.subscriptions set plan_id = (select id from public.subscription_plans where slug = 'bench-tight')
  where school_group_id = (select school_group_id from public.schools order by code offset p_groups + 1 limit 1);
  insert into public.students (school_group_id, school_id, first_name, last_name)
  select s.school_group_id, s.id, 'Élève', 'n° ' || i
  from public.schools s, generate_series(1, case when s.code = 'B000001' then p_hot else p_students end) i;
end $$;
`;

/** The same tables, uncounted. */
export const UNENFORCED = `
drop trigger count_insert on public.students;
drop trigger count_update on public.students;
drop trigger count_delete on public.students;
`;

/**
 * What is usually written first: count the rows at each insert. With the lock that makes it correct, for without it
 * two writers both see one place left.
 */
export const CLASSIC_TRIGGER = `
${UNENFORCED}
create function bench.tg_count_all() returns trigger language plpgsql as $$
declare v_used bigint; v_limit bigint;
begin
  perform 1 from public.school_groups where id = new.school_group_id for no key update;
  select p.max_students into v_limit from public.subscriptions s join public.subscription_plans p on p.id = s.plan_id
  where s.school_group_id = new.school_group_id;
  select count(*) into v_used from public.students
  where school_group_id = new.school_group_id and status = 'active';
  if v_used >= v_limit then raise exception 'limit reached'; end if;
  return new;
end $$;
create trigger count_all before insert on public.students for each row execute function bench.tg_count_all();
`;

/**
 * The least that any exact counter does: one row a group, moved and compared in the writer's transaction. No warning,
 * no revision, no message. What it reaches is the ceiling for one row that all writers of a group must lock.
 */
export const BARE_COUNTER = `
${UNENFORCED}
create table bench.counters (school_group_id uuid primary key, used bigint not null, "limit" bigint not null)
  with (fillfactor = 50);
insert into bench.counters select school_group_id, used, 100000000 from public.usage_counters where resource = 'students';
create function bench.tg_count_bare() returns trigger language plpgsql as $$
declare v record; v_counter bench.counters;
begin
  for v in select school_group_id, count(*) as n from new_rows where status = 'active' group by 1 order by 1 loop
    update bench.counters set used = used + v.n where school_group_id = v.school_group_id returning * into v_counter;
    if v_counter.used > v_counter."limit" then raise exception 'limit reached'; end if;
  end loop;
  return null;
end $$;
create trigger count_bare after insert on public.students referencing new table as new_rows
  for each statement execute function bench.tg_count_bare();
`;

/** Our own rule, applied a row at a time. */
export const ROW_TRIGGER = `
drop trigger count_insert on public.students;
create function bench.tg_count_row() returns trigger language plpgsql as $$
begin
  perform private.apply_usage('students', new.school_group_id, 1);
  return null;
end $$;
create trigger count_row after insert on public.students for each row execute function bench.tg_count_row();
`;
