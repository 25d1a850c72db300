-- 009 · Writes in bulk and by the byte: documents reserved before they are uploaded, files of pupils and staff imported.

-- ───────────────────────────────────────────────────────────── documents: reserve → upload → confirm
-- The row claims its bytes first, and the quota is judged there. Storage then takes an object only at the path of a
-- reserved row, never larger than what was claimed. Bytes come back when the row goes, and the row goes after its object.
alter table public.documents
  add column status text not null default 'reserved' check (status in ('reserved', 'stored')),
  add column reserved_until timestamptz default private.now() + interval '1 hour',
  add column storage_path text not null default '';
update public.documents set status = 'stored', reserved_until = null, storage_path = school_group_id || '/' || id;
comment on column public.documents.storage_path is 'Set once: a school that moves to another group takes its rows along, and their objects stay where they lie.';
alter table public.documents add constraint documents_reservation_check check ((status = 'stored') = (reserved_until is null));
create unique index documents_storage_path_idx on public.documents (storage_path);
create index documents_stale_idx on public.documents (reserved_until) where status = 'reserved';
revoke delete on public.documents from authenticated;

create function private.tg_documents__keep_path() returns trigger
  language plpgsql volatile set search_path = '' as $$
begin
  new.storage_path := case when tg_op = 'INSERT' then new.school_group_id || '/' || new.id else old.storage_path end;
  return new;
end $$;
create trigger keep_path before insert or update on public.documents
  for each row execute function private.tg_documents__keep_path();

insert into storage.buckets (id, name, public, file_size_limit) values ('documents', 'documents', false, private.largest_document())
on conflict (id) do update set public = excluded.public, file_size_limit = excluded.file_size_limit;

-- Law: no room is given back while its bytes may still come. The embedded server says here that they do. On hosted Supabase
-- nobody says so, and what comes too late is refused where it is recorded.
create table private.uploads (
  document_id uuid primary key references public.documents (id) on delete cascade,
  until timestamptz not null
);
alter table private.uploads enable row level security;
comment on table private.uploads is 'Uploads under way. The server renews `until` while bytes come; when it dies, the path is free two minutes later.';

create function private.is_uploading(p_document_id uuid, p_now timestamptz)
  returns boolean language sql stable security definer set search_path = '' as $$
  select exists (select 1 from private.uploads u where u.document_id = p_document_id and u.until > p_now);
$$;
create function private.upload_lease() returns timestamptz
  language sql stable set search_path = '' as $$ select private.now() + interval '2 minutes' $$;

create function private.may_upload(p_path text, p_size bigint)
  returns boolean language sql stable security definer set search_path = '' as $$
  select exists (
    select 1 from public.documents d
    where d.storage_path = p_path and (d.school_group_id = private.my_admin_group_id() or auth.role() = 'service_role')
      and d.status = 'reserved' and d.reserved_until > private.now() and coalesce(p_size, 0) <= d.size_bytes);
$$;
comment on function private.may_upload(text, bigint) is
  'Whether the caller''s group reserved this path, in time, for at least as many bytes; null is a size not known yet.';

create function private.least_size(p_metadata jsonb)
  returns bigint language sql immutable parallel safe set search_path = '' as $$
  select greatest((p_metadata->>'size')::bigint, (p_metadata->>'contentLength')::bigint - 65536);
$$;
comment on function private.least_size(jsonb) is
  'What a file has at least, bytes. Before it comes, Storage names the size of the whole request, which a form makes larger than its file.';

create function private.may_read_document(p_path text)
  returns boolean language sql stable security definer set search_path = '' as $$
  select exists (
    select 1 from public.documents d where d.storage_path = p_path and case d.status
      when 'stored' then d.school_group_id = private.my_admin_group_id() or d.school_id = private.my_school_id() or private.is_super_admin()
      -- An upload that was never confirmed can be removed, and a row must be seen for that. Storage says what it does.
      else d.school_group_id = private.my_admin_group_id()
        and coalesce(current_setting('storage.operation', true), '') in ('storage.object.delete', 'storage.object.delete_many') end);
