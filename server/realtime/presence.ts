/**
 * Who is here: what channels tell about themselves, told to all who watch their stream.
 *
 * The first change after a quiet tick is told at once, before anything else happens; those that follow within the tick
 * are told together at its end. A channel that comes and goes between two tellings was never there; one that changes
 * twice changed once. What a newcomer is sent is what the others have been told so far, so that the next difference is
 * right for everybody.
 */
import { randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { encodeMessage } from './encode.ts';
import type { Version } from './frames.ts';
import { keyOf, type Member, type StreamName } from './hub.ts';
import type { Metrics } from './metrics.ts';
import type { Limits } from './options.ts';

/** One tracked state as clients see it: what its channel said, and its reference. */
type Meta = Record<string, unknown> & { phx_ref: string; phx_ref_prev?: string };

/** By key: a user with two tabs has one key and two metas. */
export type PresenceState = Record<string, { metas: Meta[] }>;

interface Entry {
  key: string;
  meta: Meta;
  bytes: number;
}

interface Room {
  readonly stream: StreamName;
  readonly watchers: Set<Member>;
  /** What each channel tracks now. */
  readonly tracked: Map<object, Entry>;
  /** What watchers were not told yet. */
  readonly joins: Set<Entry>;
  readonly leaves: Set<Entry>;
  bytes: number;
  toldAt: number;
  timer: NodeJS.Timeout | null;
}

/** Why a state is not tracked. */
export type TrackRefusal = 'payload_size_exceeded' | 'PresenceLimitReached';

export class Presence {
  readonly #rooms = new Map<string, Room>();
  readonly #limits: Limits;
  readonly #metrics: Metrics;
  readonly #now: () => number;

  /** @param now clock, milliseconds */
  constructor(limits: Limits, metrics: Metrics, now: () => number) {
    this.#limits = limits;
    this.#metrics = metrics;
    this.#now = now;
  }

  /**
   * Tells a channel every change from here on.
   * @returns what has been told so far
   */
  watch(stream: StreamName, member: Member): PresenceState {
    const room = this.#roomOf(stream);
    room.watchers.add(member);
    const told = [...room.tracked.values()].filter((entry) => !room.joins.has(entry));
    return group([...told, ...room.leaves]);
  }

  /**
   * Tracks what a channel says about itself, in place of what it said before. The same again changes nothing.
   *
   * @param holder the channel
   * @param said any JSON object; `phx_ref` and `phx_ref_prev` in it are overwritten
   * @returns why not, or null
   */
  track(stream: StreamName, holder: object, key: string, said: Record<string, unknown>): TrackRefusal | null {
    const bytes = Buffer.byteLength(key) + Buffer.byteLength(JSON.stringify(said));
    if (bytes > this.#limits.presenceBytes) return 'payload_size_exceeded';
    const room = this.#roomOf(stream);
    const old = room.tracked.get(holder);
    const rest = withoutReferences(said);
    if (old && isDeepStrictEqual(rest, withoutReferences(old.meta))) return null;
    if (room.bytes - (old?.bytes ?? 0) + bytes > this.#limits.presenceTopicBytes) {
      this.#forgetEmpty(room);
      return 'PresenceLimitReached';
    }
    const previous = old && this.#remove(room, holder, old);
    const meta: Meta = { ...rest, phx_ref: randomBytes(9).toString('base64url') };
    if (previous) meta.phx_ref_prev = previous;
    const entry = { key, meta, bytes };
    room.tracked.set(holder, entry);
    room.joins.add(entry);
    room.bytes += bytes;
    this.#metrics.presences.inc();
    this.#schedule(room);
    return null;
  }

  /** Forgets what a channel said about itself; nothing happens when it said nothing. */
  untrack(stream: StreamName, holder: object): void {
    const room = this.#rooms.get(keyOf(stream));
    const entry = room?.tracked.get(holder);
    if (!room || !entry) return;
    this.#remove(room, holder, entry);
    if (!this.#forgetEmpty(room)) this.#schedule(room);
  }

  /** A channel that is gone neither watches nor is there. */
  leave(stream: StreamName, member: Member): void {
    const room = this.#rooms.get(keyOf(stream));
    // First, or it would be told of its own end.
    const watched = room?.watchers.delete(member);
    this.untrack(stream, member);
    if (room && watched) this.#forgetEmpty(room);
  }

  /** @returns the reference by which watchers know the entry, or knew one that it replaced */
  #remove(room: Room, holder: object, entry: Entry): string | undefined {
    room.tracked.delete(holder);
    room.bytes -= entry.bytes;
    this.#metrics.presences.dec();
    // Nobody was told of it, so nobody is told that it left.
    if (room.joins.delete(entry)) return entry.meta.phx_ref_prev;
    room.leaves.add(entry);
    return entry.meta.phx_ref;
  }

  #schedule(room: Room): void {
    if (room.timer) return;
    const wait = room.toldAt + this.#limits.presenceTickMs - this.#now();
    if (wait <= 0) this.#tellAll(room);
    else room.timer = setTimeout(() => this.#tellAll(room), wait);
  }

  #tellAll(room: Room): void {
    try {
      this.#tell(room);
    } catch (error) {
      // Their state would miss a difference: they come back and are sent all of it.
      for (const watcher of room.watchers) watcher.broke('presence', error);
    }
  }

  #tell(room: Room): void {
    room.timer = null;
    room.toldAt = this.#now();
    const diff = { joins: group(room.joins), leaves: group(room.leaves) };
    const silent = room.joins.size === 0 && room.leaves.size === 0;
    room.joins.clear();
    room.leaves.clear();
    if (silent) return;
    const topic = `realtime:${room.stream.topic}`;
    const frames = new Map<Version, Buffer>();
    for (const watcher of room.watchers) {
      let frame = frames.get(watcher.version);
      if (!frame) {
        frame = encodeMessage(watcher.version, null, null, topic, 'presence_diff', diff);
        frames.set(watcher.version, frame);
      }
      try {
        watcher.deliver(frame);
      } catch (error) {
        watcher.broke('presence', error);
      }
    }
    this.#metrics.deliveries.inc(room.watchers.size);
  }

  #roomOf(stream: StreamName): Room {
    const key = keyOf(stream);
    let room = this.#rooms.get(key);
    if (!room) {
      room = {
        stream,
        watchers: new Set(),
        tracked: new Map(),
        joins: new Set(),
        leaves: new Set(),
        bytes: 0,
        toldAt: -Infinity,
        timer: null,
      };
      this.#rooms.set(key, room);
    }
    return room;
  }

  #forgetEmpty(room: Room): boolean {
    if (room.watchers.size > 0 || room.tracked.size > 0) return false;
    if (room.timer) clearTimeout(room.timer);
    this.#rooms.delete(keyOf(room.stream));
    return true;
  }
}

function withoutReferences({
  phx_ref: _ref,
  phx_ref_prev: _previous,
  ...rest
}: Record<string, unknown>): Record<string, unknown> {
  return rest;
}

function group(entries: Iterable<Entry>): PresenceState {
  // Danger: keys are the clients' own, `__proto__` included; an object without prototype takes them all.
  const state = Object.create(null) as PresenceState;
  for (const { key, meta } of entries) (state[key] ??= { metas: [] }).metas.push(meta);
  return state;
}
