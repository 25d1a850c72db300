/** A relay for strangers: messages over HTTP with the public key, large ones and many. */
import { pick } from '../../chance.ts';
import type { Attack } from '../attack.ts';
import { keyed } from '../headers.ts';
import { refused } from '../record.ts';
import { send } from '../request.ts';

const LARGE = 2_900_000;
const MANY = 500;

const batch = (count: number, size: number): string =>
  JSON.stringify({
    messages: Array.from({ length: count }, (_, n) => ({
      topic: `flood ${n % 7}`,
      event: 'x',
      payload: { text: 'x'.repeat(size) },
    })),
  });
const LARGE_BATCH = Buffer.from(batch(1, LARGE));
const MANY_BATCH = Buffer.from(batch(MANY, 10));
const DEEP = Buffer.from(
  `{"messages": [{"topic": "a", "event": "b", "payload": ${'['.repeat(20_000)}${']'.repeat(20_000)}}]}`,
);

export const broadcasts: Attack = {
  name: 'broadcasts',
  sends: 'broadcasts over HTTP with the public key: 2.9 MB, 500 at once, 20,000 levels deep',
  unharmed: '4xx',
  lanes: 4,
  pauseMs: 100,
  async strike(scene) {
    const { target, record, random, address, signal } = scene;
    const one = '/realtime/v1/api/broadcast/flood/events/x';
    const [path, body] = pick<[string, Buffer]>(
      [
        ['/realtime/v1/api/broadcast', LARGE_BATCH],
        ['/realtime/v1/api/broadcast', MANY_BATCH],
        ['/realtime/v1/api/broadcast', DEEP],
        [one, Buffer.from('{}')],
        [`${one}?private=true`, Buffer.from('{}')],
      ],
      random,
    );
    const answer = await send(target.url, {
      from: address(),
      method: 'POST',
      path,
      headers: { ...keyed(scene), 'content-type': 'application/json', 'content-length': String(body.length) },
      body: [body],
      signal,
    });
    record.answer(`POST ${path}, ${body.length} bytes`, answer, refused);
  },
};
