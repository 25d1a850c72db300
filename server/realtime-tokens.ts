import { errors } from 'jose';
import { RealtimeError } from './realtime/errors.ts';
import type { Claims } from './realtime/options.ts';
import { TokenError, type VerifyToken } from './tokens.ts';

/**
 * Gives the gateway the verifier that REST has, so that a token is good for both or for neither.
 *
 * @returns a function that gives a token's claims, or throws a RealtimeError: `MalformedJWT`, `JwtSignatureError` or
 *   `InvalidJWTToken`
 */
export function createRealtimeVerifier(verifyToken: VerifyToken): (token: string) => Promise<Claims> {
  return async (token) => {
    try {
      return await verifyToken(token);
    } catch (error) {
      throw error instanceof TokenError ? toRealtimeError(error) : error;
    }
  };
}

function toRealtimeError(error: TokenError): RealtimeError {
  const { cause } = error;
  if (cause instanceof errors.JWTExpired) {
    const seconds = Math.round(Date.now() / 1000) - Number(cause.payload.exp);
    return new RealtimeError('InvalidJWTToken', `Token has expired ${seconds} seconds ago`, error);
  }
  if (cause instanceof errors.JWTClaimValidationFailed) {
    const valid =
      error.code === 'PGRST303' ? 'Token is not yet valid' : 'Fields `role` and `exp` are required in JWT';
    return new RealtimeError('InvalidJWTToken', valid, error);
  }
  if (cause instanceof errors.JWSInvalid || cause instanceof errors.JWTInvalid) {
    return new RealtimeError('MalformedJWT', 'The token provided is not a valid JWT', error);
  }
  if (cause === undefined) return new RealtimeError('InvalidJWTToken', error.message, error);
  return new RealtimeError('JwtSignatureError', 'Failed to validate JWT signature', error);
}
