/** What is put right in front of @supabase/lite's routes, by the middlewares that it takes. */
import { type Claims, TokenError, type VerifyToken } from './tokens.ts';

/** The part of a Hono context that @supabase/lite's middlewares share. */
interface MiddlewareContext {
  req: { path: string; header(name: string): string | undefined };
  set(key: string, value: unknown): void;
}

/**
 * Verifies a request's access token; that is the only time. Left alone, @supabase/lite takes a malformed token for
 * no token, and asks the database twice a request for what the token already says.
 */
export function verifyBearer(verifyToken: VerifyToken) {
  return async (context: MiddlewareContext, next: () => Promise<void>): Promise<Response | void> => {
    const token = /^Bearer\s+(.+)$/i.exec(context.req.header('authorization') ?? '')?.[1];
    if (!token || token.startsWith('sb_')) return next();
    let claims: Claims;
    try {
      claims = await verifyToken(token);
    } catch (error) {
      return refuseToken(error);
    }
    context.set('jwt', claims);
    context.set('userId', claims.sub);
    context.set('sessionId', claims.session_id);
    context.set('ignoreAuthorization', true);
    return next();
  };
}

/**
 * The answer to a token that is not valid.
 *
 * @throws the error, when it is not about the token
 */
export function refuseToken(error: unknown): Response {
  if (!(error instanceof TokenError)) throw error;
  return Response.json(
    {
      code: error.code,
      message: error.message,
      details: null,
      hint: 'Sign in again, then repeat the request.',
    },
    { status: 401, headers: { 'www-authenticate': 'Bearer' } },
  );
}
