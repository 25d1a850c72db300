/** `get_all_plan_restrictions` that is deliberately slow or wrong, as SQL. */

/** Answers as `body` says, with ours beside it as `public.honest_restrictions`. */
const answering = (declarations: string, body: string): string => `
alter function public.get_all_plan_restrictions(uuid) rename to honest_restrictions;
create function public.get_all_plan_restrictions(p_school_group_id uuid default null) returns jsonb
  language plpgsql volatile security definer set search_path = '' as $$
declare v_answer jsonb; v_group uuid; ${declarations}
begin
  v_group := private.resolve_group(p_school_group_id);
  ${body}
  return v_answer;
end $$;
`;

/** Ours, after the group's students have been counted fifty times. */
export const COUNTING = answering(
  'v_count bigint;',
  `select count(*) into v_count from public.students, generate_series(1, 50) where school_group_id = v_group;
  v_answer := public.honest_restrictions(p_school_group_id);`,
);

/** Ours, once; then what was said the first time. */
export const REMEMBERING = `
create table bench.remembered (school_group_id uuid primary key, answer jsonb not null);
${answering(
  '',
  `insert into bench.remembered select v_group, public.honest_restrictions(p_school_group_id)
  on conflict do nothing;
  select answer into v_answer from bench.remembered where school_group_id = v_group;`,
)}`;
