/** Messages of the past for a channel that joins, and their seam with those that come live. */
import { escapeLiteral } from 'pg';
import type { Ask } from './asking.ts';
import { sees } from './changes/visibility.ts';
import { encodeBroadcast } from './encode.ts';
import { RealtimeError } from './errors.ts';
import type { UserBroadcast, Version } from './frames.ts';
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

/** What was read of the past, oldest first. */
export interface Past {
  messages: readonly Replayed[];
  /** Which transactions the reading saw, as PostgreSQL prints a snapshot; null when nothing was asked for. */
  snapshot: string | null;
}

export const NO_PAST: Past = { messages: [], snapshot: null };

/**
 * Reads the newest messages of a private topic.
 *
 * @param ask with the gateway's own rights, in the bearer's turn: the caller has asked the policies about the topic before
 * @throws RealtimeError `UnableToReplayMessages` when the database did not answer
 */
type Replay = (ask: Ask, topic: string, request: ReplayRequest) => Promise<Past>;

export const replay: Replay = async (ask, topic, { since, limit }) => {
  try {
    // Rows of one transaction on hosted Supabase share their instant; `ctid` is the order of their inserts then.
    const rows = await ask(
      `select pg_current_snapshot()::text as snapshot, id::text, event, payload::text, binary_payload::text
         from (values (0)) as one
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
    return { messages, snapshot: rows[0]?.['snapshot'] ?? null };
  } catch (error) {
    throw new RealtimeError('UnableToReplayMessages', 'Realtime was unable to replay messages', error);
  }
};

/** Frames of the past, oldest first; what the serializer cannot carry is left out. */
export function encodePast(version: Version, topic: string, { messages }: Past): Buffer[] {
  return messages.flatMap(({ id, broadcast }) => {
    const meta = { id, replayed: true } as const;
    return encodeBroadcast(version, topic, { kind: 'user', ...broadcast, meta }) ?? [];
  });
}

/**
 * Where past and present meet. From before the question until the answer is written, live messages are held back, so
 * that none falls between. What the reading of the past saw is past, told or not: a live copy of it is passed over,
 * however late the feed brings it.
 */
export class Seam {
  #held: { frame: Buffer; xid: number | undefined }[] | null = [];
  #bytes = 0;
  #snapshot: string | null = null;
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
   * @param xid its transaction, when it was stored
   */
  admits(frame: Buffer, xid: number | undefined): boolean {
    if (!this.#held) return xid === undefined || this.#snapshot === null || !sees(this.#snapshot, xid);
    this.#bytes += frame.length;
    if (!this.burst) this.#held.push({ frame, xid });
    return false;
  }

  /**
   * Ends the holding back.
   * @param snapshot what the reading of the past saw; null when nothing was read
   * @returns what was held and is to be written now
   */
  close(snapshot: string | null): Buffer[] {
    const held = this.#held ?? [];
    this.#held = null;
    this.#snapshot = snapshot;
    return held.filter(({ frame, xid }) => this.admits(frame, xid)).map(({ frame }) => frame);
  }
}
