import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { SupabaseClient } from '@supabase/supabase-js';
import { createRooms, type Rooms } from '../../tests/helpers/rooms.ts';
import {
  joined,
  officialClient,
  RawClient,
  SECRET_KEY,
  signToken,
  startTestGateway,
  subscribe,
  VERSIONS,
  type Subscription,
  type TestGateway,
  type Version,
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

async function member(version: Version, topic: string, url = server.url): Promise<SupabaseClient> {
  const sub = randomUUID();
  await rooms.admit(sub, topic);
  const client = await officialClient(url, { version, token: () => signToken({ sub }) });
  clients.push(client);
  return client;
}

const numberOf = ({ payload }: { payload: unknown }): number => (payload as { n: number }).n;

function numbers({ messages }: Subscription): number[] {
  return messages.all.map(numberOf);
}

function count(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

/** Commits a few in one transaction: they share everything but the order of their inserts. */
async function tellAll(topic: string, from: number, to: number): Promise<void> {
  const session = await rooms.connect();
  await session.query(
    `select realtime.send(jsonb_build_object('n', n), 'step', $1) from generate_series($2::int, $3::int) as n`,
    [topic, from, to],
  );
  await session.end();
}

/** When the last of so many messages was sent, milliseconds since 1970; throws until all are stored. */
async function lastStored(topic: string, messages: number): Promise<number> {
  const { rows } = await rooms.query<{ n: number; at: number }>(
    `select count(*)::int as n, ceil(extract(epoch from max(inserted_at)) * 1000)::float as at
     from realtime.messages where topic = $1`,
    [topic],
  );
  expect(rows[0]?.n).toBe(messages);
  return rows[0]!.at;
}

describe.each(VERSIONS)('serializer %s', (version) => {
  test('the newest are replayed in order, marked as such, before what comes live', async () => {
    const topic = `newest:${version}`;
    await tellAll(topic, 1, 40);
    const heard = await joined(await member(version, topic), topic, {
      private: true,
      broadcast: { replay: { since: 0, limit: 10 } },
    });
    await rooms.tell(topic, 'step', { n: 41 });
    await heard.messages.next((message) => numberOf(message) === 41);
    expect(numbers(heard)).toEqual(count(31, 41));
    expect(heard.messages.all.map(({ meta }) => meta?.replayed)).toEqual([
      ...count(1, 10).map(() => true),
      undefined,
    ]);
    expect(new Set(heard.messages.all.map(({ meta }) => meta?.id)).size).toBe(11);
  });

  test('25 at most, whatever is asked for, and 25 when nothing is', async () => {
    const topic = `most:${version}`;
    await tellAll(topic, 1, 30);
    for (const replay of [{ since: 0, limit: 1_000 }, { since: 0 }]) {
      const client = await member(version, topic);
      const heard = await joined(client, topic, { private: true, broadcast: { replay } });
      await heard.messages.next((message) => numberOf(message) === 30);
      expect(numbers(heard)).toEqual(count(6, 30));
    }
  });

  test('only what is not older than `since`', async () => {
    const topic = `since:${version}`;
    await tellAll(topic, 1, 3);
    const since = 1 + (await vi.waitFor(() => lastStored(topic, 3)));
    // The clock of both is the same machine's: from the next millisecond on, messages are newer.
    while (Date.now() <= since) await rooms.query('select 1');
    await tellAll(topic, 4, 5);
    const heard = await joined(await member(version, topic), topic, {
      private: true,
      broadcast: { replay: { since } },
    });
    await heard.messages.next((message) => numberOf(message) === 5);
    expect(numbers(heard)).toEqual([4, 5]);
  });

  test('who may not read is refused, and nothing is replayed', async () => {
    const topic = `stranger:${version}`;
    await tellAll(topic, 1, 1);
    const client = await officialClient(server.url, {
      version,
      token: () => signToken({ sub: randomUUID() }),
    });
    clients.push(client);
    const heard = subscribe(client, topic, { private: true, broadcast: { replay: { since: 0 } } });
    expect((await heard.statuses.next()).error).toMatch(/^Unauthorized: /);
    expect(heard.messages.all).toEqual([]);
  });

  test('under a stream of messages there is neither gap nor repeat between past and present', async () => {
    const topic = `seam:${version}`;
    const writer = await rooms.connect();
    for (let round = 0; round < 5; round += 1) {
      const room = `${topic}:${round}`;
      const client = await member(version, room);
      const writing = new AbortController();
      let last = 0;
      const stream = (async () => {
        while (!writing.signal.aborted) {
          last += 1;
          await writer.query('select realtime.send($1, $2, $3)', [{ n: last }, 'step', room]);
        }
      })();
      const heard = await joined(client, room, { private: true, broadcast: { replay: { since: 0 } } });
      await heard.messages.next(({ meta }) => !meta?.replayed);
      writing.abort();
      await stream;
      if (numbers(heard).at(-1) !== last) {
        await heard.messages.next((message) => numberOf(message) === last);
      }
      expect(numbers(heard)).toEqual(count(numbers(heard)[0]!, last));
    }
    await writer.end();
  });
});

test('a live copy that the feed brings late is not sent again', async () => {
  const slow = await startTestGateway(rooms, {
    slotName: `late_${Date.now()}`,
    limits: { feedRetryMs: 1_000, takeoverMs: 1_000 },
  });
  const { slot } = slow.gateway.health();
  await rooms.query(
    'select pg_terminate_backend(active_pid, 5000) from pg_replication_slots where slot_name = $1',
    [slot],
  );
  // The other gateway stores them meanwhile: they are past, those too that are beyond what was asked for.
  await tellAll('late', 1, 3);
  await vi.waitFor(() => lastStored('late', 3));
  const client = await member('2.0.0', 'late', slow.url);
  const replay = { since: 0, limit: 2 };
  const heard = await joined(client, 'late', { private: true, broadcast: { replay } });
  await rooms.tell('late', 'step', { n: 4 });
  await heard.messages.next((message) => numberOf(message) === 4);
  expect(numbers(heard)).toEqual([2, 3, 4]);
  expect(await slow.metrics.getSingleMetricAsString('realtime_messages_total')).toMatch(/"database"} 4$/m);
  await slow.stop();
});

test('stored bytes are replayed to serializer 2.0.0', async () => {
  const session = await rooms.connect();
  await session.query(`select realtime.send_binary('\\x00ff', 'blob', 'past bytes')`);
  await session.query(`select realtime.send('{"n": 1}', 'step', 'past bytes')`);
  for (const version of VERSIONS) {
    const client = await member(version, 'past bytes');
    const heard = await joined(client, 'past bytes', { private: true, broadcast: { replay: { since: 0 } } });
    await heard.messages.next(({ event }) => event === 'step');
    expect(heard.messages.all.map(({ event }) => event)).toEqual(
      version === '2.0.0' ? ['blob', 'step'] : ['step'],
    );
  }
});

describe('raw frames', () => {
  const since = 0;
  test.each([
    ['a public channel', { private: false, broadcast: { replay: { since } } }, 'not allowed for public'],
    ['no instant', { private: true, broadcast: { replay: {} } }, 'Replay params are not valid'],
    ['a text as instant', { private: true, broadcast: { replay: { since: 'x' } } }, 'params are not valid'],
    [
      'an instant out of range',
      { private: true, broadcast: { replay: { since: 9e15 } } },
      'params are not valid',
    ],
    [
      'a text as limit',
      { private: true, broadcast: { replay: { since, limit: '1; drop' } } },
      'params are not valid',
    ],
    ['nothing', { private: true, broadcast: { replay: { since, limit: 0 } } }, 'params are not valid'],
  ])('%s is refused by name', async (_name, config, reason) => {
    const client = await RawClient.open(server.url, SECRET_KEY);
    const reply = await client.join('realtime:refused', { config });
    expect(reply.response?.reason).toMatch(/^UnableToReplayMessages: /);
    expect(reply.response?.reason).toContain(reason);
    client.socket.close();
  });

  test('when the past cannot be read, the join is refused and nothing of it stays; the next one works', async () => {
    const client = await RawClient.open(server.url, SECRET_KEY);
    const config = { private: true, broadcast: { replay: { since } } };
    await rooms.query('alter table realtime.messages rename column binary_payload to away');
    const reply = await client.join('realtime:unread', { config });
    await rooms.query('alter table realtime.messages rename column away to binary_payload');
    expect(reply.response?.reason).toBe('UnableToReplayMessages: Realtime was unable to replay messages');
    expect((await client.join('realtime:unread', { config }, '2')).status).toBe('ok');
    await rooms.tell('unread', 'once', {});
    await client.binary.next();
    client.send(null, '3', 'phoenix', 'heartbeat');
    await client.frames.next(({ ref }) => ref === '3');
    expect(client.binary.all).toHaveLength(1);
    client.socket.close();
  });
});
