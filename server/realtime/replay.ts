/** Messages of the past for a channel that joins, and their seam with those that come live. */
import { escapeLiteral } from 'pg';
import type { Ask } from './asking.ts';
import { RealtimeError } from './errors.ts';
import type { UserBroadcast } from './frames.ts';
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

/**
 * Reads the newest messages of a private topic, oldest first.
 * @throws RealtimeError `UnableToReplayMessages` when the database did not answer
 */
export type Replay = (topic: string, request: ReplayRequest) => Promise<Replayed[]>;

/** @param ask with the gateway's own rights: the caller has asked the policies about the topic before */
export function createReplay(ask: Ask): Replay {
  return async (topic, { since, limit }) => {
    try {
      // Rows of one transaction on hosted Supabase share their instant; `ctid` is the order of their inserts then.
      const rows = await ask(
        `select id::text, event, payload::text, binary_payload::text
         from (
           select m.*, m.tableoid as part, m.ctid as place
           from realtime.messages as m
           where m.topic = ${escapeLiteral(topic)} and m.private and m.extension = 'broadcast'
             and m.inserted_at >= timestamp 'epoch' + ${since} * interval '1 millisecond'
           order by m.inserted_at desc, part desc, place desc
           limit ${limit}
         ) as newest
         order by inserted_at, part, place;`,
      );
      return rows.map((row) => ({
        id: row['id'] ?? '',
        broadcast: {
          event: row['event'] ?? '',
          ...contentOf(row['payload'] ?? null, row['binary_payload'] ?? null),
        },
      }));
    } catch (error) {
      throw new RealtimeError('UnableToReplayMessages', 'Realtime was unable to replay messages', error);
    }
  };
}

/**
 * Where past and present meet. From before the question until the answer is written, live messages are held back, so
 * that none falls between; a live copy of what was replayed is passed over, however late the feed brings it.
 */
export class Seam {
  #held: { frame: Buffer; id: string | undefined }[] | null = [];
  #bytes = 0;
  readonly #limit: number;
  readonly #replayed = new Set<string>();

  /** @param limit bytes that may be held */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Whether more came while the past was read than may be held. */
  get burst(): boolean {
    return this.#bytes > this.#limit;
  }

  /** Whether a live message may be written now. */
  admits(frame: Buffer, id: string | undefined): boolean {
    if (!this.#held) return id === undefined || !this.#replayed.has(id);
    this.#bytes += frame.length;
    if (!this.burst) this.#held.push({ frame, id });
    return false;
  }

  /**
   * Ends the holding back.
   * @param past ids that were just written
   * @returns what was held and is to be written after them
   */
  close(past: Iterable<string>): Buffer[] {
    for (const id of past) this.#replayed.add(id);
    const held = this.#held ?? [];
    this.#held = null;
    return held.filter(({ frame, id }) => this.admits(frame, id)).map(({ frame }) => frame);
  }
}
