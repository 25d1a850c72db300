-- What the customers hold: schools, students, staff, documents. One statement a table: the triggers move each counter once.

create temporary table dataset_schools on commit drop as
select row_number() over (order by d.n, i) as n, d.n as group_n, i as place, d.id as school_group_id
from dataset_groups d cross join generate_series(1, d.schools) i;
create unique index on dataset_schools (group_n, place) include (n);
analyze dataset_schools;

insert into public.schools (id, school_group_id, name, code, city, address)
select pg_temp.id_of('school', s.n), s.school_group_id,
       case when s.place = 1 then initcap(d.name) else initcap(split_part(d.name, ' – ', 1)) || ' – Annexe ' || s.place - 1 end,
       d.code || '-' || s.place, d.city,
       (1 + floor(180 * pg_temp.chance(s.n, 20)))::int || pg_temp.one_of(array[', avenue de la Paix', ', rue des Écoles', ', avenue de l’Indépendance',
         ', rue Mbochis', ', boulevard Denis-Sassou-Nguesso', ', avenue Marien-Ngouabi', ', rue Lamothe', ', avenue de la Gare'], s.n, 21)
from dataset_schools s join dataset_groups d on d.n = s.group_n order by s.n;
-- Closed long ago, and not counted.
insert into public.schools (id, school_group_id, name, code, city, status)
select pg_temp.id_of('closed school', n), id, initcap(split_part(name, ' – ', 1)) || ' – Ancien site', code || '-0', city, 'archived'
from dataset_groups where pg_temp.chance(n, 22) < 0.03 order by n;

-- The older a school, the more it holds: the power draws rows to the first ones.
create temporary table dataset_students on commit drop as
select d.n as group_n, d.id as school_group_id, d.code, d.schools, i, row_number() over (order by d.n, i) as n
from dataset_groups d cross join generate_series(1, d.students) i;
analyze dataset_students;
insert into public.students
  (id, school_group_id, school_id, first_name, last_name, registration_number, class_name, gender, birth_date, status)
select pg_temp.id_of('student', x.n), x.school_group_id, pg_temp.id_of('school', s.n),
       case when x.girl then pg_temp.girls_name(x.n, 30) else pg_temp.boys_name(x.n, 30) end, pg_temp.family_name(x.n, 31),
       x.code || '-E' || lpad(x.i::text, 5, '0'),
       (array['CP1', 'CP2', 'CE1', 'CE2', 'CM1', 'CM2', '6e', '5e', '4e', '3e', '2nde', '1re', 'Tle'])[1 + x.form], case when x.girl then 'F' else 'M' end,
       (select private.today()) - 365 * (6 + x.form) - floor(500 * pg_temp.chance(x.n, 32))::int,
       case when pg_temp.chance(x.n, 33) < 0.02 then 'inactive' else 'active' end
from (
  select *, 1 + floor(schools * power(pg_temp.chance(n, 34), 1.4))::int as place, pg_temp.chance(n, 35) < 0.49 as girl,
         floor(13 * pg_temp.chance(n, 36))::int as form
  from dataset_students) x
join dataset_schools s on s.group_n = x.group_n and s.place = x.place;

create temporary table dataset_staff on commit drop as
select x.*, s.n as school_n, pg_temp.chance(x.n, 40) < 0.45 as woman
from (select d.n as group_n, d.id as school_group_id, d.code, d.schools, i, row_number() over (order by d.n, i) as n
      from dataset_groups d cross join generate_series(1, d.staff) i) x
join dataset_schools s on s.group_n = x.group_n and s.place = 1 + x.i % x.schools;
insert into public.staff (id, school_group_id, school_id, first_name, last_name, job_title, email, phone)
select pg_temp.id_of('staff', n), school_group_id, pg_temp.id_of('school', school_n),
       case when woman then pg_temp.girls_name(n, 41) else pg_temp.boys_name(n, 41) end, pg_temp.family_name(n, 42),
       case when i = 1 and woman then 'Directrice' when i = 1 then 'Directeur'
            else pg_temp.one_of(array['Secrétaire', 'Surveillant', 'Comptable'] || array_fill(case when woman then 'Enseignante' else 'Enseignant' end, array[7]), n, 43) end,
       'agent' || i || '@' || lower(code) || '.demo', '+242 05 ' || lpad(floor(1000 * pg_temp.chance(n, 44))::text, 3, '0') || ' 20 25'
from dataset_staff order by n;

-- Each group's bytes in files of different sizes. No file lies behind these rows: they are there to be counted.
insert into public.documents (id, school_group_id, school_id, name, mime_type, size_bytes, status, reserved_until)
select pg_temp.id_of('document', x.n), x.id, pg_temp.id_of('school', s.n),
       pg_temp.one_of(array['Bulletins', 'Relevés de notes', 'Photos de classe', 'Reçus', 'Emplois du temps', 'Procès-verbaux'], x.n, 50)
         || ' ' || extract(year from (select private.today())) - floor(5 * pg_temp.chance(x.n, 51)) || ' – lot ' || x.i || '.zip',
       'application/zip', greatest(1000, floor(x.bytes * x.part / sum(x.part) over (partition by x.group_n)))::bigint, 'stored', null
from (
  select d.n as group_n, d.id, d.bytes, d.schools, i, row_number() over (order by d.n, i) as n,
         0.75 + pg_temp.chance(row_number() over (order by d.n, i), 52) / 2 as part
  from dataset_groups d cross join generate_series(1, d.documents) i) x
join dataset_schools s on s.group_n = x.group_n and s.place = 1 + x.i % x.schools;
analyze public.schools, public.students, public.staff, public.documents;
