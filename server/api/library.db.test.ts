/**
 * Why the door corrects what @supabase/lite reads. Each test holds a fault of the library, asked without the door: one
 * that fails after an upgrade names a correction that can go.
 */
import { App } from '@supabase/lite';
import { createPostgresConnection } from '@supabase/lite/postgres';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type TestDatabase, createTestDatabase } from '../../tests/helpers/database.ts';

let database: TestDatabase;
let connection: ReturnType<typeof createPostgresConnection>;
let app: App;

beforeAll(async () => {
  database = await createTestDatabase();
  await database.query(`
    create table public.texts (id int primary key, value text);
    create table public.messages (id int primary key, text_id int references public.texts (id));
    insert into public.texts values (1, 'Null'), (2, '"Lycée"'), (3, ' Devant'), (4, '1.0');
    grant select on public.texts, public.messages to anon`);
  connection = createPostgresConnection({ url: database.adminUrl });
  app = new App({ connection, api: { schemas: ['public'] } });
  // Danger: in any other state, its first request grants everything on every table.
  (connection as unknown as { rlsState: string }).rlsState = 'active';
});
afterAll(async () => {
  await connection.close();
  await database.drop();
});

async function ask(query: string): Promise<unknown> {
  const response = await app.fetch(new Request(`http://127.0.0.1/rest/v1/texts?${query}`));
  return response.json();
}

it.each(['Null', '"Lycée"', ' Devant', '1.0'])(
  '@supabase/lite does not find the text %j (server/api/sealed.ts)',
  async (value) => {
    expect(await ask(`select=id&value=eq.${encodeURIComponent(value)}`)).toEqual([]);
  },
);

it('@supabase/lite drops a filter whose column has the name of what every object inherits (server/api/names.ts)', async () => {
  expect(await ask('select=id&toString=eq.1')).toHaveLength(4);
  // What it wrote into the function that all objects share.
  const shared = Object.getOwnPropertyDescriptor(Object.prototype, 'toString')?.value as object;
  for (const key of Object.keys(shared)) Reflect.deleteProperty(shared, key);
});

it('@supabase/lite reads regular expressions of any cost (server/api/filters.ts)', async () => {
  expect(await ask('select=id&value=imatch.n(u)(l)%5C2')).toEqual([{ id: 1 }]);
});
