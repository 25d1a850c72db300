/** Messages of the past for a channel that joins, and their seam with those that come live. */
import { escapeLiteral } from 'pg';
import type { Ask } from './asking.ts';
import { sees } from './changes/visibility.ts';
import { encodeBroadcast } from './encode.ts';
import { RealtimeError } from './errors.ts';
import type { UserBroadcast, Version } from './frames.ts';
import type { Origin } from './hub.ts';
import { isAfter, type Place } from './lsn.ts';
import { contentOf } from './stored-message.ts';

/** Most messages that one join may ask for. */
export const REPLAY_MAX = 25;

export interface ReplayRequest {
  /** Milliseconds since 1970. */
  since: number;
  /** The newest so many. */
  limit: number;
}

/** A message of the past. */
export interface Replayed {
  id: string;
  broadcast: UserBroadcast;
}

/** What a reading of the past could see. */
export interface Horizon {
  /** Transactions whose rows it saw, as PostgreSQL prints a snapshot. */
  snapshot: string;
  /** The last message of the log that was stored, with all before it. */
  stored: Place | null;
}

/** What was read of the past, oldest first. */
export interface Past {
  messages: readonly Replayed[];
  /** Null when nothing was asked for. */
  horizon: Horizon | null;
}

export const NO_PAST: Past = { messages: [], horizon: null };

/**
 * Reads the newest messages of a private topic.
 *
 * @param ask with the gateway's own rights, in the bearer's turn: the caller has asked the policies about the topic before
 * @param stored waits until what was delivered before is stored
 * @throws RealtimeError `UnableToReplayMessages` when the database did not answer
 */
type Replay = (ask: Ask, stored: () => Promise<void>, topic: string, request: ReplayRequest) => Promise<Past>;

export const replay: Replay = async (ask, stored, topic, { since, limit }) => {
  try {
    await stored();
    // Rows of one transaction on hosted Supabase share their instant; `ctid` is the order of their inserts then.
    const rows = await ask(
      `select pg_current_snapshot()::text as snapshot, (commit_lsn - '0/0')::text as commit,
              (message_lsn - '0/0')::text as message, id::text, event, payload::text, binary_payload::text
         from (values (0)) as one
         left join realtime.stored_until on true
         left join (
           select m.*, m.tableoid as part, m.ctid as place
           from realtime.messages as m
           where m.topic = ${escapeLiteral(topic)} and m.private and m.extension = 'broadcast'
             and m.inserted_at >= timestamp 'epoch' + ${since} * interval '1 millisecond'
           order by m.inserted_at desc, part desc, place desc
           limit ${limit}
         ) as newest on true
         order by inserted_at, part, place;`,
    );
    const messages = rows.flatMap(({ id, event, payload, binary_payload: binary }) =>
      id ? [{ id, broadcast: { event: event ?? '', ...contentOf(payload ?? null, binary ?? null) } }] : [],
    );
    return { messages, horizon: rows[0] ? horizonOf(rows[0]) : null };
  } catch (error) {
    throw new RealtimeError('UnableToReplayMessages', 'Realtime was unable to replay messages', error);
  }
};

function horizonOf({ snapshot, commit, message }: Record<string, string | null>): Horizon {
  const stored = commit && message ? { commit: BigInt(commit), message: BigInt(message) } : null;
  return { snapshot: snapshot ?? '', stored };
}

/** Frames of the past, oldest first; what the serializer cannot carry is left out. */
export function encodePast(version: Version, topic: string, { messages }: Past): Buffer[] {
  return messages.flatMap(({ id, broadcast }) => {
    const meta = { id, replayed: true } as const;
    return encodeBroadcast(version, topic, { kind: 'user', ...broadcast, meta }) ?? [];
  });
}

/**
 * Where past and present meet. From before the question until the answer is written, live messages are held back, so
 * that none falls between. What the reading of the past could see is past, told or not: a live copy of it is passed
 * over, however late the feed brings it.
 */
export class Seam {
  #held: { frame: Buffer; origin: Origin | undefined }[] | null = [];
  #bytes = 0;
  #horizon: Horizon | null = null;
  readonly #limit: number;

  /** @param limit bytes that may be held */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Whether more came while the past was read than may be held. */
  get burst(): boolean {
    return this.#bytes > this.#limit;
  }

  /**
   * Whether a live message may be written now.
   * @param origin of a message of the database: others are not stored
   */
  admits(frame: Buffer, origin: Origin | undefined): boolean {
    if (!this.#held) return !origin || !this.#horizon || !isWithin(this.#horizon, origin);
    this.#bytes += frame.length;
    if (!this.burst) this.#held.push({ frame, origin });
    return false;
  }

  /**
   * Ends the holding back.
   * @param horizon what the reading of the past could see; null when nothing was read
   * @returns what was held and is to be written now
   */
  close(horizon: Horizon | null): Buffer[] {
    const held = this.#held ?? [];
    this.#held = null;
    this.#horizon = horizon;
    return held.filter(({ frame, origin }) => this.admits(frame, origin)).map(({ frame }) => frame);
  }
}

/** Whether a message was there to be read: its row as soon as its transaction was visible, else once it was stored. */
function isWithin({ snapshot, stored }: Horizon, { xid, place }: Origin): boolean {
  if (!place) return sees(snapshot, xid);
  return stored !== null && !isAfter(place, stored);
}
