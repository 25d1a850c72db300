import { SignJWT } from 'jose';
import type pg from 'pg';

/**
 * Makes members of a group, each with an account of their own: one account may have 200 sockets.
 *
 * @param client as the owner of the tables
 * @returns their access tokens
 */
export async function createMembers(
  client: pg.Client,
  groupId: string,
  jwtSecret: string,
  count: number,
): Promise<string[]> {
  const { rows } = await client.query<{ id: string }>(
    `with account as (
       insert into auth.users (id, email)
       select gen_random_uuid(), 'member-' || n || '@edja.test' from generate_series(1, $2::int) n returning id),
     profile as (
       insert into public.profiles (id, role, school_group_id) select id, 'personnel', $1 from account returning id)
     select id from profile`,
    [groupId, count],
  );
  const key = new TextEncoder().encode(jwtSecret);
  return Promise.all(
    rows.map(({ id }) =>
      new SignJWT({ sub: id, role: 'authenticated' })
        .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
        .setExpirationTime('1h')
        .sign(key),
    ),
  );
}
