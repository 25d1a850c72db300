import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createRooms, type Rooms } from '../../tests/helpers/rooms.ts';
import {
  joined,
  officialClient,
  RawClient,
  startTestGateway,
  within,
  type Subscription,
} from '../../tests/helpers/gateway.ts';

let rooms: Rooms;

beforeAll(async () => {
  rooms = await createRooms();
});
afterAll(async () => {
  await rooms.drop();
});

/** Commits `n` from `from` to `to`, each in a transaction of its own. */
async function count(topic: string, from: number, to: number): Promise<void> {
  for (let n = from; n <= to; n += 1) await rooms.tell(topic, 'count', { n }, false);
}

/** Numbers in the order in which they came, without the repeats that “at least once” allows. */
function numbers({ messages }: Subscription): number[] {
  return [...new Set(messages.all.map(({ payload }) => (payload as { n: number }).n))];
}

function upTo(n: number): number[] {
  return Array.from({ length: n }, (_, index) => index + 1);
}

async function endFeed(slot: string): Promise<void> {
  await rooms.query(
    'select pg_terminate_backend(active_pid, 5000) from pg_replication_slots where slot_name = $1 and active',
    [slot],
  );
}

describe('the slot', () => {
  test('is named after the database, kept on close, and dropped only when asked', async () => {
    const { rows } = await rooms.query<{ name: string }>(
      `select 'realtime_gateway_' || oid as name from pg_database where datname = current_database()`,
    );
    const slots = async (): Promise<unknown[]> =>
      (await rooms.query('select slot_name from pg_replication_slots where database = current_database()'))
        .rows;
    const first = await startTestGateway(rooms);
    expect(first.gateway.health()).toMatchObject({ status: 'ok', feed: 'streaming', slot: rows[0]?.name });
    await first.stop({ dropSlot: false });
    expect(await slots()).toEqual([{ slot_name: rows[0]?.name }]);
    const second = await startTestGateway(rooms);
    await second.stop();
    expect(await slots()).toEqual([]);
  });

  test('keeps what is committed while no gateway runs', async () => {
    const first = await startTestGateway(rooms);
    await first.stop({ dropSlot: false });
    await count('away', 1, 3);
    const second = await startTestGateway(rooms);
    // The backlog is fanned out in order before anything new: whoever joins now hears at least the new.
    const heard = await joined(await officialClient(second.url, { version: '2.0.0' }), 'away');
    await count('away', 4, 4);
    await heard.messages.next(({ payload }) => (payload as { n: number }).n === 4);
    expect(await second.metrics.getSingleMetricAsString('realtime_messages_total')).toMatch(
      /"database"} 4$/m,
    );
    await second.stop();
  });

  test('a name that belongs to another kind of slot is refused with a sentence', async () => {
    await rooms.query(`select pg_create_logical_replication_slot('foreign_slot', 'test_decoding')`);
    await expect(startTestGateway(rooms, { slotName: 'foreign_slot' })).rejects.toThrow(
      /Replication slot foreign_slot belongs to .*test_decoding.*; choose another slotName/,
    );
    await rooms.query(`select pg_drop_replication_slot('foreign_slot')`);
  });
});

describe('faults', () => {
  test('when the feed connection dies, it resumes and no message is missed or out of order', async () => {
    const server = await startTestGateway(rooms);
    const heard = await joined(await officialClient(server.url, { version: '2.0.0' }), 'torn');
    for (let round = 0; round < 5; round += 1) {
      const writing = count('torn', round * 20 + 1, round * 20 + 20);
      await endFeed(server.gateway.health().slot);
      await writing;
    }
    await heard.messages.next(({ payload }) => (payload as { n: number }).n === 100);
    expect(numbers(heard)).toEqual(upTo(100));
    expect(heard.statuses.all).toEqual([{ status: 'SUBSCRIBED' }]);
    await server.stop();
  });

  test('what is acknowledged is the end of a commit, to the byte', async () => {
    const server = await startTestGateway(rooms);
    const { slot } = server.gateway.health();
    const client = await RawClient.open(server.url);
    await client.join('realtime:ends');
    // One byte more, and a commit that begins exactly there would be skipped after a crash. Ends are aligned to 8.
    const acknowledged = async (): Promise<string> => {
      const { rows } = await rooms.query<{ lsn: string }>(
        `select confirmed_flush_lsn - '0/0' as lsn from pg_replication_slots where slot_name = $1`,
        [slot],
      );
      return rows[0]?.lsn ?? '';
    };
    for (let n = 1; n <= 5; n += 1) {
      const before = await acknowledged();
      await count('ends', n, n);
      await client.binary.next();
      await vi.waitFor(async () => expect(await acknowledged()).not.toBe(before));
      expect(BigInt(await acknowledged()) % 8n).toBe(0n);
    }
    client.socket.close();
    await server.stop();
  });

  test('when the slot is lost, every channel fails, rejoins by itself and hears again', async () => {
    const server = await startTestGateway(rooms, { limits: { takeoverMs: 1_000 } });
    const { slot } = server.gateway.health();
    const heard = await joined(await officialClient(server.url, { version: '2.0.0' }), 'lost');
    const raw = await RawClient.open(server.url);
    await raw.join('realtime:lost', {}, '4');

    await endFeed(slot);
    await rooms.query('select pg_drop_replication_slot($1)', [slot]);
    await rooms.tell('lost', 'missed', {}, false);

    expect(await raw.frames.next()).toEqual({
      joinRef: '4',
      ref: '4',
      topic: 'realtime:lost',
      event: 'phx_error',
      payload: {},
    });
    expect((await heard.statuses.next()).status).toBe('CHANNEL_ERROR');
    expect((await heard.statuses.next()).status).toBe('SUBSCRIBED');
    await rooms.tell('lost', 'heard', {}, false);
    expect((await heard.messages.next()).event).toBe('heard');
    expect(await server.metrics.getSingleMetricAsString('realtime_slots_lost_total')).toMatch(/ 1$/m);
    await server.stop();
  });

  test('a gateway that starts takes the slot over; the older one sends its clients away and stays away', async () => {
    const older = await startTestGateway(rooms);
    const client = await RawClient.open(older.url);
    await client.join('realtime:takeover');

    const newer = await startTestGateway(rooms);
    expect(await within(client.closed, 'the older gateway closing its sockets')).toBe(1012);
    expect(older.gateway.health()).toMatchObject({ status: 'degraded', feed: 'superseded' });
    await expect(RawClient.open(older.url)).rejects.toThrow('503');

    const moved = await joined(await officialClient(newer.url, { version: '2.0.0' }), 'takeover');
    await count('takeover', 1, 1);
    await moved.messages.next();
    expect(newer.gateway.health().feed).toBe('streaming');

    // When the newer one goes, the older one may serve again.
    await newer.stop({ dropSlot: false });
    await vi.waitFor(() => expect(older.gateway.health().feed).toBe('streaming'), 10_000);
    await older.stop();
  });

  test('a database that cannot carry the gateway is refused with a sentence', async () => {
    const bare = await rooms.connect();
    const { rows } = await bare.query<{ url: string }>('select current_database() as url');
    await rooms.query('alter publication supabase_realtime_messages_publication rename to away');
    await expect(startTestGateway(rooms)).rejects.toThrow('Schema realtime is not complete');
    await rooms.query('alter publication away rename to supabase_realtime_messages_publication');
    expect(rows).toHaveLength(1);
    await expect(
      startTestGateway({ url: rooms.url.replace('://postgres:', '://authenticator:') }),
    ).rejects.toThrow(/REPLICATION|permission denied/);
  });
});