$$;
comment on function private.may_read_document(text) is 'Whether the caller may read the confirmed document at this path.';
create function private.may_delete_document(p_path text)
  returns boolean language sql stable security definer set search_path = '' as $$
  select exists (select 1 from public.documents d where d.storage_path = p_path and d.school_group_id = private.my_admin_group_id());
$$;
grant execute on function private.least_size(jsonb), private.may_upload(text, bigint), private.may_read_document(text),
  private.may_delete_document(text) to authenticated;

create policy "documents: upload to a reserved path" on storage.objects for insert to authenticated
  with check (bucket_id = 'documents' and private.may_upload(name, private.least_size(metadata)));
create policy "documents: read what one may see" on storage.objects for select to authenticated
  using (bucket_id = 'documents' and private.may_read_document(name));
create policy "documents: remove one's group's" on storage.objects for delete to authenticated
  using (bucket_id = 'documents' and private.may_delete_document(name));

-- Law: the size is judged where it is recorded, under the lock of its reservation, by every way of recording it: the embedded server,
-- hosted Storage after an upload, an upload by a signed address or in parts, a copy. After the policies, so that strangers
-- lock nothing. 42501 is the refusal that Storage passes on.
create function private.tg_objects__hold_reservation() returns trigger
  language plpgsql volatile security definer set search_path = '' as $$
declare d public.documents; v_size constant bigint := new.metadata->>'size';
begin
  if new.bucket_id is distinct from 'documents' and (tg_op = 'INSERT' or old.bucket_id is distinct from 'documents') then
    return null;
  elsif tg_op = 'UPDATE' then
    if (new.bucket_id, new.name, new.version, v_size) is not distinct from (old.bucket_id, old.name, old.version, (old.metadata->>'size')::bigint) then
      return null;
    elsif (new.bucket_id, new.name) is distinct from (old.bucket_id, old.name) or old.metadata->>'size' is not null then
      perform private.fail('42501', 'object_fixed', 'Un document ne se déplace pas et ne se remplace pas.', 'Delete it, then upload another.');
    end if;
  end if;
  select * into d from public.documents where storage_path = new.name for update;
  if d.id is null or d.status <> 'reserved'
     or not (d.reserved_until > private.now() or private.is_uploading(d.id, private.now())) then
    perform private.fail('42501', 'upload_refused', 'Aucune place n’est réservée pour ce fichier.', 'Reserve it, then upload in time.');
  elsif v_size > d.size_bytes then
    perform private.fail('42501', 'size_exceeds_reservation', 'Le fichier est plus grand que la place réservée.', 'Reserve its true size.');
  end if;
  return null;
end $$;
create trigger hold_reservation after insert or update of bucket_id, name, metadata, version on storage.objects
  for each row execute function private.tg_objects__hold_reservation();

-- A row that went past delete_document(), as with its school, leaves its object to the sweep. Its path is not reserved again before.
create function private.tg_documents__refuse_leftovers() returns trigger
  language plpgsql volatile security definer set search_path = '' as $$
begin
  if exists (select 1 from new_rows n join storage.objects o on o.bucket_id = 'documents' and o.name = n.storage_path) then
    perform private.fail('PT409', 'object_present', 'Un fichier occupe encore cette place.', 'Reserve with another id.');
  end if;
  return null;
end $$;
create trigger refuse_leftovers after insert on public.documents referencing new table as new_rows
  for each statement execute function private.tg_documents__refuse_leftovers();

create function public.begin_upload(p_path text, p_size bigint)
  returns bigint language plpgsql volatile security definer set search_path = '' as $$
