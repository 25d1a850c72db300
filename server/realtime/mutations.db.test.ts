/**
 * Random and mutated frames of both serializers, over real sockets. Whatever comes, nothing is thrown, not even into the
 * guard, and an honest client hears every message that it should.
 */
import fc from 'fast-check';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import {
  joined,
  officialClient,
  PUBLISHABLE_KEY,
  signToken,
  startTestGateway,
  VERSIONS,
  within,
  type Subscription,
  type TestGateway,
  type Version,
} from '../../tests/helpers/gateway.ts';
import { createRooms, type Rooms } from '../../tests/helpers/rooms.ts';

/** How long frames are made up for each serializer, milliseconds. */
const TIME_MS = 4_000;
/** Frames of one socket. */
const FRAMES = 40;

let rooms: Rooms;
let server: TestGateway;
let honest: Subscription;
let token: string;
const thrown: unknown[] = [];
const record = (error: unknown): void => void thrown.push(error);

beforeAll(async () => {
  process.on('uncaughtExceptionMonitor', record);
  process.on('unhandledRejection', record);
  rooms = await createRooms();
  await rooms.query('create table public.papers (id int primary key, body text)');
  await rooms.query('alter publication supabase_realtime add table public.papers');
  server = await startTestGateway(rooms, { limits: { changesRetryMs: 50, probeTimeoutMs: 1_000 } });
  const sub = randomUUID();
  token = await signToken({ sub });
  await rooms.admit(sub, 'mine', { write: true });
  honest = await joined(await officialClient(server.url, { version: '2.0.0' }), 'honest');
});
afterAll(async () => {
  await honest.channel.unsubscribe();
  await server.stop();
  await rooms.drop();
  process.off('uncaughtExceptionMonitor', record);
  process.off('unhandledRejection', record);
});

type Parts = [joinRef: unknown, ref: unknown, topic: unknown, event: unknown, payload: unknown];

/** Valid frames of every kind, which mutations begin with. */
function seeds(): Parts[] {
  const binding = {
    event: '*',
    schema: 'public',
    table: 'papers',
    filter: 'id=gt.0',
    select: ['id', 'body'],
  };
  const config = {
    broadcast: { ack: true, self: true },
    presence: { enabled: true, key: 'me' },
    postgres_changes: [binding],
    postgres_changes_options: { wait: false, timeout: 100 },
  };
  const replay = { ack: true, replay: { since: 0, limit: 5 }, replication_ready: true };
  const mine = {
    access_token: token,
    config: { private: true, broadcast: replay, presence: config.presence },
  };
  const push = { type: 'broadcast', event: 'x', payload: { text: 'é "quoted"', n: [1, { deep: null }] } };
  const track = { type: 'presence', event: 'track', payload: { name: 'me' } };
  return [
    ['1', '1', 'realtime:open', 'phx_join', { config }],
    ['2', '2', 'realtime:mine', 'phx_join', mine],
    ['1', '3', 'realtime:open', 'broadcast', push],
    ['2', '4', 'realtime:mine', 'broadcast', push],
    ['1', '5', 'realtime:open', 'presence', track],
    ['2', '6', 'realtime:mine', 'presence', track],
    ['1', '7', 'realtime:open', 'presence', { type: 'presence', event: 'untrack' }],
    ['2', '8', 'realtime:mine', 'access_token', { access_token: token }],
    [null, '9', 'phoenix', 'heartbeat', {}],
    ['1', '10', 'realtime:open', 'phx_leave', {}],
  ];
}

const nested = (levels: number): unknown => {
  let value: unknown = 1;
  for (let level = 0; level < levels; level += 1) value = level % 2 === 0 ? [value] : { x: value };
  return value;
};

/** Stands for JSON of 9,000 levels, which `JSON.stringify` could not write here either. */
const DEEP = '(deep)';
const LEVELS = '['.repeat(9_000) + ']'.repeat(9_000);

/** Values that have broken programs. Built by `JSON.parse`, so that `__proto__` is a key like others. */
const NASTY: readonly unknown[] = [
  ...(JSON.parse(
    `[null, true, 0, -0, -1, 1e308, 1e400, 9007199254740993, 0.1, "", " ", "\\u0000", "\\ud800", "\\udfff\\ud800x",
      "__proto__", "constructor", "prototype", "toString", "id=eq.\\u0000", "id=in.(", "constructor=eq.1", "*",
      "sb_", "a.b.c", "'; select 1; --", "\\u202e\\ufeff", [], {}, [[]], [null],
      {"toJSON": 1}, {"length": -1}, {"then": 1},
      {"__proto__": {"private": true}}, {"__proto__": null}, {"constructor": {"prototype": {"x": 1}}}]`,
  ) as unknown[]),
  'x'.repeat(10_000),
  'é'.repeat(300),
  nested(70),
  nested(63),
  DEEP,
];
const NAMES = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  'private',
  'event',
  'id',
  '',
];

/** Objects without a text: what makes one of them throws TypeError. */
const TEXTLESS: readonly unknown[] = [{ toString: 1 }, { toString: null, valueOf: 1 }];

const value = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...NASTY) },
  { weight: 2, arbitrary: fc.constantFrom(...TEXTLESS) },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 5 }) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 300 }) },
);
const mutation = fc.record({
  /** Which of all places within the frame. */
  place: fc.nat(),
  act: fc.constantFrom('replace', 'replace', 'replace', 'rename', 'add', 'drop', 'swap'),
  name: fc.constantFrom(...NAMES),
  value,
});
type Mutation = typeof mutation extends fc.Arbitrary<infer M> ? M : never;

