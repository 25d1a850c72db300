/** Bodies of 95 MB by strangers: a form within a form, and bodies that do not say how long they are. */
import { randomUUID } from 'node:crypto';
import { pick } from '../../chance.ts';
import type { Attack } from '../attack.ts';
import { keyed } from '../headers.ts';
import { refused } from '../record.ts';
import { send } from '../request.ts';

const SIZE = 95 * 1_048_576;
const PIECE = Buffer.alloc(65_536, 'x');
const OUTER = 'outer';
const HEAD = Buffer.from(
  `--${OUTER}\r\nContent-Disposition: form-data; name="cacheControl"\r\n\r\n3600\r\n` +
    `--${OUTER}\r\nContent-Disposition: form-data; name=""; filename="x"\r\n` +
    'Content-Type: multipart/form-data; boundary=inner\r\n\r\n' +
    '--inner\r\nContent-Disposition: form-data; name="f"; filename="y"\r\n\r\n',
);
const TAIL = Buffer.from(`\r\n--inner--\r\n\r\n--${OUTER}--\r\n`);

function* filler(size: number): Generator<Buffer> {
  for (let left = size; left > 0; left -= PIECE.length) yield PIECE.subarray(0, Math.min(left, PIECE.length));
}

function* form(): Generator<Buffer> {
  yield HEAD;
  yield* filler(SIZE - HEAD.length - TAIL.length);
  yield TAIL;
}

export const large: Attack = {
  name: 'large bodies',
  sends:
    '95 MB to storage without rights, a form within a form; 95 MB in chunks to REST, sign-in and broadcast',
  unharmed: '4xx before the body is read',
  lanes: 4,
  pauseMs: 600,
  async strike(scene) {
    const { target, record, random, address, signal } = scene;
    const isForm = random() < 0.5;
    const path = isForm
      ? `/storage/v1/object/documents/${randomUUID()}/${randomUUID()}`
      : pick(
          [
            '/rest/v1/rpc/import_students',
            '/rest/v1/schools',
            '/auth/v1/token',
            '/realtime/v1/api/broadcast',
          ],
          random,
        );
    const type = isForm
      ? { 'content-type': `multipart/form-data; boundary=${OUTER}`, 'content-length': String(SIZE) }
      : { 'content-type': 'application/json', 'transfer-encoding': 'chunked' };
    const answer = await send(target.url, {
      from: address(),
      method: 'POST',
      path,
      headers: { ...keyed(scene), ...type },
      body: isForm ? form() : filler(SIZE),
      signal,
    });
    record.answer(`POST ${path}, ${SIZE} bytes`, answer, refused);
  },
};
