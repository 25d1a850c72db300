/** What the server calls a binding, and how it refuses one: as Supabase does, for clients in other languages too. */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { watch, watched } from '../../../tests/helpers/changes.ts';
import {
  officialClient,
  RawClient,
  startTestGateway,
  VERSIONS,
  type TestGateway,
} from '../../../tests/helpers/gateway.ts';
import { createRooms, type Rooms } from '../../../tests/helpers/rooms.ts';
import { bindingIds } from './binding.ts';

let rooms: Rooms;
let sql: pg.Client;
let server: TestGateway;

beforeAll(async () => {
  rooms = await createRooms();
  sql = await rooms.connect();
  await sql.query(`
    create table public.notes (id int primary key, body text);
    create table public.hidden (id int primary key);
    alter publication supabase_realtime add table public.notes;
  `);
  server = await startTestGateway(rooms);
});
afterAll(async () => {
  await server.stop();
  await rooms.drop();
});

const binding = (filter: string): Record<string, unknown> => ({
  event: '*',
  schema: 'public',
  table: 'notes',
  filter,
});

/** Two bindings that differ and whose ids, each alone, are the same. */
function collision(): [Record<string, unknown>, Record<string, unknown>] {
  const seen = new Map<number, Record<string, unknown>>();
  for (let n = 0; ; n += 1) {
    const params = binding(`id=neq.${n}`);
    const [id] = bindingIds([params]);
    const other = seen.get(id!);
    if (other) return [other, params];
    seen.set(id!, params);
  }
}

describe.each(VERSIONS)('serializer %s', (version) => {
  test('ids fit into 27 bits, are never 0, and equal for equal parameters in whatever order', async () => {
    const client = await RawClient.open(server.url, undefined, { version });
    const wanted = Array.from({ length: 90 }, (_, n) => binding(`id=eq.${n}`));
    const { table, ...rest } = wanted[0]!;
    const reply = await client.join('realtime:ids', {
      config: { postgres_changes: [...wanted, { table, ...rest }] },
    });
    const told = (reply.response as unknown as { postgres_changes: { id: number }[] }).postgres_changes;
    const ids = told.map(({ id }) => id);
    expect(ids.every((id) => Number.isInteger(id) && id > 0 && id < 2 ** 27)).toBe(true);
    expect(new Set(ids).size).toBe(90);
    expect(ids[90]).toBe(ids[0]);
    client.socket.close();
  });

  test('two bindings of a channel that would have one id get two, and each hears its own', async () => {
    const [first, second] = collision();
    const client = await officialClient(server.url, { version });
    const both = await watched(client, `collision:${version}`, [first, second]);
    const raw = await RawClient.open(server.url, undefined, { version });
    const reply = await raw.join('realtime:collision', { config: { postgres_changes: [first, second] } });
    const ids = (reply.response as unknown as { postgres_changes: { id: number }[] }).postgres_changes;
    expect(new Set(ids.map(({ id }) => id)).size).toBe(2);
    expect(ids.every(({ id }) => id > 0 && id < 2 ** 27)).toBe(true);
    await raw.frames.next(({ event }) => event === 'system');

    const excluded = Number(/\d+$/.exec(String(first['filter']))?.[0]);
    await sql.query('insert into notes (id) values ($1)', [excluded]);
    expect((await raw.frames.next(({ event }) => event === 'postgres_changes')).payload['ids']).toEqual([
      ids[1]!.id,
    ]);
    await both.changes.next();
    expect(both.changes.all).toHaveLength(1);
    await sql.query('delete from notes');
    raw.socket.close();
    await client.realtime.disconnect();
  });

  test.each([
    [{ table: 'hidden' }, 'event: *, schema: public, table: hidden, filters: [], select: nil]'],
    [
      { table: 'notes', event: 'UPDATE', filter: 'nope=not.in.(a,"b"),id=eq.1', select: ['id', 'body'] },
      'event: UPDATE, schema: public, table: notes, filters: [{"nope", "in", "{a,\\"b\\"}", true}, ' +
        '{"id", "eq", "1", false}], select: ["id", "body"]]. Exception: invalid column for filter nope',
    ],
    [{ table: 'notes', filter: 'id=foo.hey' }, 'Error parsing `filter` params: ["foo", "hey"]'],
    [{ table: 'notes', filter: 'undefined' }, 'Error parsing `filter` params: ["undefined"]'],
    [{ table: 'notes', filter: 'id=7' }, 'Error parsing `filter` params: ["7"]'],
  ] as const)('%j is refused in Supabase’s words', async (wanted, words) => {
    const client = await officialClient(server.url, { version });
    const { system } = watch(client, 'refused', [wanted as { table: string }]);
    const { status, message } = await system.next();
    expect(status).toBe('error');
    expect(message.slice(-words.length)).toBe(words);
    await client.realtime.disconnect();
  });
});
