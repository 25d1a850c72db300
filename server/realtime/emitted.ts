/** Messages that `realtime.send` writes to PostgreSQL's log: what server/platform/030_realtime.sql says of their form. */
import type { UserBroadcast } from './frames.ts';
import type { StreamName } from './hub.ts';
import type { Place } from './lsn.ts';
import { compact } from './stored-message.ts';

/** A message of the log, ready for fan-out and for storage. */
export interface Emitted {
  id: string;
  /** When it was sent, UTC, as PostgreSQL writes a timestamp in JSON: to the microsecond. */
  at: string;
  stream: StreamName;
  broadcast: UserBroadcast;
  place: Place;
}

type Header = [
  id: string,
  topic: string,
  event: string,
  isPrivate: boolean | null,
  at: string,
  form: 'json' | 'json_without_id' | 'bytes',
];

const LINE_FEED = 0x0a;

/**
 * Reads one record.
 *
 * @throws SyntaxError when it is none of `realtime.send`
 */
export function readEmitted(content: Uint8Array, place: Place): Emitted {
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
  const end = bytes.indexOf(LINE_FEED);
  const [id, topic, event, isPrivate, at, form] = JSON.parse(bytes.toString('utf8', 0, end)) as Header;
  const payload = bytes.subarray(end + 1);
  return {
    id,
    at,
    stream: { topic, private: isPrivate === true },
    broadcast: { event, ...payloadOf(payload, form === 'json_without_id' ? id : null, form === 'bytes') },
    place,
  };
}

function payloadOf(
  payload: Buffer,
  id: string | null,
  isRaw: boolean,
): Pick<UserBroadcast, 'encoding' | 'bytes'> {
  // Copied: the record is part of a larger buffer, which would be kept until the message is stored.
  if (isRaw) return { encoding: 'raw', bytes: Buffer.from(payload) };
  const json = compact(payload.toString());
  return { encoding: 'json', bytes: Buffer.from(id === null ? json : withId(json, id)) };
}

/** @param json an object without `id` */
function withId(json: string, id: string): string {
  return `{"id":"${id}"${json === '{}' ? '' : ','}${json.slice(1)}`;
}
