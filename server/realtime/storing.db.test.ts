/** Delivered at once, stored behind it: what replay finds, what a crash repeats, and what a storage that fails delays. */
import { randomUUID } from 'node:crypto';
import type { SupabaseClient } from '@supabase/supabase-js';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import {
  joined,
  officialClient,
  SECRET_KEY,
  startTestGateway,
  subscribe,
  type Subscription,
  type TestGateway,
} from '../../tests/helpers/gateway.ts';
import { createRooms, type Rooms } from '../../tests/helpers/rooms.ts';
import type { GatewayOptions } from './options.ts';

let rooms: Rooms;
let stack = new AsyncDisposableStack();

beforeAll(async () => {
  rooms = await createRooms();
  // Refuses what is counted, as the test says: a full disk, or a rule of the project's own.
  await rooms.query(`
    create table public.refusal (sqlstate text);
    create function public.refuse() returns trigger language plpgsql security definer as $$
    declare v_sqlstate text;
    begin
      select sqlstate into v_sqlstate from public.refusal;
      if found and (v_sqlstate <> 'P0001' or new.payload->>'n' = '2') then
        raise exception 'refused' using errcode = v_sqlstate;
      end if;
      return new;
    end $$;
    create trigger refuse before insert on realtime.messages for each row when (new.event = 'count')
      execute function public.refuse()`);
});
afterEach(async () => {
  await stack.disposeAsync();
  stack = new AsyncDisposableStack();
  await rooms.query('truncate public.refusal');
});
afterAll(async () => {
  await rooms.drop();
});

async function start(options: Partial<GatewayOptions> = {}, { dropSlot = true } = {}): Promise<TestGateway> {
  const server = await startTestGateway(rooms, options);
  stack.defer(() => server.stop({ dropSlot }));
  return server;
}

async function listen(
  server: TestGateway,
  topic: string,
  replay?: { since: number; limit?: number },
): Promise<Subscription> {
  const client: SupabaseClient = await officialClient(server.url, { version: '2.0.0', key: SECRET_KEY });
  stack.defer(async () => void (await client.realtime.disconnect()));
  return joined(client, topic, { private: true, ...(replay && { broadcast: { replay } }) });
}

async function count(topic: string, from: number, to: number): Promise<void> {
  for (let n = from; n <= to; n += 1) await rooms.tell(topic, 'count', { n });
}

const numberOf = ({ payload }: { payload: unknown }): number => (payload as { n: number }).n;
const numbers = ({ messages }: Subscription): number[] => messages.all.map(numberOf);
const upTo = (n: number): number[] => Array.from({ length: n }, (_, index) => index + 1);

async function stored(topic: string): Promise<{ id: string; payload: { n: number; id: string } }[]> {
  const { rows } = await rooms.query<{ id: string; payload: { n: number; id: string } }>(
    'select id, payload from realtime.messages where topic = $1 order by inserted_at, ctid',
    [topic],
  );
  return rows;
}

async function untilStored(topic: string, expected: number[]): Promise<void> {
  await vi.waitFor(
    async () => expect((await stored(topic)).map(({ payload }) => payload.n)).toEqual(expected),
    10_000,
  );
}

async function acknowledged({ gateway }: TestGateway): Promise<string> {
  const { rows } = await rooms.query<{ lsn: string }>(
    'select confirmed_flush_lsn as lsn from pg_replication_slots where slot_name = $1',
    [gateway.health().slot],
  );
  return rows[0]!.lsn;
}

/** Whether the slot was acknowledged up to here. */
async function isAcknowledged(server: TestGateway, lsn: string): Promise<boolean> {
  const { rows } = await rooms.query<{ it: boolean }>('select $1::pg_lsn >= $2::pg_lsn as it', [
    await acknowledged(server),
    lsn,
  ]);
  return rows[0]!.it;
}

async function now(): Promise<string> {
  return (await rooms.query<{ lsn: string }>('select pg_current_wal_lsn() as lsn')).rows[0]!.lsn;
}

