-- What became of the subscriptions: most are paid, some are late, suspended, on trial, over; some groups went down a plan and
-- stand above it, some have exceptions. Only moves that the state machine allows. Shares are exact, so that a small data set
-- has every state too.

create temporary table dataset_states on commit drop as
select d.n, d.id, d.tier, case
    when c < 0.04 then 'trial' when c < 0.09 then 'past_due' when c < 0.11 then 'grace' when c < 0.13 then 'suspended'
    when c < 0.16 then 'expired' when c < 0.175 then 'cancelled' else 'active' end::public.subscription_status as status
from (select *, (row_number() over (order by pg_temp.chance(n, 60), n) - 0.5) / count(*) over () as c
      from dataset_groups where plan <> 'gratuit') d;

select set_config('epilot.change_reason', 'Essai d’un plan supérieur', true);
update public.subscriptions s set status = 'trial', current_period_end = null,
  trial_ends_at = private.now() + (1 + floor(29 * pg_temp.chance(d.n, 61))) * interval '1 day'
from dataset_states d where s.school_group_id = d.id and d.status = 'trial';

-- `grace` is reached through `past_due` only.
select set_config('epilot.change_reason', 'Échéance', true);
update public.subscriptions s set status = 'past_due', current_period_end = private.today() - 1 - floor(5 * pg_temp.chance(d.n, 62))::int,
  past_due_until = private.now() + (1 + floor(6 * pg_temp.chance(d.n, 63))) * interval '1 day'
from dataset_states d where s.school_group_id = d.id and d.status in ('past_due', 'grace');
update public.subscriptions s set status = 'grace', current_period_end = private.today() - 9,
  grace_ends_at = private.now() + (1 + floor(13 * pg_temp.chance(d.n, 64))) * interval '1 day'
from dataset_states d where s.school_group_id = d.id and d.status = 'grace';

select set_config('epilot.change_reason', 'Délai de grâce passé', true);
update public.subscriptions s set status = 'expired', current_period_end = private.today() - 40,
  grace_ends_at = private.now() - (1 + floor(18 * pg_temp.chance(d.n, 65))) * interval '1 day'
from dataset_states d where s.school_group_id = d.id and d.status = 'expired';

select set_config('epilot.change_reason', 'Suspendu après impayé', true);
update public.subscriptions s set status = 'suspended'
from dataset_states d where s.school_group_id = d.id and d.status = 'suspended';

select set_config('epilot.change_reason', 'Résilié à la demande du groupe', true);
update public.subscriptions s set status = 'cancelled'
from dataset_states d where s.school_group_id = d.id and d.status = 'cancelled';

select set_config('epilot.change_reason', 'Passage à un plan inférieur', true);
update public.subscriptions s set plan_id = p.id
from dataset_states d
join (select id, slug, row_number() over (order by rank) as tier from public.subscription_plans
      where slug in ('gratuit', 'premium', 'pro', 'institutionnel')) p on p.tier = d.tier - 1
where s.school_group_id = d.id and d.status = 'active' and pg_temp.chance(d.n, 66) < 0.08;
select set_config('epilot.change_reason', '', true);

insert into public.entitlement_overrides (id, school_group_id, kind, resource, amount, reason, expires_at)
select pg_temp.id_of('grant', n), id, 'grant', 'schools', 1 + floor(2 * pg_temp.chance(n, 67)), 'Ouverture d’une annexe',
       private.now() + (30 + floor(300 * pg_temp.chance(n, 68))) * interval '1 day'
from dataset_groups where pg_temp.chance(n, 69) < 0.03;
insert into public.entitlement_overrides (id, school_group_id, kind, module_id, reason)
select pg_temp.id_of('module', d.n), d.id, 'module_addition', m.id, 'Offre pilote'
from dataset_groups d join public.modules m on m.slug = 'badges-eleves' where pg_temp.chance(d.n, 70) < 0.02;
-- What was agreed by hand is often what there is.
insert into public.entitlement_overrides (id, school_group_id, kind, resource, amount, reason)
select pg_temp.id_of('limit', d.n), d.id, 'limit', 'students', u.used, 'Effectif convenu avec la direction'
from dataset_groups d join public.school_group_usage u on u.school_group_id = d.id and u.resource = 'students'
where pg_temp.chance(d.n, 71) < 0.015 and u.used > 0 and u.used <= u."limit";
analyze public.entitlement_overrides;
