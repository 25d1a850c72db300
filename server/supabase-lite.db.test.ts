import type { SupabaseClient } from '@supabase/supabase-js';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type RawRequest, createApiClient, requestApi } from '../tests/helpers/api.ts';
import { type TestServer, startTestServer } from '../tests/helpers/server.ts';
import { DEMO_PASSWORD } from './demo.ts';

const VIANNEY = 'vianney@lamarelle.demo';

let server: TestServer;
let client: SupabaseClient;

beforeAll(async () => {
  server = await startTestServer();
  const owner = await server.database.connect();
  await owner.query(`
    create function public.raise(code text) returns void language plpgsql as $$
    begin raise exception 'a sentence' using errcode = code, detail = '{"a":1}', hint = 'the way out'; end $$;
    create function public.who() returns json language sql as $$
      select json_build_object('role', current_user, 'session', session_user, 'uid', auth.uid(),
        'claimed', auth.role(), 'timeout', current_setting('statement_timeout')) $$;
    create function public.nap(seconds float8) returns void language plpgsql as $$
    begin perform pg_sleep(seconds); end $$;
    create table public.closed (id int);
    create table public.open (id int primary key check (id > 0), owner uuid default auth.uid());
    alter table public.open enable row level security;
    create policy open_own on public.open for all to authenticated using (owner = (select auth.uid()));
    create function public.echo(document jsonb, list text[], at timestamptz, bytes bytea) returns table
      (document jsonb, list text[], at timestamptz, bytes bytea, kind text) language sql as
      $$ select document, list, at, bytes, jsonb_typeof(document) $$;
    create table public.kept (id int primary key, document jsonb, list text[], at timestamptz, big bigint);
    alter table public.kept enable row level security;
    create policy kept_all on public.kept for all to authenticated using (true);
    create function public.write_down() returns text language plpgsql volatile security definer as
      $$ begin insert into public.closed values (1); return current_setting('transaction_read_only'); end $$;
    create function public.read_only() returns text language sql stable as
      $$ select current_setting('transaction_read_only') $$;
    create function public.read_only_by_value(n int) returns text language sql immutable as
      $$ select current_setting('transaction_read_only') $$;
    create function public.pretends() returns text language plpgsql stable security definer as
      $$ begin return public.write_down(); end $$;
    create view public.mine with (security_invoker) as select id from public.open;
    revoke all on public.closed, public.open, public.kept from anon, authenticated, service_role;
    grant select, insert on public.open, public.kept to authenticated;
    notify pgrst, 'reload schema'`);
  // The definitions are read again when the notification has arrived.
  await vi.waitFor(async () => expect((await newClient().rpc('who')).error).toBeNull());
});
afterAll(() => server.stop());
beforeEach(() => {
  client = newClient();
});

function newClient(key?: string): SupabaseClient {
  return createApiClient(server, key);
}

async function signIn(): Promise<void> {
  const { error } = await client.auth.signInWithPassword({ email: VIANNEY, password: DEMO_PASSWORD });
  expect(error).toBeNull();
}

function request(path: string, options?: RawRequest): Promise<Response> {
  return requestApi(server, path, options);
}

describe('a function declared stable or immutable', () => {
  const written = async () => (await server.database.query('select from public.closed')).rowCount;

  it('runs in a transaction that only reads, by POST as by GET', async () => {
    for (const get of [false, true]) {
      expect((await client.rpc('read_only', {}, { get })).data).toBe('on');
      expect((await client.rpc('read_only_by_value', { n: 1 }, { get })).data).toBe('on');
    }
  });

  it('that writes all the same is refused with 25006, as on hosted Supabase', async () => {
    expect((await client.rpc('pretends')).error).toMatchObject({ code: '25006' });
    expect(await written()).toBe(0);
  });

  it('is told from a volatile one, which writes by POST and not by GET', async () => {
    expect((await client.rpc('write_down', {}, { get: true })).error).toMatchObject({ code: '25006' });
    expect(await written()).toBe(0);
    expect((await client.rpc('write_down')).data).toBe('off');
    expect(await written()).toBe(1);
    await server.database.query('delete from public.closed');
  });
});

