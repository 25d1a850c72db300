import { get } from 'node:http';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRooms, type Rooms } from '../../tests/helpers/rooms.ts';
import {
  joined,
  officialClient,
  PUBLISHABLE_KEY,
  RawClient,
  signToken,
  startTestGateway,
  within,
  VERSIONS,
  type TestGateway,
} from '../../tests/helpers/gateway.ts';

let rooms: Rooms;
let server: TestGateway;

beforeAll(async () => {
  rooms = await createRooms();
  server = await startTestGateway(rooms);
});
afterAll(async () => {
  await server.stop();
  await rooms.drop();
});

describe('connecting', () => {
  /** Asks for a socket and returns the HTTP answer: 101 or a refusal with its body. */
  function upgrade(
    query: string,
    headers: Record<string, string> = {},
  ): Promise<{ status: number; body: string }> {
    return new Promise((resolve, reject) => {
      const request = get(`${server.url}/realtime/v1/websocket${query}`, {
        headers: {
          Connection: 'Upgrade',
          Upgrade: 'websocket',
          'Sec-WebSocket-Version': '13',
          'Sec-WebSocket-Key': Buffer.alloc(16).toString('base64'),
          ...headers,
        },
      });
      request.on('error', reject);
      request.on('upgrade', (_response, socket) => {
        socket.destroy();
        resolve({ status: 101, body: '' });
      });
      request.on('response', (response) => {
        let body = '';
        response.on('data', (chunk: Buffer) => (body += chunk.toString()));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
      });
    });
  }

  test.each([
    ['no key', '', {}, 401, 'An API key is required'],
    ['an unknown key', '?apikey=sb_publishable_other', {}, 401, 'Unauthorized: Unknown API key'],
    ['nonsense', '?apikey=nonsense', {}, 401, 'MalformedJWT: The token provided is not a valid JWT'],
    [
      'a version of the future',
      `?apikey=${PUBLISHABLE_KEY}&vsn=9`,
      {},
      400,
      'Unsupported serializer version 9',
    ],
    [
      'a header that beats the query',
      `?apikey=${PUBLISHABLE_KEY}`,
      { 'x-api-key': 'sb_other' },
      401,
      'Unauthorized: Unknown API key',
    ],
  ])('%s is refused in HTTP', async (_name, query, headers, status, error) => {
    expect(await upgrade(query, headers)).toEqual({ status, body: JSON.stringify({ error }) });
  });

  test('a JWT opens a socket while it is valid', async () => {
    const valid = await signToken({ role: 'anon' });
    const expired = await signToken({ role: 'anon' }, { expiresIn: -10 });
    expect((await upgrade(`?apikey=${valid}`)).status).toBe(101);
    const refused = await upgrade(`?apikey=${expired}`);
    expect(refused.status).toBe(401);
    expect(refused.body).toMatch(/InvalidJWTToken: Token has expired/);
  });

  test('a token without role is refused', async () => {
    const { status, body } = await upgrade(
      `?apikey=${await signToken({ role: undefined as unknown as string })}`,
    );
    expect(status).toBe(401);
    expect(body).toContain('Fields `role` and `exp` are required in JWT');
  });

  test('one connection too many is refused with 429', async () => {
    const small = await startTestGateway(rooms, {
      slotName: `small_${Date.now()}`,
      limits: { connections: 1 },
    });
    const first = await RawClient.open(small.url);
    await expect(RawClient.open(small.url)).rejects.toThrow('429');
    first.socket.close();
    await small.stop();
  });
});

