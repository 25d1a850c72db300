-- Demo accounts, all with the same published password. The server refuses to listen beyond this machine
-- while they exist, unless it is told to.

create temporary table demo_accounts (id uuid, email text, role public.user_role, group_code text, first_name text, last_name text) on commit drop;
insert into demo_accounts values
  ('d0000000-0000-4000-8000-000000000001', 'superadmin@epilot.demo', 'super_admin', null, 'Ramsès', 'Melack'),
  ('d0000000-0000-4000-8000-000000000002', 'vianney@lamarelle.demo', 'admin_groupe', 'LAMARELLE', 'Vianney', 'Malonga'),
  ('d0000000-0000-4000-8000-000000000003', 'admin@ngongo.demo', 'admin_groupe', 'NGONGO', 'Grâce', 'Ngongo'),
  ('d0000000-0000-4000-8000-000000000004', 'admin@edja.demo', 'admin_groupe', 'EDJA', 'Armand', 'Edja'),
  ('d0000000-0000-4000-8000-000000000005', 'secretariat@lamarelle.demo', 'personnel', 'LAMARELLE', 'Bénédicte', 'Itoua');

-- The empty tokens are for hosted Supabase, whose auth server cannot read null there.
insert into auth.users (id, aud, role, email, encrypted_password, email_confirmed_at, raw_app_meta_data, raw_user_meta_data,
                        confirmation_token, recovery_token, email_change_token_new, email_change, created_at, updated_at)
select id, 'authenticated', 'authenticated', email, extensions.crypt('Demo-epilot-2025', extensions.gen_salt('bf', 10)), now(),
       '{"provider": "email", "providers": ["email"]}', '{}', '', '', '', '', now(), now()
from demo_accounts;

insert into auth.identities (id, provider, provider_id, user_id, identity_data, last_sign_in_at, created_at, updated_at)
select id, 'email', id::text, id, jsonb_build_object('sub', id, 'email', email, 'email_verified', true), now(), now(), now()
from demo_accounts;

insert into public.profiles (id, role, school_group_id, school_id, first_name, last_name)
select a.id, a.role, g.id, case when a.role = 'personnel' then (select min(s.id::text)::uuid from public.schools s where s.school_group_id = g.id) end,
       a.first_name, a.last_name
from demo_accounts a left join public.school_groups g on g.code = a.group_code;
