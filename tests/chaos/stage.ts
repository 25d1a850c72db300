/** What the followers follow: topics with revisions in PostgreSQL, a writer, and their snapshots over HTTP. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import type { Revision } from './follower.ts';

const SCHEMA = `
  create table public.stages (topic text primary key, rev int not null default 0);
  create policy "everybody reads the stages" on realtime.messages for select to authenticated
    using ((select realtime.topic()) like 'stage:%');
`;
/** A revision and its message are one transaction, as a plan change is. */
const NEXT = `
  with moved as (update public.stages set rev = rev + 1 where topic = any($1) returning topic, rev)
  select realtime.send(jsonb_build_object('rev', rev, 'check', topic || ' ' || rev), 'moved', topic) from moved`;

const WRITERS = 4;

export interface Stage {
  topics: string[];
  snapshotUrl(topic: string): string;
  /** Commits revisions of topics at random, at about this rate, until stopped. */
  write(perSecond: number, random: () => number): { stop(): Promise<number> };
  /** Commits one more revision of every topic. */
  writeAll(): Promise<void>;
  revisions(): Promise<Record<string, number>>;
  /** Ends the connection that reads the slot; false when none does now. */
  killFeed(): Promise<boolean>;
  close(): Promise<void>;
}

/** @param databaseUrl an empty database with the platform, of role `postgres` */
export async function createStage(databaseUrl: string, size: number): Promise<Stage> {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: WRITERS + 2 });
  pool.on('error', () => {});
  const topics = Array.from({ length: size }, (_, n) => `stage:${n}`);
  await pool.query(SCHEMA);
  await pool.query('insert into public.stages (topic) select unnest($1::text[])', [topics]);

  const snapshotOf = createSnapshots(pool);
  const server = createServer((request, response) => {
    snapshotOf(decodeURIComponent(request.url?.slice(1) ?? '')).then(
      (revision) => response.end(JSON.stringify(revision)),
      () => response.writeHead(503).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  return {
    topics,
    snapshotUrl: (topic) => `${origin}/${encodeURIComponent(topic)}`,
    write(perSecond, random) {
      const end = new AbortController();
      let written = 0;
      const work = async (): Promise<void> => {
        while (!end.signal.aborted) {
          await pool.query(NEXT, [[topics[Math.floor(random() * topics.length)]]]);
          written += 1;
          await pause((1_000 * WRITERS * 2 * random()) / perSecond);
        }
      };
      const workers = Array.from({ length: WRITERS }, work);
      return {
        async stop() {
          end.abort();
          await Promise.all(workers);
          return written;
        },
      };
    },
    async writeAll() {
      await pool.query(NEXT, [topics]);
    },
    async revisions() {
      const { rows } = await pool.query<{ topic: string; rev: number }>(
        'select topic, rev from public.stages',
      );
      return Object.fromEntries(rows.map(({ topic, rev }) => [topic, rev]));
    },
    async killFeed() {
      const { rowCount } = await pool.query(
        `select pg_terminate_backend(active_pid) from pg_replication_slots
         where database = current_database() and active`,
      );
      return (rowCount ?? 0) > 0;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await pool.end();
    },
  };
}

/** Answers all who ask while one query runs with the next one: a thousand that come back at once cost a few. */
function createSnapshots(pool: pg.Pool): (topic: string) => Promise<Revision> {
  let waiting = new Map<string, PromiseWithResolvers<Revision>>();
  let running = false;
  const run = async (): Promise<void> => {
    running = true;
    while (waiting.size > 0) {
      const asked = waiting;
      waiting = new Map();
      try {
        const { rows } = await pool.query<{ topic: string; rev: number }>(
          'select topic, rev from public.stages where topic = any($1)',
          [[...asked.keys()]],
        );
        for (const { topic, rev } of rows) asked.get(topic)?.resolve({ rev, check: `${topic} ${rev}` });
      } catch (error) {
        for (const each of asked.values()) each.reject(error);
      }
    }
    running = false;
  };
  return (topic) => {
    const known = waiting.get(topic) ?? Promise.withResolvers<Revision>();
    waiting.set(topic, known);
    if (!running) void run();
    return known.promise;
  };
}
