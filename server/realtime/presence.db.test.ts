import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { RealtimeChannel, SupabaseClient } from '@supabase/supabase-js';
import { createRooms, type Rooms } from '../../tests/helpers/rooms.ts';
import {
  officialClient,
  RawClient,
  signToken,
  startTestGateway,
  Stream,
  VERSIONS,
  within,
  type TestGateway,
  type Version,
} from '../../tests/helpers/gateway.ts';

let rooms: Rooms;
let server: TestGateway;
const clients: SupabaseClient[] = [];

beforeAll(async () => {
  rooms = await createRooms();
  server = await startTestGateway(rooms, { limits: { presenceBytes: 500, presenceTopicBytes: 2_000 } });
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.realtime.disconnect()));
});
afterAll(async () => {
  await server.stop();
  await rooms.drop();
});

interface Happening {
  event: 'join' | 'leave' | 'sync';
  key?: string;
  newPresences?: { name?: string }[];
  leftPresences?: { name?: string }[];
}

interface Guest {
  client: SupabaseClient;
  channel: RealtimeChannel;
  /** Everything the client tells about presence, oldest first. */
  seen: Stream<Happening>;
  /** Names by key, as the client keeps them. */
  state(): Record<string, unknown[]>;
}

async function enter(
  version: Version,
  topic: string,
  config: { key?: string; private?: boolean; sub?: string } = {},
): Promise<Guest> {
  const { sub } = config;
  const client = await officialClient(server.url, {
    version,
    ...(sub ? { token: () => signToken({ sub }) } : {}),
  });
  clients.push(client);
  const seen = new Stream<Happening>();
  const channel = client.channel(topic, {
    config: {
      private: config.private ?? false,
      ...(config.key === undefined ? {} : { presence: { key: config.key } }),
    },
  });
  for (const event of ['sync', 'join', 'leave'] as const) {
    channel.on('presence', { event } as { event: 'join' }, (happening) =>
      seen.push(happening as unknown as Happening),
    );
  }
  const answered = Promise.withResolvers<void>();
  channel.subscribe((status: string, error) => {
    if (status === 'SUBSCRIBED') answered.resolve();
    else answered.reject(error ?? new Error(status));
  });
  await answered.promise;
  const state = () =>
    Object.fromEntries(
      Object.entries(channel.presenceState<{ name?: string }>()).map(([key, metas]) => [
        key,
        metas.map(({ name }) => name),
      ]),
    );
  return { client, channel, seen, state };
}

const joinOf = (key: string) => (happening: Happening) => happening.event === 'join' && happening.key === key;
const leaveOf = (key: string) => (happening: Happening) =>
  happening.event === 'leave' && happening.key === key;

