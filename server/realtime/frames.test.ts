// @vitest-environment node
import { expect, test } from 'vitest';
import { decodeBinary, decodeText } from './frames.ts';

/** A kind 3 push, as the official client builds it. */
function push(
  parts: [joinRef: string, ref: string, topic: string, event: string, metadata: string],
  encoding: number,
  body: Buffer,
): Buffer {
  const strings = parts.map((part) => Buffer.from(part));
  return Buffer.concat([
    Buffer.from([3, ...strings.map(({ length }) => length), encoding]),
    ...strings,
    body,
  ]);
}

test('a text frame of each version gives the same', () => {
  const frame = { joinRef: '1', ref: '2', topic: 'realtime:a', event: 'x', payload: { n: 1 } };
  expect(decodeText('2.0.0', '["1","2","realtime:a","x",{"n":1}]')).toMatchObject(frame);
  expect(
    decodeText('1.0.0', '{"join_ref":"1","ref":"2","topic":"realtime:a","event":"x","payload":{"n":1}}'),
  ).toMatchObject(frame);
});

test('missing references are null, a payload that is no object is empty', () => {
  expect(decodeText('2.0.0', '[null,null,"t","e"]')).toMatchObject({ joinRef: null, ref: null, payload: {} });
  expect(decodeText('2.0.0', '[1,"2","t","e",[3]]')).toMatchObject({ joinRef: 1, ref: '2', payload: {} });
});

test('a binary push keeps its payload as the bytes that came', () => {
  const body = Buffer.from('{"big":12345678901234567890,"é":1}');
  const frame = decodeBinary(push(['1', '2', 'realtime:é', 'crème', '{"persist":true}'], 1, body));
  expect(frame).toMatchObject({ joinRef: '1', ref: '2', topic: 'realtime:é', event: 'broadcast' });
  expect(frame?.user).toEqual({ event: 'crème', encoding: 'json', bytes: body });
});

test('a raw push may hold any bytes, a JSON push only JSON', () => {
  const body = Buffer.from([0, 255, 123]);
  expect(decodeBinary(push(['', '', 't', 'e', ''], 0, body))?.user).toMatchObject({
    encoding: 'raw',
    bytes: body,
  });
  expect(decodeBinary(push(['', '', 't', 'e', ''], 1, body))).toBeNull();
});

test.each([[[]], [[3]], [[3, 9, 9, 9, 9, 9, 1, 1]], [[4, 0, 0, 1, 0, 0, 0, 116]], [[3, 0, 0, 0, 0, 0, 0]]])(
  'malformed bytes %j give null',
  (bytes) => expect(decodeBinary(Buffer.from(bytes))).toBeNull(),
);

test.each(['', '{', '1', 'null', '"x"', '{"topic":1,"event":"e"}', '{"topic":"t"}'])(
  'malformed text %j gives null',
  (text) => {
    expect(decodeText('1.0.0', text)).toBeNull();
    expect(decodeText('2.0.0', text)).toBeNull();
  },
);
