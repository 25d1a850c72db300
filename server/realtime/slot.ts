/**
 * The replication slot: PostgreSQL's own bookmark of what the gateway has not fanned out yet. It outlives the
 * gateway, so that nothing committed while the gateway is away is missed.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Pool } from 'pg';
import { errorCode, RealtimeError } from './errors.ts';
import type { Logger } from './options.ts';
import { PUBLICATION_OF_CHANGES, PUBLICATION_OF_MESSAGES } from './wal.ts';

/** What `prepare` found. `busy`: another gateway reads the slot. */
export type SlotOutcome = 'kept' | 'created' | 'remade' | 'busy';

interface SlotRow {
  database: string | null;
  ours: boolean;
  plugin: string | null;
  active_pid: number | null;
  holder: string | null;
  lost: boolean;
}

const POLL_MS = 50;
/** How long PostgreSQL may take to end a holder that was told to go. */
const END_MS = 5_000;
const UNDEFINED_OBJECT = '42704';
const OBJECT_IN_USE = '55006';

export class Slot {
  readonly name: string;
  readonly #pool: Pool;
  readonly #log: Logger;
  /** `application_name` of this gateway's replication connections: tells its own ghost from a rival. */
  readonly #holder: string;

  constructor(pool: Pool, name: string, holder: string, log: Logger) {
    this.#pool = pool;
    this.name = name;
    this.#holder = holder;
    this.#log = log;
  }

  /**
   * Makes sure that the slot exists, is whole, and is free to be read.
   *
   * @param takeoverMs how long another holder may keep the slot before it is ended; null: leave it in peace and
   *   answer `busy`. Only a start takes over: if both sides did, two gateways would end each other for ever.
   * @throws RealtimeError `SlotUnavailable` when the name belongs to something else
   */
  async prepare(takeoverMs: number | null): Promise<SlotOutcome> {
    const outcome = await this.#prepare(takeoverMs);
    // From now on what `realtime.send` writes to the log is kept for this slot.
    if (outcome !== 'busy') await this.#pool.query('select realtime.set_feed(true)');
    return outcome;
  }

  async #prepare(takeoverMs: number | null): Promise<SlotOutcome> {
    const row = await this.#look();
    if (!row) {
      await this.#create();
      return 'created';
    }
    if (!row.ours || row.plugin !== 'pgoutput') {
      throw new RealtimeError(
        'SlotUnavailable',
        `Replication slot ${this.name} belongs to database ${row.database} (${row.plugin}); choose another slotName.`,
      );
    }
    if (row.active_pid !== null) {
      if (row.holder === this.#holder) await this.#end(row.active_pid);
      else if (takeoverMs === null) return 'busy';
      else await this.#takeOver(takeoverMs);
      return this.#prepare(takeoverMs);
    }
    if (!row.lost) return 'kept';
    this.#log.error({ slot: this.name }, 'the replication slot was invalidated; making a new one');
    await this.drop();
    await this.#create();
    return 'remade';
  }

  /**
   * Publications to stream. From version 18 on PostgreSQL passes over one that is missing and finds it when it is
   * made; before, it would end the stream.
   */
  async publications(): Promise<string[]> {
    const { rows } = await this.#pool.query<{ name: string }>(
      `select p.name from unnest($1::text[]) as p (name)
       where current_setting('server_version_num')::int >= 180000
         or exists (select from pg_publication where pubname = p.name)`,
      [[PUBLICATION_OF_MESSAGES, PUBLICATION_OF_CHANGES]],
    );
    return rows.map(({ name }) => name);
  }

  /** Drops the slot if it is there, waiting for a reader that is going away. */
  async drop(): Promise<void> {
    await this.#pool.query('select realtime.set_feed(false)');
    for (let left = END_MS; ; left -= POLL_MS) {
      try {
        await this.#pool.query('select pg_drop_replication_slot($1)', [this.name]);
        return;
      } catch (error) {
        if (errorCode(error) === UNDEFINED_OBJECT) return;
        if (errorCode(error) !== OBJECT_IN_USE || left <= 0) throw error;
        await pause(POLL_MS);
      }
    }
  }

  async #look(): Promise<SlotRow | undefined> {
    const { rows } = await this.#pool.query<SlotRow>(
      `select s.database, s.database = current_database() as ours, s.plugin, s.active_pid,
              a.application_name as holder, coalesce(s.wal_status = 'lost', false) as lost
       from pg_replication_slots as s
       left join pg_stat_activity as a on a.pid = s.active_pid
       where s.slot_name = $1`,
      [this.name],
    );
    return rows[0];
  }

  async #create(): Promise<void> {
    // PostgreSQL waits here for transactions that were open already; a forgotten one would hold the start.
    const slow = setTimeout(
      () => this.#log.warn({ slot: this.name }, 'creating the slot waits for an open transaction to end'),
      3_000,
    );
    try {
      // Of the log of another slot, perhaps of another cluster: its positions mean nothing in the one that begins here.
      await this.#pool.query('delete from realtime.stored_until');
      await this.#pool.query('select pg_create_logical_replication_slot($1, $2)', [this.name, 'pgoutput']);
    } finally {
      clearTimeout(slow);
    }
  }

  async #takeOver(waitMs: number): Promise<void> {
    for (let left = waitMs; left > 0; left -= POLL_MS) {
      await pause(POLL_MS);
      if (!(await this.#look())?.active_pid) return;
    }
    const row = await this.#look();
    if (!row?.active_pid) return;
    this.#log.warn({ slot: this.name, holder: row.holder }, 'taking the slot over from another gateway');
    await this.#end(row.active_pid);
  }

  async #end(pid: number): Promise<void> {
    const { rows } = await this.#pool.query<{ ended: boolean }>(
      // As the login itself: a role that it acts as may be less than the login of the session that is to end.
      `with login as materialized (select set_config('role', 'none', true))
       select pg_terminate_backend($1, $2) as ended from login`,
      [pid, END_MS],
    );
    if (rows[0]?.ended) return;
    // It may have gone by itself meanwhile.
    if ((await this.#look())?.active_pid !== pid) return;
    throw new RealtimeError(
      'SlotUnavailable',
      `Replication slot ${this.name} is held by process ${pid}, which does not end.`,
    );
  }
}