declare d public.documents;
begin
  if auth.role() is distinct from 'service_role' then
    perform private.require_group_admin();
  end if;
  if private.may_upload(p_path, p_size) then
    select * into d from public.documents where storage_path = p_path for update;
  end if;
  -- Read after the lock: the reservation may have ended while we waited.
  if d.id is null or not private.may_upload(p_path, p_size) then
    perform private.fail('PT403', 'upload_refused', 'Aucune place n’est réservée pour ce fichier.', 'Reserve it, then upload in time.');
  elsif private.is_uploading(d.id, private.now()) then
    perform private.fail('PT409', 'upload_in_progress', 'Ce fichier est déjà en cours d’envoi.', 'Wait for the other upload to end.');
  end if;
  insert into private.uploads values (d.id, private.upload_lease()) on conflict (document_id) do update set until = excluded.until;
  return d.size_bytes;
end $$;
comment on function public.begin_upload(text, bigint) is
  'Whether the caller may send a file of at least so many bytes to this path, before the first byte is read. Takes the path; answers the most bytes that it may have.';

create function public.keep_upload(p_path text)
  returns void language sql volatile security definer set search_path = '' as $$
  update private.uploads u set until = private.upload_lease() from public.documents d where d.id = u.document_id and d.storage_path = p_path;
$$;
comment on function public.keep_upload(text) is 'The server: bytes still come to this path.';

create function public.end_upload(p_path text)
  returns boolean language plpgsql volatile security definer set search_path = '' as $$
begin
  delete from private.uploads u using public.documents d where d.id = u.document_id and d.storage_path = p_path;
  return exists (select 1 from storage.objects o where o.bucket_id = 'documents' and o.name = p_path);
end $$;
comment on function public.end_upload(text) is 'The server: no more bytes come to this path. Answers whether the object is recorded.';
grant execute on function public.begin_upload(text, bigint) to authenticated, service_role;
grant execute on function public.keep_upload(text), public.end_upload(text) to service_role;

create function private.document_of_admin(p_document_id uuid)
  returns public.documents language plpgsql volatile security definer set search_path = '' as $$
declare v_group constant uuid := private.require_group_admin(); d public.documents;
begin
  select * into d from public.documents where id = p_document_id and school_group_id = v_group for update;
  if not found then
    perform private.fail('PT404', 'document_not_found', 'Ce document n’existe pas.', 'p_document_id');
  end if;
  return d;
end $$;

create function public.confirm_document(p_document_id uuid)
  returns jsonb language plpgsql volatile security definer set search_path = '' as $$
declare d public.documents := private.document_of_admin(p_document_id); v_size bigint;
begin
  if d.status = 'stored' then
    return jsonb_build_object('id', d.id, 'size_bytes', d.size_bytes, 'status', d.status);
  end if;
  select (o.metadata->>'size')::bigint into v_size from storage.objects o where o.bucket_id = 'documents' and o.name = d.storage_path;
  if v_size is null then
    perform private.fail('PT409', 'object_missing', 'Le fichier n’est pas encore arrivé.', 'Envoyez-le, puis confirmez.');
  end if;
  update public.documents set status = 'stored', reserved_until = null, size_bytes = greatest(v_size, 1) where id = d.id returning * into d;
  return jsonb_build_object('id', d.id, 'size_bytes', d.size_bytes, 'status', d.status);
end $$;
comment on function public.confirm_document(uuid) is 'Group admin: the object has arrived. Keeps its true size and gives the rest of the reservation back.';

create function public.delete_document(p_document_id uuid)
  returns void language plpgsql volatile security definer set search_path = '' as $$
declare d constant public.documents := private.document_of_admin(p_document_id);
begin
  if private.is_uploading(d.id, private.now()) then
    perform private.fail('PT409', 'upload_in_progress', 'Ce fichier est en cours d’envoi.', 'Attendez la fin de l’envoi.');
  end if;
  if exists (select 1 from storage.objects o where o.bucket_id = 'documents' and o.name = d.storage_path) then
    perform private.fail('PT409', 'object_present', 'Le fichier occupe encore sa place.', 'Supprimez d’abord le fichier, puis le document.');
  end if;
  delete from public.documents where id = d.id;
end $$;
comment on function public.delete_document(uuid) is 'Group admin: gives the bytes back, once the object is gone.';
grant execute on function public.confirm_document(uuid), public.delete_document(uuid) to authenticated;

