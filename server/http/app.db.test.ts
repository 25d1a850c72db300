import { randomUUID } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createApiClient } from '../../tests/helpers/api.ts';
import { type TestServer, startTestServer } from '../../tests/helpers/server.ts';
import { DEMO_PASSWORD } from '../demo.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

function get(path: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${server.url}${path}`, { headers });
}

/** The status of an attempt to open a WebSocket; 101 when it opens. */
function upgradeStatus(path: string, host = new URL(server.url).host): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const headers = {
      host,
      connection: 'upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    };
    const request = httpRequest(`${server.url}${path}`, { headers });
    request.on('response', (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    request.on('upgrade', (response, socket) => {
      socket.destroy();
      resolve(response.statusCode);
    });
    request.on('error', reject);
    request.end();
  });
}

/** A request with a header that `fetch` would not let through. */
function statusWithHost(host: string, path = '/health'): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(`${server.url}${path}`, { headers: { host } }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    request.on('error', reject);
    request.end();
  });
}

describe('the server', () => {
  it('is healthy when the database and the feed are', async () => {
    const response = await get('/health');
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({
      status: 'ok',
      version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
      database: { status: 'ok', migration: expect.stringMatching(/^\d{3}$/) },
      realtime: { status: 'ok', feed: 'streaming' },
    });
  });

  it('tells the page where the API is, and nothing secret', async () => {
    const text = await (await get('/config.json')).text();
    expect(JSON.parse(text)).toEqual({ url: server.url, publishableKey: server.publishableKey, demo: true });
    expect(text).not.toContain(server.secretKey);
  });

  it('does not tell the page an address that a stranger made up', async () => {
    const response = await get('/config.json', {
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'evil.example',
    });
    expect(await response.json()).toMatchObject({ url: server.url });
  });

  it.each(['/health', '/config.json', '/rest/v1/schools', '/auth/v1/user', '/nowhere.png', '/'])(
    'puts the security headers on %s',
    async (path) => {
      const { headers } = await get(path);
      const policy = headers.get('content-security-policy') ?? '';
      expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'");
      expect(policy).not.toContain('unsafe');
      expect(policy).toContain(`connect-src 'self' ws://${new URL(server.url).host}`);
      expect(Object.fromEntries(headers)).toMatchObject({
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'referrer-policy': 'no-referrer',
        'cross-origin-opener-policy': 'same-origin',
      });
    },
  );

  it('does not let a Host header write into the policy', async () => {
    expect(await statusWithHost(`127.0.0.1; script-src *`)).toBe(400);
  });

  it.each(['evil.example', 'evil.example:54321', '127.0.0.1.evil.example'])(
    'does not answer under the name %s',
    async (host) => expect(await statusWithHost(host)).toBe(421),
  );

  it('answers under the names of this machine', async () => {
    const { port } = new URL(server.url);
    expect(await statusWithHost(`localhost:${port}`)).toBe(200);
  });

  it.each(['/functions/v1/hello', '/storage/v1/bucket', '/rest/v1', '/realtime/v1/nothing'])(
    'serves no page at %s',
    async (path) => {
      const response = await get(path, { apikey: server.publishableKey });
      expect(response.headers.get('content-type')).toContain('application/json');
      expect(response.status).toBeGreaterThanOrEqual(400);
    },
  );
});

