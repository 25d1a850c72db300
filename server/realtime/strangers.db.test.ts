/** Sockets with nothing but the key that everybody has: they get in, and get nowhere; nobody honest pays for them. */
import { randomUUID } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
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
  within,
  type TestGateway,
} from '../../tests/helpers/gateway.ts';
import { createRooms, type Rooms } from '../../tests/helpers/rooms.ts';
import type { GatewayOptions } from './options.ts';

let rooms: Rooms;
const servers: TestGateway[] = [];
const sub = randomUUID();
let access_token: string;

beforeAll(async () => {
  rooms = await createRooms();
  access_token = await signToken({ sub });
  for (const topic of ['mine', 'other']) await rooms.admit(sub, topic, { write: true });
});
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop();
});
afterAll(() => rooms.drop());

/** A gateway as the product runs it: private channels only. The network is what the test says in a header. */
async function start(
  limits: GatewayOptions['limits'] = {},
  options: Partial<GatewayOptions> = {},
): Promise<TestGateway> {
  const server = await startTestGateway(rooms, {
    publicChannels: false,
    slotName: `strangers_${randomUUID().replaceAll('-', '')}`,
    networkOf: ({ url }) => new URL(url ?? '', 'http://x').searchParams.get('network') ?? 'home',
    limits,
    ...options,
  });
  servers.push(server);
  return server;
}

async function countRefusals(server: TestGateway, reason: string): Promise<number | undefined> {
  const { values } = await server.metrics.getSingleMetric('realtime_refusals_total')!.get();
  return values.find(({ labels }) => labels['reason'] === reason)?.value;
}

const openFrom = (server: TestGateway, network: string): Promise<RawClient> =>
  RawClient.open(server.url, `${PUBLISHABLE_KEY}&network=${network}`);
const asMember = (): object => ({ access_token, config: { private: true } });

/** A TCP connection after the upgrade. */
async function bareSocket({ url }: TestGateway): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => {});
  socket.write(
    `GET /realtime/v1/websocket?apikey=${PUBLISHABLE_KEY}&vsn=2.0.0 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n` +
      `Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${'A'.repeat(22)}==\r\n\r\n`,
  );
  await new Promise((resolve) => socket.once('data', resolve));
  return socket;
}

describe('without public channels', () => {
  test.each(VERSIONS)(
    'the official client is refused a public one by name, serializer %s',
    async (version) => {
      const server = await start();
      const client = await officialClient(server.url, {
        version,
        token: () => Promise.resolve(access_token),
      });
      const { statuses, channel } = subscribe(client, 'mine');
      expect(await statuses.next()).toEqual({
        status: 'CHANNEL_ERROR',
        error: 'PrivateOnly: This project only allows private channels',
      });
      await channel.unsubscribe();
      expect((await joined(client, 'mine', { private: true })).statuses.all).toEqual([
        { status: 'SUBSCRIBED' },
      ]);
      await client.removeAllChannels();
    },
  );

  test('nobody’s own key joins nothing, and the database is not asked', async () => {
    const server = await start();
    const blocker = await rooms.connect();
    await blocker.query('begin; lock table realtime.messages in access exclusive mode');
    const client = await RawClient.open(server.url);
    const reply = await client.join('realtime:mine', { config: { private: true } });
    expect(reply.response?.reason).toBe(
      'Unauthorized: You do not have permissions to read from this Channel topic: mine',
    );
    const anonymous = await signToken({ role: 'anon' });
    const second = await client.join(
      'realtime:mine',
      { access_token: anonymous, config: { private: true } },
      '2',
    );
    expect(second.response?.reason).toMatch(/^Unauthorized: /);
    await blocker.query('rollback');
    client.socket.close();
  });

  test('over HTTP a public message is refused, and nobody’s own key before its body is read', async () => {
    const server = await start();
    const send = (key: string, isPrivate: boolean, body?: string): Promise<Response> =>
      fetch(`${server.url}/realtime/v1/api/broadcast`, {
        method: 'POST',
        headers: { apikey: key, 'content-type': 'application/json' },
        body:
          body ??
          JSON.stringify({ messages: [{ topic: 'mine', event: 'x', payload: 1, private: isPrivate }] }),
      });
    const refused = await send(SECRET_KEY, false);
    expect(refused.status).toBe(403);
    expect(await refused.json()).toEqual({ error: 'PrivateOnly: This project only allows private channels' });
    expect((await send(SECRET_KEY, true)).status).toBe(202);
    expect((await send(PUBLISHABLE_KEY, true)).status).toBe(403);
    // Of a batch the private ones go out.
    const mixed = [false, true].map((isPrivate) => ({
      topic: 'mine',
      event: 'x',
      payload: 1,
      private: isPrivate,
    }));
    expect((await send(SECRET_KEY, true, JSON.stringify({ messages: mixed }))).status).toBe(202);
    expect((await send(PUBLISHABLE_KEY, true, 'no JSON')).status).toBe(403);
  });
});

