/** The client's socket as the registry needs it: tried again without delay, and doubted after a sleep. */
import type { RealtimeClient } from '@supabase/supabase-js';
import type { Clock } from '../clock.ts';
import type { RealtimePort } from './registry.ts';

/** An open socket that does not answer within this long after a wake is dead. */
const PROBE_MS = 3_000;

type Channel = ReturnType<RealtimeClient['channel']>;

interface RealtimePortOptions {
  clock: Clock;
  /** When the server last answered a heartbeat, Unix milliseconds. */
  answeredAt: () => number;
  /** Renews the access token when it is due. */
  renewToken: () => Promise<unknown>;
  /** The server refused a join, or closed a channel: the token or the rights behind it are not what they were. */
  onRefused: () => void;
}

/** Wraps a realtime client for the registry. */
export function createRealtimePort(
  realtime: RealtimeClient,
  { clock, answeredAt, renewToken, onRefused }: RealtimePortOptions,
): RealtimePort<Channel> {
  /** Sends a heartbeat; without an answer a second one makes the client give the socket up and try anew. */
  function probe(): void {
    const askedAt = clock.now();
    void realtime.sendHeartbeat();
    clock.after(PROBE_MS, () => {
      if (realtime.isConnected() && answeredAt() < askedAt) void realtime.sendHeartbeat();
    });
  }

  /** `connect()` does nothing while the client waits for its next attempt: bring that attempt forward. */
  function retryNow(): void {
    realtime.reconnectTimer.reset();
    realtime.reconnectTimer.scheduleTimeout();
  }

  return {
    setAuth: async () => {
      await renewToken();
      await realtime.setAuth();
    },
    refused: onRefused,
    channel: (topic, options) => realtime.channel(topic, options),
    removeChannel: (channel) => realtime.removeChannel(channel),
    revive: () => {
      if (realtime.getChannels().length === 0) return;
      if (realtime.isConnected()) probe();
      else if (!realtime.isConnecting()) retryNow();
    },
  };
}
