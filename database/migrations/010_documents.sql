-- 010 · Documents: reserved before they are uploaded, counted by the byte.
--
-- Reserve → upload → confirm. The row claims its bytes first, and the quota is judged there. Storage then
-- takes an object only at the path of a reserved row, never larger than what was claimed. Bytes come back
-- when the row goes, and the row goes after its object.

create function private.tg_documents__keep_path() returns trigger
  language plpgsql volatile set search_path = '' as $$
begin
  new.storage_path := case when tg_op = 'INSERT' then new.school_group_id || '/' || new.id
                           else old.storage_path end;
  return new;
end $$;
create trigger keep_path before insert or update on public.documents
  for each row execute function private.tg_documents__keep_path();

insert into storage.buckets (id, name, public, file_size_limit)
values ('documents', 'documents', false, private.largest_document())
on conflict (id) do update set public = excluded.public, file_size_limit = excluded.file_size_limit;

-- ───────────────────────────────────────────────────────────── uploads under way
-- Law: no room is given back while its bytes may still come. The embedded server says here that they do. On
-- hosted Supabase nobody says so, and what comes too late is refused where it is recorded.
create table private.uploads (
  document_id uuid primary key references public.documents (id) on delete cascade,
  until timestamptz not null
);
comment on table private.uploads is
  'Uploads under way. The server renews `until` while bytes come; when it dies, the path is free two minutes '
  'later.';
alter table private.uploads enable row level security;

create function private.is_uploading(p_document_id uuid, p_now timestamptz)
  returns boolean language sql stable security definer set search_path = '' as $$
  select exists (select 1 from private.uploads u where u.document_id = p_document_id and u.until > p_now);
$$;

create function private.upload_lease() returns timestamptz language sql stable parallel safe
  return private.now() + interval '2 minutes';

-- ───────────────────────────────────────────────────────────── who may touch an object
create function private.may_upload(p_path text, p_size bigint)
  returns boolean language sql stable security definer set search_path = '' as $$
  select exists (
    select 1 from public.documents d
    where d.storage_path = p_path
      and (d.school_group_id = private.my_admin_group_id() or auth.role() = 'service_role')
      and d.status = 'reserved' and d.reserved_until > private.now() and coalesce(p_size, 0) <= d.size_bytes);
$$;
comment on function private.may_upload(text, bigint) is
  'Whether the caller''s group reserved this path, in time, for at least as many bytes; null is a size not '
  'known yet.';
grant execute on function private.may_upload(text, bigint) to authenticated;

create function private.least_size(p_metadata jsonb) returns bigint language sql immutable parallel safe
  return greatest((p_metadata->>'size')::bigint, (p_metadata->>'contentLength')::bigint - 65536);
comment on function private.least_size(jsonb) is
  'What a file has at least, bytes. Before it comes, Storage names the size of the whole request, which a '
  'form makes larger than its file.';
grant execute on function private.least_size(jsonb) to authenticated;

create function private.may_read_document(p_path text)
  returns boolean language sql stable security definer set search_path = '' as $$
  select exists (
    select 1 from public.documents d where d.storage_path = p_path and case d.status
      when 'stored' then d.school_group_id = private.my_admin_group_id()
        or d.school_id = private.my_school_id() or private.is_super_admin()
      -- An upload that was never confirmed can be removed, and a row must be seen for that. Storage says what
      -- it does.
      else d.school_group_id = private.my_admin_group_id()
        and coalesce(current_setting('storage.operation', true), '')
            in ('storage.object.delete', 'storage.object.delete_many') end);
$$;
comment on function private.may_read_document(text) is
  'Whether the caller may read the confirmed document at this path.';
grant execute on function private.may_read_document(text) to authenticated;

create function private.may_delete_document(p_path text)
  returns boolean language sql stable security definer set search_path = '' as $$
  select exists (select 1 from public.documents d
                 where d.storage_path = p_path and d.school_group_id = private.my_admin_group_id());
$$;
grant execute on function private.may_delete_document(text) to authenticated;

create policy "documents: upload to a reserved path" on storage.objects for insert to authenticated
  with check (bucket_id = 'documents' and private.may_upload(name, private.least_size(metadata)));
create policy "documents: read what one may see" on storage.objects for select to authenticated
  using (bucket_id = 'documents' and private.may_read_document(name));
create policy "documents: remove one's group's" on storage.objects for delete to authenticated
  using (bucket_id = 'documents' and private.may_delete_document(name));

-- Law: the size is judged where it is recorded, under the lock of its reservation, by every way of recording
-- it: the embedded server, hosted Storage after an upload, an upload by a signed address or in parts, a copy.
-- After the policies, so that strangers lock nothing. 42501 is the refusal that Storage passes on.
create function private.tg_objects__hold_reservation() returns trigger
  language plpgsql volatile security definer set search_path = '' as $$
declare d public.documents; v_size constant bigint := new.metadata->>'size';
begin
  if new.bucket_id is distinct from 'documents'
     and (tg_op = 'INSERT' or old.bucket_id is distinct from 'documents') then
    return null;
  elsif tg_op = 'UPDATE' then
    if (new.bucket_id, new.name, new.version, v_size)
       is not distinct from (old.bucket_id, old.name, old.version, (old.metadata->>'size')::bigint) then
      return null;
    elsif (new.bucket_id, new.name) is distinct from (old.bucket_id, old.name)
          or old.metadata->>'size' is not null then
      perform private.fail('42501', 'object_fixed', 'Un document ne se déplace pas et ne se remplace pas.',
        'Delete it, then upload another.');
    end if;
  end if;
  select * into d from public.documents where storage_path = new.name for update;
  if d.id is null or d.status <> 'reserved'
     or not (d.reserved_until > private.now() or private.is_uploading(d.id, private.now())) then
    perform private.fail('42501', 'upload_refused', 'Aucune place n’est réservée pour ce fichier.',
      'Reserve it, then upload in time.');
  elsif v_size > d.size_bytes then
    perform private.fail('42501', 'size_exceeds_reservation',
      'Le fichier est plus grand que la place réservée.', 'Reserve its true size.');
  end if;
  return null;