create function private.expire_reservations(p_now timestamptz)
  returns int language plpgsql volatile security definer set search_path = '' as $$
declare v_groups uuid[]; v_due uuid[]; v_expired int;
begin
  -- Nobody is waited for while groups are held: a group that somebody is writing to comes with the next call.
  select array_agg(locked.school_group_id) into v_groups from (
    select g.school_group_id from private.group_states g where g.school_group_id in (
      select school_group_id from public.documents where status = 'reserved' and reserved_until <= p_now)
    order by g.school_group_id for update skip locked) locked;
  select array_agg(locked.id) into v_due from (
    select d.id from public.documents d
    where d.status = 'reserved' and d.reserved_until <= p_now and d.school_group_id = any (v_groups)
    for update skip locked) locked;
  -- Read after the lock, by a new statement: what was recorded just before it keeps its claim.
  delete from public.documents d where d.id = any (v_due) and not private.is_uploading(d.id, p_now)
    and not exists (select 1 from storage.objects o where o.bucket_id = 'documents' and o.name = d.storage_path);
  get diagnostics v_expired = row_count;
  -- A reservation whose object did arrive is kept: somebody's file is not lost for a missing confirmation.
  update public.documents d set status = 'stored', reserved_until = null, size_bytes = greatest((o.metadata->>'size')::bigint, 1)
  from storage.objects o
  where d.id = any (v_due) and o.bucket_id = 'documents' and o.name = d.storage_path and o.metadata->>'size' is not null;
  return v_expired;
end $$;
comment on function private.expire_reservations(timestamptz) is 'Gives back the bytes of uploads that never came; confirms those that came unsaid.';

-- ───────────────────────────────────────────────────────────── imports
create function private.try_date(p_text text)
  returns date language plpgsql immutable set search_path = '' as $$
begin
  return case when p_text ~ '^\d{4}-\d{2}-\d{2}$' then p_text::date end;
exception when datetime_field_overflow or invalid_datetime_format then
  return null;
end $$;
comment on function private.try_date(text) is 'The ISO date, or null for anything else.';

create function private.cell(p_row jsonb, p_field text)
  returns text language sql immutable parallel safe set search_path = '' as $$
  select nullif(btrim(p_row->>p_field, E' \t\r\n\u00a0'), '');
$$;
comment on function private.cell(jsonb, text) is 'A field of an imported row, trimmed; null when there is nothing in it.';

create function private.first_that_is_no_text(p_row jsonb, variadic p_fields text[])
  returns text language sql immutable parallel safe set search_path = '' as $$
  select f.name from unnest(p_fields) with ordinality f (name, place)
  where jsonb_typeof(p_row->f.name) in ('object', 'array', 'boolean') order by f.place limit 1;
$$;
comment on function private.first_that_is_no_text(jsonb, text[]) is
  'The first of the fields that holds neither text nor number nor nothing: `{"a": 1}` is nobody''s name.';

create function private.import_context(p_rows jsonb, p_mode text)
  returns uuid language plpgsql stable security definer set search_path = '' as $$
declare v_group constant uuid := private.require_group_admin();
begin
  if p_mode is null or p_mode not in ('preview', 'all_or_nothing', 'first_that_fit') then
    perform private.fail('PT400', 'invalid_request', 'Mode d’import inconnu.', 'preview, all_or_nothing, first_that_fit');
  elsif jsonb_typeof(p_rows) is distinct from 'array' or jsonb_array_length(p_rows) not between 1 and 10000 then
    perform private.fail('PT400', 'invalid_request', 'Un import compte de 1 à 10 000 lignes.', 'p_rows');
  end if;
  return v_group;
end $$;

