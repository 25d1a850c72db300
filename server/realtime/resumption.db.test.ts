import { randomUUID } from 'node:crypto';
import { decodeJwt } from 'jose';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { createRooms, type Rooms } from '../../tests/helpers/rooms.ts';
import { RealtimeError } from './errors.ts';
import type { Claims } from './options.ts';
import { RawClient, signToken, startTestGateway, type TestGateway } from '../../tests/helpers/gateway.ts';

let rooms: Rooms;
let server: TestGateway;
const clients: RawClient[] = [];

beforeAll(async () => {
  rooms = await createRooms();
  server = await startTestGateway(rooms, { limits: { resumeMs: 600_000 } });
});
afterEach(() => {
  for (const { socket } of clients.splice(0)) socket.terminate();
});
afterAll(async () => {
  await server.stop();
  await rooms.drop();
});

async function join(topic: string, access_token: string, url = server.url) {
  const client = await RawClient.open(url);
  clients.push(client);
  const reply = await client.join(`realtime:${topic}`, { access_token, config: { private: true } });
  return { client, reply };
}

/** Resolves when the server knows it, too. */
async function breakLine(client: RawClient): Promise<void> {
  const { connections } = server.gateway.health();
  client.socket.terminate();
  await vi.waitFor(() => expect(server.gateway.health().connections).toBe(connections - 1), 10_000);
}

async function member(topic: string): Promise<{ sub: string; token: string }> {
  const sub = randomUUID();
  await rooms.admit(sub, topic);
  return { sub, token: await signToken({ sub }) };
}

const DENIED = { status: 'error', response: { reason: expect.stringMatching(/^Unauthorized: /) as string } };

test('who was cut off comes back without a question to the database, and hears on', async () => {
  const { sub, token } = await member('cut');
  const { client } = await join('cut', token);
  await breakLine(client);
  // A question would be answered with no.
  await rooms.expel(sub, 'cut');
  const { client: again, reply } = await join('cut', token);
  expect(reply).toMatchObject({ status: 'ok' });
  await rooms.tell('cut', 'step', { n: 1 });
  await again.binary.next();
});

test('once, and neither with another token nor for another topic', async () => {
  const { sub, token } = await member('once');
  const { client } = await join('once', token);
  await breakLine(client);
  await rooms.expel(sub, 'once');
  expect((await join('once', await signToken({ sub, note: 'new' }))).reply).toMatchObject(DENIED);
  expect((await join('other', token)).reply).toMatchObject(DENIED);
  expect((await join('once', token)).reply).toMatchObject({ status: 'ok' });
  expect((await join('once', token)).reply).toMatchObject(DENIED);
});

test('a channel that was left is asked about', async () => {
  const { sub, token } = await member('left');
  const { client } = await join('left', token);
  client.send('1', '2', 'realtime:left', 'phx_leave', {});
  await client.frames.next(({ event }) => event === 'phx_close');
  await breakLine(client);
  await rooms.expel(sub, 'left');
  expect((await join('left', token)).reply).toMatchObject(DENIED);
});

test('its token is verified all the same: a session that ended meanwhile joins nothing', async () => {
  const ended = new Set<string>();
  const strict = await startTestGateway(rooms, {
    slotName: `ended_${Date.now()}`,
    limits: { resumeMs: 600_000 },
    verifyToken: async (token) => {
      if (ended.has(token)) throw new RealtimeError('InvalidJWTToken', 'The session has ended');
      return decodeJwt(token) as Claims;
    },
  });
  const { token } = await member('ended');
  const { client, reply } = await join('ended', token, strict.url);
  expect(reply).toMatchObject({ status: 'ok' });
  client.socket.terminate();
  await vi.waitFor(() => expect(strict.gateway.health().connections).toBe(0), 10_000);
  ended.add(token);
  const { reply: refused } = await join('ended', token, strict.url);
  expect(refused).toMatchObject({
    status: 'error',
    response: { reason: 'InvalidJWTToken: The session has ended' },
  });
  await strict.stop();
});
