/**
 * One channel per topic, shared by whoever listens, kept outside React (Strict Mode mounts twice).
 *
 *             acquire                    SUBSCRIBED
 *   (none) ───────────────► joining ───────────────────► joined
 *     ▲                      ▲   │ CHANNEL_ERROR            │ CHANNEL_ERROR, TIMED_OUT
 *     │ last release,        │   │ TIMED_OUT                ▼
 *     │ after a moment       │   └─────────────────────►  lost ──► the client rejoins by itself ─► joined
 *     └── any state          │ backoff, setAuth           │
 *                            └──────── CLOSED that nobody asked for (a token that expired in sleep)
 *
 * Correctness does not rest on delivery: each listener refetches on every `onJoined`.
 */
import type { Clock } from '../clock.ts';
import { reconnectDelay } from './backoff.ts';
import type { Line } from './connection.ts';

export type ChannelStatus = 'SUBSCRIBED' | 'TIMED_OUT' | 'CLOSED' | 'CHANNEL_ERROR';

export interface BroadcastChannel {
  on: (
    type: 'broadcast',
    filter: { event: string },
    callback: (message: { event: string; payload?: unknown }) => void,
  ) => unknown;
  subscribe: (callback: (status: ChannelStatus, error?: Error) => void) => unknown;
}

/** What the registry needs of `RealtimeClient`. */
export interface RealtimePort<Channel extends BroadcastChannel> {
  setAuth: () => Promise<void>;
  channel: (topic: string, options: { config: { private: boolean } }) => Channel;
  removeChannel: (channel: Channel) => Promise<unknown>;
  /** The server refused a join for its token or its rights, or closed a channel by itself. */
  refused: () => void;
  /** Tries at once instead of at the end of a delay; proves that an open socket still answers. */
  revive: () => void;
}

export interface TopicListener {
  onEvent: (event: string, payload: unknown) => void;
  /** The channel is joined, for the first time or again: whatever was sent before may be missing. */
  onJoined: () => void;
  onLost?: () => void;
  /** The socket answered while the channel was joined. */
  onHeartbeat?: () => void;
  /** The tab or the network came back. */
  onWake?: () => void;
}

export interface Registry {
  /** Listens to a private topic; the result stops listening. */
  acquire: (topic: string, listener: TopicListener) => () => void;
  /** Call when the tab becomes visible or the network returns. */
  wake: () => void;
  /** Call for each heartbeat that the server answered. */
  heartbeat: () => void;
}

interface Entry<Channel> {
  topic: string;
  listeners: Set<TopicListener>;
  line: Line;
  channel: Channel | null;
  /** Attempts since the channel was last joined. */
  tries: number;
  cancelRetry: (() => void) | null;
  /** Set while nobody listens any more. */
  cancelLeave: (() => void) | null;
}

/** Pages that swap and Strict Mode release and acquire in one breath: leaving waits a moment. */
const LINGER_MS = 1_000;

/** Reasons of the server that speak of the token or the rights behind it; see docs/REALTIME.md. */
const REFUSAL = /^(Unauthorized|InvalidJWTToken|MalformedJWT|JwtSignatureError)\b/;

/** Creates a registry over a realtime client; `onLine` hears the state of all channels together. */
export function createRegistry<Channel extends BroadcastChannel>(
  port: RealtimePort<Channel>,
  clock: Clock,
  onLine: (line: Line) => void,
): Registry {
  const entries = new Map<string, Entry<Channel>>();
  /** Channels on their way out: the client would hand the leaving one to a join of the same topic. */
  const leaving = new Map<string, Promise<unknown>>();

  const isCurrent = (entry: Entry<Channel>) => entries.get(entry.topic) === entry;

  function publish(): void {
    const lines = [...entries.values()].map((entry) => entry.line);
    if (lines.includes('lost')) onLine('lost');
    else onLine(lines.length > 0 && lines.every((line) => line === 'joined') ? 'joined' : 'joining');
  }

  async function open(entry: Entry<Channel>): Promise<void> {
    await leaving.get(entry.topic);
    // A token that cannot be refreshed now still lets the join be tried: the server then says why not.
    await port.setAuth().catch(() => undefined);
    if (!isCurrent(entry) || entry.channel) return;
    const channel = port.channel(entry.topic, { config: { private: true } });
    entry.channel = channel;
    channel.on('broadcast', { event: '*' }, ({ event, payload }) => {
      if (entry.channel === channel) for (const listener of entry.listeners) listener.onEvent(event, payload);
    });
    channel.subscribe((status, error) => {
      if (!isCurrent(entry) || entry.channel !== channel) return;
      onStatus(entry, status);
      if (status === 'CLOSED' || REFUSAL.test(error?.message ?? '')) port.refused();
    });
  }

  function onStatus(entry: Entry<Channel>, status: ChannelStatus): void {
    if (status === 'SUBSCRIBED') {
      entry.line = 'joined';
      entry.tries = 0;
      publish();
      for (const listener of entry.listeners) listener.onJoined();
      return;
    }
    entry.line = 'lost';
    publish();
    for (const listener of entry.listeners) listener.onLost?.();
    if (status === 'CLOSED') reopen(entry);
    // The client's own rejoin sends the token it holds: make that a fresh one.
    else port.setAuth().catch(() => undefined);
  }

  function reopen(entry: Entry<Channel>): void {
    entry.channel = null;
    entry.tries += 1;
    entry.cancelRetry = clock.after(reconnectDelay(entry.tries, clock.random), () => void open(entry));
  }

  function leave(entry: Entry<Channel>): void {
    entries.delete(entry.topic);
    entry.cancelRetry?.();
    publish();
    const { channel } = entry;
    if (!channel) return;
    const left = port.removeChannel(channel).catch(() => undefined);
    leaving.set(entry.topic, left);
    void left.then(() => {
      if (leaving.get(entry.topic) === left) leaving.delete(entry.topic);
    });
  }

  function acquire(topic: string, listener: TopicListener): () => void {
    let entry = entries.get(topic);
    if (!entry) {
      entry = {
        topic,
        listeners: new Set(),
        line: 'joining',
        channel: null,
        tries: 0,
        cancelRetry: null,
        cancelLeave: null,
      };
      entries.set(topic, entry);
      publish();
      void open(entry);
    }
    entry.cancelLeave?.();
    entry.cancelLeave = null;
    entry.listeners.add(listener);
    // Joined for another listener already: this one missed the call, and must read what was sent before it.
    if (entry.line === 'joined') listener.onJoined();
    const held = entry;
    return () => {
      if (!held.listeners.delete(listener) || held.listeners.size > 0) return;
      held.cancelLeave = clock.after(LINGER_MS, () => leave(held));
    };
  }

  return {
    acquire,
    wake: () => {
      void port.setAuth().catch(() => undefined);
      port.revive();
      for (const { listeners } of entries.values()) for (const listener of listeners) listener.onWake?.();
    },
    heartbeat: () => {
      for (const { line, listeners } of entries.values()) {
        if (line === 'joined') for (const listener of listeners) listener.onHeartbeat?.();
      }
    },
  };
}
