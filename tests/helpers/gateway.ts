/** A gateway on a test database behind a bare HTTP server, and clients of both kinds: the official one and raw frames. */
import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { createClient, type RealtimeChannel, type SupabaseClient } from '@supabase/supabase-js';
import { SignJWT } from 'jose';
import { Registry } from 'prom-client';
import { WebSocket } from 'ws';
import { createRealtimeGateway } from '../../server/realtime/gateway.ts';
import type { Gateway, GatewayOptions } from '../../server/realtime/options.ts';
import type { TestDatabase } from './database.ts';

export type Version = '1.0.0' | '2.0.0';
export const VERSIONS: readonly Version[] = ['1.0.0', '2.0.0'];

export const PUBLISHABLE_KEY = 'sb_publishable_test';
export const SECRET_KEY = 'sb_secret_test';
const JWT_SECRET = 'a-secret-of-at-least-32-characters-for-tests';

export interface TestGateway {
  gateway: Gateway;
  /** Origin of the HTTP server. */
  url: string;
  metrics: Registry;
  /** Cuts every socket under its client's feet, without a word of the protocol. */
  cut(): void;
  /** Stops the gateway and its server and drops the slot. */
  stop(options?: { dropSlot?: boolean }): Promise<void>;
}

/** Starts a gateway on a database of `createTestDatabase`. */
export async function startTestGateway(
  database: Pick<TestDatabase, 'url'>,
  options: Partial<GatewayOptions> = {},
): Promise<TestGateway> {
  const metrics = new Registry();
  const gateway = await createRealtimeGateway({
    databaseUrl: database.url,
    jwtSecret: JWT_SECRET,
    publishableKeys: [PUBLISHABLE_KEY],
    secretKeys: [SECRET_KEY],
    metrics,
    publicChannels: true,
    ...options,
    limits: { feedRetryMs: 20, feedRetryMaxMs: 200, takeoverMs: 100, sweepMs: 50, ...options.limits },
  });
  const server = await serve(gateway);
  const sockets = new Set<Duplex>();
  server.on('upgrade', (_request, socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  return {
    gateway,
    metrics,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut() {
      for (const socket of sockets) socket.destroy();
    },
    async stop({ dropSlot = true } = {}) {
      await gateway.close({ dropSlot });
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function serve(gateway: Gateway): Promise<Server> {
  const server = createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const answer = await gateway.fetch(
        new Request(`http://${request.headers.host}${request.url}`, {
          method: request.method ?? 'GET',
          headers: request.headers as Record<string, string>,
          ...(chunks.length > 0 ? { body: Buffer.concat(chunks) } : {}),
        }),
      );
      response.writeHead(answer.status, Object.fromEntries(answer.headers));
      response.end(Buffer.from(await answer.arrayBuffer()));
    })();
  });
  server.on('upgrade', (request, socket, head) => gateway.handleUpgrade(request, socket, head));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

/** A token as the auth service would issue it; `expiresIn` is in seconds from now. */
export function signToken(
  claims: { sub?: string; role?: string; [claim: string]: unknown },
  { expiresIn = 3600, secret = JWT_SECRET }: { expiresIn?: number; secret?: string } = {},
): Promise<string> {
  const expiry = Math.floor(Date.now() / 1000) + expiresIn;
  return new SignJWT({ role: 'authenticated', jti: randomUUID(), ...claims, exp: expiry })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .sign(new TextEncoder().encode(secret));
}

/**
 * The unmodified official client.
 *
 * @param options `token` is what its `accessToken` callback answers, asked again at each call; it is in force when
 *   the promise resolves, because a join before that would go out with the key's rights
 */
export async function officialClient(
  url: string,
  {
    version,
    token,
    key = PUBLISHABLE_KEY,
  }: { version: Version; token?: () => Promise<string>; key?: string },
): Promise<SupabaseClient> {
  const client = createClient(url, key, {
    realtime: { vsn: version },
    ...(token ? { accessToken: token } : { auth: { persistSession: false, autoRefreshToken: false } }),
  });
  if (token) await client.realtime.setAuth();
  return client;
}

export interface Subscription {
  channel: RealtimeChannel;
  /** Every status the client told, oldest first, with its error's message. */
  statuses: Stream<{ status: string; error?: string }>;
  /** Every broadcast it received, oldest first. */
  messages: Stream<ReceivedBroadcast>;
}

export interface ReceivedBroadcast {
  event: string;
  payload: unknown;
  meta?: { id: string; replayed?: boolean };
}

/** Joins a topic with the official client and records what it tells. */
export function subscribe(
  client: SupabaseClient,
  topic: string,
  config: NonNullable<Parameters<SupabaseClient['channel']>[1]>['config'] = {},
): Subscription {
  const statuses = new Stream<{ status: string; error?: string }>();
  const messages = new Stream<ReceivedBroadcast>();
  const channel = client.channel(topic, { config });
  channel.on('broadcast', { event: '*' }, (message) => {
    messages.push(message as unknown as ReceivedBroadcast);
  });
  channel.subscribe((status, error) => statuses.push(error ? { status, error: error.message } : { status }));
  return { channel, statuses, messages };
}

/** Joins and waits until the server says yes. */
export async function joined(
  client: SupabaseClient,
  topic: string,
  config: Parameters<typeof subscribe>[2] = {},
): Promise<Subscription> {
  const subscription = subscribe(client, topic, config);
  await subscription.statuses.next(({ status }) => status === 'SUBSCRIBED');
  return subscription;
}

/** A queue of what happened, which a test awaits with a deadline instead of sleeping. */
export class Stream<Item> {
  readonly all: Item[] = [];
  #seen = 0;
  readonly #waiting = new Set<() => void>();

  push(item: Item): void {
    this.all.push(item);
    for (const wake of this.#waiting) wake();
  }

  /** The next item that nobody took yet and that fits; items before it are passed over. */
  next(fits: (item: Item) => boolean = () => true, deadlineMs = 10_000): Promise<Item> {
    return new Promise((resolve, reject) => {
      const look = (): boolean => {
        while (this.#seen < this.all.length) {
          const item = this.all[this.#seen++] as Item;
          if (!fits(item)) continue;
          clearTimeout(timer);
          this.#waiting.delete(look);
          resolve(item);
          return true;
        }
        return false;
      };
      const timer = setTimeout(() => {
        this.#waiting.delete(look);
        reject(
          new Error(`Nothing that fits came within ${deadlineMs} ms; came: ${JSON.stringify(this.all)}`),
        );
      }, deadlineMs);
      if (!look()) this.#waiting.add(look);
    });
  }
}

export type Ref = string | number | null;

export interface Frame {
  joinRef: Ref;
  ref: Ref;
  topic: string;
  event: string;
  payload: { status?: string; response?: { reason?: string }; [key: string]: unknown };
}

/** A client that speaks in frames, for what the official one cannot produce. */
export class RawClient {
  readonly frames = new Stream<Frame>();
  readonly binary = new Stream<Buffer>();
  /** Resolves with the code when the socket closes. */
  readonly closed: Promise<number>;
  readonly socket: WebSocket;
  readonly #version: Version;

  private constructor(socket: WebSocket, version: Version) {
    this.socket = socket;
    this.#version = version;
    this.closed = new Promise((resolve) => socket.on('close', resolve));
    socket.on('error', () => {});
    socket.on('message', (data: Buffer, isBinary) => {
      if (isBinary) return this.binary.push(data);
      this.frames.push(this.#decode(data.toString()));
    });
  }

  /** @param options `vsn` as the query has it, when it is not the serializer's own name */
  static async open(
    url: string,
    key = PUBLISHABLE_KEY,
    {
      version = '2.0.0',
      vsn = version,
      headers = {},
    }: { version?: Version; vsn?: string; headers?: Record<string, string> } = {},
  ): Promise<RawClient> {
    const socket = new WebSocket(
      `${url.replace('http', 'ws')}/realtime/v1/websocket?apikey=${key}&vsn=${vsn}`,
      { headers },
    );
    const client = new RawClient(socket, version);
    await new Promise((resolve, reject) => {
      socket.once('open', resolve);
      socket.once('error', reject);
    });
    return client;
  }

  send(joinRef: Ref, ref: Ref, topic: string, event: string, payload: object = {}): void {
    this.socket.send(
      JSON.stringify(
        this.#version === '2.0.0'
          ? [joinRef, ref, topic, event, payload]
          : { join_ref: joinRef, ref, topic, event, payload },
      ),
    );
  }

  /** Joins and returns the reply's payload. */
  async join(topic: string, payload: object = {}, ref: Ref = '1'): Promise<Frame['payload']> {
    this.send(ref, ref, topic, 'phx_join', payload);
    return (await this.frames.next((frame) => frame.event === 'phx_reply' && frame.ref === ref)).payload;
  }

  /** Waits until the server has answered all that was sent before. */
  async settled(): Promise<void> {
    const ref = `settled ${this.frames.all.length}`;
    this.send(null, ref, 'phoenix', 'heartbeat');
    await this.frames.next((frame) => frame.ref === ref);
  }

  #decode(text: string): Frame {
    if (this.#version === '2.0.0') {
      const [joinRef, ref, topic, event, payload] = JSON.parse(text) as [
        Ref,
        Ref,
        string,
        string,
        Frame['payload'],
      ];
      return { joinRef, ref, topic, event, payload };
    }
    const { join_ref: joinRef, ...rest } = JSON.parse(text) as Omit<Frame, 'joinRef'> & { join_ref: Ref };
    return { joinRef, ...rest };
  }
}

/** Awaits a promise with a deadline; `what` names it when it is missed. */
export async function within<Value>(
  promise: Promise<Value>,
  what: string,
  deadlineMs = 10_000,
): Promise<Value> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new Error(`${what} did not happen within ${deadlineMs} ms`)),
    deadlineMs,
  );
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
