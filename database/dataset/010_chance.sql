-- What looks like chance and is none: everything follows from the row's number and the seed.
-- PostgreSQL keeps this hash stable, because it places the rows of hash-partitioned tables.

create or replace function pg_temp.chance(p_n bigint, p_about int) returns float8 language sql stable as $$
  select (hashint8extended(p_n, current_setting('dataset.seed')::bigint * 1000 + p_about) & 9007199254740991)::float8 / 9007199254740992;
$$;
comment on function pg_temp.chance(bigint, int) is 'A number in [0, 1) for row p_n; p_about tells the questions that are asked of one row apart.';

create or replace function pg_temp.one_of(p_list text[], p_n bigint, p_about int) returns text language sql stable as $$
  select p_list[1 + floor(cardinality(p_list) * pg_temp.chance(p_n, p_about))::int];
$$;

create or replace function pg_temp.id_of(p_kind text, p_n bigint) returns uuid language sql stable as $$
  -- With the version and the variant of a random UUID: clients check them.
  select overlay(overlay(md5(p_kind || current_setting('dataset.seed') || ':' || p_n) placing '4' from 13) placing '8' from 17)::uuid;
$$;

create or replace function pg_temp.girls_name(p_n bigint, p_about int) returns text language sql stable as $$
  select pg_temp.one_of(array['Grâce', 'Merveille', 'Divine', 'Naomie', 'Sephora', 'Prisca', 'Chancelvie', 'Ruth', 'Bénédicte', 'Dorcas', 'Flore',
    'Hortense', 'Clarisse', 'Odile', 'Béatrice', 'Plamédie', 'Princia', 'Exaucée', 'Jolie', 'Rosine', 'Mireille', 'Stella', 'Gloria', 'Laurène',
    'Aurélie', 'Félicité', 'Ornella', 'Vianney-Marie', 'Élodie', 'Blandine', 'Célia', 'Raïssa', 'Christelle', 'Nadège', 'Léa', 'Marie-Josée'], p_n, p_about);
$$;

create or replace function pg_temp.boys_name(p_n bigint, p_about int) returns text language sql stable as $$
  select pg_temp.one_of(array['Exaucé', 'Christ', 'Prince', 'Gloire', 'Jordan', 'Emmanuel', 'Yann', 'Rodrigue', 'Aubin', 'Destin', 'Aristide',
    'Célestin', 'Euloge', 'Gervais', 'Firmin', 'Armand', 'Vianney', 'Ramsès', 'Dieuveil', 'Trésor', 'Bienvenu', 'Parfait', 'Juste', 'Romaric',
    'Landry', 'Fulgence', 'Anicet', 'Brice', 'Chérubin', 'Giscard', 'Rosel', 'Stévie', 'Théophile', 'Urbain', 'Wilfrid', 'Jean-Bosco'], p_n, p_about);
$$;

create or replace function pg_temp.family_name(p_n bigint, p_about int) returns text language sql stable as $$
  select pg_temp.one_of(array['Mabiala', 'Okemba', 'Nkounkou', 'Loemba', 'Ngoma', 'Samba', 'Ibara', 'Mboungou', 'Tchicaya', 'Bemba', 'Ossebi',
    'Goma', 'Malonga', 'Moukala', 'Itoua', 'Kimbembe', 'Mbemba', 'Nganga', 'Poaty', 'Sita', 'Makosso', 'Ngouabi', 'Massamba', 'Bakala', 'Mavoungou',
    'Moussavou', 'Nzaba', 'Ondongo', 'Obambi', 'Elenga', 'Ngatsé', 'Okombi', 'Mouanda', 'Batchi', 'Pambou', 'Taty', 'Bouanga', 'Koumba', 'Milandou',
    'Matondo', 'Banzouzi', 'Loubaki', 'Mampouya', 'Nsondé', 'Kouka', 'Oba', 'Ikonga', 'Gambou', 'Mokoko', 'Akouala', 'Ebata', 'Dzon', 'Miété'], p_n, p_about);
$$;