describe.each(VERSIONS)('serializer %s', (version) => {
  test('who tracks is seen by those who are there and by those who come after', async () => {
    const topic = `seen:${version}`;
    const early = await enter(version, topic, { key: 'early' });
    expect(await early.channel.track({ name: 'É.' })).toBe('ok');
    expect(await early.seen.next(joinOf('early'))).toMatchObject({ newPresences: [{ name: 'É.' }] });

    const late = await enter(version === '1.0.0' ? '2.0.0' : '1.0.0', topic, { key: 'late' });
    await late.seen.next(({ event }) => event === 'sync');
    expect(late.state()).toEqual({ early: ['É.'] });
    await late.channel.track({ name: 'L.' });
    await early.seen.next(joinOf('late'));
    await late.seen.next(joinOf('late'));
    expect(early.state()).toEqual({ early: ['É.'], late: ['L.'] });
    expect(late.state()).toEqual(early.state());
  });

  test('an update replaces what was said, for everybody', async () => {
    const topic = `update:${version}`;
    const [watcher, actor] = [await enter(version, topic), await enter(version, topic, { key: 'actor' })];
    await actor.channel.track({ name: 'reads' });
    await watcher.seen.next(joinOf('actor'));
    await actor.channel.track({ name: 'writes' });
    expect(await watcher.seen.next(joinOf('actor'))).toMatchObject({ newPresences: [{ name: 'writes' }] });
    expect(await watcher.seen.next(leaveOf('actor'))).toMatchObject({ leftPresences: [{ name: 'reads' }] });
    expect(watcher.state()).toEqual({ actor: ['writes'] });
  });

  test('two tabs of one user are one key with two metas; one leaves, the other stays', async () => {
    const topic = `tabs:${version}`;
    const watcher = await enter(version, topic);
    const tabs = [await enter(version, topic, { key: 'user' }), await enter(version, topic, { key: 'user' })];
    await tabs[0]!.channel.track({ name: 'tab 1' });
    await watcher.seen.next(joinOf('user'));
    await tabs[1]!.channel.track({ name: 'tab 2' });
    await watcher.seen.next(joinOf('user'));
    expect(watcher.state()).toEqual({ user: ['tab 1', 'tab 2'] });

    expect(await tabs[0]!.channel.untrack()).toBe('ok');
    await watcher.seen.next(leaveOf('user'));
    expect(watcher.state()).toEqual({ user: ['tab 2'] });
    await tabs[1]!.client.removeChannel(tabs[1]!.channel);
    await watcher.seen.next(leaveOf('user'));
    expect(watcher.state()).toEqual({});
  });

  test('without a key each channel has one of its own', async () => {
    const topic = `keyless:${version}`;
    const [one, two] = [await enter(version, topic), await enter(version, topic, { key: '' })];
    await one.channel.track({ name: 'one' });
    await two.channel.track({ name: 'two' });
    await vi.waitFor(() => expect(Object.keys(one.state())).toHaveLength(2));
    for (const key of Object.keys(one.state())) expect(key).toMatch(/^[\da-f]{8}-/);
  });

  test('who tracks is in their own state when `track` resolves', async () => {
    const guest = await enter(version, `own:${version}`, { key: 'me' });
    expect(await guest.channel.track({ name: 'here' })).toBe('ok');
    expect(guest.state()).toEqual({ me: ['here'] });
    // The client does not forget what it knows when it says the same again.
    expect(await guest.channel.track({ name: 'here' })).toBe('ok');
    expect(await guest.channel.track('nonsense' as unknown as object)).toBe('error');
    expect(guest.state()).toEqual({ me: ['here'] });
  });

  test('who is cut off without a goodbye has left; coming back is a matter of tracking again', async () => {
    const topic = `cut:${version}`;
    const watcher = await enter(version, topic);
    const raw = await RawClient.open(server.url);
    await raw.join(`realtime:${topic}`, { config: { presence: { key: 'victim' } } });
    raw.send('1', '2', `realtime:${topic}`, 'presence', { type: 'presence', event: 'track', payload: {} });
    await watcher.seen.next(joinOf('victim'));
    raw.socket.terminate();
    await watcher.seen.next(leaveOf('victim'));
    expect(watcher.state()).toEqual({});
  });

  test('in a private room only those who may write track, and only those who may read see', async () => {
    const topic = `private:${version}`;
    const [writer, reader] = [randomUUID(), randomUUID()];
    await rooms.admit(writer, topic, { write: true });
    await rooms.admit(reader, topic);
    const host = await enter(version, topic, { private: true, sub: writer, key: 'host' });
    const guest = await enter(version, topic, { private: true, sub: reader, key: 'guest' });
    expect(await guest.channel.track({ name: 'no' })).toBe('error');
    expect(await host.channel.track({ name: 'yes' })).toBe('ok');
    await guest.seen.next(joinOf('host'));
    expect(guest.state()).toEqual({ host: ['yes'] });

    const outsider = await enter(version, topic, { key: 'outsider' });
    await outsider.seen.next(({ event }) => event === 'sync');
    expect(outsider.state()).toEqual({});
  });
});

const track = (payload: unknown) => ({ type: 'presence', event: 'track', payload });

