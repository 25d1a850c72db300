-- Demo groups. LAMARELLE, CG NGONGO and ÉCOLE EDJA stand as the founding document shows them; the others
-- make lists, filters and charts look like a real platform. Everything is derived from row numbers: two
-- seeded databases hold the same names and sizes.

select set_config('epilot.change_reason', 'Souscription', true);

create temporary table demo_groups (name text, code text, city text, department text, contact text, plan text,
                                    schools int, students int, staff int, documents int) on commit drop;
insert into demo_groups values
  ('LAMARELLE', 'LAMARELLE', 'Brazzaville', 'Brazzaville', 'Vianney Malonga', 'pro', 1, 0, 3, 0),
  ('CG NGONGO', 'NGONGO', 'Pointe-Noire', 'Pointe-Noire', 'Grâce Ngongo', 'gratuit', 1, 41, 3, 4),
  ('ÉCOLE EDJA', 'EDJA', 'Dolisie', 'Niari', 'Armand Edja', 'premium', 2, 425, 9, 60),
  -- Held four schools on Pro, went down to Premium: over the limit, and everything still there.
  ('COMPLEXE LES PALMIERS', 'PALMIERS', 'Pointe-Noire', 'Pointe-Noire', 'Odile Tchicaya', 'pro', 4, 610, 24, 90),
  -- Expired: judged by the limits of Gratuit, and everything still there.
  ('INSTITUT LE SAVOIR', 'SAVOIR', 'Owando', 'Cuvette', 'Firmin Okemba', 'premium', 2, 180, 12, 20),
  ('RÉSEAU SAINTE-MARIE', 'STEMARIE', 'Brazzaville', 'Brazzaville', 'Sœur Clarisse Bemba', 'institutionnel', 14, 3200, 160, 300);

insert into demo_groups
select (array['GROUPE SCOLAIRE', 'COMPLEXE', 'COLLÈGE', 'ÉCOLE', 'INSTITUT'])[1 + n % 5] || ' ' || name,
       'GS-' || lpad(n::text, 3, '0'),
       (array['Brazzaville', 'Pointe-Noire', 'Dolisie', 'Nkayi', 'Ouesso', 'Owando', 'Impfondo', 'Sibiti', 'Madingou', 'Kinkala', 'Djambala'])[1 + n % 11],
       (array['Brazzaville', 'Pointe-Noire', 'Niari', 'Bouenza', 'Sangha', 'Cuvette', 'Likouala', 'Lékoumou', 'Bouenza', 'Pool', 'Plateaux'])[1 + n % 11],
       (array['Prisca', 'Rodrigue', 'Chancelvie', 'Aubin', 'Merveille', 'Destin', 'Ruth'])[1 + n % 7] || ' ' ||
       (array['Mabiala', 'Loemba', 'Nkounkou', 'Ibara', 'Mboungou', 'Samba', 'Goma', 'Ossebi'])[1 + n % 8],
       plan,
       case plan when 'gratuit' then 1 when 'premium' then 1 + n % 3 else 2 + n * 5 % 8 end,
       case plan when 'gratuit' then n * 37 % 101 when 'premium' then n * 83 % 480 else n * 197 % 1900 end,
       case plan when 'gratuit' then 1 + n % 5 when 'premium' then 2 + n * 7 % 18 else 5 + n * 11 % 45 end,
       n * 13 % 40
from unnest(array['LES COCOTIERS', 'MFOA', 'DIOSSO', 'LE PHARE', 'TCHIMPOUNGA', 'LA VICTOIRE', 'NGOUABI', 'LES MANGUIERS', 'KOUILOU',
  'L’ESPÉRANCE', 'SAINT-PIERRE', 'MAYOMBE', 'LA RÉUSSITE', 'LOUÉSSÉ', 'LES FLAMBOYANTS', 'TALANGAÏ', 'LE BERCEAU', 'NIARI', 'SAINT-EXUPÉRY',
  'LA LUMIÈRE', 'OYO', 'LES PIONNIERS', 'ALIMA', 'LA SAGESSE', 'BILOLO', 'LE CHÊNE', 'NOTRE-DAME', 'LÉFINI', 'LES ÉTOILES', 'SANGHA',
  'LE LYCÉUM', 'MAKÉLÉKÉLÉ', 'L’AVENIR', 'POTO-POTO']) with ordinality g (name, n)
cross join lateral (select (array['gratuit', 'premium', 'gratuit', 'pro', 'premium', 'gratuit', 'premium'])[1 + n % 7] as plan) p;

