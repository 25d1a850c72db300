/** Presence frame by frame, in both serializers: what is told when, and what changes nothing. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createRooms, type Rooms } from '../../tests/helpers/rooms.ts';
import {
  PUBLISHABLE_KEY,
  RawClient,
  signToken,
  startTestGateway,
  VERSIONS,
  type TestGateway,
} from '../../tests/helpers/gateway.ts';

let rooms: Rooms;
let server: TestGateway;

beforeAll(async () => {
  rooms = await createRooms();
  server = await startTestGateway(rooms);
});
afterAll(async () => {
  await server.stop();
  await rooms.drop();
});

const track = (payload: unknown) => ({ type: 'presence', event: 'track', payload });

describe.each(VERSIONS)('raw frames, serializer %s', (version) => {
  const open = (): Promise<RawClient> => RawClient.open(server.url, PUBLISHABLE_KEY, { version });
  const events = ({ frames }: RawClient): string[] => frames.all.map(({ event }) => event);

  test('a client older than `presence.enabled` is shown who is here', async () => {
    const topic = `realtime:older:${version}`;
    const client = await open();
    await client.join(topic, {
      config: { broadcast: { ack: false, self: false }, presence: { key: 'old' } },
    });
    expect(await client.frames.next()).toMatchObject({ event: 'presence_state', payload: {} });
    client.send('1', '2', topic, 'presence', track({ name: 'old' }));
    expect(await client.frames.next()).toMatchObject({ event: 'presence_diff' });
    client.socket.close();
  });

  test('in a quiet room a `track` is heard by all, its sender included, before its reply', async () => {
    const topic = `realtime:quiet:${version}`;
    const [client, watcher] = [await open(), await open()];
    for (const each of [client, watcher]) {
      await each.join(topic, { config: { presence: { enabled: true, key: 'a' } } });
    }
    client.send('1', '2', topic, 'presence', track({ name: 1 }));
    await watcher.frames.next(({ event }) => event === 'presence_diff');
    await client.settled();
    expect(events(client)).toEqual([
      'phx_reply',
      'presence_state',
      'presence_diff',
      'phx_reply',
      'phx_reply',
    ]);
    for (const { socket } of [client, watcher]) socket.close();
  });

  test('`track` enables presence on a channel that joined without it', async () => {
    const topic = `realtime:enable:${version}`;
    const [client, other] = [await open(), await open()];
    await other.join(topic, { config: { presence: { enabled: false, key: 'other' } } });
    other.send('1', '2', topic, 'presence', track({ name: 'there' }));
    await other.frames.next(({ ref }) => ref === '2');
    await client.join(topic, { config: { presence: { enabled: false, key: 'mine' } } });
    client.send('1', '2', topic, 'presence', track({ name: 'here' }));
    expect(await client.frames.next(({ event }) => event === 'presence_state')).toMatchObject({
      joinRef: '1',
      payload: { other: { metas: [{ name: 'there' }] } },
    });
    // Itself is in it when the room was quiet, and in the next difference when it was not.
    await vi.waitFor(() => {
      expect(
        client.frames.all.some(
          ({ payload }) => 'mine' in payload || 'mine' in ((payload['joins'] as object) ?? {}),
        ),
      ).toBe(true);
    });
    other.send('1', '3', topic, 'presence', { type: 'presence', event: 'untrack' });
    expect(
      await client.frames.next(({ payload }) => 'other' in ((payload['leaves'] as object) ?? {})),
    ).toMatchObject({
      payload: { leaves: { other: { metas: [{ name: 'there' }] } } },
    });
    expect(events(client).filter((event) => event === 'presence_state')).toHaveLength(1);
    for (const { socket } of [client, other]) socket.close();
  });

  test('a private `track` that may not be written enables nothing', async () => {
    const topic = `enable:${version}`;
    const sub = randomUUID();
    await rooms.admit(sub, topic);
    const client = await open();
    await client.join(`realtime:${topic}`, {
      access_token: await signToken({ sub }),
      config: { private: true, presence: { enabled: false } },
    });
    client.send('1', '2', `realtime:${topic}`, 'presence', track({}));
    await client.frames.next(({ ref }) => ref === '2');
    await client.settled();
    expect(events(client)).toEqual(['phx_reply', 'phx_reply', 'phx_reply']);
    client.socket.close();
  });

  test('a `track` that says nothing else is acknowledged and told to nobody', async () => {
    const topic = `realtime:same:${version}`;
    const client = await open();
    await client.join(topic, { config: { presence: { enabled: true, key: 'a' } } });
    const said = { name: 'é', nested: { list: [1, { b: 2, a: 1 }] } };
    client.send('1', '2', topic, 'presence', track(said));
    await client.frames.next(({ event }) => event === 'presence_diff');
    client.send('1', '3', topic, 'presence', track({ nested: { list: [1, { a: 1, b: 2 }] }, name: 'é' }));
    expect((await client.frames.next(({ ref }) => ref === '3')).payload.status).toBe('ok');
    client.send('1', '4', topic, 'presence', track({ name: 'other' }));
    expect(await client.frames.next(({ event }) => event === 'presence_diff')).toMatchObject({
      payload: { joins: { a: { metas: [{ name: 'other' }] } } },
    });
    expect(events(client).filter((event) => event === 'presence_diff')).toHaveLength(2);
    // After `untrack` the same words are news again.
    client.send('1', '5', topic, 'presence', { type: 'presence', event: 'untrack' });
    await client.frames.next(({ event }) => event === 'presence_diff');
    client.send('1', '6', topic, 'presence', track({ name: 'other' }));
    expect(await client.frames.next(({ event }) => event === 'presence_diff')).toMatchObject({
      payload: { joins: { a: { metas: [{ name: 'other' }] } }, leaves: {} },
    });
    client.socket.close();
  });

  test.each([['text'], [7], [null], [['a']], [true]])(
    'a `track` of %j is refused and changes nothing',
    async (said) => {
      const topic = `realtime:shape:${version}:${JSON.stringify(said)}`;
      const [client, late] = [await open(), await open()];
      await client.join(topic, { config: { presence: { enabled: true, key: 'a' } } });
      client.send('1', '2', topic, 'presence', track({ name: 'kept' }));
      client.send('1', '3', topic, 'presence', track(said));
      expect((await client.frames.next(({ ref }) => ref === '3')).payload).toEqual({
        status: 'error',
        response: { reason: 'Presence track payload must be a map' },
      });
      await late.join(topic, { config: { presence: { enabled: true } } });
      expect(await late.frames.next()).toMatchObject({
        event: 'presence_state',
        payload: { a: { metas: [{ name: 'kept' }] } },
      });
      for (const { socket } of [client, late]) socket.close();
    },
  );
});
