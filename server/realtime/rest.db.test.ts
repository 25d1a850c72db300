import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRooms, type Rooms } from '../../tests/helpers/rooms.ts';
import {
  joined,
  officialClient,
  PUBLISHABLE_KEY,
  SECRET_KEY,
  signToken,
  startTestGateway,
  VERSIONS,
  type Subscription,
  type TestGateway,
} from '../../tests/helpers/gateway.ts';

let rooms: Rooms;
let server: TestGateway;

beforeAll(async () => {
  rooms = await createRooms();
  server = await startTestGateway(rooms, {
    limits: { payloadBytes: 1_000, frameBytes: 100_000, restMessagesPerSecond: 500 },
  });
});
afterAll(async () => {
  await server.stop();
  await rooms.drop();
});

async function listen(topic: string, isPrivate = false): Promise<Subscription> {
  const client = await officialClient(server.url, { version: '2.0.0', key: SECRET_KEY });
  return joined(client, topic, { private: isPrivate });
}

function post(path: string, body: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${server.url}/realtime/v1/api/broadcast${path}`, {
    method: 'POST',
    body,
    headers: { apikey: PUBLISHABLE_KEY, 'content-type': 'application/json', ...headers },
  });
}

describe.each(VERSIONS)('the official client, serializer %s', (version) => {
  test('httpSend works the same before and after the join, for JSON and for bytes', async () => {
    const topic = `http:${version}`;
    const { messages } = await listen(topic);
    const channel = (await officialClient(server.url, { version })).channel(topic);
    expect(await channel.httpSend('before', { n: 1 })).toEqual({ success: true });
    await new Promise<void>((resolve) =>
      channel.subscribe((status: string) => status === 'SUBSCRIBED' && resolve()),
    );
    expect(await channel.httpSend('after', Uint8Array.of(9))).toEqual({ success: true });
    expect(await channel.send({ type: 'broadcast', event: 'pushed', payload: {} })).toBe('ok');
    for (const event of ['before', 'after', 'pushed']) expect((await messages.next()).event).toBe(event);
  });

  test('a refusal of httpSend says why', async () => {
    const channel = (await officialClient(server.url, { version })).channel('http:refusal');
    await expect(channel.httpSend('large', { text: 'x'.repeat(2_000) })).rejects.toThrow(
      'payload_size_exceeded',
    );
    const hidden = (await officialClient(server.url, { version })).channel('hidden', {
      config: { private: true },
    });
    await expect(hidden.httpSend('stored', {}, { persist: true })).rejects.toThrow(
      'UnableToPersistMessage: ',
    );
    const ttl = { persist: { ttl: 60 } };
    await expect(hidden.httpSend('stored', {}, ttl)).rejects.toThrow('UnableToPersistMessage: ');
  });
});

describe('the official client', () => {
  test('httpSend reaches those who joined, without joining itself', async () => {
    const { messages } = await listen('http');
    const client = await officialClient(server.url, { version: '2.0.0' });
    const channel = client.channel('http');
    expect(await channel.httpSend('hello', { text: 'é' })).toEqual({ success: true });
    expect(await channel.httpSend('blob', Uint8Array.of(7, 8))).toEqual({ success: true });
    expect(await messages.next()).toMatchObject({ event: 'hello', payload: { text: 'é' } });
    expect(new Uint8Array((await messages.next()).payload as ArrayBuffer)).toEqual(Uint8Array.of(7, 8));
  });

  test('send before the join falls back to the batch endpoint', async () => {
    const { messages } = await listen('early');
    const client = await officialClient(server.url, { version: '1.0.0' });
    expect(await client.channel('early').send({ type: 'broadcast', event: 'hello', payload: { n: 1 } })).toBe(
      'ok',
    );
    expect(await messages.next()).toMatchObject({ event: 'hello', payload: { n: 1 } });
  });

  test('a private topic takes messages of those who may write and refuses the others', async () => {
    const { messages } = await listen('http:private', true);
    const [writer, reader] = [randomUUID(), randomUUID()];
    await rooms.admit(writer, 'http:private', { write: true });
    await rooms.admit(reader, 'http:private');
    const channelOf = async (sub: string) => {
      const client = await officialClient(server.url, { version: '2.0.0', token: () => signToken({ sub }) });
      return client.channel('http:private', { config: { private: true } });
    };
    await expect((await channelOf(reader)).httpSend('no', {})).rejects.toThrow('permissions to write');
    await (await channelOf(writer)).httpSend('yes', {});
    await messages.next(({ event }) => event === 'yes');
    expect(messages.all).toHaveLength(1);
  });
});

function batch(size: number, message: object = {}): string {
  return JSON.stringify({
    messages: Array.from({ length: size }, (_, n) => ({
      topic: 't',
      event: `${n}`,
      payload: {},
      ...message,
    })),
  });
}

const LARGE = JSON.stringify('x'.repeat(2_000));
const TEXT = { 'content-type': 'text/plain' };
const MESSAGE = JSON.stringify({ messages: [{ topic: 't', event: 'e', payload: {} }] });

test.each([
  ['no key', '', MESSAGE, { apikey: '', authorization: '' }, 401, 'ApiKeyMissing'],
  ['an unknown key', '', MESSAGE, { apikey: 'sb_publishable_other', authorization: '' }, 401, 'Unauthorized'],
  ['a bad token', '', MESSAGE, { authorization: 'Bearer nonsense' }, 401, 'MalformedJWT'],
  ['another content type', '', MESSAGE, TEXT, 415, 'UnsupportedMediaType'],
  ['another content type of one message', '/t/events/e', 'x', TEXT, 415, 'UnsupportedMediaType'],
  ['broken JSON', '', '{', {}, 422, 'InvalidRequest'],
  ['broken JSON of one message', '/t/events/e', '{', {}, 422, 'InvalidRequest'],
  ['a path that is no text', '/%ff/events/e', '{}', {}, 422, 'InvalidRequest'],
  ['no messages', '', '{}', {}, 422, 'InvalidRequest'],
  ['messages that are none', '', '{"messages":[1]}', {}, 422, 'InvalidRequest'],
  ['a message without topic', '', '{"messages":[{"event":"e","payload":1}]}', {}, 422, 'InvalidRequest'],
  ['a message without event', '', '{"messages":[{"topic":"t","payload":1}]}', {}, 422, 'InvalidRequest'],
  ['a message without payload', '', '{"messages":[{"topic":"t","event":"e"}]}', {}, 422, 'InvalidRequest'],
  [
    'a message to be stored',
    '/t/events/e?private=true&persist=true',
    '{}',
    {},
    422,
    'UnableToPersistMessage',
  ],
  ['a public message to be stored', '/t/events/e?persist=true', '{}', {}, 422, 'InvalidRequest'],
  ['a private message of anon', '/t/events/e?private=true', '{}', {}, 403, 'WriteDenied'],
  ['a large payload', '/t/events/e', LARGE, {}, 413, 'payload_size_exceeded'],
  ['a large payload in a batch', '', batch(1, { payload: LARGE }), {}, 413, 'payload_size_exceeded'],
  ['a large batch', '', ' '.repeat(200_000), {}, 413, 'payload_size_exceeded'],
  ['more messages than a second has', '', batch(501), {}, 429, 'RestRateLimitReached'],
  ['another path', '/t', MESSAGE, {}, 404, 'NotFound'],
])('%s is refused with a JSON error, and counted', async (_name, path, body, headers, status, reason) => {
  const refused = async (): Promise<number> => {
    const text = await server.metrics.getSingleMetricAsString('realtime_refusals_total');
    return Number(new RegExp(`"${reason}"} (\\d+)$`, 'm').exec(text)?.[1] ?? 0);
  };
  const before = await refused();
  // The budget of a bearer is its own: the flood must not spend that of the other cases.
  const token = await signToken({ role: 'anon', sub: randomUUID() });
  const response = await post(path, body, { authorization: `Bearer ${token}`, ...headers });
  expect(response.status).toBe(status);
  expect(await response.json()).toEqual({ error: expect.any(String) as string });
  expect(await refused()).toBe(before + 1);
});

test('`persist=false` stores nothing and is served', async () => {
  expect((await post('/t/events/e?persist=false', '{}')).status).toBe(202);
});

test('another method than POST is refused', async () => {
  const response = await fetch(`${server.url}/realtime/v1/api/broadcast`);
  expect(response.status).toBe(405);
});

test('a batch asks the policies once a topic, not once a message', async () => {
  const sub = randomUUID();
  await rooms.admit(sub, 'bulk', { write: true });
  const { messages } = await listen('bulk', true);
  const counted = async (): Promise<number> =>
    Number(
      (
        await rooms.query<{ n: string }>(
          'select xact_rollback as n from pg_stat_database where datname = current_database()',
        )
      ).rows[0]!.n,
    );
  const before = await counted();
  const response = await post('', batch(200, { topic: 'bulk', private: true }), {
    authorization: `Bearer ${await signToken({ sub })}`,
  });
  expect(response.status).toBe(202);
  await messages.next(() => messages.all.length === 200);
  expect((await counted()) - before).toBeLessThan(10);
});

describe.each(VERSIONS)('to listeners of serializer %s', (version) => {
  const hear = async (topic: string, isPrivate: boolean): Promise<Subscription> =>
    joined(await officialClient(server.url, { version, key: SECRET_KEY }), topic, { private: isPrivate });

  test('a batch sends what may be sent, in its order, and a batch of which nothing may is refused', async () => {
    const [sub, open, closed] = [randomUUID(), `open:${version}`, `closed:${version}`];
    await rooms.admit(sub, open, { write: true });
    await rooms.admit(sub, closed);
    const [inside, outside, silent] = [
      await hear(open, true),
      await hear(open, false),
      await hear(closed, true),
    ];
    const headers = { authorization: `Bearer ${await signToken({ sub })}` };
    const send = async (messages: object[]): Promise<Response> =>
      post('', JSON.stringify({ messages: messages.map((each) => ({ payload: {}, ...each })) }), headers);
    const forbidden = { topic: closed, event: 'no', private: true };
    const response = await send([
      { topic: open, event: 'first', private: true },
      forbidden,
      { topic: open, event: 'public' },
      { topic: open, event: 'second', private: true },
    ]);
    expect(response.status).toBe(202);
    expect([(await inside.messages.next()).event, (await inside.messages.next()).event]).toEqual([
      'first',
      'second',
    ]);
    expect((await outside.messages.next()).event).toBe('public');
    expect((await send([forbidden, forbidden])).status).toBe(403);
    await rooms.tell(closed, 'end', {});
    await silent.messages.next(({ event }) => event === 'end');
    expect(silent.messages.all).toHaveLength(1);
  });

  test('a broadcast without Content-Type is JSON', async () => {
    const { messages } = await hear(`untyped:${version}`, false);
    const untyped = (path: string, body: string): Promise<Response> =>
      fetch(`${server.url}/realtime/v1/api/broadcast${path}`, {
        method: 'POST',
        headers: { apikey: PUBLISHABLE_KEY },
        // Text would bring a type of its own.
        body: new TextEncoder().encode(body),
      });
    const topic = `untyped:${version}`;
    const several = { messages: [{ topic, event: 'batch', payload: { n: 1 } }] };
    expect((await untyped('', JSON.stringify(several))).status).toBe(202);
    expect((await untyped(`/${topic}/events/one`, '{"n":2}')).status).toBe(202);
    expect(await messages.next()).toMatchObject({ event: 'batch', payload: { n: 1 } });
    expect(await messages.next()).toMatchObject({ event: 'one', payload: { n: 2 } });
    expect((await untyped(`/${topic}/events/one`, 'no JSON')).status).toBe(422);
  });
});

test('pages of any origin may send, and are told why they may not', async () => {
  const url = `${server.url}/realtime/v1/api/broadcast/t/events/e`;
  const preflight = await fetch(url, {
    method: 'OPTIONS',
    headers: {
      origin: 'https://elsewhere.example',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'apikey,authorization,content-type,x-client-info',
    },
  });
  expect(preflight.status).toBe(204);
  expect(Object.fromEntries(preflight.headers)).toMatchObject({
    'access-control-allow-origin': '*',
    'access-control-allow-methods': 'POST',
    'access-control-allow-headers': 'apikey,authorization,content-type,x-client-info',
  });
  for (const key of [PUBLISHABLE_KEY, 'sb_publishable_other']) {
    const response = await post('/t/events/e', '{}', { apikey: key, origin: 'https://elsewhere.example' });
    expect(response.headers.get('access-control-allow-origin')).toBe('*');
  }
});
