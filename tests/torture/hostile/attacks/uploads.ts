/** Uploads by strangers to paths that another group has reserved, slowly, so that they are always under way. */
import { setTimeout as pause } from 'node:timers/promises';
import { pick } from '../../chance.ts';
import type { Attack } from '../attack.ts';
import { keyed, signed } from '../headers.ts';
import { refused } from '../record.ts';
import { send } from '../request.ts';

const HOLD_MS = 4_000;
const PIECES = 8;
const PIECE = Buffer.alloc(100, 'x');

async function* slowly(signal: AbortSignal): AsyncGenerator<Buffer> {
  for (let n = 0; n < PIECES && !signal.aborted; n += 1) {
    yield PIECE;
    await pause(HOLD_MS / PIECES, undefined, { signal }).catch(() => {});
  }
}

export const uploads: Attack = {
  name: 'uploads',
  sends: 'slow uploads to the paths that an honest group is about to upload to',
  unharmed: '4xx at once; the owner’s upload succeeds',
  lanes: 24,
  pauseMs: 200,
  async strike(scene) {
    const { target, record, random, address, signal } = scene;
    const path = `/storage/v1/object/documents/${pick(target.ownersPaths, random)}`;
    const answer = await send(target.url, {
      from: address(),
      method: 'POST',
      path,
      headers: {
        ...pick([keyed(scene), signed(scene)], random),
        'content-type': 'application/pdf',
        'content-length': String(PIECES * PIECE.length),
      },
      body: slowly(signal),
      signal,
    });
    record.answer(`POST ${path}`, answer, refused);
  },
};
