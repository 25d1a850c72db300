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

describe.each(VERSIONS)('raw frames, serializer %s', (version) => {
  const open = (key?: string): Promise<RawClient> => RawClient.open(server.url, key, { version });

  test.each(['true', 'True', 'TRUE'])('`private: "%s"` joins the private stream', async (flag) => {
    const topic = `flag:${version}:${flag}`;
    const client = await open(SECRET_KEY);
    const stranger = await open();
    expect(
      (await stranger.join(`realtime:${topic}`, { config: { private: flag } })).response?.reason,
    ).toMatch(/^Unauthorized: /);
    expect((await client.join(`realtime:${topic}`, { config: { private: flag } })).status).toBe('ok');
    await rooms.tell(topic, 'public', {}, false);
    await rooms.tell(topic, 'secret', {});
    const heard = async (): Promise<string> =>
      version === '2.0.0'
        ? (await client.binary.next()).toString()
        : JSON.stringify(await client.frames.next(({ event }) => event === 'broadcast'));
    expect(await heard()).toContain('secret');
    for (const { socket } of [client, stranger]) socket.close();
  });

  test('each other switch of a join may be a text too, and "false" is false', async () => {
    const topic = `realtime:switches:${version}`;
    const client = await open();
    await client.join(topic, {
      config: {
        private: 'false',
        broadcast: { ack: 'true', self: 'true', replication_ready: 'true' },
        presence: { enabled: 'True' },
        postgres_changes_options: { wait: 'false' },
      },
    });
    client.send('1', '2', topic, 'broadcast', { type: 'broadcast', event: 'e', payload: {} });
    await client.settled();
    expect(client.frames.all).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ event: 'presence_state' }),
        expect.objectContaining({ event: 'system' }),
        expect.objectContaining({ event: 'broadcast' }),
        expect.objectContaining({ event: 'phx_reply', ref: '2' }),
      ]),
    );
    const silent = await open();
    await silent.join(topic, {
      config: { broadcast: { ack: 'false', self: 'false' }, presence: { enabled: 'false' } },
    });
    silent.send('1', '2', topic, 'broadcast', { type: 'broadcast', event: 'e', payload: {} });
    await silent.settled();
    expect(silent.frames.all.map(({ event }) => event)).toEqual(['phx_reply', 'phx_reply']);
    for (const { socket } of [client, silent]) socket.close();
  });

  test.each([
    [3, 4],
    ['3', '4'],
    ['three', 4.5],
  ])('references are echoed as they were sent: %j and %j', async (joinRef, ref) => {
    const topic = `realtime:refs:${version}`;
    const client = await open();
    client.send(joinRef, ref, topic, 'phx_join', { config: {} });
    expect(await client.frames.next()).toMatchObject({ event: 'phx_reply', joinRef, ref });
    client.send(null, ref, 'phoenix', 'heartbeat');
    expect(await client.frames.next()).toMatchObject({ event: 'phx_reply', ref });
    client.send(joinRef, ref, topic, 'phx_leave');
    expect(await client.frames.next()).toMatchObject({ event: 'phx_reply', joinRef, ref });
    expect(await client.frames.next()).toMatchObject({ event: 'phx_close', joinRef, ref: joinRef });
    client.socket.close();
  });

  test('what names an earlier join of the topic is ignored: a late leave closes nothing', async () => {
    const topic = `realtime:stale:${version}`;
    const client = await open();
    await client.join(topic, {}, '1');
    await client.join(topic, { config: { broadcast: { ack: true } } }, '2');
    const before = client.frames.all.length;
    client.send('1', '3', topic, 'phx_leave');
    client.send('1', '4', topic, 'broadcast', { type: 'broadcast', event: 'late', payload: {} });
    client.send('1', '5', topic, 'access_token', { access_token: 'nonsense' });
    await client.settled();
    expect(client.frames.all).toHaveLength(before + 1);
    expect(await server.metrics.getSingleMetricAsString('realtime_refusals_total')).toMatch(
      /"StaleJoinRef"} \d+$/m,
    );
    // Older clients name no join at all.
    client.send(null, '6', topic, 'broadcast', { type: 'broadcast', event: 'now', payload: {} });
    expect(await client.frames.next(({ ref }) => ref === '6')).toMatchObject({ payload: { status: 'ok' } });
    client.send('2', '7', topic, 'phx_leave');
    expect(await client.frames.next(({ ref }) => ref === '7')).toMatchObject({ payload: { status: 'ok' } });
    expect(await client.frames.next()).toMatchObject({ event: 'phx_close', joinRef: '2' });
    client.socket.close();
  });
});

describe('raw frames', () => {
  test.each(['1.0.0', '1.0.7', '2.0.0', '2.0.12'])('serializer %s opens a socket', async (vsn) => {
    const version = vsn.startsWith('1') ? '1.0.0' : '2.0.0';
    const client = await RawClient.open(server.url, PUBLISHABLE_KEY, { version, vsn });
    expect((await client.join('realtime:open')).status).toBe('ok');
    client.socket.close();
  });

  test.each(['2.1.0', '2.0', '2.0.0-rc.1', '02.0.0', 'x'])('serializer %s is refused', async (vsn) => {
    await expect(RawClient.open(server.url, PUBLISHABLE_KEY, { vsn })).rejects.toThrow('400');
  });

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
