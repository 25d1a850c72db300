/** Joins by strangers: public channels with the public key, joins of 4.5 MB, and what they would push. */
import { pick } from '../../chance.ts';
import type { Attack } from '../attack.ts';
import { openSocket } from '../socket.ts';

const HEAVY = 'x'.repeat(4_500_000);
const HEAVY_PUSH = 'x'.repeat(2_900_000);
const ANSWER_MS = 1_500;

export const joins: Attack = {
  name: 'joins',
  sends: 'public joins with the public key, joins of 4.5 MB, pushes of 2.9 MB, joins by the hundred',
  unharmed: 'a refusal of the join, or an end of the socket',
  lanes: 4,
  pauseMs: 200,
  async strike(scene) {
    const { record, random, address } = scene;
    using socket = await openSocket(scene, address());
    if (!socket) return;
    const { ws } = socket;
    ws.on('message', (data: Buffer) => {
      const text = data.toString('utf8', 0, 2_000);
      if (!text.includes('"phx_reply"')) return;
      const isJoined = text.includes('"status":"ok"') && !text.includes('"heartbeat"');
      record.count(isJoined ? 'joined' : 'join refused');
      if (isJoined) record.wrong(`A stranger joined a public channel: ${text.slice(0, 120)}`);
    });
    const join = (n: number, extra: object): void =>
      ws.send(
        JSON.stringify([
          `${n}`,
          `${n}`,
          `realtime:flood ${n}`,
          'phx_join',
          { config: { broadcast: { self: true } }, ...extra },
        ]),
      );
    const form = pick(['public', 'heavy', 'many', 'push'] as const, random);
    if (form === 'heavy') join(1, { note: HEAVY });
    else if (form === 'many') for (let n = 1; n <= 150; n += 1) join(n, {});
    else join(1, {});
    if (form === 'push') {
      const payload = { type: 'broadcast', event: 'x', payload: { text: HEAVY_PUSH } };
      ws.send(JSON.stringify(['1', '2', 'realtime:flood 1', 'broadcast', payload]));
    }
    record.count((await socket.closed(ANSWER_MS)) ? 'socket closed' : 'socket stayed');
  },
};