describe('a message', () => {
  test('is delivered once and stored once, with the id, the digits and the order that were heard', async () => {
    const server = await start();
    const heard = await listen(server, 'once');
    const session = await rooms.connect();
    await session.query(
      `select realtime.send(jsonb_build_object('n', n), 'count', 'once') from generate_series(1, 200) as n`,
    );
    await session.query(`select realtime.send('{"n": 12345678901234567890.10}', 'exact', 'once')`);
    await session.query(`select realtime.send_binary('\\x000aff', 'bytes', 'once')`);
    await heard.messages.next(({ event }) => event === 'bytes');
    const { rows } = await vi.waitFor(async () => {
      const found = await rooms.query<Record<string, unknown>>(
        `select id, event, payload::text, binary_payload, private, extension from realtime.messages
         where topic = 'once' order by inserted_at`,
      );
      expect(found.rows).toHaveLength(202);
      return found;
    });
    expect(rows.map(({ id }) => id)).toEqual(heard.messages.all.map(({ meta }) => meta?.id));
    expect(rows[200]?.['payload']).toContain('"n": 12345678901234567890.10');
    expect(rows[201]).toMatchObject({
      binary_payload: Buffer.of(0, 10, 255),
      private: true,
      extension: 'broadcast',
    });
    // Rows that the gateway stored are in the log too: nobody hears them again.
    await rooms.tell('once', 'last', {});
    await heard.messages.next(({ event }) => event === 'last');
    expect(heard.messages.all).toHaveLength(203);
  });

  test('that somebody inserts as a row is delivered as ever, in its place among those of the log', async () => {
    const server = await start();
    const heard = await listen(server, 'mixed');
    const row = `insert into realtime.messages (topic, extension, event, payload, private)
                 values ('mixed', 'broadcast', 'step', '{"n": 2}', true)`;
    const session = await rooms.connect();
    await session.query(
      `begin; select realtime.send('{"n": 1}', 'step', 'mixed'); ${row}; select realtime.send('{"n": 3}', 'step', 'mixed'); commit`,
    );
    await heard.messages.next((message) => numberOf(message) === 3);
    expect(numbers(heard)).toEqual([1, 2, 3]);
    expect(numbers(await listen(server, 'mixed', { since: 0 }))).toEqual([1, 2, 3]);
  });

  test('that was heard is found by a replay asked right after, however rarely batches are written', async () => {
    const server = await start({ limits: { storeDelayMs: 600_000 } });
    const heard = await listen(server, 'at once');
    for (let n = 1; n <= 5; n += 1) {
      await count('at once', n, n);
      await heard.messages.next((message) => numberOf(message) === n);
      const late = await listen(server, 'at once', { since: 0 });
      await late.messages.next((message) => numberOf(message) === n);
      expect(numbers(late)).toEqual(upTo(n));
      expect(late.messages.all.every(({ meta }) => meta?.replayed)).toBe(true);
    }
  });
});

describe('after a crash', () => {
  test('what was delivered and not stored is delivered and stored again', async () => {
    await rooms.query(`insert into public.refusal values ('53100')`);
    const first = await startTestGateway(rooms);
    const heard = await listen(first, 'crash');
    await count('crash', 1, 30);
    await heard.messages.next((message) => numberOf(message) === 30);
    // As after a kill: nothing could be stored any more, so nothing was acknowledged.
    await first.stop({ dropSlot: false });
    expect(await stored('crash')).toEqual([]);
    await rooms.query('truncate public.refusal');

    const second = await start();
    await untilStored('crash', upTo(30));
    const past = await listen(second, 'crash', { since: 0 });
    await past.messages.next((message) => numberOf(message) === 30);
    expect(numbers(past)).toEqual(upTo(30).slice(5));
    await vi.waitFor(async () => expect(await isAcknowledged(second, await now())).toBe(true), 10_000);
  });

  test('what was stored and not acknowledged is stored once, and comes before what is new', async () => {
    const first = await startTestGateway(rooms);
    const { slot } = first.gateway.health();
    await rooms.query(`select pg_copy_logical_replication_slot($1, 'before')`, [slot]);
    await count('again', 1, 10);
    await untilStored('again', upTo(10));
    const before = await stored('again');
    await first.stop({ dropSlot: false });
    // PostgreSQL may still be about to end the session that read it.
    await rooms.query(
      'select pg_terminate_backend(active_pid, 5000) from pg_replication_slots where slot_name = $1 and active',
      [slot],
    );
    await rooms.query('select pg_drop_replication_slot($1)', [slot]);
    await rooms.query(`select pg_copy_logical_replication_slot('before', $1)`, [slot]);
    await rooms.query(`select pg_drop_replication_slot('before')`);

    const second = await start();
    const heard = await listen(second, 'again', { since: 0, limit: 3 });
    await count('again', 11, 11);
    await heard.messages.next((message) => numberOf(message) === 11);
    expect(numbers(heard)).toEqual([8, 9, 10, 11]);
    await untilStored('again', upTo(11));
    expect((await stored('again')).slice(0, 10)).toEqual(before);
    expect(await second.metrics.getSingleMetricAsString('realtime_messages_total')).toMatch(
      /"database"} 11$/m,
    );
  });
});

