/** Sockets that mean harm, or are broken: each is bounded, and the others do not notice. */
import { randomUUID } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createRooms, type Rooms } from '../../tests/helpers/rooms.ts';
import {
  joined,
  officialClient,
  PUBLISHABLE_KEY,
  RawClient,
  signToken,
  startTestGateway,
  within,
  type Subscription,
  type TestGateway,
} from '../../tests/helpers/gateway.ts';

let rooms: Rooms;
let server: TestGateway;
/** An honest client: it must hear everything, whatever the others do. */
let honest: Subscription;
let said = 0;

beforeAll(async () => {
  rooms = await createRooms();
  server = await startTestGateway(rooms, {
    limits: {
      eventsPerSecondPerSocket: 500,
      joinsPerSecondPerSocket: 100,
      channelsPerSocket: 50,
      frameBytes: 200_000,
      backlogBytes: 100_000,
      probes: 2,
    },
  });
  honest = await joined(await officialClient(server.url, { version: '2.0.0' }), 'honest');
});
afterAll(async () => {
  await honest.channel.unsubscribe();
  await server.stop();
  await rooms.drop();
});

async function expectServiceForOthers(): Promise<void> {
  said += 1;
  await rooms.tell('honest', `${said}`, {}, false);
  await honest.messages.next(({ event }) => event === `${said}`);
  expect(honest.statuses.all).toEqual([{ status: 'SUBSCRIBED' }]);
}

async function metric(name: string): Promise<number> {
  const text = await server.metrics.getSingleMetricAsString(name);
  return Number(/ (\d+)$/m.exec(text)?.[1]);
}

/** A bare TCP connection after the upgrade: what it writes are bytes of frames. */
async function bareSocket(url = server.url): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => {});
  socket.write(
    `GET /realtime/v1/websocket?apikey=${PUBLISHABLE_KEY}&vsn=2.0.0 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n` +
      `Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${'A'.repeat(22)}==\r\n\r\n`,
  );
  const answer = await new Promise<Buffer>((resolve) => socket.once('data', resolve));
  expect(answer.toString()).toMatch(/^HTTP\/1.1 101 /);
  return socket;
}

const gone = (socket: Socket): Promise<void> =>
  new Promise((resolve) => {
    socket.on('close', () => resolve());
    socket.resume();
  });

test('a flood of garbage closes its socket', async () => {
  const client = await RawClient.open(server.url);
  for (let n = 0; n < 2_000; n += 1) client.socket.send(n % 2 === 0 ? '{' : Buffer.from([3, 255, 255]));
  expect(await within(client.closed, 'the close')).toBe(1008);
  await expectServiceForOthers();
});

test('half a frame, and then silence, holds a socket no longer than silence does', async () => {
  const strict = await startTestGateway(rooms, {
    slotName: `halves_${Date.now()}`,
    limits: { silenceMs: 300 },
  });
  const halves = await Promise.all(Array.from({ length: 20 }, () => bareSocket(strict.url)));
  // A masked text frame of 65,535 bytes, of which ten arrive.
  for (const socket of halves) socket.write(Buffer.from([0x81, 0xfe, 0xff, 0xff, 1, 2, 3, 4, 5, 6]));
  await within(Promise.all(halves.map(gone)), 'the closes');
  await vi.waitFor(() => expect(strict.gateway.health().connections).toBe(0));
  await strict.stop();
});

test.each([
  ['an unmasked frame', [0x81, 0x01, 0x61]],
  ['reserved bits', [0xf1, 0x81, 1, 2, 3, 4, 5]],
  ['an unknown opcode', [0x83, 0x81, 1, 2, 3, 4, 5]],
  ['a control frame of more than 125 bytes', [0x89, 0xfe, 0x00, 0x7e, 1, 2, 3, 4]],
  ['text that is no UTF-8', [0x81, 0x82, 0, 0, 0, 0, 0xc3, 0x28]],
  ['a frame of eight exabytes', [0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4]],
  ['no WebSocket at all', [...Buffer.from('GET / HTTP/1.1\r\n\r\n')]],
])('%s closes its socket at once', async (_name, bytes) => {
  const socket = await bareSocket();
  const closed = gone(socket);
  socket.write(Buffer.from(bytes));
  await within(closed, 'the close', 1_500);
  await expectServiceForOthers();
});

test('a frame at the bound is taken, one byte more closes the socket', async () => {
  const client = await RawClient.open(server.url);
  const frame = (size: number): string => {
    const empty = JSON.stringify([null, '1', 'phoenix', 'heartbeat', { x: '' }]);
    return empty.replace('""', `"${'x'.repeat(size - empty.length)}"`);
  };
  client.socket.send(frame(200_000));
  expect((await client.frames.next()).ref).toBe('1');
  client.socket.send(frame(200_001));
  expect(await within(client.closed, 'the close')).toBe(1009);
  await expectServiceForOthers();
});

