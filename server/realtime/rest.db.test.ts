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
  type Subscription,
  type TestGateway,
} from '../../tests/helpers/gateway.ts';

let rooms: Rooms;
let server: TestGateway;

beforeAll(async () => {
  rooms = await createRooms();
  server = await startTestGateway(rooms, { limits: { payloadBytes: 1_000 } });
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

const MESSAGE = JSON.stringify({ messages: [{ topic: 't', event: 'e', payload: {} }] });

test.each([
  ['no key', '', MESSAGE, { apikey: '' }, 401],
  ['an unknown key', '', MESSAGE, { apikey: 'sb_publishable_other' }, 401],
  ['a bad token', '', MESSAGE, { authorization: 'Bearer nonsense' }, 401],
  ['another content type', '', MESSAGE, { 'content-type': 'text/plain' }, 415],
  ['another content type of one message', '/t/events/e', 'x', { 'content-type': 'text/plain' }, 415],
  ['broken JSON', '', '{', {}, 422],
  ['no messages', '', '{}', {}, 422],
  ['a message without topic', '', '{"messages":[{"event":"e","payload":1}]}', {}, 422],
  ['a message without event', '', '{"messages":[{"topic":"t","payload":1}]}', {}, 422],
  ['a message without payload', '', '{"messages":[{"topic":"t","event":"e"}]}', {}, 422],
  ['a large payload', '/t/events/e', JSON.stringify('x'.repeat(2_000)), {}, 413],
  ['another path', '/t', MESSAGE, {}, 404],
])('%s is refused with a JSON error', async (_name, path, body, headers, status) => {
  const response = await post(path, body, headers);
  expect(response.status).toBe(status);
  expect(await response.json()).toEqual({ error: expect.any(String) as string });
});

test('a batch with one forbidden message sends none', async () => {
  const { messages } = await listen('batch');
  const response = await post(
    '',
    JSON.stringify({
      messages: [
        { topic: 'batch', event: 'first', payload: {} },
        { topic: 'batch', event: 'second', payload: {}, private: true },
      ],
    }),
  );
  expect(response.status).toBe(403);
  expect(
    (await post('', JSON.stringify({ messages: [{ topic: 'batch', event: 'ok', payload: {} }] }))).status,
  ).toBe(202);
  await messages.next(({ event }) => event === 'ok');
  expect(messages.all).toHaveLength(1);
});
