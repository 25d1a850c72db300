/** A forgotten filter: what `safeupdate` refuses on hosted Supabase, over the official client and over the wire. */
import type { SupabaseClient } from '@supabase/supabase-js';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type WireRequest, createApiClient, sendOverTheWire } from '../../tests/helpers/api.ts';
import { type TestServer, startTestServer } from '../../tests/helpers/server.ts';
import { DEMO_PASSWORD } from '../demo.ts';

let server: TestServer;
let client: SupabaseClient;
let token: string;

beforeAll(async () => {
  server = await startTestServer();
  await server.database.query(`
    create table public.texts (id int primary key, value text);
    insert into public.texts values (901, 'one'), (902, 'two');
    alter table public.texts enable row level security;
    create policy texts_all on public.texts for all to authenticated using (true);
    grant select, insert, update, delete on public.texts to authenticated;
    notify pgrst, 'reload schema'`);
  client = createApiClient(server);
  await client.auth.signInWithPassword({ email: 'vianney@lamarelle.demo', password: DEMO_PASSWORD });
  token = (await client.auth.getSession()).data.session?.access_token ?? '';
  await vi.waitFor(async () => expect((await client.from('texts').select()).error).toBeNull());
});
afterAll(() => server.stop());

const send = (path: string, request: WireRequest) =>
  sendOverTheWire(server.url, path, {
    ...request,
    headers: { apikey: server.publishableKey, authorization: `Bearer ${token}`, ...request.headers },
  });
const codeOf = (text: string): unknown => (JSON.parse(text) as { code?: unknown }).code;

describe('a change of a whole table', () => {
  const rows = async (): Promise<unknown> =>
    (await server.database.query('select id, value from public.texts order by id')).rows;
  it('is refused as on hosted Supabase, whose API has `safeupdate`', async () => {
    const before = await rows();
    const update = await client.from('texts').update({ value: 'all' });
    expect([update.status, update.error]).toMatchObject([
      400,
      { code: '21000', message: 'UPDATE requires a WHERE clause', details: null, hint: null },
    ]);
    const removal = await client.from('texts').delete();
    expect([removal.status, removal.error]).toMatchObject([
      400,
      { code: '21000', message: 'DELETE requires a WHERE clause' },
    ]);
    expect(await rows()).toEqual(before);
  });

  it.each([
    'select=id',
    'order=id',
    'limit=1',
    'order=id&limit=1&offset=0',
    'columns=value',
    'schools.name=eq.x',
    'a.or=(id.eq.1)',
  ])('is one with %s, which chooses no row of the table', async (query) => {
    const before = await rows();
    for (const method of ['PATCH', 'DELETE']) {
      const body =
        method === 'PATCH'
          ? { headers: { 'content-type': 'application/json' }, body: '{"value":"all"}' }
          : {};
      const answer = await send(`/rest/v1/texts?${query}`, { method, ...body });
      expect([method, answer.status, codeOf(answer.text)]).toEqual([method, 400, '21000']);
    }
    expect(await rows()).toEqual(before);
  });

  it('is none once a filter chooses rows, by whatever form', async () => {
    for (const query of [
      'id=eq.902',
      'or=(id.eq.902,id.eq.0)',
      'not.and=(id.neq.902,id.neq.0)',
      'id=in.(902)&order=id',
    ]) {
      const answer = await send(`/rest/v1/texts?${query}`, {
        method: 'PATCH',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ value: query }),
      });
      expect([query, answer.status]).toEqual([query, 204]);
      expect(await rows()).toContainEqual({ id: 902, value: query });
      expect(await rows()).toContainEqual({ id: 901, value: 'one' });
    }
  });
});
