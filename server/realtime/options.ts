import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Registry } from 'prom-client';
import type { Doubt } from './doubts.ts';

/** What a verified token says about its bearer. Policies read it as `request.jwt.claims`. */
export interface Claims {
  /** Database role that acts for the bearer. */
  role: string;
  /** Expiry, seconds since 1970. Absent only for API keys, which do not expire. */
  exp?: number;
  sub?: string;
  [claim: string]: unknown;
}

/** The part of a pino logger that the gateway uses. */
export type Logger = Record<'debug' | 'info' | 'warn' | 'error', (fields: object, message: string) => void>;

/** Bounds on what one client, or all of them, may ask for. */
export interface Limits {
  /** Open sockets; the next one is refused with 429. */
  connections: number;
  /** What is kept of a socket's `x-` headers for policies, bytes of JSON; a request with more is refused with 431. */
  headerBytes: number;
  channelsPerSocket: number;
  joinsPerSecondPerSocket: number;
  /** Largest `phx_join`, bytes; a larger one is refused. */
  joinBytes: number;
  /** What the joins of one socket's channels may hold together besides their tokens, bytes: it is kept as long as they are open. */
  joinBytesPerSocket: number;
  /**
   * Sockets without an accepted access token, in all and of one network; at the bound the oldest is closed in favour of
   * the newcomer. Where public channels are served, the newcomer is refused with 429 instead, and only by network.
   */
  strangers: number;
  strangersPerNetwork: number;
  /** A socket that has shown no valid access token for so long is closed, milliseconds; not where public channels are served. */
  strangerMs: number;
  /**
   * While there are more strangers than `calmStrangers`, the same after `crowdedStrangerMs`. Those whose time is over are
   * closed `strangersPerSweep` at a time every `strangerSweepMs`: sockets cost most when they end, and a crowd that
   * ends all at once would keep everybody waiting.
   */
  calmStrangers: number;
  crowdedStrangerMs: number;
  strangersPerSweep: number;
  strangerSweepMs: number;
  /**
   * What a socket may send before it has shown a valid access token, bytes, and what all of them together may have sent;
   * beyond the latter the oldest is closed. Not where public channels are served.
   */
  strangerBytes: number;
  strangersBytes: number;
  /** Bytes a second of the sockets of one network without an access token, where public channels are served. */
  bytesPerSecondPerNetwork: number;
  /** Joins a second of the sockets of one network without an accepted access token. */
  joinsPerSecondPerNetwork: number;
  /** Sockets on which one account's access token is in force; the join on the next one is refused. */
  socketsPerAccount: number;
  /** Over all sockets of one account. */
  joinsPerSecondPerAccount: number;
  /** Bytes a second that one account may send, over all of its sockets and over HTTP. */
  bytesPerSecondPerAccount: number;
  /** Channels joined to one private topic: a token does not say which group its bearer belongs to, a group's topic does. */
  membersPerTopic: number;
  eventsPerSecondPerSocket: number;
  /** Messages over HTTP, of one bearer. */
  restMessagesPerSecond: number;
  /**
   * Largest frame a client may send, bytes; a larger one closes the socket. The same bounds a batch over HTTP and what
   * one channel may push while the database is asked for its rights.
   */
  frameBytes: number;
  /** Largest payload of a broadcast, bytes. */
  payloadBytes: number;
  /** Largest state that one channel may track, bytes of JSON with its key. */
  presenceBytes: number;
  /**
   * Largest presence of one topic, bytes of JSON. Danger: whoever joins is sent all of it at once, so it must stay
   * well below `backlogBytes`.
   */
  presenceTopicBytes: number;
  /** Changes of a topic's presence are told at most so often, milliseconds; those in between go out together. */
  presenceTickMs: number;
  /** A socket that sent nothing for so long is closed, milliseconds. */
  silenceMs: number;
  /** How often silence and token expiry are looked at, milliseconds. */
  sweepMs: number;
  /** Unsent bytes of one socket beyond which it is closed as too slow; it then reconnects and refetches. */
  backlogBytes: number;
  /** Authorisation questions in flight at once: one database connection each. */
  probes: number;
  /** Authorisation questions of one bearer that may wait for their turn. */
  waitingPerBearer: number;
  /** Longest time the policies of one question may take, milliseconds. */
  probeTimeoutMs: number;
  /**
   * How long a channel whose socket broke keeps its rights, milliseconds: who comes back within it with the same token is
   * not asked about again. 0: always ask.
   */
  resumeMs: number;
  /** Database connections that tell changes of rows: checks of rights in flight at once. */
  changeProbes: number;
  /** Longest time of one such check, milliseconds: a policy or a filter that takes longer has failed. */
  changeProbeTimeoutMs: number;
  /** Changed rows that may wait to be told, bytes; beyond it whoever is behind must rejoin and refetch. */
  changesBacklogBytes: number;
  /** Bindings of `postgres_changes` of one channel. */
  changesPerChannel: number;
  /** Pause before a subscription that the database did not answer is tried again, milliseconds. */
  changesRetryMs: number;
  /** How often the tables of the publication are looked at while somebody waits for changes, milliseconds. */
  publicationPollMs: number;
  /** How long a channel that asked for `replication_ready` waits for the feed, milliseconds. */
  replicationReadyMs: number;
  /** First pause before the feed reconnects, milliseconds; it doubles up to `feedRetryMaxMs`. */
  feedRetryMs: number;
  feedRetryMaxMs: number;
  /** How long a delivered message may wait for others that are stored with it, milliseconds. */
  storeDelayMs: number;
  /** So much is stored at once, bytes. */
  storeBatchBytes: number;
  /** What may wait to be stored, bytes; beyond it the feed reads the log again once this is stored. */
  storeBacklogBytes: number;
  /** Longest time of one batch, milliseconds. */
  storeTimeoutMs: number;
  /** How often a silent feed is asked for a sign of life, milliseconds; after three without one it reconnects. */
  feedPingMs: number;
  /** How long a start waits for another holder of the slot to let go before it ends that holder, milliseconds. */
  takeoverMs: number;
}

