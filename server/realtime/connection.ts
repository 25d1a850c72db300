/** One socket: reads frames, keeps its channels, and writes within bounds. */
import type { Duplex } from 'node:stream';
import { WebSocket } from 'ws';
import type { Ask } from './asking.ts';
import { Channel } from './channel.ts';
import type { Context } from './context.ts';
import { encodeMessage } from './encode.ts';
import { privateOnly, RealtimeError } from './errors.ts';
import { decodeBinary, decodeText, isStorable, type ClientFrame, type Ref, type Version } from './frames.ts';
import { parseJoin } from './join.ts';
import { API_KEY_PREFIX, expired, type Session } from './sessions.ts';
import { Standing } from './standing.ts';
import type { Stranger, StrangerFault } from './strangers.ts';
import type { Guest } from './upgrade.ts';

const TOPIC_PREFIX = 'realtime:';
/** Longest name of a topic, with its prefix: a socket could otherwise keep 100 of five megabytes each. */
const TOPIC_MAX = 1_000;
/** The server is going away, or gives way to another: the client reconnects. */
export const CLOSE_RESTART = 1012;
const CLOSE_POLICY = 1008;
/** The socket's place is needed: the client may come back. */
export const CLOSE_TRY_LATER = 1013;
/** How long a socket that sends too much has to answer the close, milliseconds. */
const FAREWELL_MS = 1_000;
const FLOOD = 'Too many messages per second';
const UNEXPECTED = 'Unexpected error';

export class Connection implements Stranger {
  readonly context: Context;
  readonly version: Version;
  /** Bearer of the key that the socket was opened with. */
  readonly session: Session;
  readonly network: string;
  /** Those of its upgrade that policies may ask for, as JSON. */
  readonly headers: string;
  /** Bytes that channels have put off until the database answers. */
  deferredBytes = 0;
  readonly #ws: WebSocket;
  readonly #socket: Duplex;
  readonly #channels = new Map<string, Channel>();
  #lastSession: Session;
  readonly #standing: Standing;
  #lastSeen: number;
  /** Turn of the event loop in which this socket was written to last. */
  #turn = -1;
  /** Second that the two counters below belong to. */
  #second = 0;
  #joins = 0;
  #events = 0;

  /**
   * @param socket the TCP socket under `ws`: prepared frames are written to it directly. Safe because
   *   compression is off and nothing here fragments, so `ws` never holds a half-written message.
   */
  constructor(
    context: Context,
    ws: WebSocket,
    socket: Duplex,
    { version, session, network, headers }: Guest,
  ) {
    this.context = context;
    this.version = version;
    this.session = session;
    this.network = network;
    this.headers = headers;
    this.#ws = ws;
    this.#socket = socket;
    this.#lastSession = session;
    this.#lastSeen = context.now();
    this.#standing = new Standing(context, this);
  }

  get channelCount(): number {
    return this.#channels.size;
  }

  /**
   * Runs what a listener or a timer of this socket does. An exception that nobody foresaw closes this socket and does
   * not reach Node, where it would end the process.
   *
   * @param where label of the metric
   */
  guard(where: string, work: () => void): void {
    try {
      work();
    } catch (error) {
      this.broke(where, error);
    }
  }

  /** Counts and logs an exception that nobody foresaw, and closes the socket. Its client comes back and refetches. */
  broke(where: string, error: unknown): void {
    this.context.metrics.exceptions.inc({ where });
    this.context.log.error({ err: error, where }, 'closed a socket after an unexpected exception');
    this.#ws.close(CLOSE_POLICY, UNEXPECTED);
  }