it('says that the database was away to a request whose session was ended under it', async () => {
  const client = createApiClient(server);
  await client.auth.signInWithPassword({ email: 'vianney@lamarelle.demo', password: DEMO_PASSWORD });
  const holder = await server.database.connect();
  await holder.query(`begin; lock table public.schools in exclusive mode`);
  const answering = client.from('schools').update({ city: 'Owando' }).neq('id', randomUUID());
  const [answer] = await Promise.all([
    answering.then((response) => response),
    vi.waitFor(async () => {
      const { rowCount } = await server.database.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where application_name = 'e-pilot api' and wait_event_type = 'Lock' and datname = current_database()`,
      );
      expect(rowCount).toBe(1);
    }, 20_000),
  ]);
  await holder.query('rollback');
  expect(answer).toMatchObject({ status: 503, error: { code: 'database_unavailable' } });
});

describe('a WebSocket', () => {
  const PATH = '/realtime/v1/websocket';

  it('opens on the path of realtime with a key', async () => {
    expect(await upgradeStatus(`${PATH}?apikey=${server.publishableKey}&vsn=2.0.0`)).toBe(101);
  });

  it('opens nowhere else, under no foreign name, and not without a key', async () => {
    expect(await upgradeStatus('/')).toBe(404);
    expect(await upgradeStatus(`${PATH}/more?apikey=${server.publishableKey}`)).toBe(404);
    expect(await upgradeStatus(`${PATH}?apikey=${server.publishableKey}`, 'evil.example')).toBe(421);
    expect(await upgradeStatus(PATH)).toBe(401);
  });
});

describe('a channel', () => {
  /** How a join ends, for the unmodified client. */
  async function join(
    { url, publishableKey }: TestServer,
    isPrivate: boolean,
    token?: string,
  ): Promise<string> {
    const client = createApiClient({ url, publishableKey });
    if (token) await client.realtime.setAuth(token);
    const channel = client.channel('catalogue', { config: { private: isPrivate } });
    const outcome = await new Promise<string>((resolve) => {
      channel.subscribe((status, error) => resolve(error?.message ?? status));
    });
    await client.removeAllChannels();
    return outcome;
  }

  it('is private, and not for strangers, unless the operator says otherwise', async () => {
    const admin = createApiClient(server);
    const { data } = await admin.auth.signInWithPassword({
      email: 'vianney@lamarelle.demo',
      password: DEMO_PASSWORD,
    });
    expect(await join(server, true, data.session?.access_token)).toBe('SUBSCRIBED');
    expect(await join(server, false, data.session?.access_token)).toContain('PrivateOnly');
    expect(await join(server, true)).toContain('Unauthorized');
    const open = await startTestServer({ publicChannels: true });
    expect(await join(open, false)).toBe('SUBSCRIBED');
    expect(await join(open, true)).toContain('Unauthorized');
    await open.stop();
  });
});

describe('a request that is too large', () => {
  const megabyte = 'x'.repeat(1_048_576);

  function post(path: string, body: string): Promise<Response> {
    const headers = { apikey: server.publishableKey, 'content-type': 'application/json' };
    return fetch(`${server.url}${path}`, { method: 'POST', headers, body });
  }

  it.each([
    ['/rest/v1/schools', JSON.stringify({ name: megabyte })],
    ['/auth/v1/token?grant_type=password', JSON.stringify({ email: 'a@b.cg', password: 'x'.repeat(65_536) })],
  ])('is refused at %s before it is read', async (path, body) => {
    const response = await post(path, body);
    expect(response.status).toBe(413);
    expect(await response.json()).toMatchObject({ code: 'body_too_large' });
  });

  it.each([
    [1_048_576, 413],
    [1_000, 401],
  ])('is found out also when it does not say that it has %i bytes', async (size, expected) => {
    const status = await new Promise((resolve, reject) => {
      const headers = { apikey: server.publishableKey, 'content-type': 'application/json' };
      const request = httpRequest(
        `${server.url}/rest/v1/schools`,
        { method: 'POST', headers },
        (response) => {
          response.resume();
          resolve(response.statusCode);
        },
      );
      request.on('error', reject);
      // Two writes make a chunked body without a length.
      request.write('{"name":"');
      request.end(`${'x'.repeat(size)}"}`);
    });
    expect(status).toBe(expected);
  });

  it('is answered as usual when it is not', async () => {
    const response = await post('/rest/v1/schools', JSON.stringify({ name: 'x'.repeat(1_000) }));
    expect(response.status).toBe(401);
  });
});

describe('the metrics', () => {
  it('are told to this machine', async () => {
    const text = await (await get('/metrics')).text();
    expect(text).toContain('http_request_duration_seconds_bucket');
    expect(text).toContain('process_cpu_seconds_total');
    expect(text).toMatch(/^realtime_/m);
  });

  it('are told to nobody who comes through a proxy without the secret key', async () => {
    const proxied = { 'x-forwarded-for': '203.0.113.7' };
    expect((await get('/metrics', proxied)).status).toBe(401);
    expect((await get('/metrics', { ...proxied, apikey: server.publishableKey })).status).toBe(401);
    expect((await get('/metrics', { ...proxied, apikey: server.secretKey })).status).toBe(200);
  });
});