describe('raw frames', () => {
  test('the state comes after the reply of the join, with its reference', async () => {
    const watcher = await RawClient.open(server.url);
    watcher.send('5', '6', 'realtime:order', 'phx_join', { config: { presence: { enabled: true } } });
    expect(await watcher.frames.next()).toMatchObject({ event: 'phx_reply', ref: '6' });
    expect(await watcher.frames.next()).toEqual({
      joinRef: '5',
      ref: null,
      topic: 'realtime:order',
      event: 'presence_state',
      payload: {},
    });
    const actor = await RawClient.open(server.url);
    await actor.join('realtime:order', { config: { presence: { enabled: false, key: 7 } } });
    actor.send('1', '2', 'realtime:order', 'presence', track({ name: 1 }));
    expect(await watcher.frames.next()).toEqual({
      joinRef: null,
      ref: null,
      topic: 'realtime:order',
      event: 'presence_diff',
      payload: {
        joins: { 7: { metas: [{ name: 1, phx_ref: expect.any(String) as string }] } },
        leaves: {},
      },
    });
    actor.send(null, '9', 'phoenix', 'heartbeat');
    await actor.frames.next(({ ref }) => ref === '9');
    expect(actor.frames.all[0]).toMatchObject({ event: 'phx_reply' });
    for (const { socket } of [watcher, actor]) socket.close();
  });

  test('rights to watch and to track are those of extension `presence`, apart from broadcast', async () => {
    const session = await rooms.connect();
    await session.query(`
      create policy half on realtime.messages for select to authenticated
        using ((select realtime.topic()) = 'half' and extension = 'broadcast');
      create policy half_write on realtime.messages for insert to authenticated
        with check ((select realtime.topic()) = 'half' and extension = 'broadcast');
    `);
    const client = await RawClient.open(server.url);
    const access_token = await signToken({ sub: randomUUID() });
    await client.join('realtime:half', {
      access_token,
      config: { private: true, presence: { enabled: true } },
    });
    client.send('1', '2', 'realtime:half', 'presence', track({}));
    expect((await client.frames.next()).payload).toEqual({
      status: 'error',
      response: { reason: 'WriteDenied' },
    });
    client.send('1', '3', 'realtime:half', 'broadcast', { type: 'broadcast', event: 'x', payload: {} });
    client.send(null, '4', 'phoenix', 'heartbeat');
    await client.frames.next(({ ref }) => ref === '4');
    expect(client.frames.all.map(({ event }) => event)).not.toContain('presence_state');
    await session.query('drop policy half on realtime.messages; drop policy half_write on realtime.messages');
    client.socket.close();
  });

  test('a new token that brings the right to watch brings the state too', async () => {
    const session = await rooms.connect();
    await session.query(`
      create policy partial on realtime.messages for select to authenticated
        using ((select realtime.topic()) = 'gain' and
          (extension = 'broadcast' or coalesce((select auth.jwt()) ->> 'watcher', '') = 'yes'))
    `);
    const client = await RawClient.open(server.url);
    const sub = randomUUID();
    await client.join('realtime:gain', {
      access_token: await signToken({ sub }),
      config: { private: true, presence: { enabled: true } },
    });
    client.send('1', null, 'realtime:gain', 'access_token', {
      access_token: await signToken({ sub, watcher: 'yes' }),
    });
    expect(await client.frames.next()).toMatchObject({ event: 'presence_state', payload: {} });
    // And one that takes it away ends the channel.
    client.send('1', null, 'realtime:gain', 'access_token', { access_token: await signToken({ sub }) });
    expect(await client.frames.next()).toMatchObject({ event: 'system' });
    await session.query('drop policy partial on realtime.messages');
    client.socket.close();
  });

  test('too much for one channel or for one topic is refused by name and counted', async () => {
    const client = await RawClient.open(server.url);
    const said = { text: 'x'.repeat(400) };
    for (let n = 1; n <= 4; n += 1) {
      const other = await RawClient.open(server.url);
      await other.join('realtime:full');
      other.send('1', '2', 'realtime:full', 'presence', track(said));
      expect((await other.frames.next(({ ref }) => ref === '2')).payload.status).toBe('ok');
    }
    await client.join('realtime:full');
    client.send('1', '2', 'realtime:full', 'presence', track({ text: 'x'.repeat(600) }));
    expect((await client.frames.next()).payload.response).toEqual({ reason: 'payload_size_exceeded' });
    client.send('1', '3', 'realtime:full', 'presence', track(said));
    expect((await client.frames.next()).payload.response).toEqual({ reason: 'PresenceLimitReached' });
    expect(await server.metrics.getSingleMetricAsString('realtime_refusals_total')).toMatch(
      /"PresenceLimitReached"} 1$/m,
    );
    server.cut();
  });

  test('a storm of newcomers costs one difference a tick, not one each', async () => {
    const quiet = await startTestGateway(rooms, { slotName: `storm_${Date.now()}` });
    const watcher = await RawClient.open(quiet.url);
    await watcher.join('realtime:storm', { config: { presence: { enabled: true } } });
    const guests = await Promise.all(Array.from({ length: 50 }, () => RawClient.open(quiet.url)));
    await Promise.all(guests.map((guest) => guest.join('realtime:storm')));
    for (const guest of guests) guest.send('1', '2', 'realtime:storm', 'presence', track({}));
    const present = () =>
      watcher.frames.all
        .filter(({ event }) => event === 'presence_diff')
        .flatMap(({ payload }) => Object.keys(payload['joins'] as object));
    await within(
      (async () => {
        while (present().length < 50) await watcher.frames.next(({ event }) => event === 'presence_diff');
      })(),
      'fifty joins',
    );
    expect(watcher.frames.all.filter(({ event }) => event === 'presence_diff').length).toBeLessThan(25);
    await quiet.stop();
  });
});
