/** Who a key or a token stands for. */
import { createHash } from 'node:crypto';
import { decodeJwt, errors, jwtVerify } from 'jose';
import { RealtimeError } from './errors.ts';
import type { Claims, GatewayOptions } from './options.ts';

/** A verified bearer. One object is shared by all channels of a socket that present the same token. */
export interface Session {
  /** The token it was made from; a repeat of it needs no second verification. */
  readonly token: string;
  readonly role: string;
  /** As policies read them. */
  readonly claims: string;
  readonly subject: string;
  /** Claim `session_id`; empty without one. */
  readonly sessionId: string;
  /** Milliseconds since 1970; Infinity for API keys. */
  readonly expiresAt: number;
}

export interface Sessions {
  /**
   * The bearer of a connection's key: a publishable key, a secret key, or a JWT.
   * @throws RealtimeError when it is none of these or no longer valid
   */
  ofKey(key: string): Promise<Session>;
  /**
   * The bearer of a JWT.
   * @throws RealtimeError `MalformedJWT`, `JwtSignatureError` or `InvalidJWTToken`
   */
  ofToken(token: string): Promise<Session>;
}

/** Role of a key that everybody has, and of the server's own. */
export const ANONYMOUS = 'anon';
export const SERVICE = 'service_role';

/** API keys start so; as an access token they mean “the rights of the connection's own key”. */
export const API_KEY_PREFIX = 'sb_';

/**
 * @param options keys and the way to verify tokens
 * @param now clock, milliseconds since 1970
 * @throws TypeError when there is no way to verify tokens
 */
export function createSessions(
  options: Pick<GatewayOptions, 'jwtSecret' | 'verifyToken' | 'publishableKeys' | 'secretKeys'>,
  now: () => number,
): Sessions {
  const verify = options.verifyToken ?? verifierOf(options.jwtSecret, now);
  // Looked up by digest, so that the time of a miss tells nothing about the keys.
  const keys = new Map<string, Session>();
  for (const key of options.publishableKeys) keys.set(digest(key), keySession(key, ANONYMOUS));
  for (const key of options.secretKeys) keys.set(digest(key), keySession(key, SERVICE));

  const ofToken = async (token: string): Promise<Session> => {
    let claims: Claims;
    try {
      claims = await verify(token);
    } catch (cause) {
      throw cause instanceof RealtimeError
        ? cause
        : new RealtimeError('JwtSignatureError', BAD_SIGNATURE, cause);
    }
    if (typeof claims.role !== 'string' || typeof claims.exp !== 'number') {
      throw new RealtimeError('InvalidJWTToken', 'Fields `role` and `exp` are required in JWT');
    }
    const expiresAt = claims.exp * 1000;
    if (expiresAt <= now()) throw expired(expiresAt, now());
    return {
      token,
      role: claims.role,
      claims: JSON.stringify(claims),
      subject: typeof claims.sub === 'string' ? claims.sub : '',
      sessionId: typeof claims['session_id'] === 'string' ? claims['session_id'] : '',
      expiresAt,
    };
  };

  return {
    ofToken,
    ofKey: async (key) => {
      const known = keys.get(digest(key));
      if (known) return known;
      if (key.startsWith(API_KEY_PREFIX)) throw new RealtimeError('Unauthorized', 'Unknown API key');
      return ofToken(key);
    },
  };
}

/** What a bearer is told whose token ran out. */
export function expired(expiresAt: number, now: number): RealtimeError {
  const seconds = Math.max(0, Math.round((now - expiresAt) / 1000));
  return new RealtimeError('InvalidJWTToken', `Token has expired ${seconds} seconds ago`);
}

const BAD_SIGNATURE = 'Failed to validate JWT signature';

function verifierOf(secret: string | undefined, now: () => number): (token: string) => Promise<Claims> {
  if (!secret) throw new TypeError('createRealtimeGateway needs `jwtSecret` or `verifyToken`.');
  const key = new TextEncoder().encode(secret);
  return async (token) => {
    try {
      decodeJwt(token);
    } catch (cause) {
      throw new RealtimeError('MalformedJWT', 'The token provided is not a valid JWT', cause);
    }
    try {
      const { payload } = await jwtVerify(token, key, {
        algorithms: ['HS256'],
        currentDate: new Date(now()),
      });
      return payload as Claims;
    } catch (cause) {
      if (cause instanceof errors.JWTExpired) throw expired(Number(cause.payload.exp) * 1000, now());
      throw new RealtimeError('JwtSignatureError', BAD_SIGNATURE, cause);
    }
  };
}

function keySession(token: string, role: string): Session {
  return { token, role, claims: JSON.stringify({ role }), subject: '', sessionId: '', expiresAt: Infinity };
}

function digest(key: string): string {
  return createHash('sha256').update(key).digest('base64');
}