create function private.judge_students(p_rows jsonb, p_school_group_id uuid, out accepted jsonb, out refused jsonb)
  language sql stable security definer set search_path = '' as $$
  with parsed as (
    select r.place::int as row, private.cell(r.value, 'first_name') as first_name, private.cell(r.value, 'last_name') as last_name,
           private.cell(r.value, 'registration_number') as registration_number, private.cell(r.value, 'class_name') as class_name,
           upper(private.cell(r.value, 'gender')) as gender, private.cell(r.value, 'birth_date') as birth_date,
           private.first_that_is_no_text(r.value, 'first_name', 'last_name', 'registration_number', 'class_name', 'gender', 'birth_date') as no_text
    from jsonb_array_elements(p_rows) with ordinality r (value, place)
  ), checked as (
    select p.*, case
      when no_text is not null then no_text
      when coalesce(char_length(first_name), 0) not between 1 and 80 then 'first_name'
      when coalesce(char_length(last_name), 0) not between 1 and 80 then 'last_name'
      when char_length(registration_number) > 40 then 'registration_number'
      when char_length(class_name) > 40 then 'class_name'
      when gender not in ('F', 'M') then 'gender'
      when birth_date is not null and private.try_date(birth_date) is null then 'birth_date' end as wrong_field
    from parsed p
  ), judged as (
    -- The first good row of the file has the number; a row that is refused anyway takes it from nobody.
    select c.*, registration_number is not null and (
        row_number() over (partition by registration_number, wrong_field is null order by row) > 1
        or exists (select 1 from public.students s where s.school_group_id = p_school_group_id
                   and s.registration_number = c.registration_number)) as repeated
    from checked c)
  select coalesce(jsonb_agg(to_jsonb(j) order by row) filter (where wrong_field is null and not repeated), '[]'),
         coalesce(jsonb_agg(case when wrong_field is not null then jsonb_build_object('row', row, 'code', 'invalid_value', 'field', wrong_field)
                                 else jsonb_build_object('row', row, 'code', 'already_exists', 'field', 'registration_number') end order by row)
                  filter (where wrong_field is not null or repeated), '[]')
  from judged j;
$$;

create function private.judge_staff(p_rows jsonb, p_school_group_id uuid, out accepted jsonb, out refused jsonb)
  language sql stable security definer set search_path = '' as $$
  with parsed as (
    select r.place::int as row, private.cell(r.value, 'first_name') as first_name, private.cell(r.value, 'last_name') as last_name,
           private.cell(r.value, 'job_title') as job_title, lower(private.cell(r.value, 'email')) as email,
           private.cell(r.value, 'phone') as phone,
           private.first_that_is_no_text(r.value, 'first_name', 'last_name', 'job_title', 'email', 'phone') as no_text
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
        or exists (select 1 from public.staff s where s.school_group_id = p_school_group_id and lower(s.email) = c.email)) as repeated
    from checked c)
  select coalesce(jsonb_agg(to_jsonb(j) order by row) filter (where wrong_field is null and not repeated), '[]'),
         coalesce(jsonb_agg(case when wrong_field is not null then jsonb_build_object('row', row, 'code', 'invalid_value', 'field', wrong_field)
                                 else jsonb_build_object('row', row, 'code', 'already_exists', 'field', 'email') end order by row)
                  filter (where wrong_field is not null or repeated), '[]')
  from judged j;
$$;
create index students_registration_idx on public.students (school_group_id, registration_number) where registration_number is not null;
create index staff_email_idx on public.staff (school_group_id, lower(email)) where email is not null;

create function private.import_people(p_kind public.resource, p_rows jsonb, p_mode text, p_school_id uuid)
  returns jsonb language plpgsql volatile security definer set search_path = '' as $$
declare
  v_group constant uuid := private.import_context(p_rows, p_mode);
  e private.effective_entitlements;
  v_accepted jsonb; v_refused jsonb; v_decision jsonb; v_valid int; v_ready int; v_inserted int := 0;
