/**
 * The state of the line, for the indicator and the guards. It is told, never guessed: the registry reports
 * the channels, the socket its attempts, the browser its network, the syncs what they confirmed.
 */
import { useStore } from 'zustand';
import { createStore, type StoreApi } from 'zustand/vanilla';
import type { Connection } from '../../core/connection.ts';
import { systemClock, type Clock } from '../clock.ts';

/** `joined`: every channel is; `lost`: one was refused or fell; `joining`: the first join is under way. */
export type Line = 'joining' | 'joined' | 'lost';

export interface ConnectionState {
  connection: Connection;
  /** When the server last confirmed what the screen shows, Unix milliseconds; `null` before the first time. */
  confirmedAt: number | null;
}

/** After this long without a line, “reconnecting” would be a white lie. */
const OFFLINE_AFTER_MS = 10_000;

export interface ConnectionMonitor {
  store: StoreApi<ConnectionState>;
  lineIs: (line: Line) => void;
  /** The socket tries again in `ms` milliseconds. */
  retryIn: (ms: number) => void;
  /** The browser says whether there is a network at all. */
  networkIs: (up: boolean) => void;
  confirmed: () => void;
  /** Another person signs in on this page: nothing is confirmed for them yet. */
  reset: () => void;
}

/** Creates a monitor; the page has one, `connection`. */
export function createConnectionMonitor(clock: Clock): ConnectionMonitor {
  const store = createStore<ConnectionState>(() => ({
    connection: { status: 'connecting' },
    confirmedAt: null,
  }));
  let line: Line = 'joining';
  let network = true;
  let retryAt: number | null = null;
  let lostAt: number | null = null;

  function publish(): void {
    const isDown = line === 'lost' || !network;
    lostAt = isDown ? (lostAt ?? clock.now()) : null;
    const connection = current(isDown);
    if (!isSame(connection, store.getState().connection)) store.setState({ connection });
  }

  function current(isDown: boolean): Connection {
    if (!isDown) return { status: line === 'joined' ? 'live' : 'connecting' };
    const since = lostAt ?? clock.now();
    if (!network || clock.now() - since > OFFLINE_AFTER_MS) return { status: 'offline', since };
    return { status: 'reconnecting', retryAt };
  }

  return {
    store,
    lineIs: (next) => {
      line = next;
      if (next === 'joined') retryAt = null;
      publish();
    },
    retryIn: (ms) => {
      retryAt = clock.now() + ms;
      publish();
    },
    networkIs: (up) => {
      network = up;
      publish();
    },
    confirmed: () => store.setState({ confirmedAt: clock.now() }),
    reset: () => store.setState({ confirmedAt: null }),
  };
}

function isSame(a: Connection, b: Connection): boolean {
  if (a.status === 'reconnecting' && b.status === 'reconnecting') return a.retryAt === b.retryAt;
  if (a.status === 'offline' && b.status === 'offline') return a.since === b.since;
  return a.status === b.status;
}

/** The page's own line. */
export const connection = createConnectionMonitor(systemClock);

/** The state of the page's line; the component renders again when it changes. */
export function useConnection(): ConnectionState {
  return useStore(connection.store);
}