end $$;
create trigger hold_reservation after insert or update of bucket_id, name, metadata, version
  on storage.objects
  for each row execute function private.tg_objects__hold_reservation();

-- A row that went past delete_document(), as with its school, leaves its object to the sweep. Its path is not
-- reserved again before.
create function private.tg_documents__refuse_leftovers() returns trigger
  language plpgsql volatile security definer set search_path = '' as $$
begin
  if exists (select 1 from new_rows n
             join storage.objects o on o.bucket_id = 'documents' and o.name = n.storage_path) then
    perform private.fail('PT409', 'object_present', 'Un fichier occupe encore cette place.',
      'Reserve with another id.');
  end if;
  return null;
end $$;
create trigger refuse_leftovers after insert on public.documents referencing new table as new_rows
  for each statement execute function private.tg_documents__refuse_leftovers();

-- ───────────────────────────────────────────────────────────── the server, while bytes come
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
    perform private.fail('PT403', 'upload_refused', 'Aucune place n’est réservée pour ce fichier.',
      'Reserve it, then upload in time.');
  elsif private.is_uploading(d.id, private.now()) then
    perform private.fail('PT409', 'upload_in_progress', 'Ce fichier est déjà en cours d’envoi.',
      'Wait for the other upload to end.');
  end if;
  insert into private.uploads values (d.id, private.upload_lease())
  on conflict (document_id) do update set until = excluded.until;
  return d.size_bytes;
end $$;
comment on function public.begin_upload(text, bigint) is
  'Whether the caller may send a file of at least so many bytes to this path, before the first byte is read. '
  'Takes the path; answers the most bytes that it may have.';
grant execute on function public.begin_upload(text, bigint) to authenticated, service_role;

create function public.keep_upload(p_path text)
  returns void language sql volatile security definer set search_path = '' as $$
  update private.uploads u set until = private.upload_lease() from public.documents d
  where d.id = u.document_id and d.storage_path = p_path;
$$;
comment on function public.keep_upload(text) is 'The server: bytes still come to this path.';
grant execute on function public.keep_upload(text) to service_role;

create function public.end_upload(p_path text)
  returns boolean language plpgsql volatile security definer set search_path = '' as $$
begin
  delete from private.uploads u using public.documents d
  where d.id = u.document_id and d.storage_path = p_path;
  return exists (select 1 from storage.objects o where o.bucket_id = 'documents' and o.name = p_path);
end $$;
comment on function public.end_upload(text) is
  'The server: no more bytes come to this path. Answers whether the object is recorded.';
grant execute on function public.end_upload(text) to service_role;

-- ───────────────────────────────────────────────────────────── acts of a group admin
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
  select (o.metadata->>'size')::bigint into v_size from storage.objects o
  where o.bucket_id = 'documents' and o.name = d.storage_path;
  if v_size is null then
    perform private.fail('PT409', 'object_missing', 'Le fichier n’est pas encore arrivé.',
      'Envoyez-le, puis confirmez.');
  end if;
  update public.documents set status = 'stored', reserved_until = null, size_bytes = greatest(v_size, 1)
  where id = d.id returning * into d;
  return jsonb_build_object('id', d.id, 'size_bytes', d.size_bytes, 'status', d.status);
end $$;
comment on function public.confirm_document(uuid) is
  'Group admin: the object has arrived. Keeps its true size and gives the rest of the reservation back.';
grant execute on function public.confirm_document(uuid) to authenticated;

create function public.delete_document(p_document_id uuid)
  returns void language plpgsql volatile security definer set search_path = '' as $$
declare d constant public.documents := private.document_of_admin(p_document_id);
begin
  if private.is_uploading(d.id, private.now()) then
    perform private.fail('PT409', 'upload_in_progress', 'Ce fichier est en cours d’envoi.',
      'Attendez la fin de l’envoi.');
  end if;
  if exists (select 1 from storage.objects o where o.bucket_id = 'documents' and o.name = d.storage_path) then
    perform private.fail('PT409', 'object_present', 'Le fichier occupe encore sa place.',
      'Supprimez d’abord le fichier, puis le document.');
  end if;
  delete from public.documents where id = d.id;
end $$;
comment on function public.delete_document(uuid) is
  'Group admin: gives the bytes back, once the object is gone.';
grant execute on function public.delete_document(uuid) to authenticated;

-- ───────────────────────────────────────────────────────────── reservations end
create function private.expire_reservations(p_now timestamptz)
  returns int language plpgsql volatile security definer set search_path = '' as $$
declare v_groups uuid[]; v_due uuid[]; v_expired int;
begin
  -- We wait for no session while we lock groups: a group that is being written comes with the next call.
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
    and not exists (select 1 from storage.objects o
      where o.bucket_id = 'documents' and o.name = d.storage_path);
  get diagnostics v_expired = row_count;
  -- A reservation whose object did arrive is kept: somebody's file is not lost for a missing confirmation.
  update public.documents d set status = 'stored', reserved_until = null,
    size_bytes = greatest((o.metadata->>'size')::bigint, 1)
  from storage.objects o
  where d.id = any (v_due) and o.bucket_id = 'documents' and o.name = d.storage_path
    and o.metadata->>'size' is not null;
  return v_expired;
end $$;
comment on function private.expire_reservations(timestamptz) is
  'Gives back the bytes of uploads that never came; confirms those that came unsaid.';
