// @vitest-environment node
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readEmitted } from './emitted.ts';

const ID = '0198f0d4-1111-7abc-8def-aaaaaaaaaaaa';
const PLACE = { commit: 2n, message: 1n };

function read(header: unknown[], payload: string | Buffer) {
  const record = Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), Buffer.from(payload)]);
  // As the log has it: a part of a larger buffer.
  const around = Buffer.concat([Buffer.from('before'), record, Buffer.from('after')]);
  return readEmitted(around.subarray(6, 6 + record.length), PLACE);
}

test('topic, event and payload are read whatever is in them', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.string(), fc.jsonValue(), (topic, event, payload) => {
      const json = JSON.stringify(payload);
      const message = read([ID, topic, event, true, '2026-01-01T00:00:00.5', 'json'], json);
      expect(message).toMatchObject({
        id: ID,
        at: '2026-01-01T00:00:00.5',
        stream: { topic, private: true },
      });
      expect(message.broadcast).toEqual({ event, encoding: 'json', bytes: Buffer.from(json) });
    }),
  );
});

test.each([
  ['{}', `{"id":"${ID}"}`],
  ['{"n": 12345678901234567890.10}', `{"id":"${ID}","n":12345678901234567890.10}`],
])('the id goes into %s, and numbers keep their digits', (payload, expected) => {
  const { broadcast } = read([ID, 't', 'e', true, 'now', 'json_without_id'], payload);
  expect(String(broadcast.bytes)).toBe(expected);
});

test('bytes stay bytes, line feeds among them', () => {
  const bytes = Buffer.of(0, 10, 255, 10);
  const { broadcast } = read([ID, 't', 'e', false, 'now', 'bytes'], bytes);
  expect(broadcast).toEqual({ event: 'e', encoding: 'raw', bytes });
});

test('what no sender wrote is an error', () => {
  expect(() => readEmitted(Buffer.from('nonsense\n{}'), PLACE)).toThrow(SyntaxError);
});
