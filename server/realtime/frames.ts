/**
 * Reading what clients send. Version 1.0.0 sends text objects, 2.0.0 text arrays and, for every broadcast push,
 * binary frames of kind 3. See docs/REALTIME.md, “Framing”.
 */
import { parseJson } from './nesting.ts';

export type Version = '1.0.0' | '2.0.0';

/** Payload of a kind 3 push, kept as the bytes that came: they go out again unparsed. */
export interface UserBroadcast {
  event: string;
  encoding: 'json' | 'raw';
  bytes: Buffer;
}

/** A client's name for a message or a join of its own; it is echoed as it came. */
export type Ref = string | number | null;

export interface ClientFrame {
  joinRef: Ref;
  ref: Ref;
  /** As on the wire, with its `realtime:` prefix. */
  topic: string;
  event: string;
  payload: Record<string, unknown>;
  /** Length of the whole message: bytes, or UTF-16 units of a text. */
  size: number;
  /** Set for a kind 3 push only; `payload` is then empty. */
  user?: UserBroadcast;
  /** The message is to be stored for replay. */
  persist?: boolean;
}

const KIND_PUSH = 3;
const PUSH_HEADER = 7;
const ENCODING_JSON = 1;

/**
 * Decodes one text frame.
 *
 * @returns the frame, or null when it is malformed
 */
export function decodeText(version: Version, text: string): ClientFrame | null {
  let value: unknown;
  try {
    value = parseJson(text);
  } catch {
    return null;
  }
  if (version === '2.0.0') {
    if (!Array.isArray(value)) return null;
    const [joinRef, ref, topic, event, payload] = value as unknown[];
    return assemble(text.length, joinRef, ref, topic, event, payload);
  }
  if (!isRecord(value)) return null;
  return assemble(
    text.length,
    value['join_ref'],
    value['ref'],
    value['topic'],
    value['event'],
    value['payload'],
  );
}

/**
 * Decodes one binary frame of version 2.0.0.
 *
 * @param bytes the message; the result keeps a view of it, no copy
 * @returns the frame, or null when it is malformed or of another kind
 */
export function decodeBinary(bytes: Buffer): ClientFrame | null {
  if (bytes.length < PUSH_HEADER || bytes[0] !== KIND_PUSH) return null;
  let offset = PUSH_HEADER;
  const field = (index: number): string => {
    const end = offset + bytes.readUInt8(1 + index);
    const text = bytes.toString('utf8', offset, end);
    offset = end;
    return text;
  };
  const joinRef = field(0);
  const ref = field(1);
  const topic = field(2);
  const event = field(3);
  const metadata = field(4); // Control keys for the server, never told to receivers.
  if (offset > bytes.length || topic === '') return null;
  const encoding = bytes[6] === ENCODING_JSON ? 'json' : 'raw';
  const body = bytes.subarray(offset);
  // Danger: receivers parse a JSON payload inside their socket handler; a bad one would break all of them.
  if (encoding === 'json' && !isJson(body.toString('utf8'))) return null;
  return {
    joinRef: joinRef || null,
    ref: ref || null,
    topic,
    event: 'broadcast',
    payload: {},
    size: bytes.length,
    user: { event, encoding, bytes: body },
    ...(asksToPersist(metadata) && { persist: true }),
  };
}

function assemble(
  size: number,
  joinRef: unknown,
  ref: unknown,
  topic: unknown,
  event: unknown,
  payload: unknown,
): ClientFrame | null {
  if (typeof topic !== 'string' || typeof event !== 'string') return null;
  return {
    joinRef: asRef(joinRef),
    ref: asRef(ref),
    topic,
    event,
    payload: isRecord(payload) ? payload : {},
    size,
  };
}

function asRef(value: unknown): Ref {
  return typeof value === 'string' || typeof value === 'number' ? value : null;
}

/** `persist: true`, or `{ttl}`; a client that says false, or what is no JSON, asks for nothing. */
function asksToPersist(metadata: string): boolean {
  if (metadata === '') return false;
  try {
    const value = parseJson(metadata);
    return isRecord(value) && (value['persist'] === true || isRecord(value['persist']));
  } catch {
    return false;
  }
}

function isJson(text: string): boolean {
  try {
    parseJson(text);
    return true;
  } catch {
    return false;
  }
}

/** Whether PostgreSQL can store a text as it is: it knows neither NUL nor half a character. */
export function isStorable(text: string): boolean {
  return !text.includes('\0') && text.isWellFormed();
}

/** Whether a value is a plain JSON object. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
