/**
 * The screen of a signed-in member without its pixels: the official client under the app's own channels, delays and
 * catching up, put together as src/lib/supabase.ts and src/lib/realtime/watch.ts do.
 */
import { type PostgrestSingleResponse, type SupabaseClient, createClient } from '@supabase/supabase-js';
import type { QueryClient } from '@tanstack/react-query';
import type { Catalogue } from '../src/core/catalogue.ts';
import type { EntitlementSnapshot } from '../src/core/entitlements.ts';
import { newestSnapshot } from '../src/core/group-state.ts';
import { unwrap } from '../src/lib/apiError.ts';
import { createQueryClient } from '../src/lib/queryClient.ts';
import { systemClock } from '../src/lib/clock.ts';
import { reconnectDelay } from '../src/lib/realtime/backoff.ts';
import { createCatalogueSync } from '../src/lib/realtime/catalogueSync.ts';
import { createGroupSync } from '../src/lib/realtime/groupSync.ts';
import { createRegistry } from '../src/lib/realtime/registry.ts';
import { createRealtimePort } from '../src/lib/realtime/socket.ts';
import { monotonicMs } from './clock.ts';

/**
 * How a screen comes back: as the product does, or as the founding document has it, where every join and every message
 * invalidates what is shown and all of it is asked for again; then nothing is left to chance.
 */
export type Manner = 'product' | 'invalidate';

/** What the screens of a process have done since the log was begun. Instants are monotonic milliseconds. */
export interface ScreenLog {
  manner: Manner;
  /** Attempts to open a socket. */
  knocks: number[];
  /** Channels joined. */
  joins: number[];
  /** Requests by path. */
  requests: Map<string, number[]>;
  /** Requests that were not answered with what was asked for. */
  failures: number;
  inFlight: number;
}

export interface ScreenOptions {
  url: string;
  publishableKey: string;
  groupId: string;
  token: string;
}

const TIMEOUT_MS = 10_000;

export class Screen {
  readonly #log: ScreenLog;
  readonly #supabase: SupabaseClient;
  readonly #groupId: string;
  /** Tries a request again that failed, as often as the app does. */
  readonly #queries: QueryClient = createQueryClient();
  #snapshot: EntitlementSnapshot | undefined;
  #rev = -1;
  #onShown: ((rev: number) => void) | undefined;

  constructor({ url, publishableKey, groupId, token }: ScreenOptions, log: ScreenLog) {
    this.#log = log;
    this.#groupId = groupId;
    const clock = { ...systemClock, random: () => (log.manner === 'product' ? Math.random() : 0) };
    this.#supabase = createClient(url, publishableKey, {
      accessToken: () => Promise.resolve(token),
      db: { retry: false },
      global: { fetch: countedFetch(log) },
      realtime: {
        transport: countedSocket(log),
        reconnectAfterMs: (tries) => reconnectDelay(tries, clock.random),
      },
    });
    const registry = createRegistry(
      createRealtimePort(this.#supabase.realtime, {
        clock,
        answeredAt: () => 0,
        renewToken: () => Promise.resolve(),
        onRefused: () => undefined,
      }),
      clock,
      () => {},
    );
    const catalogue = createCatalogueSync(() => void this.#fetchCatalogue(), clock);
    const group = createGroupSync(
      {
        fetchSnapshot: async (signal) => {
          catalogue.onSnapshotAsked();
          const snapshot = await this.#fetchSnapshot(signal);
          void this.#matchCatalogue(snapshot.catalogue);
          return snapshot;
        },
        readSnapshot: () => this.#snapshot,
        writeSnapshot: (snapshot) => {
          this.#snapshot = newestSnapshot(this.#snapshot, snapshot);
          this.#show(this.#snapshot.rev);
        },
        readCatalogue: () => this.#queries.getQueryData<Catalogue>(['catalogue']),
        onConfirmed: () => {},
        onFetchFailed: () => (log.failures += 1),
        // The slow poll is no part of a storm.
        isVisible: () => false,
      },
      clock,
    );
    registry.acquire('catalogue', {
      onEvent: catalogue.onEvent,
      onJoined: () => {
        log.joins.push(monotonicMs());
        if (log.manner === 'product') catalogue.onJoined();
      },
    });
    registry.acquire(`group:${groupId}`, {
      ...group,
      onEvent: (event, payload) =>
        log.manner === 'product' ? group.onEvent(event, payload) : void this.#fetchAll(),
      onJoined: () => {
        log.joins.push(monotonicMs());
        if (log.manner === 'product') group.onJoined();
        else void this.#fetchAll();
      },
    });
    void this.#fetchCatalogue();
  }

  /** Resolves with the instant at which this revision of the group, or a later one, is on the screen. */
  shown(rev: number): Promise<number> {
    if (this.#rev >= rev) return Promise.resolve(monotonicMs());
    return new Promise((resolve) => {
      this.#onShown = (shown) => shown >= rev && resolve(monotonicMs());
    });
  }

  #show(rev: number): void {
    this.#rev = Math.max(this.#rev, rev);
    this.#onShown?.(this.#rev);
  }

  async #fetchSnapshot(signal: AbortSignal): Promise<EntitlementSnapshot> {
    const timeout = AbortSignal.timeout(TIMEOUT_MS);
    const call = this.#supabase.rpc('get_entitlements', { p_school_group_id: this.#groupId });
    return unwrap<EntitlementSnapshot>(await call.abortSignal(AbortSignal.any([signal, timeout])));
  }

  async #fetchCatalogue(): Promise<void> {
    await this.#ask('catalogue', () => this.#supabase.rpc('get_catalogue'));
  }

  async #matchCatalogue(version: string): Promise<void> {
    const held = this.#queries.getQueryData<Catalogue>(['catalogue']);
    if (held && held.version !== version) await this.#fetchCatalogue();
  }

  /** The queries that the founding document's hooks hold. */
  async #fetchAll(): Promise<void> {
    const [restrictions] = await Promise.all([
      this.#ask('restrictions', () =>
        this.#supabase.rpc('get_all_plan_restrictions', { p_school_group_id: this.#groupId }),
      ),
      this.#ask('subscriptions', () => this.#supabase.from('subscriptions').select()),
      this.#ask('modules', () => this.#supabase.from('plan_modules').select()),
      this.#ask('categories', () => this.#supabase.from('plan_categories').select()),
    ]);
    if (restrictions) this.#show((restrictions as { rev: number }).rev);
  }

  async #ask(name: string, call: () => PromiseLike<PostgrestSingleResponse<unknown>>): Promise<unknown> {
    const queryFn = async (): Promise<unknown> => {
      try {
        return unwrap(await call());
      } catch (error) {
        this.#log.failures += 1;
        throw error;
      }
    };
    return this.#queries.fetchQuery({ queryKey: [name], queryFn, staleTime: 0 }).catch(() => undefined);
  }
}

function countedFetch(log: ScreenLog): typeof fetch {
  return async (input, init) => {
    const { pathname } = new URL(input instanceof Request ? input.url : input);
    const instants = log.requests.get(pathname) ?? [];
    log.requests.set(pathname, instants);
    instants.push(monotonicMs());
    log.inFlight += 1;
    try {
      return await fetch(input, init);
    } finally {
      log.inFlight -= 1;
    }
  };
}

function countedSocket(log: ScreenLog): typeof WebSocket {
  return class extends WebSocket {
    constructor(...given: ConstructorParameters<typeof WebSocket>) {
      super(...given);
      log.knocks.push(monotonicMs());
    }
  };
}