insert into public.school_groups (name, code, city, department, contact_name, contact_email, contact_phone, created_at)
select name, code, city, department, contact, 'direction@' || lower(replace(code, '-', '')) || '.demo',
       '+242 06 ' || lpad((100 + row_number() over () * 7 % 900)::text, 3, '0') || ' 20 25',
       now() - (400 + row_number() over () * 37 % 900) * interval '1 day'
from demo_groups;

update public.subscriptions s set plan_id = p.id
from demo_groups d join public.school_groups g on g.name = d.name join public.subscription_plans p on p.slug = d.plan
where s.school_group_id = g.id and s.plan_id <> p.id;

insert into public.schools (school_group_id, name, code, city)
select g.id, case when n = 1 then initcap(d.name) else initcap(d.name) || ' – Annexe ' || (n - 1) end, d.code || '-' || n, d.city
from demo_groups d join public.school_groups g on g.name = d.name cross join generate_series(1, d.schools) n;

create temporary table demo_schools on commit drop as
select s.id, s.school_group_id, row_number() over (partition by s.school_group_id order by s.code) - 1 as place from public.schools s;

insert into public.students (school_group_id, school_id, first_name, last_name, registration_number, class_name, gender, birth_date)
select s.school_group_id, s.id,
  (array['Grâce', 'Exaucé', 'Merveille', 'Divine', 'Christ', 'Prince', 'Gloire', 'Jordan', 'Naomie', 'Emmanuel', 'Sephora', 'Yann'])[1 + n % 12],
  (array['Mabiala', 'Okemba', 'Nkounkou', 'Loemba', 'Ngoma', 'Samba', 'Ibara', 'Mboungou', 'Tchicaya', 'Bemba', 'Ossebi', 'Goma', 'Malonga'])[1 + n * 5 % 13],
  d.code || '-E' || lpad(n::text, 5, '0'),
  (array['CP1', 'CP2', 'CE1', 'CE2', 'CM1', 'CM2', '6e', '5e', '4e', '3e', '2nde', '1re', 'Tle'])[1 + n % 13],
  case when n % 2 = 0 then 'F' else 'M' end, date '2007-09-01' + n * 11 % 4000
from demo_groups d join public.school_groups g on g.name = d.name cross join generate_series(1, d.students) n
join demo_schools s on s.school_group_id = g.id and s.place = n % d.schools;

insert into public.staff (school_group_id, school_id, first_name, last_name, job_title, phone)
select s.school_group_id, s.id,
  (array['Aristide', 'Bénédicte', 'Célestin', 'Dorcas', 'Euloge', 'Flore', 'Gervais', 'Hortense'])[1 + n % 8],
  (array['Moukala', 'Itoua', 'Kimbembe', 'Mbemba', 'Nganga', 'Poaty', 'Sita'])[1 + n * 3 % 7],
  (array['Secrétaire', 'Enseignant', 'Enseignante', 'Surveillant', 'Comptable', 'Directrice'])[1 + n % 6],
  '+242 05 ' || lpad((n * 7 % 1000)::text, 3, '0') || ' 11 22'
from demo_groups d join public.school_groups g on g.name = d.name cross join generate_series(1, d.staff) n
join demo_schools s on s.school_group_id = g.id and s.place = n % d.schools;

-- Stored, so that their bytes stay counted; no file lies behind them.
insert into public.documents (school_group_id, school_id, name, mime_type, size_bytes, status, reserved_until)
select s.school_group_id, s.id, 'Bulletins ' || (2020 + n % 6) || ' – lot ' || n || '.pdf', 'application/pdf', 1500000 + n * 97003 % 9000000, 'stored', null
from demo_groups d join public.school_groups g on g.name = d.name cross join generate_series(1, d.documents) n
join demo_schools s on s.school_group_id = g.id and s.place = n % d.schools;

select set_config('epilot.change_reason', 'Non-renouvellement du plan Pro', true);
update public.subscriptions set plan_id = (select id from public.subscription_plans where slug = 'premium')
where school_group_id = (select id from public.school_groups where code = 'PALMIERS');

select set_config('epilot.change_reason', 'Échéance impayée, délai de grâce passé', true);
update public.subscriptions set status = 'expired', grace_ends_at = now() - interval '3 days'
where school_group_id = (select id from public.school_groups where code = 'SAVOIR');
select set_config('epilot.change_reason', '', true);
