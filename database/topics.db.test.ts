/** I6: who may listen to a topic, and that nobody but the database speaks on it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type pg from 'pg';
import { attempt, CALLERS, createCast, type Cast, type Verdicts } from '../tests/helpers/cast.ts';
import { createTestDatabase, type TestDatabase } from '../tests/helpers/database.ts';

let db: TestDatabase;
let client: pg.Client;
let cast: Cast;
beforeAll(async () => {
  db = await createTestDatabase();
  client = await db.connect();
  cast = await createCast(db);
  await db.query(
    `insert into realtime.messages (topic, extension, event, private)
     select topic, extension, 'essai', true from unnest($1::text[]) topic, unnest(array['broadcast', 'presence']) extension`,
    [[...topics().values()]],
  );
});
afterAll(() => db.drop());

const topics = (): Map<string, string> =>
  new Map([
    ['the group’s', `group:${cast.group.id}`],
    ['the foreign group’s', `group:${cast.foreign.id}`],
    ['the catalogue’s', 'catalogue'],
    ['the platform’s', 'platform'],
    ['a group’s that does not exist', 'group:00000000-0000-4000-8000-000000000000'],
    ['nobody’s', 'group:'],
    ['a pattern’s', 'group:%'],
    ['a lookalike’s', `group:${cast.group.id}:admin`],
    ['a foreign kind’s', 'room:1'],
  ]);

/** `+` may listen. In the order of the callers; the service role passes every policy. */
const LISTENERS: Record<string, Verdicts<'+' | ' '>> = {
  //                        anonymous stranger disabled staff admin foreign super service
  'the group’s': [' ', ' ', ' ', '+', '+', ' ', '+', '+'],
  'the foreign group’s': [' ', ' ', ' ', ' ', ' ', '+', '+', '+'],
  'the catalogue’s': [' ', ' ', ' ', '+', '+', '+', '+', '+'],
  'the platform’s': [' ', ' ', ' ', ' ', ' ', ' ', '+', '+'],
  'a group’s that does not exist': [' ', ' ', ' ', ' ', ' ', ' ', '+', '+'],
  'nobody’s': [' ', ' ', ' ', ' ', ' ', ' ', '+', '+'],
  'a pattern’s': [' ', ' ', ' ', ' ', ' ', ' ', '+', '+'],
  'a lookalike’s': [' ', ' ', ' ', ' ', ' ', ' ', '+', '+'],
  'a foreign kind’s': [' ', ' ', ' ', ' ', ' ', ' ', ' ', '+'],
};

describe('I6: listening', () => {
  it.each(Object.entries(LISTENERS))('to %s topic', async (name, expected) => {
    const topic = topics().get(name) ?? '';
    const seen: string[] = [];
    for (const caller of CALLERS) {
      await client.query(`select set_config('realtime.topic', $1, false)`, [topic]);
      const sql = `select topic, extension from realtime.messages where topic = '${topic}' and extension = 'broadcast'`;
      const result = await attempt(client, cast.actors[caller], sql);
      seen.push(result.done && result.count > 0 ? '+' : ' ');
    }
    expect(seen).toEqual(expected);
  });

  it('a member who listens to their own topic reads no message of another, nor presence', async () => {
    await client.query(`select set_config('realtime.topic', $1, false)`, [`group:${cast.group.id}`]);
    const sql = 'select distinct topic, extension from realtime.messages';
    const result = await attempt(client, cast.actors['group admin'], sql);
    expect(result).toMatchObject({
      done: true,
      rows: [{ topic: `group:${cast.group.id}`, extension: 'broadcast' }],
    });
  });
});

describe('I6: speaking', () => {
  it.each(['group:', 'catalogue', 'platform'])('on %s nobody of the API may', async (kind) => {
    const topic = kind === 'group:' ? `group:${cast.group.id}` : kind;
    await client.query(`select set_config('realtime.topic', $1, false)`, [topic]);
    for (const caller of CALLERS.filter((name) => name !== 'service role')) {
      for (const sql of [
        `insert into realtime.messages (topic, extension, event, private) values ('${topic}', 'broadcast', 'plan_changed', true)`,
        `insert into realtime.messages (topic, extension, private) values ('${topic}', 'presence', true)`,
      ]) {
        const result = await attempt(client, cast.actors[caller], sql);
        expect([caller, result]).toMatchObject([caller, { done: false, sqlstate: '42501' }]);
      }
      const sent = await attempt(
        client,
        cast.actors[caller],
        `select realtime.send('{}'::jsonb, 'plan_changed', '${topic}', true),
                (select count(*)::int from realtime.messages where event = 'plan_changed' and payload = '{}') as n`,
      );
      if (sent.done) expect([caller, sent.rows[0]?.['n']]).toEqual([caller, 0]);
    }
  });

  it('what was said is not rewritten: an update finds no row', async () => {
    await client.query(`select set_config('realtime.topic', $1, false)`, [`group:${cast.group.id}`]);
    const sql = `update realtime.messages set event = 'autre'`;
    for (const caller of CALLERS.filter((name) => name !== 'service role')) {
      const result = await attempt(client, cast.actors[caller], sql);
      expect(result.done ? result.count : 0).toBe(0);
    }
  });
});
