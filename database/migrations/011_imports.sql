-- 011 · Imports: files of pupils and staff, judged row by row and written in one statement.

-- ───────────────────────────────────────────────────────────── reading a row
create function private.try_date(p_text text)
  returns date language plpgsql immutable set search_path = '' as $$
begin
  return case when p_text ~ '^\d{4}-\d{2}-\d{2}$' then p_text::date end;
exception when datetime_field_overflow or invalid_datetime_format then
  return null;
end $$;
comment on function private.try_date(text) is 'The ISO date, or null for anything else.';

create function private.cell(p_row jsonb, p_field text) returns text language sql immutable parallel safe
  return nullif(btrim(p_row->>p_field, E' \t\r\n\u00a0'), '');
comment on function private.cell(jsonb, text) is
  'A field of an imported row, trimmed; null when there is nothing in it.';

create function private.first_that_is_no_text(p_row jsonb, variadic p_fields text[])
  returns text language sql immutable parallel safe begin atomic
  select f.name from unnest(p_fields) with ordinality f (name, place)
  where jsonb_typeof(p_row->f.name) in ('object', 'array', 'boolean') order by f.place limit 1;
end;
comment on function private.first_that_is_no_text(jsonb, text[]) is
  'The first of the fields that holds neither text nor number nor nothing: `{"a": 1}` is nobody''s name.';

-- ───────────────────────────────────────────────────────────── judging rows
create function private.import_context(p_rows jsonb, p_mode text)
  returns uuid language plpgsql stable security definer set search_path = '' as $$
declare v_group constant uuid := private.require_group_admin();
begin
  if p_mode is null or p_mode not in ('preview', 'all_or_nothing', 'first_that_fit') then
    perform private.fail('PT400', 'invalid_request', 'Mode d’import inconnu.',
      'preview, all_or_nothing, first_that_fit');
  elsif jsonb_typeof(p_rows) is distinct from 'array'
     or jsonb_array_length(p_rows) not between 1 and 10000 then
    perform private.fail('PT400', 'invalid_request', 'Un import compte de 1 à 10 000 lignes.', 'p_rows');
  end if;
  return v_group;
end $$;

create function private.judge_students(p_rows jsonb, p_school_group_id uuid,
    out accepted jsonb, out refused jsonb)
  language sql stable security definer set search_path = '' as $$
  with parsed as (
    select r.place::int as row, private.cell(r.value, 'first_name') as first_name,
           private.cell(r.value, 'last_name') as last_name,
           private.cell(r.value, 'registration_number') as registration_number,
           private.cell(r.value, 'class_name') as class_name,
           upper(private.cell(r.value, 'gender')) as gender,
           private.cell(r.value, 'birth_date') as birth_date,
           private.first_that_is_no_text(r.value, 'first_name', 'last_name', 'registration_number',
             'class_name', 'gender', 'birth_date') as no_text
    from jsonb_array_elements(p_rows) with ordinality r (value, place)
  ), checked as (
    select p.*, case
      when no_text is not null then no_text
      when coalesce(char_length(first_name), 0) not between 1 and 80 then 'first_name'
      when coalesce(char_length(last_name), 0) not between 1 and 80 then 'last_name'
      when char_length(registration_number) > 40 then 'registration_number'
      when char_length(class_name) > 40 then 'class_name'
      when gender not in ('F', 'M') then 'gender'
      when birth_date is not null and private.try_date(birth_date) is null then 'birth_date'
    end as wrong_field
    from parsed p
  ), judged as (
    -- The first good row of the file has the number; a row that is refused anyway takes it from nobody.
    select c.*, registration_number is not null and (
        row_number() over (partition by registration_number, wrong_field is null order by row) > 1
        or exists (select 1 from public.students s where s.school_group_id = p_school_group_id
                   and s.registration_number = c.registration_number)) as repeated
    from checked c)
  select coalesce(jsonb_agg(to_jsonb(j) order by row)
                  filter (where wrong_field is null and not repeated), '[]'),
         coalesce(jsonb_agg(
             case when wrong_field is not null
                  then jsonb_build_object('row', row, 'code', 'invalid_value', 'field', wrong_field)
                  else jsonb_build_object('row', row, 'code', 'already_exists',
                                          'field', 'registration_number') end
             order by row) filter (where wrong_field is not null or repeated), '[]')
  from judged j;
$$;

create function private.judge_staff(p_rows jsonb, p_school_group_id uuid,
    out accepted jsonb, out refused jsonb)
  language sql stable security definer set search_path = '' as $$
  with parsed as (
    select r.place::int as row, private.cell(r.value, 'first_name') as first_name,
           private.cell(r.value, 'last_name') as last_name,
           private.cell(r.value, 'job_title') as job_title, lower(private.cell(r.value, 'email')) as email,
           private.cell(r.value, 'phone') as phone,
           private.first_that_is_no_text(r.value, 'first_name', 'last_name', 'job_title',
             'email', 'phone') as no_text
    from jsonb_array_elements(p_rows) with ordinality r (value, place)
  ), checked as (
    select p.*, case
      when no_text is not null then no_text
      when coalesce(char_length(first_name), 0) not between 1 and 80 then 'first_name'
      when coalesce(char_length(last_name), 0) not between 1 and 80 then 'last_name'
      when char_length(job_title) > 80 then 'job_title'
      when char_length(email) > 254 or email not like '%_@_%' then 'email'
      when char_length(phone) > 40 then 'phone' end as wrong_field
    from parsed p
  ), judged as (
    select c.*, email is not null and (
        row_number() over (partition by email, wrong_field is null order by row) > 1
        or exists (select 1 from public.staff s where s.school_group_id = p_school_group_id
                   and lower(s.email) = c.email)) as repeated
    from checked c)
  select coalesce(jsonb_agg(to_jsonb(j) order by row)
                  filter (where wrong_field is null and not repeated), '[]'),
         coalesce(jsonb_agg(
             case when wrong_field is not null
                  then jsonb_build_object('row', row, 'code', 'invalid_value', 'field', wrong_field)
                  else jsonb_build_object('row', row, 'code', 'already_exists', 'field', 'email') end
             order by row) filter (where wrong_field is not null or repeated), '[]')
  from judged j;
