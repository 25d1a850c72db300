import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { SupabaseClient } from '@supabase/supabase-js';
import { createRooms, type Rooms } from '../../tests/helpers/rooms.ts';
import {
  joined,
  officialClient,
  PUBLISHABLE_KEY,
  RawClient,
  signToken,
  startTestGateway,
  VERSIONS,
  type TestGateway,
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

describe.each(VERSIONS)('serializer %s', (version) => {
  test('a new token of somebody without the right closes the channel with a reason', async () => {
    const topic = `token:${version}`;
    const [member, stranger] = [randomUUID(), randomUUID()];
    await rooms.admit(member, topic);
    let sub = member;
    const client = await officialClient(server.url, { version, token: () => signToken({ sub }) });
    clients.push(client);
    const { channel, statuses, messages } = await joined(client, topic, { private: true });
    const reason = new Promise((resolve) => channel.on('system', {}, resolve));

    sub = stranger;
    await client.realtime.setAuth();

    expect(await reason).toMatchObject({
      extension: 'system',
      status: 'error',
      message: `You do not have permissions to read from this Channel topic: ${topic}`,
      channel: topic,
    });
    expect((await statuses.next()).status).toBe('CLOSED');
    await rooms.tell(topic, 'secret', {});
    expect(messages.all).toEqual([]);
  });

  test('a refreshed token keeps the channel, and its rights to write are asked again', async () => {
    const topic = `refresh:${version}`;
    const sub = randomUUID();
    await rooms.admit(sub, topic, { write: true });
    const client = await officialClient(server.url, { version, token: () => signToken({ sub }) });
    const listener = await officialClient(server.url, { version, token: () => signToken({ sub }) });
    clients.push(client, listener);
    const { channel, statuses } = await joined(client, topic, { private: true });
    const { messages } = await joined(listener, topic, { private: true });
    await channel.send({ type: 'broadcast', event: 'allowed', payload: {} });
    await messages.next(({ event }) => event === 'allowed');

    await rooms.admit(sub, topic, { write: false });
    await channel.send({ type: 'broadcast', event: 'cached', payload: {} });
    await messages.next(({ event }) => event === 'cached');

    await client.realtime.setAuth();
    await channel.send({ type: 'broadcast', event: 'denied', payload: {} });
    await rooms.tell(topic, 'end', {});
    await messages.next(({ event }) => event === 'end');
    expect(messages.all.map(({ event }) => event)).toEqual(['allowed', 'cached', 'end']);
    expect(statuses.all).toEqual([{ status: 'SUBSCRIBED' }]);
  });

  test('a token that runs out while joined closes the channel with a reason', async () => {
    const topic = `expiry:${version}`;
    const sub = randomUUID();
    await rooms.admit(sub, topic);
    const client = await officialClient(server.url, {
      version,
      token: () => signToken({ sub }, { expiresIn: 2 }),
    });
    clients.push(client);
    const { channel, statuses } = await joined(client, topic, { private: true });
    const reason = new Promise<{ message: string }>((resolve) => channel.on('system', {}, resolve));
    expect((await reason).message).toMatch(/^Token has expired \d seconds ago$/);
    expect((await statuses.next()).status).toBe('CLOSED');
  });
});

describe('raw frames', () => {
  test.each([
    ['a token that is none', 'nonsense', 'The token provided is not a valid JWT'],
    [
      'a token of another issuer',
      () => signToken({ sub: randomUUID() }, { secret: 'another-secret-of-at-least-32-characters' }),
      'Failed to validate JWT signature',
    ],
  ])('%s closes the channel', async (_name, token, message) => {
    const client = await RawClient.open(server.url);
    await client.join('realtime:open');
    const access_token = typeof token === 'string' ? token : await token();
    client.send('1', '2', 'realtime:open', 'access_token', { access_token });
    expect((await client.frames.next()).payload).toMatchObject({ extension: 'system', message });
    expect(await client.frames.next()).toMatchObject({ ref: '1', event: 'phx_close' });
    client.socket.close();
  });

  test('an API key as new token changes nothing', async () => {
    const client = await RawClient.open(server.url);
    await client.join('realtime:open');
    client.send('1', null, 'realtime:open', 'access_token', { access_token: PUBLISHABLE_KEY });
    client.send('1', null, 'realtime:open', 'access_token', { access_token: null });
    await rooms.tell('open', 'still here', {}, false);
    await client.binary.next();
    expect(client.frames.all).toHaveLength(1);
    client.socket.close();
  });

  test('a policy that fails denies; it does not break the gateway', async () => {
    const session = await rooms.connect();
    await session.query(`create policy broken on realtime.messages for select to authenticated
      using (case when (select realtime.topic()) = 'broken' then 1 / 0 = 1 else false end)`);
    const client = await RawClient.open(server.url);
    const access_token = await signToken({ sub: randomUUID() });
    const reply = await client.join('realtime:broken', { access_token, config: { private: true } });
    expect(reply.response?.reason).toMatch(/^Unauthorized: /);
    await session.query('drop policy broken on realtime.messages');
    client.socket.close();
  });
});
