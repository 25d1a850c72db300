/**
 * The page's connection to Supabase: made once before the first render, from what the server tells.
 * Everything else asks `getSupabase()` and `getRegistry()`; tests hand in their own with `replaceBackend`.
 */
import { createClient, type SupabaseClient } from '@supabase/supabase-js';
import { systemClock } from './clock.ts';
import { reconnectDelay } from './realtime/backoff.ts';
import { connection } from './realtime/connection.ts';
import heartbeatWorkerUrl from './realtime/heartbeatWorker.js?url&no-inline';
import { createRegistry, type Registry } from './realtime/registry.ts';
import { createRealtimePort } from './realtime/socket.ts';
import { noteEnd } from './endNote.ts';
import { doubtSession, sessionGone } from './session.ts';
import { createRefresher, type Refresher } from './tokens/refresher.ts';
import { createTabLock } from './tokens/tabLock.ts';
import { createTokenStore } from './tokens/tokenStore.ts';

/** What `GET /config.json` answers. */
export interface AppConfig {
  /** Origin of the API. */
  url: string;
  publishableKey: string;
  /** Whether the demo accounts exist and may be offered at sign-in. */
  demo: boolean;
}

interface Backend {
  config: AppConfig;
  supabase: SupabaseClient;
  registry: Registry;
  refresher: Pick<Refresher, 'renewWhenDue' | 'renewNow'>;
}

let backend: Backend | null = null;

function createBackend(config: AppConfig): Backend {
  let answeredAt = 0;
  // The client's own name for it.
  const key = `sb-${new URL(config.url).hostname.split('.')[0]}-auth-token`;
  const tokens = createTokenStore(key, systemClock);
  const setAuth = () => supabase.realtime.setAuth();
  const refresher = createRefresher({
    ...config,
    store: tokens,
    lock: createTabLock('epilot.refresh', systemClock),
    clock: systemClock,
    fetch: (input, init) => fetch(input, init),
    onRenewed: () => void setAuth().catch(() => undefined),
    onEnded: (reason) => {
      noteEnd(reason);
      tokens.remove();
      sessionGone();
    },
  });
  const supabase = createClient(config.url, config.publishableKey, {
    global: { fetch: refresher.fetch },
    // TanStack Query tries again; both together would keep an error from the screen for half a minute.
    db: { retry: false },
    auth: {
      // Nobody is sent here with a session in the address: a link must not sign anybody in.
      detectSessionInUrl: false,
      storageKey: key,
      storage: tokens.forClient,
      autoRefreshToken: false,
    },
    realtime: {
      // Heartbeats from a worker keep the socket of a hidden tab alive.
      worker: 'Worker' in window,
      workerUrl: heartbeatWorkerUrl,
      heartbeatCallback: (status) => {
        if (status !== 'ok') return;
        answeredAt = systemClock.now();
        registry.heartbeat();
      },
      reconnectAfterMs: (tries) => {
        const ms = reconnectDelay(tries, systemClock.random);
        connection.retryIn(ms);
        return ms;
      },
    },
  });
  const port = createRealtimePort(supabase.realtime, {
    clock: systemClock,
    answeredAt: () => answeredAt,
    renewToken: refresher.renewWhenDue,
    onRefused: doubtSession,
  });
  const registry = createRegistry(port, systemClock, connection.lineIs);
  watchPage(registry);
  supabase.auth.onAuthStateChange(() => refresher.storedChanged());
  window.addEventListener('storage', (event) => {
    if (event.key !== key) return;
    refresher.storedChanged();
    if (event.newValue === null) sessionGone();
    else void setAuth().catch(() => undefined);
  });
  return { config, supabase, registry, refresher };
}

/** Sleep and dead networks are not announced by the socket: the page tells when it is seen again. */
function watchPage(registry: Registry): void {
  connection.networkIs(navigator.onLine);
  window.addEventListener('offline', () => connection.networkIs(false));
  window.addEventListener('online', () => {
    connection.networkIs(true);
    registry.wake();
  });
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') registry.wake();
  });
}

/**
 * Reads the configuration and makes the clients. Call once, before the first render.
 * @throws Error when the server does not tell its configuration.
 */
export async function startBackend(): Promise<AppConfig> {
  const response = await fetch(new URL('/config.json', location.href));
  if (!response.ok) throw new Error(`/config.json answered ${response.status}`);
  const config = (await response.json()) as AppConfig;
  backend = createBackend(config);
  return config;
}

/** Puts other clients in place of the page's own; for tests. */
export function replaceBackend(replacement: Backend): void {
  backend = replacement;
}

function getBackend(): Backend {
  if (!backend) throw new Error('No backend yet: await startBackend() before rendering.');
  return backend;
}

/** The Supabase client. @throws Error before `startBackend()`. */
export const getSupabase = (): SupabaseClient => getBackend().supabase;
/** The shared channels. @throws Error before `startBackend()`. */
export const getRegistry = (): Registry => getBackend().registry;
/** Renews the access token when it is due, see `Refresher`. @throws Error before `startBackend()`. */
export const renewWhenDue: Refresher['renewWhenDue'] = () => getBackend().refresher.renewWhenDue();
/** Renews the access token in any case, see `Refresher`. @throws Error before `startBackend()`. */
export const renewNow: Refresher['renewNow'] = () => getBackend().refresher.renewNow();
/** What the server told of itself. @throws Error before `startBackend()`. */
export const getConfig = (): AppConfig => getBackend().config;
