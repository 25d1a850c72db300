/** Bodies of `/rest/v1`: read when it is known whose they are, within bounds, and as JSON. */
import { readUpTo, tooLarge } from '../http/body-limit.ts';
import { refusal } from '../http/refusal.ts';
import type { Bearer } from '../http/turns.ts';
import { BadQuery } from './bad-query.ts';
import { judgeBody } from './names.ts';

const MEBIBYTE = 1_048_576;
const LARGEST = MEBIBYTE;
/** Ten thousand rows of pupils or staff, which is what an import takes at once: one transaction, so one request. */
const LARGEST_IMPORT = 4 * MEBIBYTE;
/** Of somebody who has not signed in, and whom no table lets write. */
const LARGEST_OF_STRANGER = MEBIBYTE / 16;
/** Bodies of one bearer that are on their way at once, bytes. */
const MOST_ON_THE_WAY = 32 * MEBIBYTE;

export class Bodies {
  readonly #onTheWay = new Map<string, number>();

  /**
   * Reads the body of a request.
   *
   * @returns its JSON as text, empty when it has none; or the answer that refuses it
   */
  async read(request: Request, path: string, bearer: Bearer): Promise<string | Response> {
    if (!request.body) return '';
    const type = request.headers.get('content-type')?.split(';', 1)[0]?.trim().toLowerCase();
    if (type !== undefined && type !== 'application/json') return TYPE_NOT_SERVED();
    const longest = longestOf(path, bearer);
    const declared = request.headers.get('content-length');
    const reserved = declared === null ? longest : Number(declared);
    if (reserved > longest) return tooLarge(longest);
    if (!this.#reserve(bearer.key, reserved)) return TOO_MANY_BYTES();
    try {
      const bytes = await readUpTo(request.body, longest);
      return bytes ? judged(bytes.toString('utf8')) : tooLarge(longest);
    } finally {
      this.#reserve(bearer.key, -reserved);
    }
  }

  #reserve(key: string, bytes: number): boolean {
    const sum = (this.#onTheWay.get(key) ?? 0) + bytes;
    if (sum > MOST_ON_THE_WAY) return false;
    if (sum > 0) this.#onTheWay.set(key, sum);
    else this.#onTheWay.delete(key);
    return true;
  }
}

function longestOf(path: string, { isStranger }: Bearer): number {
  if (isStranger) return LARGEST_OF_STRANGER;
  return /^\/rest\/v1\/rpc\/import_(?:students|staff)$/.test(path) ? LARGEST_IMPORT : LARGEST;
}

function judged(text: string): string | Response {
  if (text === '') return '';
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return NO_JSON();
  }
  const fault = judgeBody(body);
  if (fault === null) return text;
  if (fault === 'too_deep') return TOO_DEEP();
  const { code, message, hint } =
    fault === 'too_many'
      ? new BadQuery(
          'too_many_values',
          'Send at most 1,000 rows and 10,000 values at once; import more by a function.',
        )
      : new BadQuery('invalid_name', `Nothing is called ${fault.name}.`);
  return refusal(fault === 'too_many' ? 413 : 400, { code, message, hint });
}

const TYPE_NOT_SERVED = (): Response =>
  refusal(415, {
    code: 'PGRST102',
    message: 'Le corps de la requête doit être du JSON.',
    hint: 'Send it with the content type application/json.',
  });
const NO_JSON = (): Response =>
  refusal(400, {
    code: 'PGRST102',
    message: 'Le corps de la requête n’est pas du JSON.',
    hint: 'Send valid JSON.',
  });
const TOO_DEEP = (): Response =>
  refusal(400, {
    code: 'body_too_deep',
    message: 'Le corps de la requête est trop imbriqué.',
    hint: 'A body nests at most 64 levels deep.',
  });
const TOO_MANY_BYTES = (): Response =>
  refusal(
    429,
    {
      code: 'too_many_requests',
      message: 'Trop de demandes à la fois ; réessayez dans un instant.',
      hint: `At most ${MOST_ON_THE_WAY} bytes of one account are on their way at once.`,
    },
    { 'retry-after': '1', connection: 'close' },
  );