export const DEFAULT_LIMITS: Readonly<Limits> = {
  connections: 20_000,
  headerBytes: 4_096,
  channelsPerSocket: 100,
  joinsPerSecondPerSocket: 200,
  joinBytes: 65_536,
  joinBytesPerSocket: 262_144,
  strangers: 8_000,
  strangersPerNetwork: 2_000,
  strangerMs: 10_000,
  calmStrangers: 100,
  crowdedStrangerMs: 2_000,
  strangersPerSweep: 4,
  strangerSweepMs: 20,
  strangerBytes: 262_144,
  strangersBytes: 67_108_864,
  bytesPerSecondPerNetwork: 50_000_000,
  joinsPerSecondPerNetwork: 5_000,
  socketsPerAccount: 200,
  joinsPerSecondPerAccount: 2_000,
  bytesPerSecondPerAccount: 10_000_000,
  membersPerTopic: 10_000,
  eventsPerSecondPerSocket: 1_000,
  restMessagesPerSecond: 1_000,
  frameBytes: 5_000_000,
  payloadBytes: 3_000_000,
  presenceBytes: 16_384,
  presenceTopicBytes: 524_288,
  presenceTickMs: 50,
  silenceMs: 60_000,
  sweepMs: 1_000,
  backlogBytes: 1_048_576,
  probes: 4,
  waitingPerBearer: 2_000,
  probeTimeoutMs: 5_000,
  resumeMs: 10_000,
  changeProbes: 2,
  changeProbeTimeoutMs: 2_000,
  changesBacklogBytes: 67_108_864,
  changesPerChannel: 100,
  changesRetryMs: 5_000,
  publicationPollMs: 5_000,
  replicationReadyMs: 10_000,
  feedRetryMs: 100,
  feedRetryMaxMs: 1_000,
  storeDelayMs: 50,
  storeBatchBytes: 1_048_576,
  storeBacklogBytes: 16_777_216,
  storeTimeoutMs: 5_000,
  feedPingMs: 10_000,
  takeoverMs: 1_000,
};

export interface GatewayOptions {
  /** A role that may replicate, is a member of the API roles and of supabase_realtime_admin. */
  databaseUrl: string;
  /** Secret of HS256 tokens. One of `jwtSecret` and `verifyToken` is required. */
  jwtSecret?: string;
  /** Verifies a token in another way; throws a RealtimeError, or anything for a bad signature. */
  verifyToken?: (token: string) => Promise<Claims>;
  /** Keys that act as `anon`. */
  publishableKeys: readonly string[];
  /** Keys that act as `service_role`. */
  secretKeys: readonly string[];
  logger?: Logger;
  /** Where the gateway registers its metrics; its own registry when absent. */
  metrics?: Registry;
  limits?: Partial<Limits>;
  /**
   * Whether public channels are served, and joins of bearers who are nobody (`anon`). They carry messages for whoever has
   * the publishable key, which everybody has. Off when absent.
   */
  publicChannels?: boolean;
  /**
   * Where a connection comes from, such as the client's address behind the proxies that you trust; who is not signed in is
   * bounded by it. The address of the TCP connection when absent.
   */
  networkOf?: (request: IncomingMessage) => string;
  /** Replication slot; derived from the database's oid when absent, since slots are named cluster-wide. */
  slotName?: string;
}

/** Where the database feed stands; see docs/REALTIME.md. */
export type FeedStatus = 'starting' | 'streaming' | 'reconnecting' | 'superseded' | 'stopped';

export interface Health {
  status: 'ok' | 'degraded';
  feed: FeedStatus;
  slot: string;
  connections: number;
  channels: number;
}

export interface Gateway {
  /** Answers an HTTP upgrade to `/realtime/v1/websocket`: a socket, or an HTTP refusal with a JSON body. */
  readonly handleUpgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
  /** Answers `/realtime/v1/api/*`. */
  readonly fetch: (request: Request) => Promise<Response>;
  /**
   * Asks the policies again for the channels of a bearer that may have lost rights; those that it lost close. Without
   * it, a channel keeps its rights until its token ends.
   */
  recheck(doubt: Doubt): void;
  /** Whether more than `calmStrangers` sockets are open that have not shown a token: then others should come in slowly. */
  isCrowded(): boolean;
  health(): Health;
  /**
   * Closes every socket so that clients reconnect elsewhere, then the feed. The slot stays, and with it every
   * message committed meanwhile, unless `dropSlot` is set.
   */
  close(options?: { dropSlot?: boolean }): Promise<void>;
}

export const SILENT_LOGGER: Logger = { debug() {}, info() {}, warn() {}, error() {} };