describe('strangers', () => {
  test('a hoarder of sockets loses its oldest to each newcomer, who joins', async () => {
    const server = await start({ strangersPerNetwork: 5 });
    const elsewhere = await openFrom(server, 'elsewhere');
    const hoard: RawClient[] = [];
    for (let n = 0; n < 5; n += 1) hoard.push(await openFrom(server, 'school'));
    const members: RawClient[] = [];
    for (let n = 0; n < 8; n += 1) {
      const member = await openFrom(server, 'school');
      members.push(member);
      expect((await member.join('realtime:mine', asMember())).status).toBe('ok');
    }
    // A member is no stranger any more: only the first took a place from the hoarder.
    expect(await within(hoard[0]!.closed, 'the close')).toBe(1013);
    expect(await countRefusals(server, 'StrangerReplaced')).toBe(1);
    expect(server.gateway.health().connections).toBe(13);
    expect([elsewhere, ...hoard.slice(1), ...members].map(({ socket }) => socket.readyState)).toEqual(
      Array.from({ length: 13 }, () => 1),
    );
  });

  test('who shows no token in time is sent away, who does stays', async () => {
    const server = await start({ strangerMs: 300 });
    const member = await RawClient.open(server.url);
    await member.join('realtime:mine', asMember());
    const silent = await RawClient.open(server.url);
    const busy = await RawClient.open(server.url);
    await busy.join('realtime:mine', { access_token: 'no token', config: { private: true } });
    expect(await within(silent.closed, 'the close')).toBe(1013);
    expect(await within(busy.closed, 'the close')).toBe(1013);
    expect(await countRefusals(server, 'StrangerSilent')).toBe(2);
    expect(member.socket.readyState).toBe(1);
  });

  test('half a frame of megabytes is not kept', async () => {
    const server = await start();
    const socket = await bareSocket(server);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.resume();
    // A masked text frame of 4,900,000 bytes, of which 300,000 arrive.
    const head = Buffer.alloc(14);
    head.set([0x81, 0xff]);
    head.writeBigUInt64BE(4_900_000n, 2);
    socket.write(head);
    socket.write(Buffer.alloc(300_000, 0x20));
    await within(closed, 'the close');
    expect(await countRefusals(server, 'StrangerFlooded')).toBe(1);
    await vi.waitFor(() => expect(server.gateway.health().connections).toBe(0));
  });

  test('joins of a network’s strangers a second are bounded; the socket stays', async () => {
    const server = await start({ joinsPerSecondPerNetwork: 3 });
    const client = await openFrom(server, 'school');
    for (let n = 1; n <= 20; n += 1) client.send(`${n}`, `${n}`, `realtime:${n}`, 'phx_join');
    await client.frames.next(
      ({ payload }) => payload.response?.reason?.startsWith('ClientJoinRate') === true,
    );
    const other = await openFrom(server, 'home');
    expect((await other.join('realtime:mine', asMember())).status).toBe('ok');
    expect(client.socket.readyState).toBe(1);
  });
});

