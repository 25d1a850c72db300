/** One channel of one socket: carries out what the table in channel-states.ts decides. */
import type { Ask } from './asking.ts';
import type { ReadRights } from './authorization.ts';
import type { Subscriber } from './changes/subscriber.ts';
import { TRANSITIONS, type Actions, type ChannelEvent, type State } from './channel-states.ts';
import type { Connection } from './connection.ts';
import { Deferred } from './deferred.ts';
import { grant, judgeFailure, judgeGrant, NO_RIGHTS } from './granting.ts';
import { asRealtimeError, RealtimeError } from './errors.ts';
import type { ClientFrame, Ref, Version } from './frames.ts';
import type { Member, Origin, StreamName } from './hub.ts';
import type { JoinRequest } from './join.ts';
import { extensionOf, presenceEventOf, Pushes } from './pushes.ts';
import { encodePast, NO_PAST, replay, Seam, type Past } from './replay.ts';
import type { Grant } from './resumption.ts';
import { API_KEY_PREFIX, expired, type Session } from './sessions.ts';
import { Watching } from './watching.ts';

export class Channel implements Actions, Member {
  readonly stream: StreamName;
  /** What is kept of its join, bytes. */
  readonly keptBytes: number;
  readonly #connection: Connection;
  /** As on the wire, with its prefix. */
  readonly #topic: string;
  readonly #joinRef: Ref;
  readonly #joinMessageRef: Ref;
  readonly #request: Omit<JoinRequest, 'accessToken'>;
  #state: State = 'joining';
  #session: Session;
  #rights: ReadRights = NO_RIGHTS;
  readonly #deferred: Deferred;
  /** Until the join is answered, and longer where the past was replayed. */
  #seam: Seam | null;
  readonly #changes: Subscriber | null;
  readonly #pushes: Pushes;
  readonly #watching: Watching;

