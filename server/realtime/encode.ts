/**
 * Writing what clients receive, down to the WebSocket frame: one buffer per message and serializer, which is then
 * written unchanged to every socket. Framing ten thousand times what could be framed once was half the cost of a
 * fan-out.
 */
import { Sender } from 'ws';
import type { Ref, UserBroadcast, Version } from './frames.ts';

/** A message for all members of a topic. */
export type Broadcast =
  | {
      kind: 'user';
      event: string;
      encoding: UserBroadcast['encoding'];
      bytes: Buffer;
      /** Identity of a stored message; live client broadcasts have none. */
      meta?: { id: string; replayed?: true };
    }
  /** Pushed as text: its whole payload goes on as it came, unknown keys included. */
  | { kind: 'text'; payload: Record<string, unknown> };

const OPCODE_TEXT = 1;
const OPCODE_BINARY = 2;
const KIND_BROADCAST = 4;
const LENGTH_MAX = 255;

/** One text message as a WebSocket frame, ready for the TCP socket. */
export function encodeMessage(
  version: Version,
  joinRef: Ref,
  ref: Ref,
  topic: string,
  event: string,
  payload: object,
): Buffer {
  return encodeJson(version, joinRef, ref, topic, event, JSON.stringify(payload));
}

/** The same with a payload that is JSON already, spliced in as it is: printing it again could change large numbers. */
export function encodeJson(
  version: Version,
  joinRef: Ref,
  ref: Ref,
  topic: string,
  event: string,
  payload: string,
): Buffer {
  const [j, r, t, e] = [joinRef, ref, topic, event].map((part) => JSON.stringify(part));
  const text =
    version === '2.0.0'
      ? `[${j},${r},${t},${e},${payload}]`
      : `{"join_ref":${j},"ref":${r},"topic":${t},"event":${e},"payload":${payload}}`;
  return frame(Buffer.from(text), OPCODE_TEXT);
}

/**
 * A broadcast as a WebSocket frame.
 *
 * @param topic with its `realtime:` prefix
 * @returns null when this serializer cannot carry it: raw bytes never reach version 1.0.0
 */
export function encodeBroadcast(version: Version, topic: string, broadcast: Broadcast): Buffer | null {
  if (broadcast.kind === 'text') {
    return encodeMessage(version, null, null, topic, 'broadcast', broadcast.payload);
  }
  const binary = version === '2.0.0' ? encodeKind4(topic, broadcast) : null;
  if (binary || broadcast.encoding === 'raw') return binary;
  const { event, meta } = broadcast;
  const payload =
    `{"type":"broadcast","event":${JSON.stringify(event)},"payload":${broadcast.bytes.toString('utf8')}` +
    `${meta ? `,"meta":${JSON.stringify(meta)}` : ''}}`;
  return encodeJson(version, null, null, topic, 'broadcast', payload);
}

/** Kind 4, or null when a part is too long for its one length byte. */
function encodeKind4(topic: string, broadcast: Broadcast & { kind: 'user' }): Buffer | null {
  const parts = [topic, broadcast.event, broadcast.meta ? JSON.stringify(broadcast.meta) : ''].map((part) =>
    Buffer.from(part),
  );
  if (parts.some((part) => part.length > LENGTH_MAX)) return null;
  const head = Buffer.from([
    KIND_BROADCAST,
    ...parts.map((part) => part.length),
    broadcast.encoding === 'json' ? 1 : 0,
  ]);
  return frame(Buffer.concat([head, ...parts, broadcast.bytes]), OPCODE_BINARY);
}

function frame(data: Buffer, opcode: number): Buffer {
  return Buffer.concat(Sender.frame(data, { fin: true, opcode, mask: false, readOnly: true, rsv1: false }));
}
