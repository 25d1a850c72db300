/** Frames that could throw: objects instead of texts, JSON 20,000 levels deep, random and mutated bytes, both serializers. */
import { pick } from '../../chance.ts';
import type { Attack, Scene } from '../attack.ts';
import { mutate } from '../mutate.ts';
import { openSocket } from '../socket.ts';

const LEVELS = 20_000;
const DEEP = `${'['.repeat(LEVELS)}${']'.repeat(LEVELS)}`;
const DEEP_OBJECT = `${'{"a":'.repeat(LEVELS)}1${'}'.repeat(LEVELS)}`;
const FRAMES = 12;
const HOLD_MS = 400;

/** Values where a text, a number or an object of known shape is expected, as JSON. */
const VALUES = [
  '{"toString":1}',
  '{"event":{"toString":1}}',
  '{"event":{"valueOf":1,"toString":1},"payload":{}}',
  '{"event":"track","payload":{"toString":null}}',
  '{"__proto__":{"event":"track"}}',
  '{"constructor":{"prototype":{"x":1}}}',
  '{"type":"broadcast","event":{"toString":1},"payload":{"toString":1}}',
  '{"access_token":{"toString":1}}',
  '{"config":{"private":{"toString":1},"presence":{"key":{"toString":1}},"broadcast":{"replay":{"since":{}}}}}',
  '{"config":{"postgres_changes":[{"event":{"toString":1},"schema":{"toString":1},"table":{},"filter":{}}]}}',
  '[]',
  'null',
  '1e999',
  '"\\u0000"',
  DEEP,
  DEEP_OBJECT,
  `{"event":"track","payload":${DEEP_OBJECT}}`,
  `{"type":"broadcast","event":"x","payload":${DEEP}}`,
  `{"config":${DEEP_OBJECT}}`,
];
const EVENTS = [
  'presence',
  'broadcast',
  'access_token',
  'phx_join',
  'phx_leave',
  'heartbeat',
  'toString',
  '__proto__',
];

/** A frame of the given version with a hostile value in it. */
function text(version: string, topic: string, random: () => number): string {
  const value = pick(VALUES, random);
  const event = random() < 0.9 ? JSON.stringify(pick(EVENTS, random)) : value;
  const ref = random() < 0.9 ? '"1"' : value;
  const name = JSON.stringify(random() < 0.9 ? topic : 'phoenix');
  if (version === '2.0.0') return `[${ref},${ref},${name},${event},${value}]`;
  return `{"topic":${name},"event":${event},"payload":${value},"ref":${ref},"join_ref":${ref}}`;
}

/** A push of kind 3 whose payload is a hostile value. */
function binary(topic: string, random: () => number): Buffer {
  const fields = ['1', '2', topic, 'x', '{"persist":{"toString":1}}'].map((field) => Buffer.from(field));
  const encoding = random() < 0.7 ? 1 : 0;
  return Buffer.concat([
    Buffer.from([3, ...fields.map(({ length }) => length), encoding]),
    ...fields,
    Buffer.from(pick(VALUES, random)),
  ]);
}

/** Joins as a stranger, or as a pupil on a private topic, where what is pushed reaches the same code. */
function joinOf({ target, random }: Scene, version: string): { topic: string; frame: string } {
  const isPrivate = random() < 0.5;
  const pupil = pick(target.pupils, random);
  const topic = isPrivate ? `realtime:group:${pupil.group}` : 'realtime:frames';
  const config = { private: isPrivate, presence: { enabled: true, key: 'x' } };
  const payload = { config, ...(isPrivate ? { access_token: pupil.token } : {}) };
  const frame =
    version === '2.0.0'
      ? JSON.stringify(['1', '1', topic, 'phx_join', payload])
      : JSON.stringify({ topic, event: 'phx_join', payload, ref: '1', join_ref: '1' });
  return { topic, frame };
}

export const frames: Attack = {
  name: 'frames',
  sends:
    'presence `{"event":{"toString":1}}`, JSON 20,000 deep, random and mutated frames of both serializers',
  unharmed: 'nothing, an error, or an end of the one socket',
  lanes: 6,
  pauseMs: 100,
  async strike(scene) {
    const { record, random, address } = scene;
    const version = pick(['1.0.0', '2.0.0'] as const, random);
    using socket = await openSocket(scene, address(), version);
    if (!socket) return;
    const { topic, frame } = joinOf(scene, version);
    socket.ws.send(frame);
    for (let n = 0; n < FRAMES && socket.ws.readyState === socket.ws.OPEN; n += 1) {
      const made =
        version === '2.0.0' && random() < 0.3 ? binary(topic, random) : text(version, topic, random);
      const bytes = random() < 0.5 ? Buffer.from(made) : mutate(Buffer.from(made), random);
      socket.ws.send(bytes, { binary: typeof made !== 'string' });
      record.count('frame sent');
    }
    record.count((await socket.closed(HOLD_MS)) ? 'socket closed' : 'socket stayed');
  },
};
