import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { SupabaseClient } from '@supabase/supabase-js';
import { createRooms, type Rooms } from '../../tests/helpers/rooms.ts';
import {
  joined,
  officialClient,
  PUBLISHABLE_KEY,
  RawClient,
  SECRET_KEY,
  signToken,
  startTestGateway,
  subscribe,
  VERSIONS,
  type TestGateway,
  type Version,
} from '../../tests/helpers/gateway.ts';

let rooms: Rooms;
let server: TestGateway;
const clients: SupabaseClient[] = [];

beforeAll(async () => {
  rooms = await createRooms();
  server = await startTestGateway(rooms);
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.realtime.disconnect()));
});
afterAll(async () => {
  await server.stop();
  await rooms.drop();
});

/** The official client, signed in as a new user. */
async function signIn(version: Version): Promise<{ client: SupabaseClient; userId: string }> {
  const userId = randomUUID();
  const client = await officialClient(server.url, { version, token: () => signToken({ sub: userId }) });
  clients.push(client);
  return { client, userId };
}

describe.each(VERSIONS)('serializer %s', (version) => {
  test('a member joins a private room and hears the database', async () => {
    const { client, userId } = await signIn(version);
    await rooms.admit(userId, 'room:1');
    const { messages } = await joined(client, 'room:1', { private: true });

    await rooms.tell('room:1', 'plan_changed', { rev: 7, note: 'élève “à jour”, ok' });

    const message = await messages.next();
    expect(message).toMatchObject({ type: 'broadcast', event: 'plan_changed' });
    expect(message.payload).toEqual({ rev: 7, note: 'élève “à jour”, ok', id: message.meta?.id });
  });

  test('a stranger is refused, and told why', async () => {
    const { client } = await signIn(version);
    const { statuses } = subscribe(client, 'room:1', { private: true });
    const { status, error } = await statuses.next();
    expect(status).toBe('CHANNEL_ERROR');
    expect(error).toBe('Unauthorized: You do not have permissions to read from this Channel topic: room:1');
  });

  test('a private and a public channel of one name are two streams', async () => {
    const member = await signIn(version);
    await rooms.admit(member.userId, 'room:2');
    const inside = await joined(member.client, 'room:2', { private: true });
    const outside = await joined((await signIn(version)).client, 'room:2');

    await rooms.tell('room:2', 'secret', { n: 1 });
    await rooms.tell('room:2', 'news', { n: 2 }, false);
    await rooms.tell('room:2', 'end', { n: 3 });

    await inside.messages.next(({ event }) => event === 'end');
    await outside.messages.next(({ event }) => event === 'news');
    expect(inside.messages.all.map(({ event }) => event)).toEqual(['secret', 'end']);
    expect(outside.messages.all.map(({ event }) => event)).toEqual(['news']);
  });

  test('a secret key joins every private room', async () => {
    const client = await officialClient(server.url, { version, key: SECRET_KEY });
    clients.push(client);
    const { messages } = await joined(client, `room:${randomUUID()}`, { private: true });
    expect(messages.all).toEqual([]);
  });

  test('nobody signed in acts as anon, and anon has no policy', async () => {
    const client = await officialClient(server.url, { version });
    clients.push(client);
    const { statuses } = subscribe(client, 'room:1', { private: true });
    expect((await statuses.next()).error).toMatch(/^Unauthorized: /);
  });

  test('an expired token is refused by name', async () => {
    const client = await officialClient(server.url, {
      version,
      token: () => signToken({ sub: randomUUID() }, { expiresIn: -5 }),
    });
    clients.push(client);
    const { statuses } = subscribe(client, 'room:1', { private: true });
    expect((await statuses.next()).error).toMatch(/^InvalidJWTToken: Token has expired \d+ seconds ago$/);
  });

  test('a token of another issuer is refused by name', async () => {
    const client = await officialClient(server.url, {
      version,
      token: () => signToken({ sub: randomUUID() }, { secret: 'another-secret-of-at-least-32-characters' }),
    });
    clients.push(client);
    const { statuses } = subscribe(client, 'room:1', { private: true });
    expect((await statuses.next()).error).toBe('JwtSignatureError: Failed to validate JWT signature');
  });

  test('leaving is confirmed, and the topic can be joined again', async () => {
    const { client, userId } = await signIn(version);
    await rooms.admit(userId, 'room:3');
    const first = await joined(client, 'room:3', { private: true });
    expect(await client.removeChannel(first.channel)).toBe('ok');
    expect(await first.statuses.next()).toEqual({ status: 'CLOSED' });

    const second = await joined(client, 'room:3', { private: true });
    await rooms.tell('room:3', 'hello', {});
    await second.messages.next();
    expect(first.messages.all).toEqual([]);
  });
});

describe('raw frames', () => {
  test('the join reply names its channel and always lists postgres_changes', async () => {
    const client = await RawClient.open(server.url);
    client.send('7', '8', 'realtime:open', 'phx_join', { config: {} });
    expect(await client.frames.next()).toEqual({
      joinRef: '7',
      ref: '8',
      topic: 'realtime:open',
      event: 'phx_reply',
      payload: { status: 'ok', response: { postgres_changes: [] } },
    });
    client.socket.close();
  });

  test('a second join of a topic on one socket closes the first', async () => {
    const client = await RawClient.open(server.url);
    await client.join('realtime:open', {}, '1');
    client.send('2', '2', 'realtime:open', 'phx_join', {});
    expect(await client.frames.next()).toMatchObject({ joinRef: '1', ref: '1', event: 'phx_close' });
    expect(await client.frames.next()).toMatchObject({ joinRef: '2', ref: '2', event: 'phx_reply' });

    await rooms.tell('open', 'once', {}, false);
    await client.binary.next();
    client.send(null, '9', 'phoenix', 'heartbeat');
    await client.frames.next(({ ref }) => ref === '9');
    expect(client.binary.all).toHaveLength(1);
    client.socket.close();
  });

  test('a topic must have a name', async () => {
    const client = await RawClient.open(server.url);
    const reply = await client.join('realtime:');
    expect(reply.response?.reason).toBe('TopicNameRequired: You must provide a topic name');
    client.socket.close();
  });

  test('an API key as access token means the rights of the connection', async () => {
    const client = await RawClient.open(server.url, SECRET_KEY);
    const reply = await client.join('realtime:room:1', {
      config: { private: true },
      access_token: PUBLISHABLE_KEY,
    });
    expect(reply.status).toBe('ok');
    client.socket.close();
  });

  test('channels on one socket and joins a second are bounded', async () => {
    const strict = await startTestGateway(rooms, {
      slotName: `bounds_${Date.now()}`,
      limits: { channelsPerSocket: 2, joinsPerSecondPerSocket: 4 },
    });
    const client = await RawClient.open(strict.url);
    await client.join('realtime:a', {}, '1');
    await client.join('realtime:b', {}, '2');
    const third = await client.join('realtime:c', {}, '3');
    expect(third.response?.reason).toBe('ChannelRateLimitReached: Too many channels');
    // Four in one second are allowed; a burst of ten is certain to pass the bound whatever second it falls in.
    for (let n = 4; n < 14; n += 1) client.send(`${n}`, `${n}`, 'realtime:a', 'phx_join');
    const refused = await client.frames.next(({ payload }) => payload.response?.reason !== undefined);
    expect(refused.payload.response?.reason).toBe('ClientJoinRateLimitReached: Too many joins per second');
    expect(await client.closed).toBe(1008);
    await strict.stop();
  });
});
