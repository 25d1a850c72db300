import { errors, jwtVerify } from 'jose';

/** What a verified access token says about its bearer. */
export interface Claims {
  /** Database role that acts for the bearer. */
  role: string;
  sub?: string;
  session_id?: string;
  exp?: number;
  [claim: string]: unknown;
}

/** Why a token was refused, with PostgREST's codes. */
export type TokenErrorCode = 'PGRST301' | 'PGRST303';

export class TokenError extends Error {
  override readonly name = 'TokenError';
  readonly code: TokenErrorCode;

  constructor(code: TokenErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

export type VerifyToken = (token: string) => Promise<Claims>;

/** A verifier that remembers. */
export interface TokenVerifier extends VerifyToken {
  /** Whether a token was verified before, is not forgotten and has not expired; its session may have ended since. */
  knows: (token: string) => boolean;
}

const ROLES = new Set(['anon', 'authenticated', 'service_role']);

/**
 * Makes the one verifier of access tokens that REST and realtime share. A signature that was right once stays right:
 * a token that comes again is only looked at for its end.
 *
 * @param jwtSecret secret of the HS256 signature
 * @param mostRemembered verified tokens that are remembered; a token is about a kilobyte, and the oldest makes room
 * @returns a function that gives a token's claims, or throws {@link TokenError}: `PGRST303` expired or not yet
 *   valid, `PGRST301` malformed, badly signed or for a role that the API does not serve
 */
export function createTokenVerifier(jwtSecret: string, mostRemembered = 10_000): TokenVerifier {
  const key = new TextEncoder().encode(jwtSecret);
  const verified = new Map<string, Claims & { exp: number }>();
  const verify: VerifyToken = async (token) => {
    const known = verified.get(token);
    if (known && Date.now() < known.exp * 1_000) return known;
    verified.delete(token);
    try {
      const { payload } = await jwtVerify(token, key, {
        algorithms: ['HS256'],
        requiredClaims: ['exp', 'role'],
      });
      // Law: a token chooses among the API's roles only, whatever it was signed with.
      const { role } = payload;
      if (typeof role !== 'string' || !ROLES.has(role))
        throw new TokenError('PGRST301', 'The token names an unknown role');
      const claims = Object.freeze(payload as Claims & { exp: number });
      const oldest = verified.keys().next();
      if (verified.size >= mostRemembered && !oldest.done) verified.delete(oldest.value);
      verified.set(token, claims);
      return claims;
    } catch (error) {
      if (error instanceof TokenError) throw error;
      if (error instanceof errors.JWTExpired) throw new TokenError('PGRST303', 'JWT expired', error);
      if (error instanceof errors.JWTClaimValidationFailed && error.claim === 'nbf') {
        throw new TokenError('PGRST303', 'JWT not yet valid', error);
      }
      throw new TokenError('PGRST301', 'The token is malformed or its signature is wrong', error);
    }
  };
  return Object.assign(verify, {
    knows: (token: string) => Date.now() < (verified.get(token)?.exp ?? 0) * 1_000,
  });
}