$$;

-- ───────────────────────────────────────────────────────────── writing them
create function private.import_people(p_kind public.resource, p_rows jsonb, p_mode text, p_school_id uuid)
  returns jsonb language plpgsql volatile security definer set search_path = '' as $$
declare
  v_group constant uuid := private.import_context(p_rows, p_mode);
  e private.effective_entitlements;
  v_accepted jsonb; v_refused jsonb; v_decision jsonb; v_valid int; v_ready int; v_inserted int := 0;
begin
  -- Held, so that it is neither archived nor moved away before its rows are in. School before group, as in
  -- every write.
  perform 1 from public.schools
  where id = p_school_id and school_group_id = v_group and status <> 'archived' for share;
  if not found then
    perform private.fail('PT404', 'school_not_found',
      'Cette école n’existe pas ou est archivée.', 'p_school_id');
  end if;
  -- Under the lock the room that is reported is the room that is there.
  if p_mode <> 'preview' then perform private.lock_group(v_group); end if;
  if p_kind = 'students' then
    select j.accepted, j.refused into v_accepted, v_refused from private.judge_students(p_rows, v_group) j;
  else
    select j.accepted, j.refused into v_accepted, v_refused from private.judge_staff(p_rows, v_group) j;
  end if;
  v_valid := jsonb_array_length(v_accepted);
  select * into e from private.effective_entitlements where school_group_id = v_group;
  v_decision := private.decision_for(e, p_kind, v_valid);
  v_ready := least(v_valid, coalesce((v_decision->>'remaining')::bigint, v_valid));

  if p_mode = 'first_that_fit' or (p_mode = 'all_or_nothing' and v_ready = jsonb_array_length(p_rows)) then
    if p_kind = 'students' then
      insert into public.students
        (school_group_id, school_id, first_name, last_name, registration_number, class_name, gender,
         birth_date)
      select v_group, p_school_id, r.first_name, r.last_name, r.registration_number, r.class_name,
             r.gender, r.birth_date::date
      from jsonb_array_elements(v_accepted) with ordinality a (value, place)
      cross join lateral jsonb_to_record(a.value) r (first_name text, last_name text,
        registration_number text, class_name text, gender text, birth_date text)
      where a.place <= v_ready;
    else
      insert into public.staff (school_group_id, school_id, first_name, last_name, job_title, email, phone)
      select v_group, p_school_id, r.first_name, r.last_name, r.job_title, r.email, r.phone
      from jsonb_array_elements(v_accepted) with ordinality a (value, place)
      cross join lateral jsonb_to_record(a.value) r (first_name text, last_name text,
        job_title text, email text, phone text)
      where a.place <= v_ready;
    end if;
    get diagnostics v_inserted = row_count;
  end if;
  if v_ready < v_valid then
    v_refused := v_refused || (
      select jsonb_agg(jsonb_build_object('row', a.value->'row', 'code', v_decision->>'reason'))
      from jsonb_array_elements(v_accepted) with ordinality a (value, place) where a.place > v_ready);
    if p_mode <> 'preview' and private.within_rate(auth.uid(), 'refusal') then
      insert into public.refusals (school_group_id, actor_id, source, decision)
      values (v_group, auth.uid(), 'import', v_decision);
    end if;
  end if;
  return jsonb_build_object('mode', p_mode, 'total', jsonb_array_length(p_rows),
    'valid', v_valid, 'ready', v_ready, 'inserted', v_inserted, 'decision', v_decision,
    'refused', (select coalesce(jsonb_agg(r order by (r->>'row')::int), '[]')
                from jsonb_array_elements(v_refused) r));
end $$;
comment on function private.import_people(public.resource, jsonb, text, uuid) is
  'total rows; valid; ready: valid and within the room left, in order of the file; inserted; refused: [{row '
  '(from 1), code, field?}]; decision about the valid rows.';

create function public.import_students(p_rows jsonb, p_mode text, p_school_id uuid)
  returns jsonb language sql volatile security definer set search_path = '' as $$
  select private.import_people('students', p_rows, p_mode, p_school_id);
$$;
comment on function public.import_students(jsonb, text, uuid) is
  'Group admin: up to 10,000 {first_name, last_name, registration_number?, class_name?, gender?, '
  'birth_date?}. p_mode: preview, all_or_nothing, first_that_fit.';
grant execute on function public.import_students(jsonb, text, uuid) to authenticated;

create function public.import_staff(p_rows jsonb, p_mode text, p_school_id uuid)
  returns jsonb language sql volatile security definer set search_path = '' as $$
  select private.import_people('staff', p_rows, p_mode, p_school_id);
$$;
comment on function public.import_staff(jsonb, text, uuid) is
  'Group admin: up to 10,000 {first_name, last_name, job_title?, email?, phone?}. p_mode: preview, '
  'all_or_nothing, first_that_fit.';
grant execute on function public.import_staff(jsonb, text, uuid) to authenticated;