  /** @param frame the `phx_join`; the answer to it is sent when the bearer's rights are known */
  constructor(
    connection: Connection,
    frame: ClientFrame,
    topic: string,
    request: JoinRequest,
    keptBytes: number,
  ) {
    this.#connection = connection;
    this.#topic = frame.topic;
    this.#joinRef = frame.joinRef;
    this.#joinMessageRef = frame.ref;
    const { accessToken, ...rest } = request;
    this.#request = rest;
    this.#watching = new Watching(request.presence);
    this.keptBytes = keptBytes;
    this.#deferred = new Deferred(connection);
    this.#session = connection.session;
    this.stream = { topic, private: request.private };
    this.#seam = new Seam(connection.context.limits.backlogBytes);
    this.#pushes = new Pushes(connection.context, this.stream, this, request, (push, status, response) =>
      connection.reply(this.#joinRef, push.ref, this.#topic, status, response),
    );
    this.#changes = request.changes.length > 0 ? this.#subscriber() : null;
    this.#settle(
      'join',
      this.#enter(accessToken ?? connection.session.token).then(
        (granted) => this.handle({ type: 'join_allowed', ...granted }),
        (error: unknown) => this.handle({ type: 'join_refused', error: asRealtimeError(error) }),
      ),
    );
  }

  get version(): Version {
    return this.#connection.version;
  }

  /** Whether a push names this join of the topic, or none, as older clients do. */
  isMeant(joinRef: Ref): boolean {
    return joinRef === null || this.#joinRef === null || String(joinRef) === String(this.#joinRef);
  }

  /** Lets one event happen. */
  handle(event: ChannelEvent): void {
    const { to, act } = TRANSITIONS[this.#state][event.type];
    this.#state = to;
    // The table's type has paired each event with an action that takes it.
    (this[act] as (event: ChannelEvent) => void)(event);
  }

  /** Asks for the bearer's rights again, if it is one that may have lost some. */
  doubt(concerns: (session: Session) => boolean): void {
    if (concerns(this.#session)) this.handle({ type: 'rights_doubted' });
  }

  /** Expels the channel when its token has run out. */
  sweep(now: number): void {
    if (this.#session.expiresAt <= now) {
      this.handle({ type: 'expired', message: expired(this.#session.expiresAt, now).message });
    }
  }

  deliver(frame: Buffer, origin?: Origin): void {
    if (this.#seam && !this.#seam.admits(frame, origin)) return;
    if (this.#changes) this.#changes.deliver(frame);
    else this.#connection.write(frame);
  }

  broke(where: string, error: unknown): void {
    this.#connection.broke(where, error);
  }

  admit(event: ChannelEvent<'join_allowed'>): void {
    this.#grant(event.session, event.rights);
    const { metrics } = this.#connection.context;
    metrics.joins.inc();
    metrics.channels.inc();
    this.#connection.reply(this.#joinRef, this.#joinMessageRef, this.#topic, 'ok', {
      postgres_changes: this.#changes?.reply ?? [],
    });
    this.#tellPast(event.past);
    this.#tellPresence();
    this.#changes?.admit(event.session);
    if (this.#request.replicationReady) this.#tellReplication();
    this.#drain();
  }

  refuse(event: ChannelEvent<'join_refused'>): void {
    this.#connection.refuse(this.#joinRef, this.#joinMessageRef, this.#topic, event.error);
    this.release();
  }

  defer(event: ChannelEvent<'broadcast' | 'presence' | 'access_token' | 'rights_doubted' | 'other'>): void {
    if (!this.#deferred.put(event)) {
      this.handle({ type: 'flooded', message: 'Too many messages per second' });
    }
  }

  publish({ frame }: ChannelEvent<'broadcast'>): void {
    const allowed = this.#pushes.allowed(frame);
    if (allowed === undefined) this.handle({ type: 'write_unknown', frame });
    else this.#pushes.broadcast(frame, allowed);
  }

  track({ frame }: ChannelEvent<'presence'>): void {
    const event = presenceEventOf(frame).toLowerCase();
    if (event === 'untrack') return this.#pushes.untrack(frame);
    if (event !== 'track') return this.decline({ type: 'other', frame });
    const allowed = this.#pushes.allowed(frame);
    if (allowed === undefined) this.handle({ type: 'write_unknown', frame });
    else {
      this.#pushes.track(frame, allowed, () => {
        this.#watching.want();
        this.#tellPresence();
      });
    }
  }

  askWrite({ frame }: ChannelEvent<'write_unknown'>): void {
    const applicant = { session: this.#session, headers: this.#connection.headers };
    const asked = this.#pushes.ask(this.#ask(this.#session), applicant, frame);
    this.#settle(
      'write',
      asked.then((allowed) => this.handle({ type: 'write_known', allowed, frame })),
    );
  }

  settleWrite({ allowed, frame }: ChannelEvent<'write_known'>): void {
    if (allowed === null) this.#pushes.unanswered(frame);
    else this.handle({ type: extensionOf(frame), frame });
    this.#drain();
  }

  verify({ token }: ChannelEvent<'access_token'>): void {
    if (token.startsWith(API_KEY_PREFIX) || token === this.#session.token) {
      return this.handle({ type: 'rights_kept', session: this.#session, rights: this.#rights });
    }
    this.#askAgain(token);
  }

  recheck(): void {
    this.#pushes.forget();
    this.#askAgain(this.#session.token);
  }

  #askAgain(token: string): void {
    const decided = this.#authorize(token).then(
      (granted) => this.handle(judgeGrant(this.#rights, granted, this.stream.topic)),
      (error: unknown) => this.handle(judgeFailure(error)),
    );
    this.#settle('token', decided);
  }

  renew({ session, rights }: ChannelEvent<'rights_kept'>): void {
    if (session !== this.#session) {
      this.#connection.context.hub.leave(this.stream, this);
      this.#grant(session, rights);
      this.#pushes.forget();
      this.#tellPresence();
      this.#changes?.renew(session);
    }
    this.#drain();
  }

  expel({ type, message }: ChannelEvent<'rights_lost' | 'expired' | 'flooded' | 'feed_away'>): void {
    this.#connection.context.metrics.refusals.inc({ reason: type });
    this.#notify('system', 'error', message);
    this.#close('phx_close');
  }

  decline({ frame }: ChannelEvent<'other'>): void {
    const event = frame.event === 'presence' ? `presence ${presenceEventOf(frame)}` : frame.event;
    const reason = `UnknownEvent: ${event} is not an event of this protocol`;
    this.#connection.context.metrics.refusals.inc({ reason: 'UnknownEvent' });
    this.#connection.reply(this.#joinRef, frame.ref, this.#topic, 'error', { reason });
  }

  leave({ frame }: ChannelEvent<'phx_leave'>): void {
    this.#connection.reply(frame.joinRef, frame.ref, this.#topic, 'ok', {});
    this.#close('phx_close');
  }

  giveWay(): void {
    this.#close('phx_close');
  }

  fail(): void {
    this.#close('phx_error');
  }

  part(): void {
    const { context, headers } = this.#connection;
    context.resumption.keep(this.stream, { session: this.#session, rights: this.#rights }, headers);
    this.release();
  }

  release(): void {
    const { hub, metrics, presence } = this.#connection.context;
    hub.leave(this.stream, this);
    presence.leave(this.stream, this);
    this.#changes?.close();
    if (this.#admitted) metrics.channels.dec();
    this.#deferred.take();
    this.#connection.forget(this.#topic, this);
  }

  ignore(): void {}

  /** Danger: what a callback of a promise throws would end the process. */
  #settle(where: string, done: Promise<void>): void {
    done.catch((error: unknown) => this.broke(where, error));
  }

  /** Whether the join was granted: such channels are counted. */
  get #admitted(): boolean {
    return this.#rights.broadcast || this.#rights.presence;
  }

  #notify(extension: 'system' | 'postgres_changes', status: 'ok' | 'error', message: string): void {
    const notice = { extension, status, message, channel: this.stream.topic };
    this.#connection.send(this.#joinRef, null, this.#topic, 'system', notice);
  }

  #subscriber(): Subscriber {
    return this.#connection.context.changes.subscriber(this.#request.changes, {
      version: this.version,
      topic: this.#topic,
      write: (frame) => this.#connection.write(frame),
      system: (status, message) => this.#notify('postgres_changes', status, message),
      interrupt: () => this.handle({ type: 'interrupted' }),
      broke: (error) => this.broke('changes', error),
    });
  }

  #tellReplication(): void {
    const told = this.#connection.context.feedReady().then((ready) => {
      if (this.#state === 'closed') return;
      if (ready) this.#notify('system', 'ok', 'Replication connection established');
      else this.handle({ type: 'feed_away', message: 'Replication connection was not established in time' });
    });
    this.#settle('replication', told);
  }

  #close(event: 'phx_close' | 'phx_error'): void {
    this.release();
    // The client drops a close whose `ref` is not its join reference.
    this.#connection.send(this.#joinRef, this.#joinRef, this.#topic, event, {});
  }

  #grant(session: Session, rights: ReadRights): void {
    this.#session = session;
    this.#rights = rights;
    if (rights.broadcast) this.#connection.context.hub.join(this.stream, this);
  }

  #tellPast(past: Past): void {
    if (!this.#seam) return;
    const held = this.#seam.close(past.horizon);
    if (past.horizon === null) this.#seam = null;
    const frames = [...encodePast(this.version, this.#topic, past), ...held];
    for (const frame of frames) this.#connection.write(frame);
  }

  /** Tells who is here, once; the differences follow. */
  #tellPresence(): void {
    if (!this.#watching.begins(this.#rights)) return;
    const state = this.#connection.context.presence.watch(this.stream, this);
    this.#connection.send(this.#joinRef, null, this.#topic, 'presence_state', state);
  }

  #drain(): void {
    for (const event of this.#deferred.take()) this.handle(event);
  }

  /**
   * The bearer's rights, and the past that was asked for. From before that question on, live messages are held; what
   * was told before them can be seen by whoever asks after the answer.
   */
  async #enter(token: string): Promise<{ session: Session; rights: ReadRights; past: Past }> {
    const { hub, resumption, settling, stored } = this.#connection.context;
    const granted = await this.#authorize(
      token,
      resumption.take(this.stream, token, this.#connection.headers),
    );
    const { changesWaitMs } = this.#request;
    if (changesWaitMs !== null) await this.#changes?.prepare(granted.session, changesWaitMs);
    // The channel may have been left meanwhile.
    if (!granted.rights.broadcast || this.#state !== 'joining') return { ...granted, past: NO_PAST };
    if (this.stream.private && hub.count(this.stream) >= this.#connection.context.limits.membersPerTopic) {
      throw new RealtimeError('ConnectionRateLimitReached', 'Too many members of this channel');
    }
    hub.join(this.stream, this);
    await settling.settled();
    const wanted = this.#request.replay;
    const past = wanted
      ? await replay(this.#ask(granted.session), stored, this.stream.topic, wanted)
      : NO_PAST;
    if (!this.#seam?.burst) return { ...granted, past };
    throw new RealtimeError('UnableToReplayMessages', 'Too many messages came while the channel was joined');
  }

  #ask(session: Session): Ask {
    return this.#connection.askFor(session, () => this.#state !== 'closed');
  }

  #authorize(token: string, kept: Grant | null = null): Promise<Grant> {
    return grant(this.#connection, this.stream, token, kept, (session) => this.#ask(session));
  }
}
