-- Who may sign in: an admin a group and every member of staff. Students have no accounts: they are rows, and the roles of a
-- profile name none for them. All share the published demo password, hashed once.

create temporary table dataset_accounts on commit drop as
select pg_temp.id_of('admin', d.n) as id, 'admin@' || lower(d.code) || '.demo' as email, 'admin_groupe'::public.user_role as role,
       d.id as school_group_id, null::uuid as school_id, split_part(g.contact_name, ' ', 1) as first_name, split_part(g.contact_name, ' ', 2) as last_name
from dataset_groups d join public.school_groups g on g.id = d.id
union all
select pg_temp.id_of('account', s.n), p.email, 'personnel', p.school_group_id, p.school_id, p.first_name, p.last_name
from dataset_staff s join public.staff p on p.id = pg_temp.id_of('staff', s.n);

-- The empty tokens are for hosted Supabase, whose auth server cannot read null there.
insert into auth.users (id, aud, role, email, encrypted_password, email_confirmed_at, raw_app_meta_data, raw_user_meta_data,
                        confirmation_token, recovery_token, email_change_token_new, email_change, created_at, updated_at)
select a.id, 'authenticated', 'authenticated', a.email, h.hash, now(), '{"provider": "email", "providers": ["email"]}', '{}', '', '', '', '', now(), now()
from dataset_accounts a cross join (select extensions.crypt('Demo-epilot-2025', extensions.gen_salt('bf', 10)) as hash offset 0) h;

insert into auth.identities (id, provider, provider_id, user_id, identity_data, last_sign_in_at, created_at, updated_at)
select id, 'email', id::text, id, jsonb_build_object('sub', id, 'email', email, 'email_verified', true), now(), now(), now()
from dataset_accounts;

insert into public.profiles (id, role, school_group_id, school_id, first_name, last_name)
select id, role, school_group_id, school_id, first_name, last_name from dataset_accounts;
analyze public.profiles;
