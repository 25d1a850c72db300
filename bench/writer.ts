/** Changes plans as an operator does, and counts what the server then asks of the database. */
import { once } from 'node:events';
import type pg from 'pg';
import { monotonicMs } from './clock.ts';
import type { BenchPostgres } from './postgres.ts';

/** Time between two changes, so that one does not ride on the wake of another, milliseconds. */
const PAUSE_MS = 20;
/**
 * What the server has asked; the minute's jobs apart. It logs in as the superuser and as the API's roles; `postgres` is
 * who the writer's own triggers run as when they fire at commit.
 */
const OF_SERVER = `userid not in ('bench_writer'::regrole, 'postgres'::regrole)
  and query !~ 'pg_stat_statements|run_minute_jobs'`;

export interface Statement {
  calls: number;
  query: string;
}

export interface Change {
  rev: number;
  /** Slug of the plan that the group has from then on. */
  plan: string;
  /** Instant just before the commit was asked for, monotonic milliseconds. */
  committing: number;
}

/** An operator, in a session that statistics can tell from the server's. */
export class Writer {
  /** Durations of the commits, milliseconds. */
  readonly commits: number[] = [];
  /** From each commit to its NOTIFY at a listener on the back end: the shortest way out of PostgreSQL. */
  readonly notifications: number[] = [];
  readonly #client: pg.Client;
  readonly #observer: pg.Client;

  private constructor(client: pg.Client, observer: pg.Client) {
    this.#client = client;
    this.#observer = observer;
  }

  static async open(postgres: BenchPostgres, database = 'product'): Promise<Writer> {
    const observer = await postgres.connect(database);
    await observer.query('create extension pg_stat_statements');
    await observer.query('listen plan_changed');
    // Roles belong to the cluster, which may have seen a writer before.
    await observer.query(
      `do $$ begin create role bench_writer superuser; exception when duplicate_object then null; end $$`,
    );
    const client = await postgres.connect(database);
    await client.query('set session authorization bench_writer');
    return new Writer(client, observer);
  }

  async groupId(code: string): Promise<string> {
    const { rows } = await this.#observer.query<{ id: string }>(
      'select id from public.school_groups where code = $1',
      [code],
    );
    return rows[0]?.id ?? '';
  }

  /**
   * Switches a group between Pro and Premium. The clock starts when the commit is asked for: it then still has to
   * build the message and to reach the disk, so delays are told too long rather than too short.
   */
  async change(group: string): Promise<Change> {
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    await this.#client.query('begin');
    const changed = await this.#client.query<{ plan: string }>(
      `update public.subscriptions s set plan_id = (select id from public.subscription_plans
         where slug = (select case slug when 'pro' then 'premium' else 'pro' end from public.subscription_plans p where p.id = s.plan_id))
       where school_group_id = $1
       returning (select slug from public.subscription_plans p where p.id = s.plan_id) as plan`,
      [group],
    );
    const { rows } = await this.#client.query<{ rev: number }>(
      'select rev::int as rev from private.group_states where school_group_id = $1',
      [group],
    );
    const notified = once(this.#observer, 'notification').then(monotonicMs);
    const committing = monotonicMs();
    await this.#client.query('commit');
    this.commits.push(monotonicMs() - committing);
    this.notifications.push((await notified) - committing);
    return { rev: rows[0]?.rev ?? 0, plan: changed.rows[0]?.plan ?? '', committing };
  }

  async resetStatistics(): Promise<void> {
    await this.#observer.query('select pg_stat_statements_reset()');
  }

  /** What the server has asked of the database since the reset. */
  async statementsOfServer(): Promise<Statement[]> {
    const { rows } = await this.#observer.query<Statement>(
      `select calls::int, query from pg_stat_statements where ${OF_SERVER} order by calls desc, query`,
    );
    return rows;
  }

  /** Ends its sessions; they would end with the cluster, too. */
  async close(): Promise<void> {
    await Promise.all([this.#client.end(), this.#observer.end()]);
  }

  /** How many statements that are. */
  async countStatementsOfServer(): Promise<number> {
    const { rows } = await this.#observer.query<{ calls: number }>(
      `select coalesce(sum(calls), 0)::int as calls from pg_stat_statements where ${OF_SERVER}`,
    );
    return rows[0]?.calls ?? 0;
  }
}