describe('the official client', () => {
  it('signs in, knows who it is, refreshes, and signs out', async () => {
    await signIn();
    const { data } = await client.auth.getUser();
    expect(data.user?.email).toBe(VIANNEY);

    const before = (await client.auth.getSession()).data.session;
    const { data: refreshed, error } = await client.auth.refreshSession();
    expect(error).toBeNull();
    expect(refreshed.session?.refresh_token).not.toBe(before?.refresh_token);

    expect((await client.auth.signOut()).error).toBeNull();
    const replay = await newClient().auth.refreshSession({
      refresh_token: refreshed.session?.refresh_token ?? '',
    });
    expect(replay.error?.status).toBe(400);
  });

  it('calls functions as the signed-in user, within the time limit of that role', async () => {
    await signIn();
    const user = (await client.auth.getUser()).data.user;
    expect((await client.rpc('who')).data).toEqual({
      role: 'authenticated',
      session: 'authenticator',
      uid: user?.id,
      claimed: 'authenticated',
      timeout: '8s',
    });
  });

  it('reads and writes tables and views through the policies', async () => {
    await signIn();
    expect((await client.from('open').insert({ id: 7 })).error).toBeNull();
    expect((await client.from('open').select('id')).data).toEqual([{ id: 7 }]);
    expect((await client.from('mine').select()).data).toEqual([{ id: 7 }]);
    const foreign = newClient();
    await foreign.auth.signInWithPassword({ email: 'admin@edja.demo', password: DEMO_PASSWORD });
    expect((await foreign.from('open').select('id')).data).toEqual([]);
  });

  it('acts as anon before sign-in, within the shorter time limit', async () => {
    expect((await client.rpc('who')).data).toMatchObject({ role: 'anon', uid: null, timeout: '3s' });
    expect((await client.from('open').select()).status).toBe(401);
  });

  it('acts as service_role with the secret key, outside a browser', async () => {
    expect((await newClient(server.secretKey).rpc('who')).data).toMatchObject({ role: 'service_role' });
    const inBrowser = await request('/rest/v1/rpc/who', {
      method: 'POST',
      headers: { apikey: server.secretKey, 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64)' },
    });
    expect(inBrowser.status).toBe(401);
  });
});

describe('a value', () => {
  const at = '2026-01-02T03:04:05.678901+00:00';

  it.each([
    [{ a: [1, null, 'x"y'] }, 'object'],
    [[1, { b: 2 }], 'array'],
    ['text', 'string'],
    [7, 'number'],
    [true, 'boolean'],
  ])('such as %o reaches a function and comes back as it was', async (document, kind) => {
    const list = ['a', 'b,"c"', '', 'null', 'é\\'];
    const { data, error } = await client.rpc('echo', { document, list, at, bytes: '\\x00ff' });
    expect(error).toBeNull();
    expect(data).toEqual([{ document, list, at, bytes: '\\x00ff', kind }]);
  });

  it('is stored in a table as it was', async () => {
    await signIn();
    const rows = [
      { id: 1, document: [1, { a: "it's" }], list: ['x'], at, big: 9_007_199_254_740_991 },
      { id: 2, document: 'text', list: [], at: null, big: null },
    ];
    expect((await client.from('kept').insert(rows)).error).toBeNull();
    expect((await client.from('kept').select().order('id')).data).toEqual(rows);
  });
});

describe('an answer', () => {
  it('has at most a thousand rows, whatever limit is asked for', async () => {
    await server.database.query('insert into public.kept (id) select g from generate_series(1001, 3000) g');
    await signIn();
    expect((await client.from('kept').select('id')).data).toHaveLength(1_000);
    expect((await client.from('kept').select('id').limit(5_000)).data).toHaveLength(1_000);
    expect((await client.from('kept').select('id').limit(2)).data).toHaveLength(2);
  });

  it('does not embed tables without end', async () => {
    await signIn();
    const nested = (levels: number): string =>
      levels === 0 ? 'id' : `id,plan_modules(modules(${nested(levels - 1)}))`;
    const modest = await client
      .from('subscription_plans')
      .select('id,plan_modules(modules(id,business_categories(name)))');
    expect(modest.error).toBeNull();
    const deep = await client.from('subscription_plans').select(nested(4));
    expect(deep).toMatchObject({ status: 400, error: { code: 'select_too_deep' } });
  });
});

