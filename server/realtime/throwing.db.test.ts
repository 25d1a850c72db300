/** Frames whose values once threw out of a socket's listener, and so ended the process: each is only one bad frame. */
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { WebSocket } from 'ws';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import {
  joined,
  officialClient,
  PUBLISHABLE_KEY,
  RawClient,
  SECRET_KEY,
  signToken,
  startTestGateway,
  type Subscription,
  type TestGateway,
} from '../../tests/helpers/gateway.ts';
import { createRooms, type Rooms } from '../../tests/helpers/rooms.ts';

const TOPIC = 'realtime:shared';
/** JSON of 20,000 levels: `JSON.parse` takes it, `JSON.stringify` does not. */
const DEEP = '['.repeat(20_000) + ']'.repeat(20_000);
/** What has no text: `String()`, a template literal and `+` throw TypeError. */
const NO_TEXT = { toString: 1, valueOf: 1 };

let rooms: Rooms;
let server: TestGateway;
let honest: Subscription;
let client: RawClient;
const thrown: unknown[] = [];
const record = (error: unknown): void => void thrown.push(error);

beforeAll(async () => {
  process.on('uncaughtExceptionMonitor', record);
  process.on('unhandledRejection', record);
  rooms = await createRooms();
  server = await startTestGateway(rooms);
  honest = await joined(await officialClient(server.url, { version: '1.0.0' }), 'shared', {
    presence: { key: 'honest' },
  });
});
beforeEach(async () => {
  client = await RawClient.open(server.url);
  expect((await client.join(TOPIC, { config: { presence: { enabled: true } } })).status).toBe('ok');
  return () => client.socket.close();
});
afterAll(async () => {
  await honest.channel.unsubscribe();
  await server.stop();
  await rooms.drop();
  process.off('uncaughtExceptionMonitor', record);
  process.off('unhandledRejection', record);
});

/** Nothing was thrown, the sender's own socket is served on, and the others hear. */
async function expectService(socket = client): Promise<void> {
  const ref = randomUUID();
  socket.send(null, ref, 'phoenix', 'heartbeat');
  await socket.frames.next((frame) => frame.ref === ref && frame.payload.status === 'ok');
  await rooms.tell('shared', ref, {}, false);
  await honest.messages.next(({ event }) => event === ref);
  expect(thrown).toEqual([]);
  expect(await server.metrics.getSingleMetricAsString('realtime_exceptions_total')).not.toMatch(/^realtime/m);
}

function kind3(event: string, payload: string): Buffer {
  const parts = ['1', '2', TOPIC, event, ''].map((part) => Buffer.from(part));
  return Buffer.concat([
    Buffer.from([3, ...parts.map((part) => part.length), 1]),
    ...parts,
    Buffer.from(payload),
  ]);
}

test('a presence event without a text is declined', async () => {
  client.send('1', '2', TOPIC, 'presence', { type: 'presence', event: NO_TEXT });
  const { payload } = await client.frames.next(({ ref }) => ref === '2');
  expect(payload).toMatchObject({
    status: 'error',
    response: { reason: expect.stringMatching(/^UnknownEvent: /) },
  });
  await expectService();
});

test.each([
  ['presence', `["1","2","${TOPIC}","presence",{"event":"track","payload":{"deep":${DEEP}}}]`],
  ['a broadcast', `["1","2","${TOPIC}","broadcast",{"event":"x","payload":{"deep":${DEEP}}}]`],
  [
    'a join',
    `["9","9","${TOPIC}","phx_join",{"config":{"postgres_changes":[{"schema":"*","deep":${DEEP}}]}}]`,
  ],
  ['a token', `["1","2","${TOPIC}","access_token",{"access_token":${DEEP}}]`],
  ['a payload by itself', `["1","2","${TOPIC}","broadcast",${DEEP}]`],
])('JSON of 20,000 levels in %s is a malformed frame', async (_name, frame) => {
  client.socket.send(frame);
  await expectService();
  expect(client.frames.all.filter(({ ref }) => ref === '2' || ref === '9')).toEqual([]);
});

test('JSON of 20,000 levels in a binary push is a malformed frame: a receiver could not take it', async () => {
  client.socket.send(kind3('deep', DEEP));
  client.socket.send(kind3('shallow', '[[1]]'));
  await honest.messages.next(({ event }) => event === 'shallow');
  await expectService();
  expect(honest.messages.all.filter(({ event }) => event === 'deep')).toEqual([]);
});

test('JSON of 20,000 levels in version 1.0.0 is a malformed frame', async () => {
  const socket = new WebSocket(
    `${server.url.replace('http', 'ws')}/realtime/v1/websocket?apikey=${PUBLISHABLE_KEY}&vsn=1.0.0`,
  );
  const replies: string[] = [];
  socket.on('message', (data: Buffer) => replies.push(data.toString()));
  await new Promise((resolve) => socket.once('open', resolve));
  const send = (event: string, payload: string): void =>
    socket.send(`{"topic":"${TOPIC}","event":"${event}","ref":"5","join_ref":"5","payload":${payload}}`);
  send('phx_join', '{}');
  send('broadcast', `{"type":"broadcast","event":"deep","payload":{"deep":${DEEP}}}`);
  send('presence', `{"event":"track","payload":{"deep":${DEEP}}}`);
  send('presence', `{"event":{"toString":1}}`);
  await expect.poll(() => replies.join('\n')).toContain('UnknownEvent');
  await expectService();
  socket.close();
});

