/**
 * A realtime client without a socket: the test says what the server does. The real client against the real
 * server is proven in `*.db.test.ts` and end to end; this one is for what a server can hardly be made to do.
 */
import type { BroadcastChannel, ChannelStatus, RealtimePort } from '../../src/lib/realtime/registry.ts';

export class MemoryChannel implements BroadcastChannel {
  readonly topic: string;
  isPrivate: boolean;
  private listener: ((message: { event: string; payload?: unknown }) => void) | null = null;
  private report: ((status: ChannelStatus, error?: Error) => void) | null = null;

  constructor(topic: string, isPrivate: boolean) {
    this.topic = topic;
    this.isPrivate = isPrivate;
  }

  on(_type: 'broadcast', _filter: { event: string }, callback: (message: { event: string }) => void) {
    this.listener = callback;
    return this;
  }

  subscribe(callback: (status: ChannelStatus, error?: Error) => void) {
    this.report = callback;
    return this;
  }

  /** The server says something on the topic. */
  send(event: string, payload: unknown): void {
    this.listener?.({ event, payload });
  }

  /** The server or the line changes the channel's state. */
  becomes(status: ChannelStatus, error?: Error): void {
    this.report?.(status, error);
  }
}

export interface MemoryRealtime extends RealtimePort<MemoryChannel> {
  /** Every channel ever made, oldest first. */
  channels: MemoryChannel[];
  /** Calls in order: `setAuth`, `channel group:…`, `remove group:…`, `refused`, `revive`. */
  calls: string[];
  /** The newest channel of a topic. @throws Error when there is none. */
  channelOf: (topic: string) => MemoryChannel;
  /** Holds back the answer to a leave until called. */
  holdRemovals: () => () => void;
}

export function createMemoryRealtime(): MemoryRealtime {
  const channels: MemoryChannel[] = [];
  const calls: string[] = [];
  let removal: Promise<void> = Promise.resolve();
  return {
    channels,
    calls,
    channelOf: (topic) => {
      const found = channels.findLast((channel) => channel.topic === topic);
      if (!found) throw new Error(`nobody joined ${topic}`);
      return found;
    },
    holdRemovals: () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      removal = promise;
      return resolve;
    },
    setAuth: () => {
      calls.push('setAuth');
      return Promise.resolve();
    },
    channel: (topic, options) => {
      calls.push(`channel ${topic}`);
      const channel = new MemoryChannel(topic, options.config.private);
      channels.push(channel);
      return channel;
    },
    removeChannel: (channel) => {
      calls.push(`remove ${channel.topic}`);
      return removal;
    },
    refused: () => {
      calls.push('refused');
    },
    revive: () => {
      calls.push('revive');
    },
  };
}