begin
  -- Held, so that it is neither archived nor moved away before its rows are in. School before group, as in every write.
  perform 1 from public.schools where id = p_school_id and school_group_id = v_group and status <> 'archived' for share;
  if not found then
    perform private.fail('PT404', 'school_not_found', 'Cette école n’existe pas ou est archivée.', 'p_school_id');
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
      insert into public.students (school_group_id, school_id, first_name, last_name, registration_number, class_name, gender, birth_date)
      select v_group, p_school_id, r.first_name, r.last_name, r.registration_number, r.class_name, r.gender, r.birth_date::date
      from jsonb_array_elements(v_accepted) with ordinality a (value, place)
      cross join lateral jsonb_to_record(a.value) r (first_name text, last_name text, registration_number text, class_name text, gender text, birth_date text)
      where a.place <= v_ready;
    else
      insert into public.staff (school_group_id, school_id, first_name, last_name, job_title, email, phone)
      select v_group, p_school_id, r.first_name, r.last_name, r.job_title, r.email, r.phone
      from jsonb_array_elements(v_accepted) with ordinality a (value, place)
      cross join lateral jsonb_to_record(a.value) r (first_name text, last_name text, job_title text, email text, phone text)
      where a.place <= v_ready;
    end if;
    get diagnostics v_inserted = row_count;
  end if;
  if v_ready < v_valid then
    v_refused := v_refused || (select jsonb_agg(jsonb_build_object('row', a.value->'row', 'code', v_decision->>'reason'))
                               from jsonb_array_elements(v_accepted) with ordinality a (value, place) where a.place > v_ready);
    if p_mode <> 'preview' and private.within_rate(auth.uid(), 'refusal') then
      insert into public.refusals (school_group_id, actor_id, source, decision) values (v_group, auth.uid(), 'import', v_decision);
    end if;
  end if;
  return jsonb_build_object('mode', p_mode, 'total', jsonb_array_length(p_rows), 'valid', v_valid, 'ready', v_ready,
    'inserted', v_inserted, 'decision', v_decision,
    'refused', (select coalesce(jsonb_agg(r order by (r->>'row')::int), '[]') from jsonb_array_elements(v_refused) r));
end $$;
comment on function private.import_people(public.resource, jsonb, text, uuid) is
  'total rows; valid; ready: valid and within the room left, in order of the file; inserted; refused: [{row (from 1), code, field?}]; decision about the valid rows.';

create function public.import_students(p_rows jsonb, p_mode text, p_school_id uuid)
  returns jsonb language sql volatile security definer set search_path = '' as $$
  select private.import_people('students', p_rows, p_mode, p_school_id);
$$;
comment on function public.import_students(jsonb, text, uuid) is
  'Group admin: up to 10,000 {first_name, last_name, registration_number?, class_name?, gender?, birth_date?}. p_mode: preview, all_or_nothing, first_that_fit.';

create function public.import_staff(p_rows jsonb, p_mode text, p_school_id uuid)
  returns jsonb language sql volatile security definer set search_path = '' as $$
  select private.import_people('staff', p_rows, p_mode, p_school_id);
$$;
comment on function public.import_staff(jsonb, text, uuid) is
  'Group admin: up to 10,000 {first_name, last_name, job_title?, email?, phone?}. p_mode: preview, all_or_nothing, first_that_fit.';
grant execute on function public.import_students(jsonb, text, uuid), public.import_staff(jsonb, text, uuid) to authenticated;

-- ───────────────────────────────────────────────────────────── jobs
create function private.run_minute_jobs()
  returns jsonb language sql volatile security definer set search_path = '' as $$
  select private.run_due_jobs() || jsonb_build_object('reservations', private.expire_reservations(private.now()));
$$;
comment on function private.run_minute_jobs() is 'To be called every minute by whatever schedules: croner beside the embedded server, pg_cron on Supabase.';

create function private.run_nightly_jobs()
  returns jsonb language sql volatile security definer set search_path = '' as $$
  delete from private.daily_acts where (subject, act) in (
    select subject, act from private.daily_acts where day < private.today() for update skip locked);
  select jsonb_build_object('counters_repaired', private.repair_usage()) || jsonb_build_object('days_closed', private.close_days());
$$;
comment on function private.run_nightly_jobs() is 'To be called after midnight, Africa/Brazzaville. counters_repaired is 0, or somebody must look at the audit log.';