test('a million joins end after the first hundred: nothing of the rest is looked at', async () => {
  const before = await metric('realtime_joins_total');
  const client = await RawClient.open(server.url);
  // The bound is by the second; what comes after the close is not even decoded.
  for (let n = 0; n < 30_000; n += 1) client.send(`${n}`, `${n}`, `realtime:flood ${n % 40}`, 'phx_join');
  expect(await within(client.closed, 'the close')).toBe(1008);
  // The burst may fall on both sides of a second's turn.
  expect((await metric('realtime_joins_total')) - before).toBeLessThanOrEqual(200);
  await vi.waitFor(() => expect(server.gateway.health().channels).toBe(1));
  await expectServiceForOthers();
});

test('a crowd that asks for private rooms waits in line; the database sees no more than its share', async () => {
  const sub = randomUUID();
  const access_token = await signToken({ sub });
  await rooms.admit(sub, 'wanted');
  const crowd = await Promise.all(Array.from({ length: 25 }, () => RawClient.open(server.url)));
  for (const client of crowd) {
    for (let n = 1; n <= 40; n += 1) {
      client.send(`${n}`, `${n}`, `realtime:secret ${n}`, 'phx_join', {
        access_token,
        config: { private: true },
      });
    }
  }
  const { rows } = await rooms.query<{ busy: number }>(
    `select count(*)::int as busy from pg_stat_activity
     where datname = current_database() and application_name like 'realtime_gateway %' and backend_type = 'client backend'`,
  );
  // Two for questions, one beside them for the slot and the partitions.
  expect(rows[0]!.busy).toBeLessThanOrEqual(3);
  const guest = await RawClient.open(server.url);
  const granted = guest.join('realtime:wanted', { access_token, config: { private: true } });
  for (const { frames } of crowd) {
    await frames.next(() => frames.all.length === 40);
    for (const { payload } of frames.all) expect(payload.response?.reason).toMatch(/^Unauthorized: /);
  }
  expect((await granted).status).toBe('ok');
  for (const { socket } of [...crowd, guest]) socket.close();
  await expectServiceForOthers();
});

test('who never reads what it asked for is cut', async () => {
  const before = await metric('realtime_slow_closes_total');
  const client = await RawClient.open(server.url);
  await client.join('realtime:echo', { config: { broadcast: { self: true } } });
  client.socket.pause();
  const push = { type: 'broadcast', event: 'x', payload: { text: 'x'.repeat(150_000) } };
  for (let n = 0; n < 150; n += 1) client.send('1', null, 'realtime:echo', 'broadcast', push);
  await vi.waitFor(async () => expect(await metric('realtime_slow_closes_total')).toBe(before + 1), 10_000);
  client.socket.terminate();
  await expectServiceForOthers();
});

test('pings are answered, and a flood of them closes the socket', async () => {
  const client = await RawClient.open(server.url);
  const pong = new Promise<Buffer>((resolve) => client.socket.once('pong', resolve));
  client.socket.ping('still there?');
  expect((await pong).toString()).toBe('still there?');
  for (let n = 0; n < 2_000; n += 1) client.socket.ping();
  expect(await within(client.closed, 'the close')).toBe(1008);
  await expectServiceForOthers();
});

test('what a channel pushes while the database is asked is bounded', async () => {
  const blocker = await rooms.connect();
  await blocker.query('begin');
  await blocker.query('lock table realtime.messages in access exclusive mode');
  const client = await RawClient.open(server.url);
  client.send('1', '1', 'realtime:waiting', 'phx_join', { config: { private: true } });
  const push = { type: 'broadcast', event: 'x', payload: { text: 'x'.repeat(150_000) } };
  for (let n = 0; n < 3; n += 1) client.send('1', null, 'realtime:waiting', 'broadcast', push);
  expect((await client.frames.next()).payload).toMatchObject({ extension: 'system', status: 'error' });
  expect(await client.frames.next()).toMatchObject({ event: 'phx_close', ref: '1' });
  await blocker.query('rollback');
  client.socket.close();
  await expectServiceForOthers();
});

test('a topic of kilobytes is refused', async () => {
  const client = await RawClient.open(server.url);
  const reply = await client.join(`realtime:${'x'.repeat(1_000)}`);
  expect(reply.response?.reason).toBe('InvalidJoinPayload: A topic has at most 1000 characters');
  client.socket.close();
});

test('a topic, an event and claims that look like SQL or JSON are only texts', async () => {
  const topic = `'; drop table public.members; -- "é\\`;
  const sub = randomUUID();
  await rooms.admit(sub, topic, { write: true });
  const client = await RawClient.open(server.url);
  const access_token = await signToken({ sub, note: `'); select pg_sleep(60); --` });
  const reply = await client.join(`realtime:${topic}`, {
    access_token,
    config: { private: true, broadcast: { self: true, ack: true, replay: { since: 0 } } },
  });
  expect(reply.status).toBe('ok');
  client.send('1', '2', `realtime:${topic}`, 'broadcast', { type: 'broadcast', event: `'"`, payload: {} });
  expect(await client.frames.next(({ event }) => event === 'broadcast')).toMatchObject({
    payload: { event: `'"` },
  });
  expect((await rooms.query('select from public.members')).rowCount).toBeGreaterThan(0);
  client.socket.close();
});
