-- Who the customers are: names without repetition, sizes with a long tail, and a plan that their size fits.

create temporary table dataset_places (place text, city text, department text, prefix text) on commit drop;
insert into dataset_places values
  ('BACONGO', 'Brazzaville', 'Brazzaville', 'BZV'), ('MAKÉLÉKÉLÉ', 'Brazzaville', 'Brazzaville', 'BZV'),
  ('POTO-POTO', 'Brazzaville', 'Brazzaville', 'BZV'), ('MOUNGALI', 'Brazzaville', 'Brazzaville', 'BZV'),
  ('OUENZÉ', 'Brazzaville', 'Brazzaville', 'BZV'), ('TALANGAÏ', 'Brazzaville', 'Brazzaville', 'BZV'),
  ('MFILOU', 'Brazzaville', 'Brazzaville', 'BZV'), ('MADIBOU', 'Brazzaville', 'Brazzaville', 'BZV'),
  ('DJIRI', 'Brazzaville', 'Brazzaville', 'BZV'), ('KINTÉLÉ', 'Brazzaville', 'Brazzaville', 'BZV'),
  ('LUMUMBA', 'Pointe-Noire', 'Pointe-Noire', 'PNR'), ('MVOU-MVOU', 'Pointe-Noire', 'Pointe-Noire', 'PNR'),
  ('TIÉ-TIÉ', 'Pointe-Noire', 'Pointe-Noire', 'PNR'), ('LOANDJILI', 'Pointe-Noire', 'Pointe-Noire', 'PNR'),
  ('MONGO-MPOUKOU', 'Pointe-Noire', 'Pointe-Noire', 'PNR'), ('NGOYO', 'Pointe-Noire', 'Pointe-Noire', 'PNR'),
  ('DOLISIE CENTRE', 'Dolisie', 'Niari', 'DOL'), ('MOSSENDJO', 'Mossendjo', 'Niari', 'MSJ'), ('KIMONGO', 'Kimongo', 'Niari', 'KMG'),
  ('NKAYI', 'Nkayi', 'Bouenza', 'NKY'), ('MADINGOU', 'Madingou', 'Bouenza', 'MDG'), ('LOUTÉTÉ', 'Loutété', 'Bouenza', 'LTT'),
  ('MOUYONDZI', 'Mouyondzi', 'Bouenza', 'MYZ'), ('BOUANSA', 'Bouansa', 'Bouenza', 'BSA'),
  ('OUESSO', 'Ouesso', 'Sangha', 'OUE'), ('SEMBÉ', 'Sembé', 'Sangha', 'SBE'),
  ('OWANDO', 'Owando', 'Cuvette', 'OWD'), ('OYO', 'Oyo', 'Cuvette', 'OYO'), ('MAKOUA', 'Makoua', 'Cuvette', 'MKA'), ('BOUNDJI', 'Boundji', 'Cuvette', 'BDJ'),
  ('IMPFONDO', 'Impfondo', 'Likouala', 'IMP'), ('BÉTOU', 'Bétou', 'Likouala', 'BTU'), ('DONGOU', 'Dongou', 'Likouala', 'DGU'),
  ('SIBITI', 'Sibiti', 'Lékoumou', 'SBT'), ('ZANAGA', 'Zanaga', 'Lékoumou', 'ZNG'),
  ('KINKALA', 'Kinkala', 'Pool', 'KKL'), ('MINDOULI', 'Mindouli', 'Pool', 'MDL'), ('KINDAMBA', 'Kindamba', 'Pool', 'KDB'),
  ('DJAMBALA', 'Djambala', 'Plateaux', 'DJB'), ('GAMBOMA', 'Gamboma', 'Plateaux', 'GBM'), ('LÉKANA', 'Lékana', 'Plateaux', 'LKN'),
  ('EWO', 'Ewo', 'Cuvette-Ouest', 'EWO'), ('KELLÉ', 'Kellé', 'Cuvette-Ouest', 'KLE'),
  ('HINDA', 'Hinda', 'Kouilou', 'HND'), ('LOANGO', 'Loango', 'Kouilou', 'LGO');

create temporary table dataset_names on commit drop as
select row_number() over (order by place collate "C", patron collate "C", type collate "C") - 1 as number,
       type || ' ' || patron || ' – ' || place as name, city, department, prefix
from dataset_places
cross join unnest(array['GROUPE SCOLAIRE', 'COMPLEXE SCOLAIRE', 'ÉCOLE PRIVÉE', 'COLLÈGE', 'LYCÉE', 'INSTITUT', 'CENTRE ÉDUCATIF', 'RÉSEAU']) type
cross join unnest(array['LA RÉUSSITE', 'L’ESPÉRANCE', 'LA SAGESSE', 'LA LUMIÈRE', 'L’AVENIR', 'L’EXCELLENCE', 'LES PIONNIERS', 'LES ÉTOILES',
  'LES COCOTIERS', 'LES MANGUIERS', 'LES FLAMBOYANTS', 'LES PALMIERS', 'LE BERCEAU', 'LE PHARE', 'LE CHÊNE', 'LE SAVOIR', 'LE SEMEUR', 'LA COLOMBE',
  'LA FRATERNITÉ', 'LA CONCORDE', 'LA GRÂCE', 'LA PAIX', 'EMMANUEL', 'BÉTHEL', 'ÉDEN', 'SION', 'NOTRE-DAME', 'SAINTE-RITA', 'SAINTE-MARIE',
  'SAINTE-THÉRÈSE', 'SAINT-JOSEPH', 'SAINT-PIERRE', 'SAINT-MICHEL', 'SAINT-AUGUSTIN', 'SAINT-FRANÇOIS', 'SAINT-EXUPÉRY', 'DON BOSCO', 'PASTEUR',
  'PIERRE SAVORGNAN', 'JEAN-FÉLIX TCHICAYA', 'SONY LABOU TANSI', 'HENRI LOPES', 'MGR CARRIE', 'MÈRE TÉRÉSA', 'NELSON MANDELA', 'KWAME NKRUMAH',
  'LE NIARI', 'LA LÉKOUMOU', 'L’ALIMA', 'LE MAYOMBE', 'LA SANGHA', 'LA BOUENZA', 'LES BAMBINS', 'LES HIRONDELLES', 'LES LAURÉATS']) patron;
