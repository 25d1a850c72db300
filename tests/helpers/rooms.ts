/** A database with private rooms whose rights a test grants and takes as rows. */
import { createTestDatabase, type TestDatabase } from './database.ts';

export interface Rooms extends TestDatabase {
  /** Lets a user read a topic, and write to it too if asked. */
  admit(userId: string, topic: string, rights?: { write?: boolean }): Promise<void>;
  expel(userId: string, topic: string): Promise<void>;
  /** Commits one message from the database. */
  tell(topic: string, event: string, payload: object, isPrivate?: boolean): Promise<void>;
}

/** Made as role `postgres`, which on Supabase may write policies on realtime.messages without owning it. */
const SCHEMA = `
  create table public.members (user_id uuid, topic text, may_write boolean, primary key (user_id, topic));
  alter table public.members enable row level security;
  create policy "members see themselves" on public.members for select to authenticated
    using (user_id = (select auth.uid()));
  create policy "members read their rooms" on realtime.messages for select to authenticated
    using (exists (
      select from public.members as m where m.user_id = (select auth.uid()) and m.topic = (select realtime.topic())
    ));
  create policy "some members write" on realtime.messages for insert to authenticated
    with check (exists (
      select from public.members as m
      where m.user_id = (select auth.uid()) and m.topic = (select realtime.topic()) and m.may_write
    ));
`;

/** Makes the database; drop it at the end. */
export async function createRooms(): Promise<Rooms> {
  const database = await createTestDatabase({ empty: true });
  // Replication sends what is flushed. Commits that do not wait for the flush would be told 200 ms late.
  await database.query(`alter database ${database.name} set synchronous_commit = on`);
  const client = await database.connect();
  await client.query(SCHEMA);
  return {
    ...database,
    async admit(userId, topic, { write = false } = {}) {
      await client.query(
        `insert into public.members values ($1, $2, $3)
         on conflict (user_id, topic) do update set may_write = excluded.may_write`,
        [userId, topic, write],
      );
    },
    async expel(userId, topic) {
      await client.query('delete from public.members where user_id = $1 and topic = $2', [userId, topic]);
    },
    async tell(topic, event, payload, isPrivate = true) {
      await client.query('select realtime.send($1, $2, $3, $4)', [payload, event, topic, isPrivate]);
    },
  };
}