describe('an error of the database', () => {
  it.each([
    ['PT402', 402],
    ['PT403', 403],
    ['PT404', 404],
    ['PT409', 409],
    ['P0001', 400],
    ['23514', 400],
    ['23505', 409],
    ['42501', 401],
    ['40001', 500],
  ])('%s is answered with %i, its sentence, detail and hint', async (code, status) => {
    const answer = await client.rpc('raise', { code });
    expect(answer.status).toBe(status);
    expect(answer.error).toMatchObject({ code, message: 'a sentence' });
    if (code !== '23505') expect(answer.error).toMatchObject({ details: '{"a":1}', hint: 'the way out' });
  });

  it('that comes of a time limit keeps its code', async () => {
    const answer = await client.rpc('nap', { seconds: 30 });
    expect(answer).toMatchObject({ status: 500, error: { code: '57014' } });
  });

  it('that comes of a check constraint is the fault of who wrote', async () => {
    await signIn();
    const answer = await client.from('open').insert({ id: -1 });
    expect(answer).toMatchObject({ status: 400, error: { code: '23514' } });
  });

  it('that comes of a body which is no JSON is a bad request', async () => {
    const response = await request('/rest/v1/rpc/who', { method: 'POST', body: '{"a' });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: 'PGRST102' });
  });
});

describe('a session that is cut', () => {
  it('costs the requests under way at most, never the server', async () => {
    const cut = `select pg_terminate_backend(pid) from pg_stat_activity
      where usename = 'authenticator' and datname = current_database()`;
    for (let round = 0; round < 20; round++) {
      const answers = Array.from({ length: 8 }, () => client.rpc('who'));
      await server.database.query(cut);
      for (const { status } of await Promise.all(answers)) expect([200, 500, 503]).toContain(status);
    }
    expect((await client.rpc('who')).status).toBe(200);
  });
});

describe('@supabase/lite', () => {
  it('grants nobody anything, whatever is asked of it', async () => {
    const grants = `select table_schema, table_name, grantee, privilege_type
      from information_schema.table_privileges where grantee in ('anon', 'authenticated', 'service_role')
      order by 1, 2, 3, 4`;
    const { rows: before } = await server.database.query(grants);
    await signIn();
    await client.from('open').select();
    await client.from('closed').select();
    await client.rpc('who');
    await newClient().from('open').select();
    const { rows: after } = await server.database.query(grants);
    expect(after).toEqual(before);
    expect((await client.from('closed').select()).error?.code).toBe('42501');
    const { rows: defaults } = await server.database.query(
      `select defaclrole::regrole::text as role from pg_default_acl group by 1 order by 1`,
    );
    expect(defaults).toEqual([{ role: 'postgres' }]);
  });

  it('logs in with a role that owns nothing and is a superuser nowhere', async () => {
    const { rows } = await server.database.query(`
      select rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication as strong,
        (select count(*)::int from pg_class where relowner = r.oid) as owns
      from pg_roles r where rolname = 'authenticator'`);
    expect(rows).toEqual([{ strong: false, owns: 0 }]);
  });

  it.each([
    '/_system/config',
    '/_system/info',
    '/_system/introspect',
    '/_studio',
    '/rest/v1/../_system/info',
  ])('shows neither Studio nor system at %s, not even to the secret key', async (path) => {
    const response = await request(path, { headers: { apikey: server.secretKey } });
    const text = await response.text();
    expect(text).not.toContain('jwt_secret');
    expect(text).not.toContain('publishable_key');
    expect(response.status === 404 || text.includes('<div id="root">')).toBe(true);
  });

  it('has no administrator’s mode for requests from this machine without a key', async () => {
    const response = await fetch(`${server.url}/rest/v1/closed`);
    expect(response.status).toBe(401);
  });

  it.each(['auth', 'private', 'realtime', 'storage', 'pg_catalog'])(
    'does not expose schema %s',
    async (schema) => {
      const response = await request('/rest/v1/users', {
        headers: { apikey: server.secretKey, 'accept-profile': schema },
      });
      expect(response.status).toBe(406);
    },
  );
});