test('JSON of 20,000 levels over HTTP is refused', async () => {
  const post = (path: string, body: string): Promise<Response> =>
    fetch(`${server.url}/realtime/v1/api/broadcast${path}`, {
      method: 'POST',
      headers: { apikey: SECRET_KEY, 'content-type': 'application/json' },
      body,
    });
  for (const answer of [
    await post('', `{"messages":[{"topic":"shared","event":"x","payload":${DEEP}}]}`),
    await post('/shared/events/x', DEEP),
    await post('', `{"messages":[{"topic":{"toString":1},"event":"x","payload":1}]}`),
  ]) {
    expect(answer.status).toBe(422);
  }
  await expectService();
});

test.each(['toString', 'constructor', '__proto__', 'hasOwnProperty'])(
  'a column named %s is none that the table has not',
  async (name) => {
    await rooms.query('create table if not exists public.plain (id int primary key)');
    await rooms.query(`do $$ begin
      alter publication supabase_realtime add table public.plain;
    exception when duplicate_object then end $$`);
    for (const binding of [{ select: [name] }, { filter: `${name}=eq.1` }]) {
      const { status, response } = await client.join(
        'realtime:columns',
        {
          config: {
            postgres_changes: [{ event: '*', schema: 'public', table: 'plain', ...binding }],
            postgres_changes_options: { wait: true },
          },
        },
        randomUUID(),
      );
      expect(status).toBe('error');
      expect(response?.reason).toMatch(new RegExp(`invalid column for (select|filter) ${name}`));
    }
    await expectService();
  },
);

test('names of the prototype are names like others', async () => {
  const watcher = await RawClient.open(server.url);
  await watcher.join('realtime:names', { config: { presence: { enabled: true, key: 'watcher' } } });
  const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty'];
  for (const name of names) {
    const sender = await RawClient.open(server.url);
    await sender.join('realtime:names', { config: { presence: { key: name } } });
    sender.socket.send(
      `["1","2","realtime:names","presence",{"event":"track","payload":{"__proto__":{"x":1},"constructor":1}}]`,
    );
    const { payload } = await watcher.frames.next(({ event }) => event === 'presence_diff');
    expect(Object.keys(payload['joins'] as object)).toEqual([name]);
    expect(JSON.stringify(payload)).toContain('"__proto__":{"x":1},"constructor":1');
    sender.socket.close();
    await watcher.frames.next(({ event }) => event === 'presence_diff');
  }
  watcher.socket.close();
  await expectService();
});

test.each([
  ['NUL', 'a\u0000b'],
  ['half a character', 'a\ud800b'],
])('a topic with %s, which PostgreSQL cannot store, is refused without asking', async (_name, topic) => {
  const access_token = await signToken({ sub: randomUUID() });
  const reply = await client.join(`realtime:${topic}`, { access_token, config: { private: true } }, '7');
  expect(reply.response?.reason).toBe('InvalidJoinPayload: A topic is text without NUL');
  await expectService();
});

test('a binding with NUL is refused once, and not tried for ever', async () => {
  for (const binding of [
    { schema: 'a\u0000' },
    { table: 'a\u0000' },
    { table: 'x', filter: 'id=eq.\u0000' },
  ]) {
    const reply = await client.join(
      'realtime:nul',
      { config: { postgres_changes: [binding], postgres_changes_options: { wait: true, timeout: 2_000 } } },
      randomUUID(),
    );
    expect(reply.response?.reason).toMatch(/^RealtimeDisabledForConfiguration: /);
  }
  await expectService();
});

test('an upgrade whose target is no URL is refused', async () => {
  const answer = await new Promise<number | undefined>((resolve, reject) => {
    const socket = new WebSocket(server.url.replace('http', 'ws'), {
      finishRequest: (request) => {
        request.path = '//';
        request.end();
      },
    });
    socket.on('unexpected-response', (_request, response) => resolve(response.statusCode));
    socket.on('error', reject);
  });
  expect(answer).toBe(404);
  await expectService();
});

test('a client that goes away while its token is verified harms nobody, on a server that does not listen', async () => {
  const hadError = Promise.withResolvers<boolean>();
  const bare = createServer().on('upgrade', (request, socket, head) => {
    socket.once('close', hadError.resolve);
    server.gateway.handleUpgrade(request, socket, head);
    socket.destroy(new Error('read ECONNRESET'));
  });
  await new Promise<void>((resolve) => bare.listen(0, '127.0.0.1', resolve));
  const { port } = bare.address() as AddressInfo;
  const token = await signToken({ sub: randomUUID() });
  connect(port, '127.0.0.1')
    .on('error', () => {})
    .write(
      `GET /realtime/v1/websocket?apikey=${token} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n` +
        'Upgrade: websocket\r\n\r\n',
    );
  expect(await hadError.promise).toBe(true);
  await new Promise((resolve) => bare.close(resolve));
  await expectService();
});