  /** Takes one message from the client. Whatever it holds, the connection stays. */
  receive(data: Buffer, isBinary: boolean): void {
    // `ws` hands on what comes between our close and the client's.
    if (this.#ws.readyState !== WebSocket.OPEN) return;
    this.#lastSeen = this.context.now();
    this.#tick();
    const frame = isBinary
      ? this.version === '2.0.0' && decodeBinary(data)
      : decodeText(this.version, data.toString('utf8'));
    if (!frame) {
      this.context.metrics.badFrames.inc();
      this.context.log.debug({ bytes: data.length, isBinary }, 'ignored a malformed frame');
      if (this.#isFlooding()) this.#flood();
      return;
    }
    if (frame.event === 'phx_join') this.#join(frame, data.length);
    else if (frame.topic === 'phoenix') this.#beat(frame);
    else this.#route(frame);
  }

  /** Counts what arrives on the TCP connection, before it is a message. */
  arrived(bytes: number): void {
    if (!this.#standing.arrived(bytes)) this.#flood();
  }

  /** Sends a stranger away. */
  dismiss(reason: StrangerFault): void {
    this.context.metrics.refusals.inc({ reason });
    this.#ws.close(CLOSE_TRY_LATER, reason);
    // Who hoards sockets does not answer the close.
    this.#socket.end(() => this.#ws.terminate());
  }

  /** Answers a ping of the WebSocket protocol, within the same bounds as any message. */
  ping(data: Buffer): void {
    this.#lastSeen = this.context.now();
    this.#tick();
    if (this.#isFlooding()) return this.#flood();
    if (this.#keepsUp()) this.#ws.pong(data);
  }

  /** Closes the socket when it has been silent, and expels channels whose token ran out. */
  sweep(now: number): void {
    if (now - this.#lastSeen > this.context.limits.silenceMs) {
      this.context.metrics.silentCloses.inc();
      // A half-open connection would not answer a close handshake.
      this.#ws.terminate();
      return;
    }
    for (const channel of this.#channels.values()) channel.sweep(now);
  }

  /** Asks for the rights of bearers again that may have lost some. */
  doubt(concerns: (session: Session) => boolean): void {
    for (const channel of this.#channels.values()) channel.doubt(concerns);
  }

  /** Makes every channel fail, so that its client rejoins and refetches. */
  interrupt(): void {
    for (const channel of this.#channels.values()) {
      this.guard('interrupt', () => channel.handle({ type: 'interrupted' }));
    }
  }

  /** Called once, when the socket is gone. */
  released(): void {
    this.#standing.leave();
    // One channel that cannot be released must not leave the others behind in the hub.
    for (const channel of this.#channels.values()) {
      this.guard('close', () => channel.handle({ type: 'socket_gone' }));
    }
  }

  close(code: number, reason: string): void {
    this.#ws.close(code, reason);
  }

  terminate(): void {
    this.#ws.terminate();
  }

  /** A channel's end. A channel that was replaced must not remove its successor. */
  forget(topic: string, channel: Channel): void {
    if (this.#channels.get(topic) === channel) this.#channels.delete(topic);
  }

  /**
   * The bearer of an access token: the key's own when the token is an API key.
   * @throws RealtimeError when the token is not valid now
   */
  async sessionOf(token: string): Promise<Session> {
    const own = token.startsWith(API_KEY_PREFIX) || token === this.session.token;
    const known = own ? this.session : token === this.#lastSession.token ? this.#lastSession : null;
    if (known) {
      const now = this.context.now();
      if (known.expiresAt <= now) throw expired(known.expiresAt, now);
      this.#standing.identify(known);
      return known;
    }
    const session = await this.context.sessions.ofToken(token);
    this.#standing.identify(session);
    this.#lastSession = session;
    return session;
  }

  /** Asks the database in this bearer's turn, unless nobody wants the answer by then. */
  askFor(session: Session, isWanted: () => boolean): Ask {
    return this.#standing.askFor(session, isWanted);
  }

  reply(joinRef: Ref, ref: Ref, topic: string, status: 'ok' | 'error', response: object): void {
    this.send(joinRef, ref, topic, 'phx_reply', { status, response });
  }

  refuse(joinRef: Ref, ref: Ref, topic: string, error: RealtimeError): void {
    this.context.metrics.refusals.inc({ reason: error.code });
    this.context.log.info({ topic, reason: error.reason, err: error.cause }, 'join refused');
    this.reply(joinRef, ref, topic, 'error', { reason: error.reason });
  }

  send(joinRef: Ref, ref: Ref, topic: string, event: string, payload: object): void {
    this.write(encodeMessage(this.version, joinRef, ref, topic, event, payload));
  }

  /** Writes one prepared WebSocket frame, or closes the socket when too much waits unsent already. */
  write(frame: Buffer): void {
    if (this.#ws.readyState !== WebSocket.OPEN) return;
    if (!this.#keepsUp()) return;
    const turn = this.context.turns.current();
    if (this.#turn === turn) this.context.turns.hold(this.#socket);
    this.#turn = turn;
    this.#socket.write(frame);
  }

  /** Whether the socket reads what it is sent; if not, it is closed. */
  #keepsUp(): boolean {
    const backlog = this.#socket.writableLength;
    if (backlog <= this.context.limits.backlogBytes) return true;
    this.context.metrics.slowCloses.inc();
    this.context.log.warn({ backlog }, 'closed a socket that reads too slowly');
    // A close frame would wait behind the backlog: cut, and let the client come back.
    this.#ws.terminate();
    return false;
  }

  /** @param bytes of the whole message */
  #join(frame: ClientFrame, bytes: number): void {
    const { limits } = this.context;
    this.#joins += 1;
    if (this.#joins > limits.joinsPerSecondPerSocket) {
      const error = new RealtimeError('ClientJoinRateLimitReached', 'Too many joins per second');
      this.refuse(frame.joinRef, frame.ref, frame.topic, error);
      this.#ws.close(CLOSE_POLICY, error.code);
      return;
    }
    if (!this.#standing.mayJoin()) {
      const error = new RealtimeError('ClientJoinRateLimitReached', 'Too many joins per second');
      return this.refuse(frame.joinRef, frame.ref, frame.topic, error);
    }
    this.#channels.get(frame.topic)?.handle({ type: 'replaced' });
    try {
      if (bytes > limits.joinBytes) {
        throw new RealtimeError('InvalidJoinPayload', `A join has at most ${limits.joinBytes} bytes`);
      }
      if (!frame.topic.startsWith(TOPIC_PREFIX) || frame.topic.length === TOPIC_PREFIX.length) {
        throw new RealtimeError('TopicNameRequired', 'You must provide a topic name');
      }
      // PostgreSQL could not store it: it would be asked about another name, or cut off in the middle of the question.
      if (!isStorable(frame.topic)) {
        throw new RealtimeError('InvalidJoinPayload', 'A topic is text without NUL');
      }
      if (frame.topic.length > TOPIC_MAX) {
        throw new RealtimeError('InvalidJoinPayload', `A topic has at most ${TOPIC_MAX} characters`);
      }
      if (this.#channels.size >= limits.channelsPerSocket) {
        throw new RealtimeError('ChannelRateLimitReached', 'Too many channels');
      }
      const request = parseJoin(frame.payload);
      if (!request.private && !this.context.publicChannels) throw privateOnly();
      const kept = bytes - (request.accessToken?.length ?? 0);
      const all = [...this.#channels.values()].reduce((sum, channel) => sum + channel.keptBytes, kept);
      if (all > limits.joinBytesPerSocket) {
        throw new RealtimeError('ChannelRateLimitReached', 'The joins of this socket are too large together');
      }
      const topic = frame.topic.slice(TOPIC_PREFIX.length);
      this.#channels.set(frame.topic, new Channel(this, frame, topic, request, kept));
    } catch (error) {
      if (!(error instanceof RealtimeError)) throw error;
      this.refuse(frame.joinRef, frame.ref, frame.topic, error);
    }
  }

  #beat(frame: ClientFrame): void {
    if (this.#isFlooding()) return this.#flood();
    if (frame.event === 'heartbeat') this.reply(null, frame.ref, 'phoenix', 'ok', {});
  }

  #route(frame: ClientFrame): void {
    const channel = this.#channels.get(frame.topic);
    if (this.#isFlooding()) {
      return channel ? channel.handle({ type: 'flooded', message: FLOOD }) : this.#flood();
    }
    if (!channel) {
      // A client may leave what the server has closed already.
      if (frame.event === 'phx_leave') this.reply(frame.joinRef, frame.ref, frame.topic, 'ok', {});
      else {
        this.context.metrics.refusals.inc({ reason: 'UnmatchedTopic' });
        this.reply(frame.joinRef, frame.ref, frame.topic, 'error', { reason: 'unmatched topic' });
      }
      return;
    }
    // Late words to a channel that this one has replaced: its client was told of its end.
    if (!channel.isMeant(frame.joinRef)) return this.context.metrics.refusals.inc({ reason: 'StaleJoinRef' });
    if (frame.event === 'phx_leave') return channel.handle({ type: 'phx_leave', frame });
    if (frame.event === 'broadcast') return channel.handle({ type: 'broadcast', frame });
    if (frame.event === 'presence') return channel.handle({ type: 'presence', frame });
    if (frame.event !== 'access_token') return channel.handle({ type: 'other', frame });
    const token = frame.payload['access_token'];
    // A token as large as no join may be is none: it is refused by name.
    if (typeof token === 'string') {
      channel.handle({
        type: 'access_token',
        token: token.length > this.context.limits.joinBytes ? '' : token,
      });
    }
  }

  #flood(): void {
    this.context.metrics.refusals.inc({ reason: 'flooded' });
    this.#ws.close(CLOSE_POLICY, FLOOD);
    // What comes until the client has answered the close is kept by `ws`, up to a whole frame.
    setTimeout(() => this.#ws.terminate(), FAREWELL_MS).unref();
  }

  #isFlooding(): boolean {
    this.#events += 1;
    return this.#events > this.context.limits.eventsPerSecondPerSocket;
  }

  /** Starts the counters of a new second. */
  #tick(): void {
    const second = Math.floor(this.context.now() / 1000);
    if (second === this.#second) return;
    this.#second = second;
    this.#joins = 0;
    this.#events = 0;
  }
}
