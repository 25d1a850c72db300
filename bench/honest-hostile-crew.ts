/** A crew whose attacks each ask the server of honest-hostile-server.ts for one of its flaws. */
import type { Attack } from '../tests/torture/hostile/attack.ts';
import { runCrew } from '../tests/torture/hostile/crew.ts';
import { refused } from '../tests/torture/hostile/record.ts';
import { send } from '../tests/torture/hostile/request.ts';

const FLAWS = ['none', 'leak', 'stall', 'fail', 'lie', 'postgres', 'crash'];

runCrew(
  FLAWS.map((name): Attack => ({
    name,
    sends: `a request for the flaw ${name}`,
    unharmed: '400',
    lanes: 1,
    pauseMs: 500,
    async strike({ target, record, address, signal }) {
      const path = `/flaw/${name}`;
      record.answer(path, await send(target.url, { from: address(), path, signal }), refused);
    },
  })),
);