describe('a storage that fails', () => {
  test('delays no delivery, holds the slot and little memory, and catches up without a repeat', async () => {
    const server = await start({ limits: { storeBacklogBytes: 4_000, probeTimeoutMs: 300 } });
    const heard = await listen(server, 'full');
    await count('full', 1, 1);
    await untilStored('full', [1]);
    await rooms.query(`insert into public.refusal values ('53100')`);
    await count('full', 2, 100);
    const held = await now();
    await heard.messages.next((message) => numberOf(message) === 100);
    expect(await server.metrics.getSingleMetricAsString('realtime_unstored_bytes')).toMatch(/ [1-3]\d{3}$/m);
    expect(await isAcknowledged(server, held)).toBe(false);
    // The past has a hole now: better none than that.
    const asker = await officialClient(server.url, { version: '2.0.0', key: SECRET_KEY });
    const refused = subscribe(asker, 'full', { private: true, broadcast: { replay: { since: 0 } } });
    expect((await refused.statuses.next()).error).toMatch(/^UnableToReplayMessages: /);
    await asker.realtime.disconnect();

    await rooms.query('truncate public.refusal');
    await untilStored('full', upTo(100));
    await vi.waitFor(async () => expect(await isAcknowledged(server, held)).toBe(true), 10_000);
    await count('full', 101, 101);
    await heard.messages.next((message) => numberOf(message) === 101);
    expect(numbers(heard)).toEqual(upTo(101));
    expect(heard.statuses.all).toEqual([{ status: 'SUBSCRIBED' }]);
  });

  test('of a message that can never be stored keeps no other from it', async () => {
    await rooms.query(`insert into public.refusal values ('P0001')`);
    const server = await start();
    const heard = await listen(server, 'poison');
    await count('poison', 1, 4);
    await heard.messages.next((message) => numberOf(message) === 4);
    expect(numbers(heard)).toEqual(upTo(4));
    await untilStored('poison', [1, 3, 4]);
    await vi.waitFor(async () => expect(await isAcknowledged(server, await now())).toBe(true), 10_000);
  });

  test('a slot that is lost meanwhile loses no message that is still here, and storage goes on', async () => {
    await rooms.query(`insert into public.refusal values ('53100')`);
    const server = await start({ limits: { takeoverMs: 1_000 } });
    const { slot } = server.gateway.health();
    const topic = `lost ${randomUUID()}`;
    const heard = await listen(server, topic);
    await count(topic, 1, 3);
    await heard.messages.next((message) => numberOf(message) === 3);
    await rooms.query(
      'select pg_terminate_backend(active_pid, 5000) from pg_replication_slots where slot_name = $1',
      [slot],
    );
    await rooms.query('select pg_drop_replication_slot($1)', [slot]);
    await heard.statuses.next(({ status }) => status === 'CHANNEL_ERROR');
    await rooms.query('truncate public.refusal');
    await heard.statuses.next(({ status }) => status === 'SUBSCRIBED');
    await count(topic, 4, 4);
    await heard.messages.next((message) => numberOf(message) === 4);
    await untilStored(topic, upTo(4));
  });
});

test('without a gateway, messages are rows: the one that starts later has them for replay', async () => {
  const first = await startTestGateway(rooms);
  await first.stop();
  await count('before', 1, 3);
  expect((await stored('before')).map(({ payload }) => payload.n)).toEqual([1, 2, 3]);
  const server = await start();
  const heard = await listen(server, 'before', { since: 0 });
  await heard.messages.next((message) => numberOf(message) === 3);
  expect(numbers(heard)).toEqual([1, 2, 3]);
});
