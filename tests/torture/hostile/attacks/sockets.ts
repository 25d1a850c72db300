/** Thousands of sockets that never join: all from one address, and one each from many. */
import type { Attack } from '../attack.ts';
import { type HostileSocket, openSocket } from '../socket.ts';

const FROM_ONE = 2_000;
const FROM_MANY = 200;
const AT_ONCE = 50;
/** Longest time that a strike opens sockets, milliseconds: a busy server takes its time. */
const OPEN_MS = 6_000;
const HOLD_MS = 5_000;

export const sockets: Attack = {
  name: 'sockets',
  sends: '2,000 sockets from one address, 200 from as many, that never join and stay for five seconds',
  unharmed: '101 for a few of one address, then 429',
  lanes: 2,
  pauseMs: 1_000,
  async strike(scene) {
    const { address, share, random } = scene;
    const isOne = random() < 0.5;
    const one = address();
    let left = share(isOne ? FROM_ONE : FROM_MANY);
    const open: HostileSocket[] = [];
    const until = performance.now() + OPEN_MS;
    await Promise.all(
      Array.from({ length: AT_ONCE }, async () => {
        while (left > 0 && performance.now() < until && !scene.signal.aborted) {
          left -= 1;
          const socket = await openSocket(scene, isOne ? one : address());
          if (socket) open.push(socket);
        }
      }),
    );
    await open[0]?.closed(HOLD_MS);
    for (const socket of open) socket[Symbol.dispose]();
  },
};
