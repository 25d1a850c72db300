// @vitest-environment node
import { RealtimeClient } from '@supabase/supabase-js';
import { expect, test } from 'vitest';
import { encodeBroadcast, encodeMessage, type Broadcast } from './encode.ts';

/** Takes the WebSocket header off a frame made by the server. */
function unframe(frame: Buffer): { binary: boolean; data: Buffer } {
  const short = frame.readUInt8(1);
  const offset = short < 126 ? 2 : short === 126 ? 4 : 10;
  return { binary: (frame.readUInt8(0) & 0x0f) === 2, data: frame.subarray(offset) };
}

/** Reads a message with the official client's own decoder. */
function read(version: '1.0.0' | '2.0.0', frame: Buffer | null): unknown {
  if (!frame) return null;
  const { binary, data } = unframe(frame);
  const client = new RealtimeClient('ws://localhost', { params: { apikey: 'k' }, vsn: version });
  let result: unknown;
  client.decode(binary ? new Uint8Array(data).buffer : data.toString(), (message) => {
    result = message;
  });
  return result;
}

const json: Broadcast = {
  kind: 'user',
  event: 'é',
  encoding: 'json',
  bytes: Buffer.from('{"n":1}'),
  meta: { id: 'i' },
};

test('the official client reads every form of a broadcast alike', () => {
  const expected = {
    join_ref: null,
    ref: null,
    topic: 'realtime:t',
    event: 'broadcast',
    payload: { type: 'broadcast', event: 'é', payload: { n: 1 }, meta: { id: 'i' } },
  };
  expect(read('1.0.0', encodeBroadcast('1.0.0', 'realtime:t', json))).toEqual(expected);
  expect(read('2.0.0', encodeBroadcast('2.0.0', 'realtime:t', json))).toEqual(expected);
});

test('2.0.0 gets a binary frame, or text when a name is longer than its length byte can tell', () => {
  const long = `realtime:${'t'.repeat(300)}`;
  expect(unframe(encodeBroadcast('2.0.0', 'realtime:t', json) as Buffer).binary).toBe(true);
  expect(unframe(encodeBroadcast('2.0.0', long, json) as Buffer).binary).toBe(false);
  expect(read('2.0.0', encodeBroadcast('2.0.0', long, json))).toMatchObject({ topic: long });
});

test('raw bytes cannot reach 1.0.0', () => {
  const raw: Broadcast = { kind: 'user', event: 'e', encoding: 'raw', bytes: Buffer.of(1, 2) };
  expect(encodeBroadcast('1.0.0', 'realtime:t', raw)).toBeNull();
  expect(encodeBroadcast('2.0.0', 'realtime:t', raw)).not.toBeNull();
});

test('numbers beyond a double go out as they came', () => {
  const bytes = Buffer.from('{"n":12345678901234567890}');
  const frame = encodeBroadcast('1.0.0', 'realtime:t', { kind: 'user', event: 'e', encoding: 'json', bytes });
  expect(frame?.toString()).toContain('{"n":12345678901234567890}');
});

test.each([10, 200, 70_000])('a message of %i characters is framed whole', (length) => {
  const frame = encodeMessage('2.0.0', '1', '2', 'realtime:t', 'e', { text: 'x'.repeat(length) });
  expect(JSON.parse(unframe(frame).data.toString())).toEqual([
    '1',
    '2',
    'realtime:t',
    'e',
    { text: 'x'.repeat(length) },
  ]);
});