describe('accounts', () => {
  test('an account has so many sockets; the next one’s join is refused, and allowed when one is gone', async () => {
    const server = await start({ socketsPerAccount: 2 });
    const [first, second, third] = await Promise.all([1, 2, 3].map(() => RawClient.open(server.url)));
    expect((await first!.join('realtime:mine', asMember())).status).toBe('ok');
    expect((await first!.join('realtime:other', asMember(), '2')).status).toBe('ok');
    expect((await second!.join('realtime:mine', asMember())).status).toBe('ok');
    const refused = await third!.join('realtime:mine', asMember());
    expect(refused.response?.reason).toBe('ConnectionRateLimitReached: Too many connections of this account');
    const colleague = randomUUID();
    await rooms.admit(colleague, 'mine');
    const theirs = { access_token: await signToken({ sub: colleague }), config: { private: true } };
    expect((await third!.join('realtime:mine', theirs, '2')).status).toBe('ok');
    // A socket belongs to the account whose token it showed last.
    first!.socket.close();
    await within(first!.closed, 'the close');
    await vi.waitFor(() => expect(server.gateway.health().connections).toBe(2));
    expect((await third!.join('realtime:mine', asMember(), '3')).status).toBe('ok');
  });

  test('a socket opened with a token of one’s own counts too', async () => {
    const server = await start({ socketsPerAccount: 1 });
    const first = await RawClient.open(server.url, access_token);
    await expect(RawClient.open(server.url, access_token)).rejects.toThrow('429');
    first.socket.close();
  });

  test('joins and bytes a second are bounded over all sockets of an account, and of nobody else', async () => {
    const server = await start({ joinsPerSecondPerAccount: 20, bytesPerSecondPerAccount: 100_000 });
    const [one, two] = [await RawClient.open(server.url), await RawClient.open(server.url)];
    for (const client of [one, two]) await client.join('realtime:mine', asMember());
    for (let n = 2; n <= 60; n += 1) {
      for (const client of [one, two]) client.send(`${n}`, `${n}`, 'realtime:mine', 'phx_join', asMember());
    }
    await one.frames.next(({ payload }) => payload.response?.reason?.startsWith('ClientJoinRate') === true);
    const other = randomUUID();
    await rooms.admit(other, 'mine');
    const honest = await RawClient.open(server.url);
    const theirs = { access_token: await signToken({ sub: other }), config: { private: true } };
    expect((await honest.join('realtime:mine', theirs)).status).toBe('ok');
    const push = { type: 'broadcast', event: 'x', payload: { text: 'x'.repeat(60_000) } };
    for (let n = 0; n < 6; n += 1) two.send('1', null, 'realtime:mine', 'broadcast', push);
    expect(await within(two.closed, 'the close')).toBe(1008);
    expect(honest.socket.readyState).toBe(1);
    expect(one.socket.readyState).toBe(1);
  });

  test('a topic has so many members', async () => {
    const server = await start({ membersPerTopic: 2 });
    const clients = await Promise.all([1, 2, 3].map(() => RawClient.open(server.url)));
    const replies = [];
    for (const client of clients) replies.push(await client.join('realtime:mine', asMember()));
    expect(replies.map(({ status }) => status)).toEqual(['ok', 'ok', 'error']);
    expect(replies[2]!.response?.reason).toBe('ConnectionRateLimitReached: Too many members of this channel');
    expect((await clients[2]!.join('realtime:other', asMember(), '2')).status).toBe('ok');
  });

  test('a join of more than 64 KiB is refused by name, and joins are not piled up in one socket', async () => {
    const server = await start();
    const client = await RawClient.open(server.url);
    const join = (n: number, size: number) =>
      client.join(`realtime:mine`, { ...asMember(), x: 'x'.repeat(size) }, `${n}`);
    expect((await join(1, 65_536)).response?.reason).toBe(
      'InvalidJoinPayload: A join has at most 65536 bytes',
    );
    // The same topic again takes the place of the one before.
    for (let n = 2; n <= 8; n += 1) expect((await join(n, 60_000)).status).toBe('ok');
    for (let n = 1; n <= 5; n += 1) {
      await rooms.admit(sub, `pile ${n}`);
      const payload = { ...asMember(), x: 'x'.repeat(60_000) };
      const { status, response } = await client.join(`realtime:pile ${n}`, payload, `p${n}`);
      expect(status).toBe(n <= 3 ? 'ok' : 'error');
      if (n > 3) expect(response?.reason).toMatch(/^ChannelRateLimitReached: /);
    }
    expect(client.socket.readyState).toBe(1);
  });
});

test('a crowd of one account’s joins delays another’s by a few questions, not by all', async () => {
  const server = await start({ probes: 2 });
  const crowd = await Promise.all([1, 2, 3, 4].map(() => RawClient.open(server.url)));
  let answered = 0;
  for (const client of crowd) {
    for (let n = 1; n <= 90; n += 1) {
      client.send(`${n}`, `${n}`, `realtime:closed ${n}`, 'phx_join', asMember());
    }
    client.socket.on('message', () => (answered += 1));
    await client.frames.next();
  }
  const guest = randomUUID();
  await rooms.admit(guest, 'mine');
  const theirs = { access_token: await signToken({ sub: guest }), config: { private: true } };
  const socket = await RawClient.open(server.url);
  const before = answered;
  expect((await socket.join('realtime:mine', theirs)).status).toBe('ok');
  // In the order of their arrival, all that waited then would have come first.
  expect(answered - before).toBeLessThan(40);
  for (const client of crowd) await client.frames.next(() => client.frames.all.length === 90);
});

test('with public channels, guests stay, and their network is bounded at the door', async () => {
  const server = await start(
    { strangersPerNetwork: 2, strangerMs: 1, strangerBytes: 1 },
    { publicChannels: true },
  );
  const guests = [await openFrom(server, 'cafe'), await openFrom(server, 'cafe')];
  for (const guest of guests) expect((await guest.join('realtime:square')).status).toBe('ok');
  await expect(openFrom(server, 'cafe')).rejects.toThrow('429');
  const other = await openFrom(server, 'home');
  expect((await other.join('realtime:square')).status).toBe('ok');
  await rooms.tell('square', 'hello', {}, false);
  for (const guest of [...guests, other]) await guest.binary.next((frame) => frame.includes('hello'));
});
