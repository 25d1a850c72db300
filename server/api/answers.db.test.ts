/** What `/rest/v1` answers: values as PostgREST reads them, tables of the served schema, and no more than can be carried. */
import type { SupabaseClient } from '@supabase/supabase-js';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createApiClient } from '../../tests/helpers/api.ts';
import { type TestServer, startTestServer } from '../../tests/helpers/server.ts';
import { DEMO_PASSWORD } from '../demo.ts';

let server: TestServer;
let client: SupabaseClient;

beforeAll(async () => {
  server = await startTestServer();
  await server.database.query(`
    create table public.texts (id int primary key, value text, document jsonb, list text[]);
    alter table public.texts enable row level security;
    create policy texts_all on public.texts for all to authenticated using (true);
    revoke all on public.texts from anon, authenticated, service_role;
    grant select, insert, update, delete on public.texts to authenticated;
    create table public.messages (id int primary key, text_id int references public.texts (id), body text);
    alter table public.messages enable row level security;
    create policy messages_all on public.messages for all to authenticated using (true);
    revoke all on public.messages from anon, authenticated, service_role;
    grant select, insert on public.messages to authenticated;
    create function public.same(value text) returns text language sql immutable as $$ select value $$;
    create function public.huge(size int) returns text language sql stable as $$ select repeat('x', size) $$;
    create function public.doze(seconds float8) returns int language sql as $$ select 1 from pg_sleep(seconds) $$;
    notify pgrst, 'reload schema'`);
  client = createApiClient(server);
  await client.auth.signInWithPassword({ email: 'vianney@lamarelle.demo', password: DEMO_PASSWORD });
  await vi.waitFor(async () => expect((await client.from('texts').select()).error).toBeNull());
});
afterAll(() => server.stop());

describe('an answer', () => {
  it('has at most eight megabytes, and the session that it came by is replaced', async () => {
    const tooLarge = await client.rpc('huge', { size: 20_000_000 });
    expect([tooLarge.status, tooLarge.error?.message]).toEqual([413, 'La réponse est trop volumineuse.']);
    expect((await client.rpc('huge', { size: 7_000_000 })).data).toHaveLength(7_000_000);
    expect((await client.rpc('same', { value: 'x' })).data).toBe('x');
  });

  it('that tells what was written is bounded, too, and then nothing is written', async () => {
    const rows = Array.from({ length: 900 }, (_, n) => ({ id: 5_000 + n, value: 'x'.repeat(1_000) }));
    expect((await client.from('texts').insert(rows)).error).toBeNull();
    await server.database.query(`update texts set value = repeat('y', 20000) where id >= 5000`);
    const changed = await client
      .from('texts')
      .update({ list: ['a'] })
      .gte('id', 5_000)
      .select();
    expect([changed.status, changed.error?.message]).toEqual([413, 'La réponse est trop volumineuse.']);
    const { rows: kept } = await server.database.query(`select 1 from texts where list is not null`);
    expect(kept).toHaveLength(0);
    await server.database.query(`delete from texts where id >= 5000`);
  });
});

describe('a value', () => {
  const VALUES = [
    'Null',
    'null',
    'NOT_NULL',
    'true',
    'TRUE',
    'unknown',
    '"Lycée"',
    '"',
    '""',
    ' Devant',
    'derrière ',
    '',
    '1e3',
    '0x10',
    '007',
    '1.0',
    '12345678901234567890',
    '{a}',
    '{"a":1}',
    '[1]',
    '(x)',
    'a,b',
    'a.b',
    'a\\b',
    '\\"',
    'eq.a',
    'a*b%',
    "l'école",
    'é\u{1f600}',
  ];

  beforeAll(async () => {
    for (const [n, value] of VALUES.entries()) {
      await server.database.query('insert into texts (id, value) values ($1, $2)', [1_000 + n, value]);
    }
  });
  afterAll(() => server.database.query('delete from texts where id >= 1000'));

  it.each(VALUES.map((value, n) => [n, value] as const))(
    '%i is found as it was stored: %j',
    async (n, value) => {
      const own = { data: [{ id: 1_000 + n }] };
      const texts = () => client.from('texts').select('id').gte('id', 1_000);
      expect(await texts().eq('value', value)).toMatchObject(own);
      // The client quotes what would end an item of a list, but not what begins with a quote itself.
      if (!value.startsWith('"')) expect(await texts().in('value', [value, 'nowhere'])).toMatchObject(own);
      const quoted = `"${value.replaceAll(/["\\]/g, '\\$&')}"`;
      expect(await texts().or(`value.eq.${quoted},value.in.(${quoted})`)).toMatchObject(own);
      expect((await texts().neq('value', value)).data).toHaveLength(VALUES.length - 1);
      expect((await texts().not('value', 'eq', value)).data).toHaveLength(VALUES.length - 1);
    },
  );

  it('of a document or a list is compared as PostgreSQL reads it', async () => {
    await server.database.query(`insert into texts values (900, 'doc', '{"a": [1, "x"]}', '{a,"b c",null}')`);
    const texts = () => client.from('texts').select('id');
    const own = { data: [{ id: 900 }], error: null };
    expect(await texts().eq('document', '{"a":[1,"x"]}')).toMatchObject(own);
    expect(await texts().contains('document', { a: ['x'] })).toMatchObject(own);
    expect(await texts().contains('list', ['b c'])).toMatchObject(own);
    expect(await texts().overlaps('list', ['z', 'a'])).toMatchObject(own);
    expect(await texts().eq('document->a->>1', 'x')).toMatchObject(own);
    expect(await texts().is('value', null)).toMatchObject({ data: [] });
    expect(await texts().eq('id', '900')).toMatchObject(own);
    expect(await texts().likeAnyOf('value', ['do*', 'x'])).toMatchObject(own);
  });

  it('of another type than its column is a bad request', async () => {
    const answer = await client.from('texts').select('id').eq('id', 'Null');
    expect(answer).toMatchObject({ status: 400, error: { code: '22P02' } });
  });

  it('reaches a function that is asked by GET as it is', async () => {
    for (const value of ['Null', '"x"', ' x', '{"a":1}', '1e3']) {
      expect((await client.rpc('same', { value }, { get: true })).data).toBe(value);
    }
  });
});