analyze dataset_names;

-- Sizes fall as 1 / (place + 2)^1.05: the first of 3,500 groups holds a twentieth of all students, half of the groups
-- fewer than twenty-five each. What rounding leaves over goes to the largest, one each: the sum is exact.
create temporary table dataset_sizes on commit drop as
with placed as (
  select n, row_number() over (order by pg_temp.chance(n, 1), n) as place from generate_series(1, current_setting('dataset.groups')::int) n
), shared as (
  select n, place, floor(current_setting('dataset.students')::int * power(place + 2, -1.05) / sum(power(place + 2, -1.05)) over ())::int as students
  from placed)
select n, students + (place <= current_setting('dataset.students')::int - sum(students) over ())::int as students from shared;

-- The smallest plan that holds the students, or for some a larger one, as people buy. `sold` counts plans from the smallest.
create temporary table dataset_groups on commit drop as
with plans as (
  select *, row_number() over (order by rank) as tier, count(*) over () as tiers from public.subscription_plans where slug in ('gratuit', 'premium', 'pro', 'institutionnel')
), chosen as (
  select s.*, least(coalesce(min(p.tier) filter (where p.max_students >= s.students), max(p.tiers))
                    + (pg_temp.chance(s.n, 2) < 0.3)::int + (pg_temp.chance(s.n, 2) < 0.05)::int, max(p.tiers)) as tier
  from dataset_sizes s cross join plans p group by s.n, s.students)
select c.n, pg_temp.id_of('group', c.n) as id,
       m.name || case when c.n > t.many then ' ' || 1 + (c.n - 1) / t.many else '' end as name,
       m.prefix || '-' || lpad(c.n::text, 5, '0') as code, m.city, m.department, c.students, p.id as plan_id, p.slug as plan, c.tier,
       p.max_students,
       least(p.max_schools, case p.slug when 'gratuit' then 1
         when 'premium' then 1 + floor(3 * power(pg_temp.chance(c.n, 3), 1.6))
         when 'pro' then 2 + floor(9 * power(pg_temp.chance(c.n, 3), 2))
         else 4 + floor(8 * pg_temp.chance(c.n, 3)) + c.students / 300 end)::int as schools,
       -- A teacher a class of 45, the office, and a share of schools that can afford more.
       least(p.max_staff, 1 + c.students / 45 + floor(power(pg_temp.chance(c.n, 4), 4) * p.max_staff))::int as staff,
       -- Files of 30 MB on average, so that none is larger than the law allows.
       1 + c.students / 25 + ceil(b.bytes / 30000000.0)::int as documents, b.bytes,
       -- Half of them are customers of old, the others came one by one in the past two years.
       t.today - 1 - floor(case when pg_temp.chance(c.n, 6) < 0.5 then 730 + 1200 * pg_temp.chance(c.n, 7)
                                        else 729 * pg_temp.chance(c.n, 7) end)::int as since
from chosen c
join plans p on p.tier = c.tier
cross join (select private.today() as today, count(*) as many from dataset_names) t
cross join lateral (select floor(power(pg_temp.chance(c.n, 5), 8) * p.max_storage * 1000000000)::bigint as bytes) b
-- 7919 is a prime that does not divide the number of names: no name comes twice before all have come.
join dataset_names m on m.number = (c.n * 7919 + current_setting('dataset.seed')::bigint * 104729) % t.many;

insert into public.school_groups (id, name, code, city, department, contact_name, contact_email, contact_phone, created_at)
select id, name, code, city, department,
       case when pg_temp.chance(n, 8) < 0.4 then pg_temp.girls_name(n, 9) else pg_temp.boys_name(n, 9) end || ' ' || pg_temp.family_name(n, 10),
       'direction@' || lower(code) || '.demo',
       '+242 06 ' || lpad(floor(1000 * pg_temp.chance(n, 11))::text, 3, '0') || ' ' || lpad(floor(100 * pg_temp.chance(n, 12))::text, 2, '0') || ' '
         || lpad(floor(100 * pg_temp.chance(n, 13))::text, 2, '0'),
       since::timestamp at time zone 'Africa/Brazzaville'
from dataset_groups order by n;
analyze public.school_groups, public.subscriptions;

select set_config('epilot.change_reason', 'Souscription', true);
update public.subscriptions s
set plan_id = d.plan_id, started_at = d.since::timestamp at time zone 'Africa/Brazzaville',
    -- Paid by the year, each from its own day.
    current_period_end = case when d.plan <> 'gratuit' then (select private.today()) + 1 + floor(364 * pg_temp.chance(d.n, 14))::int end
from dataset_groups d where s.school_group_id = d.id;
select set_config('epilot.change_reason', '', true);

-- Larger than any plan: by a contract of its own.
insert into public.entitlement_overrides (id, school_group_id, kind, resource, amount, reason)
select pg_temp.id_of('contract', n), id, 'limit', 'students', null, 'Contrat national : effectif sans limite'
from dataset_groups where students > max_students;
