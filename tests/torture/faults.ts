/** What breaks during a storm: PostgreSQL, the server with its gateway, the feed, sessions, lines. */
import { setTimeout as pause } from 'node:timers/promises';
import { createDeck, pick } from './chance.ts';
import type { MortalProduct } from './product.ts';
import type { Screens } from './screens.ts';
import type { Tally } from './tally.ts';

/** After these, everybody waits until the product serves again. */
const KILLS = ['backend', 'postmaster', 'server'] as const;
const NUISANCES = ['feed', 'session', 'lines', 'wake'] as const;
export type Kill = (typeof KILLS)[number];
type Nuisance = (typeof NUISANCES)[number];
export const FAULTS = [...KILLS, ...NUISANCES] as const;
/** Nothing has to start anew after a nuisance: it is dealt more often. */
const PACK: readonly (Kill | Nuisance)[] = [...FAULTS, 'feed', 'session', 'lines', 'lines', 'lines', 'wake'];
const isKill = (fault: Kill | Nuisance): fault is Kill => (KILLS as readonly string[]).includes(fault);

const PAUSE_MS = 500;
/** Longest time that a line stays cut, milliseconds. */
const CUT_MS = 2_500;

const SESSIONS = `select pid from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()`;
const FEED = 'select active_pid as pid from pg_replication_slots where active';

export interface FaultsOptions {
  product: MortalProduct;
  screens: Screens;
  tally: Tally;
  random: () => number;
  /**
   * Shortest time between the product being healthy and its next kill, milliseconds; after a long outage it is twice as
   * long as that, so that on a slow machine, too, most of a storm is work.
   */
  calmMs: number;
}

export class Faults {
  readonly #options: FaultsOptions;
  readonly #deal: () => Kill | Nuisance;
  /** When the product was last seen healthy after a kill, Unix milliseconds. */
  #healthySince = Date.now();
  #lastOutage = 0;
  /** What came too soon comes as soon as it may; at the beginning, one of each. */
  readonly #waiting: Kill[];
  readonly #cut = new Map<number, () => void>();
  /** How long the product was away after each kill, milliseconds. */
  readonly outages: Record<Kill, number[]> = { backend: [], postmaster: [], server: [] };

  constructor(options: FaultsOptions) {
    this.#options = options;
    this.#deal = createDeck(PACK, options.random);
    const first = createDeck(KILLS, options.random);
    this.#waiting = KILLS.map(first);
  }

  /** Breaks one thing after the other until the signal is given; then the product is healthy and all lines are whole. */
  async rage(end: AbortSignal): Promise<void> {
    const { random, calmMs, product } = this.#options;
    for (;;) {
      await pause(PAUSE_MS * (0.3 + random()), undefined, { signal: end }).catch(() => {});
      if (end.aborted) break;
      const mayKill = Date.now() - this.#healthySince >= Math.max(calmMs, 2 * this.#lastOutage);
      const fault = (mayKill ? this.#waiting.shift() : undefined) ?? this.#deal();
      if (!isKill(fault)) await this.#annoy(fault);
      else if (mayKill) await this.kill(fault);
      else this.#waiting.push(fault);
    }
    for (const restore of this.#cut.values()) restore();
    this.#cut.clear();
    await product.healthy();
  }

  /**
   * Kills one thing and waits until the product is healthy again.
   *
   * @param meanwhile runs after a kill of the server, before it is started again
   */
  async kill(fault: Kill, meanwhile?: () => Promise<unknown>): Promise<void> {
    const { product, random, tally } = this.#options;
    const took = await product.outlive(async () => {
      if (fault === 'server') return product.killServer(meanwhile).then(() => true);
      if (fault === 'postmaster') return killProcess(await product.postmasterPid());
      const backends = await this.#pids(SESSIONS);
      return backends.length > 0 && killProcess(pick(backends, random));
    });
    this.#healthySince = Date.now();
    if (took === null) return;
    this.#lastOutage = took;
    tally.count('faults', fault);
    this.outages[fault].push(took);
  }

  async #annoy(nuisance: Nuisance): Promise<void> {
    const { screens, random, tally } = this.#options;
    if (nuisance === 'lines') this.#cutSome();
    else if (nuisance === 'wake') screens.wake(Math.floor(random() * screens.size));
    else {
      const pids = await this.#pids(nuisance === 'feed' ? FEED : SESSIONS);
      if (pids.length === 0) return;
      await this.#options.product
        .query('select pg_terminate_backend($1)', [pick(pids, random)])
        .catch(() => {});
    }
    tally.count('faults', nuisance);
  }

  /** Process ids; none while PostgreSQL does not answer. */
  async #pids(sql: string): Promise<number[]> {
    try {
      const { rows } = await this.#options.product.query<{ pid: number }>(sql);
      return rows.map(({ pid }) => pid);
    } catch {
      return [];
    }
  }

  #cutSome(): void {
    const { screens, random } = this.#options;
    const count = 1 + Math.floor(random() * screens.size);
    for (let n = 0; n < count; n += 1) {
      const place = Math.floor(random() * screens.size);
      this.#cut.get(place)?.();
      const restore = screens.cut(place);
      this.#cut.set(place, restore);
      setTimeout(() => {
        if (this.#cut.get(place) !== restore) return;
        restore();
        this.#cut.delete(place);
      }, CUT_MS * random());
    }
  }
}

/** Whether the process was there to be killed. */
function killProcess(pid: number): boolean {
  try {
    process.kill(pid, 'SIGKILL');
    return true;
  } catch {
    return false;
  }
}
