/** Answers of hundreds of megabytes to questions of some dozen characters: tables within tables, rows of a write. */
import { pick } from '../../chance.ts';
import type { Attack } from '../attack.ts';
import { signed } from '../headers.ts';
import { bounded } from '../record.ts';
import { send } from '../request.ts';

/** Largest answer of an unharmed server, bytes. */
const MOST = 16 * 1_048_576;
const DEEP = 30;
const nested = (depth: number): string =>
  depth === 0 ? '*' : `*,${depth % 2 === 0 ? 'students' : 'schools'}(${nested(depth - 1)})`;

const READS = [
  'students?select=*,schools(*,students(*))',
  'schools?select=*,students(*,schools(*,students(*)))',
  'students?select=*,schools!inner(*,pupils:students(*))',
  `students?select=${nested(DEEP)}`,
  `schools?select=*,${Array.from({ length: 20 }, (_, n) => `a${n}:students(*)`).join(',')}`,
];
const WRITE = 'students?status=eq.active&select=*,schools(*,students(*))';

export const embeds: Attack = {
  name: 'embeds',
  sends: '`students(*,schools(*,students(*)))`, 30 levels, 20 at once; the same as `return=representation`',
  unharmed: `400, or at most ${MOST / 1_048_576} MB`,
  lanes: 3,
  pauseMs: 150,
  async strike(scene) {
    const { target, record, random, signal } = scene;
    const isWrite = random() < 0.2;
    const path = `/rest/v1/${isWrite ? WRITE : pick(READS, random)}`;
    const headers = { ...signed(scene), 'content-type': 'application/json', prefer: 'return=representation' };
    const sent = isWrite
      ? { method: 'PATCH', headers, body: [Buffer.from('{"class_name": "6e"}')] }
      : { method: 'GET', headers: signed(scene) };
    // From the honest clients' own address: a school's pupils share it.
    const answer = await send(target.url, { from: '127.0.0.1', path, ...sent, signal });
    record.answer(`${sent.method} ${path}`, answer, bounded(MOST));
  },
};
