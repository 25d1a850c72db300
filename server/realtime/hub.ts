/** Who listens to what, and the way of one message to all of them. */
import { encodeBroadcast, type Broadcast } from './encode.ts';
import type { Version } from './frames.ts';
import type { Place } from './lsn.ts';
import type { Metrics } from './metrics.ts';

/** Where a message of the database comes from. */
export interface Origin {
  /** Its transaction, as the log has it. */
  xid: number;
  /** Its place in the log, when it was no row when it was committed: it is stored later. */
  place?: Place;
}

/** What the hub needs of a member. */
export interface Member {
  readonly version: Version;
  /** Takes one prepared WebSocket frame, with its origin when the database sent it. Must not throw. */
  deliver(frame: Buffer, origin?: Origin): void;
  /** Takes the blame when `deliver` threw all the same: the others are served. */
  broke(where: string, error: unknown): void;
}

/** One stream of messages: private and public channels of one name are two. */
export interface StreamName {
  /** Without the `realtime:` prefix. */
  topic: string;
  private: boolean;
}

export class Hub {
  readonly #streams = new Map<string, Set<Member>>();
  readonly #metrics: Metrics;

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
  }

  join(stream: StreamName, member: Member): void {
    const key = keyOf(stream);
    const members = this.#streams.get(key);
    if (members) members.add(member);
    else this.#streams.set(key, new Set([member]));
  }

  leave(stream: StreamName, member: Member): void {
    const key = keyOf(stream);
    const members = this.#streams.get(key);
    members?.delete(member);
    if (members?.size === 0) this.#streams.delete(key);
  }

  /** How many listen. */
  count(stream: StreamName): number {
    return this.#streams.get(keyOf(stream))?.size ?? 0;
  }

  /**
   * Writes one message to every member of a stream, encoded and framed once for each serializer.
   *
   * @param from `except` is left out: the sender of a broadcast with `self: false`
   * @returns how many members it was written to
   */
  publish(
    stream: StreamName,
    broadcast: Broadcast,
    { except, origin }: { except?: Member | undefined; origin?: Origin } = {},
  ): number {
    const members = this.#streams.get(keyOf(stream));
    if (!members) return 0;
    const wireTopic = `realtime:${stream.topic}`;
    // Undefined: not asked for yet. Null: this serializer cannot carry it.
    const frames: Record<Version, Buffer | null | undefined> = { '1.0.0': undefined, '2.0.0': undefined };
    const stop = this.#metrics.fanout.startTimer();
    let count = 0;
    for (const member of members) {
      if (member === except) continue;
      let frame = frames[member.version];
      if (frame === undefined) {
        frame = encodeBroadcast(member.version, wireTopic, broadcast);
        frames[member.version] = frame;
      }
      if (frame === null) continue;
      try {
        member.deliver(frame, origin);
        count += 1;
      } catch (error) {
        member.broke('fanout', error);
      }
    }
    stop();
    this.#metrics.deliveries.inc(count);
    return count;
  }
}

/** One text for one stream. */
export function keyOf(stream: StreamName): string {
  return `${stream.private ? 'private' : 'public'}:${stream.topic}`;
}
