import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { SupabaseClient } from '@supabase/supabase-js';
import { createRooms, type Rooms } from '../../tests/helpers/rooms.ts';
import {
  joined,
  officialClient,
  RawClient,
  signToken,
  startTestGateway,
  VERSIONS,
  type TestGateway,
  type Version,
} from '../../tests/helpers/gateway.ts';

let rooms: Rooms;
let server: TestGateway;
const clients: SupabaseClient[] = [];

beforeAll(async () => {
  rooms = await createRooms();
  server = await startTestGateway(rooms, { limits: { payloadBytes: 10_000, eventsPerSecondPerSocket: 200 } });
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.realtime.disconnect()));
});
afterAll(async () => {
  await server.stop();
  await rooms.drop();
});

async function visit(version: Version): Promise<SupabaseClient> {
  const client = await officialClient(server.url, { version });
  clients.push(client);
  return client;
}

/** The official client of a new member of a room. */
async function member(version: Version, topic: string, write = false): Promise<SupabaseClient> {
  const sub = randomUUID();
  await rooms.admit(sub, topic, { write });
  const client = await officialClient(server.url, { version, token: () => signToken({ sub }) });
  clients.push(client);
  return client;
}

describe.each(VERSIONS)('from the database, serializer %s', (version) => {
  test('messages arrive in the order of their commits', async () => {
    const topic = `order:${version}`;
    const { messages } = await joined(await member(version, topic), topic, { private: true });
    const [first, second] = [await rooms.connect(), await rooms.connect()];

    // The later transaction to begin is the earlier one to commit.
    await first.query('begin');
    await first.query(`select realtime.send('{"n": 2}', 'step', $1)`, [topic]);
    await second.query(`select realtime.send('{"n": 1}', 'step', $1)`, [topic]);
    await first.query('commit');
    await second.query(
      `select realtime.send(jsonb_build_object('n', n), 'step', $1) from generate_series(3, 300) as n`,
      [topic],
    );

    await messages.next(({ payload }) => (payload as { n: number }).n === 300);
    const numbers = messages.all.map(({ payload }) => (payload as { n: number }).n);
    expect(numbers).toEqual(Array.from({ length: 300 }, (_, index) => index + 1));
  });

  test('a rolled back transaction tells nothing', async () => {
    const topic = `rollback:${version}`;
    const { messages } = await joined(await member(version, topic), topic, { private: true });
    const session = await rooms.connect();
    await session.query('begin');
    await session.query(`select realtime.send('{}', 'never', $1)`, [topic]);
    await session.query('rollback');
    await rooms.tell(topic, 'after', {});
    await messages.next();
    expect(messages.all.map(({ event }) => event)).toEqual(['after']);
  });

  test('payloads that are no object, and numbers beyond a double, go out as stored', async () => {
    const topic = `values:${version}`;
    const { messages } = await joined(await visit(version), topic);
    const session = await rooms.connect();
    for (const value of ['[1, "a b", {"c d": null}]', '"a \\" b"', '12']) {
      await session.query(`select realtime.send($1::jsonb, 'value', $2, false)`, [value, topic]);
    }
    for (const expected of [[1, 'a b', { 'c d': null }], 'a " b', 12]) {
      expect((await messages.next()).payload).toEqual(expected);
    }
  });

  test('a stored row of another extension is told too, when it has an event and a payload', async () => {
    const topic = `extension:${version}`;
    const { messages } = await joined(await member(version, topic), topic, { private: true });
    await rooms.query(
      `insert into realtime.messages (topic, extension, event, payload, private) values
         ($1, 'presence', 'p', '{"n": 1}', true), ($1, 'presence', null, '{"n": 2}', true),
         ($1, 'presence', 'p', null, true), ($1, 'postgres_changes', 'c', '{"n": 3}', true)`,
      [topic],
    );
    await rooms.tell(topic, 'end', {});
    await messages.next(({ event }) => event === 'end');
    expect(messages.all.map(({ event, payload }) => [event, payload])).toEqual([
      ['p', { n: 1 }],
      ['c', { n: 3 }],
      ['end', expect.anything()],
    ]);
  });

  test('broadcast_changes tells a row as Supabase shapes it', async () => {
    const topic = `changes:${version}`;
    const { messages } = await joined(await member(version, topic), topic, { private: true });
    const session = await rooms.connect();
    await session.query(`
      create table if not exists public.notes (id int primary key, body text);
      create or replace function public.tg_notes__tell() returns trigger language plpgsql security definer
        set search_path = '' as $$
      begin
        perform realtime.broadcast_changes(
          'changes:${version}', tg_op, tg_op, tg_table_name, tg_table_schema, new, old
        );
        return null;
      end $$;
      create or replace trigger tell after insert or update or delete on public.notes
        for each row execute function public.tg_notes__tell();
      insert into public.notes values (1, 'one');
      update public.notes set body = 'two';
      delete from public.notes;
    `);
    const told = [await messages.next(), await messages.next(), await messages.next()];
    expect(told.map(({ event }) => event)).toEqual(['INSERT', 'UPDATE', 'DELETE']);
    expect(told[1]?.payload).toMatchObject({
      schema: 'public',
      table: 'notes',
      operation: 'UPDATE',
      record: { id: 1, body: 'two' },
      old_record: { id: 1, body: 'one' },
    });
    await session.query('drop table public.notes');
  });
});