it('an embedded table is the one of the served schema, whatever others of its name there are', async () => {
  await server.database.query(
    `insert into texts values (1, 'a'); insert into messages values (1, 1, 'ours')`,
  );
  const { data, error } = await client.from('texts').select('id, messages(body)').eq('id', 1);
  expect([error, data]).toEqual([null, [{ id: 1, messages: [{ body: 'ours' }] }]]);
});

it('one account’s slow requests leave others their sessions', async () => {
  const other = createApiClient(server);
  await other.auth.signInWithPassword({ email: 'admin@edja.demo', password: DEMO_PASSWORD });
  const slow = Array.from({ length: 40 }, () =>
    client.rpc('doze', { seconds: 0.5 }).then(({ status }) => status),
  );
  let slowOnes = 0;
  for (const each of slow) void each.then(() => (slowOnes += 1));
  for (let n = 0; n < 5; n += 1) {
    expect((await other.from('school_groups').select('id')).data).toHaveLength(1);
  }
  // Had the others waited for a session, all forty would have ended by then.
  expect(slowOnes).toBeLessThan(40);
  expect(new Set(await Promise.all(slow))).toEqual(new Set([200]));
});

describe('a column of a domain', () => {
  it('is read, filtered, sorted and written as one of text, and embeds its row', async () => {
    const created = await client
      .from('schools')
      .insert({ school_group_id: await ownGroup(), name: 'École du domaine' })
      .select('id, status')
      .single();
    expect(created.data).toEqual({ id: expect.any(String), status: 'active' });
    const id = String(created.data?.id);
    const archived = await client
      .from('schools')
      .update({ status: 'archived' })
      .eq('id', id)
      .select('status');
    expect(archived.data).toEqual([{ status: 'archived' }]);
    for (const filter of [
      'status.eq.archived',
      'status.in.(archived,gone)',
      'status.like.arch*',
      'status.gt.active',
    ]) {
      const found = await client.from('schools').select('id').or(filter).eq('id', id);
      expect([filter, found.data]).toEqual([filter, [{ id }]]);
    }
    const { data } = await client
      .from('modules')
      .select('slug, category:business_categories (slug, color)')
      .ilike('slug', 'SUIVI-%')
      .order('slug', { ascending: false });
    expect(data?.map(({ slug }) => slug as string)).toEqual(
      data
        ?.map(({ slug }) => slug as string)
        .toSorted()
        .toReversed(),
    );
    expect(data?.[0]).toMatchObject({
      category: { slug: expect.any(String), color: expect.stringMatching(/^#/) },
    });
  });

  it('looks for a value that it forbids and finds nothing; to write it is the fault of who wrote', async () => {
    expect(await client.from('schools').select('id').eq('status', 'gone')).toMatchObject({
      status: 200,
      data: [],
    });
    const answer = await client
      .from('schools')
      .update({ status: 'gone' })
      .eq('school_group_id', await ownGroup());
    expect(answer).toMatchObject({ status: 400, error: { code: '23514' } });
  });
});

async function ownGroup(): Promise<string> {
  const { data } = await client.from('school_groups').select('id').single();
  return String(data?.id);
}