/** Own keys of everything within a value: `[container, key]`. */
function placesOf(root: unknown): [Record<string, unknown>, string][] {
  const places: [Record<string, unknown>, string][] = [];
  const left = [root];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    if (typeof next !== 'object' || next === null || places.length > 200) continue;
    for (const [key, inner] of Object.entries(next)) {
      places.push([next as Record<string, unknown>, key]);
      left.push(inner);
    }
  }
  return places;
}

function put(target: object, key: string, inner: unknown): void {
  Object.defineProperty(target, key, { value: inner, enumerable: true, configurable: true, writable: true });
}

function mutate(frame: Parts, mutations: readonly Mutation[]): Parts {
  const copy = structuredClone(frame);
  for (const { place, act, name, value: other } of mutations) {
    const places = placesOf(copy);
    const [container, key] = places[place % places.length]!;
    const [source, from] = places[(place * 7 + 3) % places.length]!;
    if (act === 'replace') put(container, key, structuredClone(other));
    else if (act === 'drop') delete container[key];
    else if (act === 'swap') put(container, key, structuredClone(source[from]));
    else {
      put(container, name, structuredClone(act === 'rename' ? container[key] : other));
      if (act === 'rename') delete container[key];
    }
  }
  return copy;
}

function asText(version: Version, parts: Parts): string {
  if (version === '2.0.0') return JSON.stringify(parts);
  const [joinRef, ref, topic, event, payload] = parts;
  return JSON.stringify({ join_ref: joinRef, ref, topic, event, payload });
}

function asBinary(parts: Parts): Buffer {
  const [joinRef, ref, topic, event, payload] = parts;
  const fields = [joinRef, ref, topic, event, '{"persist":true}'].map((field) =>
    Buffer.from(JSON.stringify(field ?? '').replaceAll('"', '')).subarray(0, 255),
  );
  return Buffer.concat([
    Buffer.from([3, ...fields.map(({ length }) => length), 1]),
    ...fields,
    Buffer.from(JSON.stringify(payload ?? null)),
  ]);
}

/** What goes over one socket: the frames of a valid client, each left alone or spoiled. */
const spoiled = fc.record({
  seed: fc.nat(),
  mutations: fc.array(mutation, { minLength: 1, maxLength: 3, size: 'max' }),
  binary: fc.integer({ min: 0, max: 4 }).map((n) => n === 0),
  /** Bits of the bytes on the wire to turn over. */
  flips: fc.oneof(
    { weight: 3, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.array(fc.nat(), { maxLength: 6 }) },
  ),
  /** How much of it arrives. */
  share: fc.oneof(
    { weight: 5, arbitrary: fc.constant(1) },
    { weight: 1, arbitrary: fc.double({ min: 0, max: 1, noNaN: true }) },
  ),
});
type Spoiled = typeof spoiled extends fc.Arbitrary<infer S> ? S : never;

function wire(version: Version, { seed, mutations, binary, flips, share }: Spoiled): Buffer | string {
  const all = seeds();
  const parts = mutate(all[seed % all.length]!, mutations);
  const whole = binary ? asBinary(parts) : asText(version, parts);
  const bytes = Buffer.from(typeof whole === 'string' ? whole.replaceAll(`"${DEEP}"`, LEVELS) : whole);
  for (const flip of flips) {
    const at = Math.trunc(flip / 8) % Math.max(1, bytes.length);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << (flip % 8));
  }
  const cut = bytes.subarray(0, Math.ceil(bytes.length * share));
  // A text frame that is no UTF-8 closes its socket by the WebSocket protocol: it would end the run too early.
  return binary ? cut : cut.toString('utf8');
}

async function open(version: Version): Promise<WebSocket> {
  const url = `${server.url.replace('http', 'ws')}/realtime/v1/websocket?apikey=${PUBLISHABLE_KEY}&vsn=${version}`;
  const socket = new WebSocket(url);
  socket.on('error', () => {});
  await new Promise((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('close', reject);
  });
  return socket;
}

/** Resolves when the gateway has read everything that was sent before, or has closed the socket. */
function served(socket: WebSocket, version: Version): Promise<void> {
  return new Promise((resolve) => {
    const ref = randomUUID();
    socket.once('close', () => resolve());
    socket.on('message', (data: Buffer) => {
      if (data.includes(ref)) resolve();
    });
    socket.send(asText(version, [null, ref, 'phoenix', 'heartbeat', {}]));
  });
}

test.each(VERSIONS)(
  'nothing throws and others are unharmed, whatever frames come under serializer %s',
  async (version) => {
    let said = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(spoiled, { minLength: FRAMES / 2, maxLength: FRAMES, size: 'max' }),
        async (frames) => {
          const socket = await open(version);
          // Two sound joins first, so that what follows meets channels.
          for (const join of seeds().slice(0, 2)) socket.send(asText(version, join));
          for (const frame of frames) socket.send(wire(version, frame));
          await within(served(socket, version), 'an answer to the heartbeat');
          socket.close();
          said += 1;
          await rooms.tell('honest', `${version} ${said}`, {}, false);
          await honest.messages.next(({ event }) => event === `${version} ${said}`);
          expect(thrown).toEqual([]);
          const caught = await server.metrics.getSingleMetric('realtime_exceptions_total')!.get();
          expect(caught.values).toEqual([]);
        },
      ),
      { interruptAfterTimeLimit: TIME_MS, numRuns: 10_000, markInterruptAsFailure: false },
    );
    expect(said).toBeGreaterThan(10);
    expect(honest.statuses.all).toEqual([{ status: 'SUBSCRIBED' }]);
  },
);
