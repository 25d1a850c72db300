/** Writes delivered messages to realtime.messages, where replay finds them. */
import type { Pool } from 'pg';
import type { Emitted } from './emitted.ts';
import { errorCode } from './errors.ts';
import { lsnText, type Place } from './lsn.ts';
import type { Logger } from './options.ts';

/**
 * Stores messages in one transaction; to store one again changes nothing.
 *
 * @param messages oldest first
 * @param until place of the last one, on record with them; null when it stood in the log of a slot that is gone
 * @throws the database's error when it cannot store now; nothing is stored then, or a first part of them
 */
export type Store = (messages: readonly Emitted[], until: Place | null) => Promise<void>;

/** What is wrong with a message itself, or what a trigger on the table has against it: it could never be stored. */
const UNSTORABLE = /^(22|23|54|P0)/;

/** @param pool sessions of their own, with a timeout: a stored batch must not wait for questions, nor they for it */
export function createStore(pool: Pool, log: Logger): Store {
  const store: Store = async (messages, until) => {
    try {
      await pool.query('select realtime.store_messages($1, $2, $3)', [
        `[${messages.map(rowOf).join(',')}]`,
        until && lsnText(until.commit),
        until && lsnText(until.message),
      ]);
    } catch (error) {
      if (!UNSTORABLE.test(errorCode(error) ?? '')) throw error;
      // Danger: tried for ever, it would keep all that come after it from being stored, and the log from being freed.
      const half = Math.ceil(messages.length / 2);
      if (half === messages.length) {
        log.error({ err: error, message: messages[0]?.id }, 'a message was delivered and cannot be stored');
        return messages.length > 0 ? store([], until) : undefined;
      }
      await store(messages.slice(0, half), until && (messages[half - 1]?.place ?? null));
      await store(messages.slice(half), until);
    }
  };
  return store;
}

/** As JSON; a payload goes in as the text that it is, since parsing would round its numbers. */
function rowOf({ id, at, stream, broadcast: { event, encoding, bytes } }: Emitted): string {
  const content = encoding === 'raw' ? `"bytes":"${bytes.toString('hex')}"` : `"payload":${bytes.toString()}`;
  const rest = JSON.stringify({ id, topic: stream.topic, event, private: stream.private, at });
  return `${rest.slice(0, -1)},${content}}`;
}
