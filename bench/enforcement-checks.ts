/** Whether enforcement was exact while it was measured: counters, limits and rows, counted anew. */
import type pg from 'pg';
import { type School, type Writers, insertStudents } from './enforcement-writers.ts';

/** How many students these schools' groups hold, of whatever status. */
export async function countStudents(client: pg.Client, schools: readonly School[]): Promise<number> {
  const { rows } = await client.query<{ n: number }>(
    'select count(*)::int as n from public.students where school_group_id = any($1)',
    [schools.map((school) => school.school_group_id)],
  );
  return rows[0]?.n ?? 0;
}

/**
 * Counts the students of these schools' groups by itself and says where that disagrees.
 *
 * @param expected how many there must be: those that were there, and every one that a writer was told is in
 */
export async function findWrongCounts(
  client: pg.Client,
  schools: readonly School[],
  expected: number,
): Promise<string[]> {
  const { rows } = await client.query<{ used: number | null; rows: number; limit: number }>(
    `select c.used::int as used, p.max_students as "limit",
            (select count(*) from public.students s where s.school_group_id = g.id and s.status = 'active')::int as rows
     from public.school_groups g
     left join public.usage_counters c on c.school_group_id = g.id and c.resource = 'students'
     join public.subscriptions on subscriptions.school_group_id = g.id
     join public.subscription_plans p on p.id = subscriptions.plan_id
     where g.id = any($1)`,
    [schools.map((school) => school.school_group_id)],
  );
  const wrong: string[] = [];
  const there = await countStudents(client, schools);
  if (there !== expected) wrong.push(`Writers were told of ${expected} students, and ${there} are there.`);
  const drifted = rows.filter((group) => group.used !== group.rows);
  if (drifted[0]) {
    wrong.push(
      `The counter differs from a recount in ${drifted.length} of ${rows.length} groups: one says ${drifted[0].used}, the recount ${drifted[0].rows}.`,
    );
  }
  const passed = rows.filter((group) => group.rows > group.limit);
  if (passed[0]) {
    wrong.push(
      `${passed.length} of ${rows.length} groups passed their limit: one holds ${passed[0].rows} of ${passed[0].limit}.`,
    );
  }
  return wrong;
}

/**
 * Lets all writers run into a group's limit at once, twice, and says what was not exact about where they stopped: the
 * limit is to be reached, and not a row more.
 *
 * @param room how many students the group has room for
 */
export async function runIntoLimit(writers: Writers, school: School, room: number): Promise<string[]> {
  const { client } = writers;
  const limit = (await countStudents(client, [school])) + room;
  const wrong = await race(writers, school, limit, room);
  const freed = Math.ceil(room / 2);
  await deleteStudents(client, school, freed);
  wrong.push(...(await race(writers, school, limit, freed)));
  await deleteStudents(client, school, 1);
  const refused = await insertStudents(client, school, 2).then(
    () => false,
    () => true,
  );
  if (!refused) wrong.push('A statement of two students was let into the last place.');
  const left = await countStudents(client, [school]);
  if (refused && left !== limit - 1)
    wrong.push(`A refused statement left ${left - limit + 1} students behind.`);
  // What went wrong once went wrong each time it was tried.
  return [...new Set(wrong)];
}

async function race(writers: Writers, school: School, limit: number, room: number): Promise<string[]> {
  const { inserted, refusals } = await writers.insertUntilRefused(school, 3 * room);
  const there = await countStudents(writers.client, [school]);
  const count = writers.clients.length;
  const wrong: string[] = [];
  if (there > limit) wrong.push(`${count} writers passed the limit of ${limit}: ${there} students.`);
  if (there < limit) {
    wrong.push(`${count} writers were refused before the limit of ${limit}: ${there} students.`);
  }
  if (inserted !== room && there === limit) {
    wrong.push(`Writers were told of ${inserted} students in the last ${room} places.`);
  }
  const ways = [...new Set(refusals)].sort();
  if (ways.length > 1) wrong.push(`The limit refused writers in different ways: ${ways.join(', ')}.`);
  return wrong;
}

async function deleteStudents(client: pg.Client, school: School, count: number): Promise<void> {
  await client.query(
    `delete from public.students where id in (select id from public.students where school_group_id = $1 limit $2)`,
    [school.school_group_id, count],
  );
}
