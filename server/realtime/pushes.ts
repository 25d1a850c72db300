/** What a client pushes into its channel: whether it may, and what becomes of it. */
import { randomUUID } from 'node:crypto';
import type { Ask } from './asking.ts';
import type { Applicant, Extension } from './authorization.ts';
import type { Context } from './context.ts';
import type { Broadcast } from './encode.ts';
import { NOT_PERSISTED } from './errors.ts';
import { isRecord, type ClientFrame } from './frames.ts';
import type { Member, StreamName } from './hub.ts';
import type { JoinRequest } from './join.ts';

type Reply = (frame: ClientFrame, status: 'ok' | 'error', response: object) => void;

/** What a push needs the right to write. */
export function extensionOf(frame: ClientFrame): Extension {
  return frame.event === 'presence' ? 'presence' : 'broadcast';
}

/** What a presence push wants. Danger: a client may send anything there, an object without a text too. */
export function presenceEventOf({ payload }: ClientFrame): string {
  const event = payload['event'];
  return typeof event === 'string' ? event : 'push without an event';
}

export class Pushes {
  readonly #context: Context;
  readonly #stream: StreamName;
  /** The channel, as the hub and presence know it. */
  readonly #member: Member;
  readonly #request: Pick<JoinRequest, 'ack' | 'self' | 'presenceKey'>;
  readonly #reply: Reply;
  /** Absent until the first push of its kind asks. */
  #may: Partial<Record<Extension, boolean>> = {};
  #presenceKey: string | null;

  constructor(
    context: Context,
    stream: StreamName,
    member: Member,
    request: Pick<JoinRequest, 'ack' | 'self' | 'presenceKey'>,
    reply: Reply,
  ) {
    this.#context = context;
    this.#stream = stream;
    this.#member = member;
    this.#request = request;
    this.#reply = reply;
    this.#presenceKey = request.presenceKey;
  }

  /** Undefined: the database must be asked. */
  allowed(frame: ClientFrame): boolean | undefined {
    return this.#stream.private ? this.#may[extensionOf(frame)] : true;
  }

  /**
   * Asks the database, and remembers its answer.
   *
   * @param ask in the bearer's turn
   * @returns null when it did not answer
   */
  async ask(ask: Ask, applicant: Applicant, frame: ClientFrame): Promise<boolean | null> {
    const { authorizer, log } = this.#context;
    const extension = extensionOf(frame);
    try {
      const allowed = await authorizer.canWrite(ask, applicant, this.#stream.topic, extension);
      this.#may[extension] = allowed;
      return allowed;
    } catch (error) {
      log.warn({ err: error, topic: this.#stream.topic }, 'could not tell whether a push is allowed');
      return null;
    }
  }

  /** Another token: what the old one might do says nothing. */
  forget(): void {
    this.#may = {};
  }

  broadcast(frame: ClientFrame, allowed: boolean): void {
    const { hub, limits, metrics } = this.#context;
    // Danger: no reply tells a bearer without the right anything; the protocol wants the push dropped.
    if (!allowed) return metrics.refusals.inc({ reason: 'WriteDenied' });
    const tooLarge = frame.size > limits.payloadBytes;
    if (tooLarge) metrics.refusals.inc({ reason: 'payload_size_exceeded' });
    else {
      const broadcast: Broadcast = frame.user
        ? { kind: 'user', ...frame.user }
        : { kind: 'text', payload: frame.payload };
      metrics.messages.inc({ source: 'client' });
      hub.publish(this.#stream, broadcast, { except: this.#request.self ? undefined : this.#member });
    }
    if (frame.persist) {
      metrics.refusals.inc({ reason: 'UnableToPersistMessage' });
      return this.#reply(frame, 'error', { error: NOT_PERSISTED });
    }
    if (!this.#request.ack) return;
    if (tooLarge) this.#reply(frame, 'error', { reason: 'payload_size_exceeded' });
    else this.#reply(frame, 'ok', {});
  }

  /** @param tracked called before the reply when the channel is present now */
  track(frame: ClientFrame, allowed: boolean, tracked: () => void): void {
    const { metrics, presence } = this.#context;
    const { payload: said = {} } = frame.payload;
    if (allowed && !isRecord(said)) {
      metrics.refusals.inc({ reason: 'InvalidPresencePayload' });
      return this.#reply(frame, 'error', { reason: 'Presence track payload must be a map' });
    }
    this.#presenceKey ??= randomUUID();
    const refusal = allowed
      ? presence.track(this.#stream, this.#member, this.#presenceKey, said as Record<string, unknown>)
      : 'WriteDenied';
    if (!refusal) {
      tracked();
      return this.#reply(frame, 'ok', {});
    }
    metrics.refusals.inc({ reason: refusal });
    this.#reply(frame, 'error', { reason: refusal });
  }

  untrack(frame: ClientFrame): void {
    this.#context.presence.untrack(this.#stream, this.#member);
    this.#reply(frame, 'ok', {});
  }

  /** The database did not answer about this push. */
  unanswered(frame: ClientFrame): void {
    if (extensionOf(frame) === 'broadcast' && !this.#request.ack) return;
    const reason = 'UnableToSetPolicies: Realtime was unable to ask the project database';
    this.#reply(frame, 'error', { reason });
  }
}