test('bytes from the database reach serializer 2.0.0 and pass 1.0.0 by', async () => {
  const old = await joined(await visit('1.0.0'), 'bytes');
  const current = await joined(await visit('2.0.0'), 'bytes');
  const session = await rooms.connect();
  await session.query(`select realtime.send_binary('\\x00ff10', 'blob', 'bytes', false)`);
  await rooms.tell('bytes', 'after', {}, false);
  const blob = await current.messages.next();
  expect(Buffer.from(blob.payload as ArrayBuffer).toString('hex')).toBe('00ff10');
  await old.messages.next(({ event }) => event === 'after');
  expect(old.messages.all).toHaveLength(1);
});

test('a plan change costs at most 300 bytes on the wire', async () => {
  const topic = `group:${randomUUID()}`;
  const client = await RawClient.open(server.url);
  await client.join(`realtime:${topic}`);
  const message = {
    rev: 128,
    plan: 'premium',
    pv: 3,
    status: 'active',
    warn: 0.8,
    limits: [3, 500, 20, 10_737_418_240],
    usage: [1, 0, 3, 0],
    at: 1_763_380_800_000,
  };
  await rooms.tell(topic, 'plan_changed', message, false);
  const FRAME_HEADER = 4;
  expect((await client.binary.next()).length + FRAME_HEADER).toBeLessThanOrEqual(300);
  client.socket.close();
});

