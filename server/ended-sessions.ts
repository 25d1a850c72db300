import { type Claims, TokenError, type VerifyToken } from './tokens.ts';

/** Sessions that are remembered; beyond it the one that ended first is forgotten. */
const MOST_REMEMBERED = 100_000;

/**
 * Sessions that ended while their access tokens may still be valid. A courtesy: the law is `private.session_in_force()`,
 * which lets such a token read and write nothing; a 401 tells its bearer why.
 */
export class EndedSessions {
  readonly #ids = new Set<string>();

  add(sessionId: string): void {
    const oldest = this.#ids.values().next();
    if (this.#ids.size >= MOST_REMEMBERED && !oldest.done) this.#ids.delete(oldest.value);
    this.#ids.add(sessionId);
  }

  /** A verifier that refuses tokens of these sessions, too. */
  refuse(verifyToken: VerifyToken): VerifyToken {
    return async (token): Promise<Claims> => {
      const claims = await verifyToken(token);
      if (claims.session_id !== undefined && this.#ids.has(claims.session_id)) {
        throw new TokenError('PGRST303', 'The session has ended');
      }
      return claims;
    };
  }
}
