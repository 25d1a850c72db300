import { createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto';

/** Characters of base64url: 16 random bytes, then 12 bytes of the tag over them. */
const RANDOM_BYTES = 16;
const RANDOM_LENGTH = 22;
const TAG_BYTES = 12;
const MADE = /^[\w-]{38}$/;
/** As Supabase's auth server makes them; accounts that moved from there bring theirs. */
const MOVED = /^[a-z0-9_-]{12}$/i;

/**
 * Where a refresh token may come from: `made` by this server, or another with its secret; perhaps `moved` from
 * Supabase, which only the database knows; or `unknown`, from nobody.
 */
export type TokenOrigin = 'made' | 'moved' | 'unknown';

export interface RefreshTokens {
  /** A refresh token that nobody guesses. */
  make(): string;
  /** Reads where a token comes from without the database: a flood of made-up tokens must not reach it. */
  originOf(token: string): TokenOrigin;
}

/**
 * Makes and recognises refresh tokens: random text with a keyed tag.
 *
 * @param jwtSecret what the key is derived from; with another one, all tokens made before are unknown
 */
export function createRefreshTokens(jwtSecret: string): RefreshTokens {
  const key = Buffer.from(hkdfSync('sha256', jwtSecret, '', 'e-pilot refresh token', 32));
  const tagOf = (random: string): Buffer =>
    createHmac('sha256', key).update(random).digest().subarray(0, TAG_BYTES);
  return {
    make() {
      const random = randomBytes(RANDOM_BYTES).toString('base64url');
      return random + tagOf(random).toString('base64url');
    },
    originOf(token) {
      if (MOVED.test(token)) return 'moved';
      if (!MADE.test(token)) return 'unknown';
      const tag = Buffer.from(token.slice(RANDOM_LENGTH), 'base64url');
      return timingSafeEqual(tag, tagOf(token.slice(0, RANDOM_LENGTH))) ? 'made' : 'unknown';
    },
  };
}