describe.each(VERSIONS)('from a client, serializer %s', (version) => {
  test('others hear it; the sender only if it asked to', async () => {
    const topic = `say:${version}`;
    const quiet = await joined(await visit(version), topic);
    const selfish = await joined(await visit(version), topic, { broadcast: { self: true } });
    const other = await joined(await visit(version === '1.0.0' ? '2.0.0' : '1.0.0'), topic);

    await quiet.channel.send({ type: 'broadcast', event: 'first', payload: { text: 'é' } });
    await selfish.messages.next(({ event }) => event === 'first');
    await selfish.channel.send({ type: 'broadcast', event: 'second', payload: {} });
    await quiet.messages.next(({ event }) => event === 'second');
    await selfish.messages.next(({ event }) => event === 'second');
    await other.messages.next(({ event }) => event === 'second');

    expect(quiet.messages.all.map(({ event }) => event)).toEqual(['second']);
    expect(other.messages.all[0]).toMatchObject({
      type: 'broadcast',
      event: 'first',
      payload: { text: 'é' },
    });
  });

  test('with ack the server answers; too large is answered with an error and not sent', async () => {
    const topic = `ack:${version}`;
    const sender = await joined(await visit(version), topic, { broadcast: { ack: true } });
    const listener = await joined(await visit(version), topic);
    const say = (event: string, size: number) =>
      sender.channel.send({ type: 'broadcast', event, payload: { text: 'x'.repeat(size) } });
    expect(await say('large', 20_000)).toBe('error');
    expect(await say('small', 10)).toBe('ok');
    expect((await listener.messages.next()).event).toBe('small');
  });

  test('a private room takes messages of those who may write, in order, and drops the others', async () => {
    const topic = `write:${version}`;
    const writer = await joined(await member(version, topic, true), topic, { private: true });
    const reader = await joined(await member(version, topic), topic, { private: true });
    await reader.channel.send({ type: 'broadcast', event: 'forbidden', payload: {} });
    // All of these are pushed while the first still waits for the database's answer.
    for (let n = 0; n < 20; n += 1) {
      void writer.channel.send({ type: 'broadcast', event: `step ${n}`, payload: {} });
    }
    await reader.messages.next(({ event }) => event === 'step 19');
    expect(reader.messages.all.map(({ event }) => event)).toEqual(
      Array.from({ length: 20 }, (_, n) => `step ${n}`),
    );
    expect(writer.messages.all).toEqual([]);
  });
});

test('raw bytes go from client to client under 2.0.0 and pass 1.0.0 by', async () => {
  const sender = await joined(await visit('2.0.0'), 'raw');
  const current = await joined(await visit('2.0.0'), 'raw');
  const old = await joined(await visit('1.0.0'), 'raw');
  await sender.channel.send({ type: 'broadcast', event: 'blob', payload: Uint8Array.of(1, 2, 3).buffer });
  await sender.channel.send({ type: 'broadcast', event: 'after', payload: {} });
  expect(new Uint8Array((await current.messages.next()).payload as ArrayBuffer)).toEqual(
    Uint8Array.of(1, 2, 3),
  );
  await old.messages.next(({ event }) => event === 'after');
  expect(old.messages.all).toHaveLength(1);
});

test('a message to be stored goes out, and its sender is told that it was not stored', async () => {
  const listener = await joined(await member('2.0.0', 'persist'), 'persist', { private: true });
  const config = { private: true, broadcast: { ack: true } };
  const { channel } = await joined(await member('2.0.0', 'persist', true), 'persist', config);
  const answer = await channel.send({ type: 'broadcast', event: 'keep', payload: {}, persist: true });
  expect(answer).toMatch(/^UnableToPersistMessage: /);
  const plain = { type: 'broadcast', event: 'keep', payload: {}, persist: false } as const;
  expect(await channel.send(plain)).toBe('ok');
  expect((await listener.messages.next()).event).toBe('keep');
});

test('a flood of pushes closes the channel with a reason', async () => {
  const client = await RawClient.open(server.url);
  await client.join('realtime:flood');
  for (let n = 0; n < 1_000; n += 1) client.send('1', `f${n}`, 'realtime:flood', 'broadcast', { event: 'x' });
  expect((await client.frames.next(({ event }) => event === 'system')).payload).toEqual({
    extension: 'system',
    status: 'error',
    message: 'Too many messages per second',
    channel: 'flood',
  });
  expect(await client.frames.next()).toMatchObject({ joinRef: '1', ref: '1', event: 'phx_close' });
  client.socket.close();
});

test('unknown events are answered with an error, never with silence', async () => {
  const client = await RawClient.open(server.url);
  await client.join('realtime:events');
  client.send('1', '2', 'realtime:events', 'presence', { event: 'juggle' });
  client.send('1', '3', 'realtime:events', 'dance');
  const presence = await client.frames.next(({ ref }) => ref === '2');
  const unknown = await client.frames.next(({ ref }) => ref === '3');
  expect(presence.payload.response?.reason).toMatch(/^UnknownEvent: presence juggle /);
  expect(unknown.payload.response?.reason).toMatch(/^UnknownEvent: /);
  client.socket.close();
});
