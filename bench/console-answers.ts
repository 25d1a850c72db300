/** Whether the list is right that P15 times: what it says is compared with the rows, and it must not answer everybody. */
import type pg from 'pg';
import { askAs } from './check-answers.ts';

interface Page {
  total: number;
  groups: { id: string; name: string; usage: number[] }[];
}

/**
 * What the list tells wrongly, a sentence each.
 *
 * @param naive a statement that gives the groups with the most students, counted from their rows, first
 */
export async function findWrongPages(
  client: pg.Client,
  superAdmin: string,
  naive: string,
): Promise<string[]> {
  const list = async (question: string): Promise<Page> =>
    (await askAs<Page>(client, superAdmin, `public.list_school_groups(${question})`)) as Page;
  const wrong: string[] = [];

  const counted = await askAs<Page['groups']>(
    client,
    superAdmin,
    `array(select jsonb_build_object('id', n.id, 'name', n.name,
       'usage', jsonb_build_array(n.schools, n.students, n.staff, n.storage)) from (${naive}) n)`,
  );
  const { groups } = await list(`p_sort => 'students', p_descending => true`);
  for (const [place, { id, name, usage }] of (counted ?? []).entries()) {
    const told = groups[place];
    if (told?.id !== id || told.usage.join() !== usage.join()) {
      wrong.push(
        `By students, place ${place + 1}: ${told?.name} with ${told?.usage.join(', ')}; counted, it is ${name} with ${usage.join(', ')}.`,
      );
    }
  }

  const { rows } = await client.query<{ state: string; total: number }>(
    `select s.state, count(w.worst)::int as total from unnest(array['near', 'blocked', 'over_limit']) with ordinality s (state, place)
     left join (select max(coalesce(array_position(array['warning', 'blocked', 'over_limit'], state), 0)) as worst
                from public.school_group_usage group by school_group_id) w on w.worst = s.place group by 1`,
  );
  for (const { state, total } of rows) {
    const listed = (await list(`p_state => '${state}'`)).total;
    if (listed !== total) wrong.push(`${listed} groups are listed as ${state}; ${total} are.`);
  }

  const admins = await client.query<{ id: string }>(
    `select id from public.profiles where role = 'admin_groupe' limit 1`,
  );
  const answered = await askAs(client, admins.rows[0]?.id ?? '', 'public.list_school_groups()').then(
    () => true,
    () => false,
  );
  if (answered) wrong.push('A group’s admin is shown the list of all groups.');
  await client.query('rollback');
  return wrong;
}