describe('frames', () => {
  test('a heartbeat is answered', async () => {
    const client = await RawClient.open(server.url);
    client.send(null, '5', 'phoenix', 'heartbeat');
    expect(await client.frames.next()).toEqual({
      joinRef: null,
      ref: '5',
      topic: 'phoenix',
      event: 'phx_reply',
      payload: { status: 'ok', response: {} },
    });
    client.socket.close();
  });

  test('garbage is ignored and the connection stays', async () => {
    const client = await RawClient.open(server.url);
    for (const garbage of ['', 'x', '{}', '[]', 'null', '[1,2,3,4,5]', '[null,null,null,null,null]', '"a"']) {
      client.socket.send(garbage);
    }
    for (const garbage of [
      [],
      [3],
      [3, 255, 255, 255, 255, 255, 1],
      [9, 1, 1, 1, 1, 1, 1, 1],
      [3, 0, 0, 1, 1, 0, 1, 97, 98, 123],
    ]) {
      client.socket.send(Buffer.from(garbage));
    }
    client.send(null, 'alive', 'phoenix', 'heartbeat');
    await client.frames.next(({ ref }) => ref === 'alive');
    expect(client.frames.all).toHaveLength(1);
    expect(await server.metrics.getSingleMetricAsString('realtime_bad_frames_total')).toMatch(/ 13$/m);
    client.socket.close();
  });

  test('a push to a topic that is not joined is answered with an error, a leave with ok', async () => {
    const client = await RawClient.open(server.url);
    client.send('1', '1', 'realtime:nowhere', 'broadcast', { event: 'x' });
    expect((await client.frames.next()).payload).toEqual({
      status: 'error',
      response: { reason: 'unmatched topic' },
    });
    client.send('1', '2', 'realtime:nowhere', 'phx_leave');
    expect((await client.frames.next()).payload.status).toBe('ok');
    client.socket.close();
  });

  test('a frame of more than 5,000,000 bytes closes the socket', async () => {
    const client = await RawClient.open(server.url);
    client.socket.send(Buffer.alloc(5_000_001));
    expect(await within(client.closed, 'the close')).toBe(1009);
  });

  test('a socket that says nothing is closed', async () => {
    const strict = await startTestGateway(rooms, {
      slotName: `silent_${Date.now()}`,
      limits: { silenceMs: 200 },
    });
    const client = await RawClient.open(strict.url);
    await within(client.closed, 'the close');
    await strict.stop();
  });

  test('a socket that reads too slowly is closed, and the others are served', async () => {
    const strict = await startTestGateway(rooms, {
      slotName: `slow_${Date.now()}`,
      limits: { backlogBytes: 100_000 },
    });
    const slow = await RawClient.open(strict.url);
    const quick = await RawClient.open(strict.url);
    await slow.join('realtime:firehose');
    await quick.join('realtime:firehose');
    slow.socket.pause();
    const text = 'x'.repeat(500_000);
    for (let n = 0; n < 40; n += 1) {
      await rooms.tell('firehose', `${n}`, { text }, false);
      await quick.binary.next();
    }
    expect(await strict.metrics.getSingleMetricAsString('realtime_slow_closes_total')).toMatch(/ 1$/m);
    slow.socket.resume();
    await within(slow.closed, 'the close of the slow socket');
    expect(quick.binary.all).toHaveLength(40);
    quick.socket.close();
    await strict.stop();
  });
});

describe.each(VERSIONS)('serializer %s', (version) => {
  test('a cut socket comes back, rejoins by itself and hears again', async () => {
    const topic = `cut:${version}`;
    const sub = randomUUID();
    await rooms.admit(sub, topic);
    const client = await officialClient(server.url, { version, token: () => signToken({ sub }) });
    const { messages, statuses } = await joined(client, topic, { private: true });
    server.cut();
    await statuses.next(({ status }) => status === 'CHANNEL_ERROR');
    await statuses.next(({ status }) => status === 'SUBSCRIBED');
    await rooms.tell(topic, 'welcome back', {});
    expect((await messages.next()).event).toBe('welcome back');
    await client.realtime.disconnect();
  });

  test('when the gateway goes away in good order, clients are told to come back', async () => {
    const first = await startTestGateway(rooms, { slotName: `handover_${Date.now()}` });
    const client = await officialClient(first.url, { version });
    const { statuses } = await joined(client, 'handover');
    await first.stop();
    expect((await statuses.next()).error).toBe('socket closed: 1001 (the server is going away)');
    await client.realtime.disconnect();
  });
});
