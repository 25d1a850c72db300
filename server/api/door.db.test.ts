/** What strangers and the signed-in may send to `/rest/v1`, over the wire, as no client library would send it. */
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
    create table public.texts (id int primary key, value text, document jsonb);
    alter table public.texts enable row level security;
    create policy texts_all on public.texts for all to authenticated using (true);
    revoke all on public.texts from anon, authenticated, service_role;
    grant select, insert, update, delete on public.texts to authenticated;
    create function public.same(value text) returns text language sql immutable as $$ select value $$;
    notify pgrst, 'reload schema'`);
  client = createApiClient(server);
  await client.auth.signInWithPassword({ email: 'vianney@lamarelle.demo', password: DEMO_PASSWORD });
  token = (await client.auth.getSession()).data.session?.access_token ?? '';
  await vi.waitFor(async () => expect((await client.from('texts').select()).error).toBeNull());
});
afterAll(() => server.stop());

function send(path: string, request: WireRequest = {}, signedIn = true) {
  const own = signedIn ? { apikey: server.publishableKey, authorization: `Bearer ${token}` } : {};
  return sendOverTheWire(server.url, path, { ...request, headers: { ...own, ...request.headers } });
}

const codeOf = (text: string): unknown => (JSON.parse(text) as { code?: unknown }).code;

async function expectService(): Promise<void> {
  expect((await send('/health')).status).toBe(200);
  const own = await client.from('school_groups').select('id, name');
  expect([own.error, own.data?.length]).toEqual([null, 1]);
  const inherited = Object.getOwnPropertyDescriptors(Object.prototype);
  expect(Object.values(inherited).filter(({ enumerable }) => enumerable)).toEqual([]);
  for (const { value } of Object.values(inherited)) {
    expect(typeof value === 'function' ? Object.keys(value) : []).toEqual([]);
  }
}

describe('a name that every object has', () => {
  const QUERIES = [
    '__proto__=eq.1',
    '%22__proto__%22=eq.1',
    '__proto__::text=eq.1',
    '__proto__.x=eq.1',
    'x.__proto__=eq.1',
    '__proto__.order=id',
    '__proto__.or=(a.eq.1)',
    'constructor.prototype=eq.1',
    'constructor=eq.1',
    'toString=eq.1',
    'hasOwnProperty=is.null',
    'or=(__proto__.eq.1)',
    'and=(id.eq.1,or(%22toString%22.eq.1,id.eq.2))',
    'order=__proto__',
    'order=valueOf.desc',
    'select=__proto__',
    'select=a:__proto__',
    'select=__proto__:id',
    'select=__proto__(id)',
    'select=schools!constructor(id)',
    'select=id,schools(__proto__)',
    'select=document->__proto__',
    'columns=__proto__',
    'on_conflict=__proto__',
  ];

  it.each(QUERIES)('in %s is a bad request by every method, with and without a session', async (query) => {
    for (const method of ['GET', 'HEAD', 'POST', 'PATCH', 'DELETE']) {
      for (const signedIn of [true, false]) {
        const answer = await send(`/rest/v1/schools?${query}`, { method }, signedIn);
        expect(answer.status).toBe(400);
      }
    }
    expect((await send(`/rest/v1/schools?${query}`, { method: 'OPTIONS' }, false)).status).toBe(204);
    await expectService();
  });

  it.each([
    ['/rest/v1/texts', '{"__proto__":1}'],
    ['/rest/v1/texts', '[{"id":1},{"__proto__":{"a":1}}]'],
    ['/rest/v1/texts', '{"constructor":{"prototype":1}}'],
    ['/rest/v1/texts', '{"id":1,"document":{"a":[{"\\u005f_proto__":1}]}}'],
    ['/rest/v1/rpc/same', '{"__proto__":"x"}'],
    ['/rest/v1/rpc/same', '{"toString":"x"}'],
  ])('in a body to %s is a bad request: %s', async (path, body) => {
    const answer = await send(path, { method: 'POST', body });
    expect([answer.status, codeOf(answer.text)]).toEqual([400, 'invalid_name']);
    await expectService();
  });

  it.each([
    '/rest/v1/__proto__',
    '/rest/v1/%5f_proto__',
    '/rest/v1/rpc/constructor',
    '/rest/v1/rpc/toString',
  ])('is nothing that is served: %s', async (path) => {
    for (const method of ['GET', 'POST']) expect((await send(path, { method })).status).toBe(404);
    await expectService();
  });

  it('is found as a value like any other', async () => {
    await server.database.query(`insert into texts values (100, '__proto__'), (101, 'toString')`);
    const found = await client
      .from('texts')
      .select('value')
      .in('value', ['__proto__', 'toString'])
      .order('id');
    expect(found.data).toEqual([{ value: '__proto__' }, { value: 'toString' }]);
    const { data } = await client
      .from('texts')
      .select('id')
      .or('value.eq.__proto__,value.like.toStr*')
      .order('id');
    expect(data).toEqual([{ id: 100 }, { id: 101 }]);
  });
});

describe('a method', () => {
  it.each(['PROPFIND', 'TRACE', 'SEARCH', 'MKCOL', 'PUT'])('%s is not served on a table', async (method) => {
    const answer = await send('/rest/v1/schools', { method, headers: { 'content-profile': 'auth' } });
    expect([answer.status, codeOf(answer.text)]).toEqual([405, 'method_not_allowed']);
    expect(answer.headers['allow']).toContain('GET');
  });

  it.each(['PATCH', 'DELETE', 'PUT'])('%s is not served on a function', async (method) =>
    expect((await send('/rest/v1/rpc/same', { method })).status).toBe(405),
  );

  it.each(['accept-profile', 'content-profile'])('reads no other schema by %s', async (header) => {
    for (const method of ['GET', 'HEAD', 'POST', 'PATCH', 'DELETE']) {
      const answer = await send('/rest/v1/users', { method, headers: { [header]: 'auth' } });
      expect(answer.status).toBe(406);
    }
  });
});

describe('a preflight', () => {
  it('is answered without the database, wherever it leads', async () => {
    const headers = {
      origin: 'https://elsewhere.example',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'apikey,authorization,x-anything',
    };
    for (const path of [
      '/rest/v1/x?__proto__=eq.1',
      '/auth/v1/token',
      '/storage/v1/object/documents/a',
      '/realtime/v1/api/broadcast',
    ]) {
      const answer = await send(path, { method: 'OPTIONS', headers }, false);
      expect(answer.status).toBe(204);
      expect(answer.headers).toMatchObject({
        'access-control-allow-origin': '*',
        'access-control-allow-headers': 'apikey,authorization,x-anything',
        'access-control-allow-methods': expect.stringContaining('PATCH'),
      });
    }
    await expectService();
  });

  it('is followed by answers that the other origin may read, refusals included', async () => {
    const headers = { origin: 'https://elsewhere.example' };
    for (const path of [
      '/rest/v1/schools?select=id',
      '/rest/v1/schools?__proto__=eq.1',
      '/rest/v1/nothing',
    ]) {
      expect((await send(path, { headers })).headers['access-control-allow-origin']).toBe('*');
    }
  });
});

describe('a query', () => {
  it.each([
    '/rest/v1/schools?name=eq.a%00b',
    '/rest/v1/sch%00ools',
    '/storage/v1/object/documents/a%00b',
    '/a%00b',
  ])('with a NUL is a bad request: %s', async (path) => {
    const answer = await send(path);
    expect([answer.status, codeOf(answer.text)]).toEqual([400, 'nul_in_address']);
  });

  it.each(['imatch', 'match', 'not.imatch', 'imatch(any)'])(
    'with a regular expression is refused: %s',
    async (operator) => {
      const pattern = encodeURIComponent('((a+)+)\\1\\2$');
      const plain = await send(`/rest/v1/texts?value=${operator}.${pattern}`);
      expect([plain.status, codeOf(plain.text)]).toEqual([400, 'operator_not_served']);
      const within = await send(`/rest/v1/texts?or=(value.${operator}.%22${pattern}%22)`);
      expect([within.status, codeOf(within.text)]).toEqual([400, 'operator_not_served']);
    },
  );

  it.each([
    ['students', '*,schools(*,students(*))'],
    ['schools', 'a:students(b:schools!inner(c:students(*)))'],
    ['subscription_plans', 'plan_modules(modules(plan_modules(plan_id)))'],
  ])('of %s that embeds a table within itself is refused: %s', async (table, select) => {
    for (const method of ['GET', 'POST', 'PATCH']) {
      const answer = await send(`/rest/v1/${table}?select=${encodeURIComponent(select)}`, { method });
      expect([answer.status, codeOf(answer.text)]).toEqual([400, 'select_too_deep']);
    }
  });

  it.each([
    ['school_groups', 'staff(*,school_group_id(*,students(*)))', 'PGRST200'],
    ['school_groups', 'schools(students(id))', 'select_too_deep'],
  ])('of %s cannot multiply rows by %s', async (table, select, code) => {
    const answer = await send(`/rest/v1/${table}?select=${select}`);
    expect([answer.status, codeOf(answer.text)]).toEqual([400, code]);
  });

  it('by more values than a statement can have is refused, with and without a session', async () => {
    const commas = ','.repeat(15_000);
    for (const query of [
      `select=schools!inner(students!inner(id))&schools.students.id=in.(${commas})`,
      `id=in.(${commas})`,
      `or=(id.in.(${commas}))`,
      `name=eq(any).{${commas}}`,
    ]) {
      for (const signedIn of [true, false]) {
        const headers = { apikey: server.publishableKey, prefer: 'count=exact' };
        const answer = await send(`/rest/v1/school_groups?${query}`, { headers }, signedIn);
        expect(answer.status).toBe(400);
      }
    }
    await expectService();
  });

  it('is given counts of its own rows, never the planner’s guess of all rows', async () => {
    const { rows } = await server.database.query<{ all: string; own: string }>(
      `select count(*) as all, count(*) filter (where g.name = 'LAMARELLE') as own
       from students s join school_groups g on g.id = s.school_group_id`,
    );
    expect(rows[0]?.own).not.toBe(rows[0]?.all);
    for (const count of ['planned', 'estimated', 'exact', 'planned ']) {
      const headers = { prefer: `count=${count}` };
      const answer = await send('/rest/v1/students?select=id', { method: 'HEAD', headers });
      expect(answer.headers['content-range']?.split('/')[1]).toBe(rows[0]?.own);
    }
  });

  it('is answered without a trace of how its values travelled', async () => {
    for (const query of [
      'name=eq.École',
      'name=fts(pg_catalog.english).a',
      'id=eq.no-uuid',
      'nothing=eq.École',
      'or=(a.eq.École)',
    ]) {
      const answer = await send(`/rest/v1/schools?${query}`.replace('É', '%C3%89'));
      expect(answer.text).not.toContain('sealed_');
      expect(JSON.stringify(answer.headers)).not.toContain('sealed_');
      expect(answer.headers['content-location']).toBeUndefined();
    }
  });

  it('that is malformed is answered in French, with PostgREST’s code', async () => {
    const answer = await send('/rest/v1/schools?name=equals.a');
    expect(JSON.parse(answer.text)).toMatchObject({
      code: 'PGRST100',
      message: 'La requête est mal formée.',
    });
  });
});

describe('a body', () => {
  it('that nests without end is refused, and nothing is hurt', async () => {
    const deep = (levels: number): string => `${'['.repeat(levels)}${']'.repeat(levels)}`;
    for (const levels of [65, 20_000]) {
      const answer = await send('/rest/v1/rpc/same', { method: 'POST', body: `{"value":${deep(levels)}}` });
      expect([answer.status, codeOf(answer.text)]).toEqual([400, 'body_too_deep']);
    }
    await expectService();
  });

  it.each(['text/csv', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'text/plain'])(
    'of type %s is not taken',
    async (type) => {
      const answer = await send('/rest/v1/texts', {
        method: 'POST',
        headers: { 'content-type': type },
        body: '__proto__\n1',
      });
      expect(answer.status).toBe(415);
    },
  );

  it.each([
    ['rows', Array.from({ length: 1_001 }, () => ({}))],
    ['values', Array.from({ length: 900 }, (_, n) => ({ [`a${n % 12}`]: 1 }))],
    [
      'more parameters than the protocol counts',
      Array.from({ length: 17_000 }, () => ({ last_name: 'a', first_name: 'b' })),
    ],
  ])('of too many %s is refused at once', async (_what, rows) => {
    const answer = await send('/rest/v1/students', { method: 'POST', body: JSON.stringify(rows) });
    expect([answer.status, codeOf(answer.text)]).toEqual([413, 'too_many_values']);
    await expectService();
  });

  it('of somebody who has not signed in is not read beyond 64 KiB', async () => {
    const body = JSON.stringify({ value: 'x'.repeat(65_536) });
    const headers = { apikey: server.publishableKey };
    expect((await send('/rest/v1/rpc/same', { method: 'POST', headers, body }, false)).status).toBe(413);
    expect((await client.rpc('same', { value: 'x'.repeat(65_536) })).data).toHaveLength(65_536);
  });
});
