/** What is put right in front of @supabase/lite's routes, by the middlewares that it takes. */
import { type Claims, TokenError, type VerifyToken } from './tokens.ts';

/** The part of a Hono context that @supabase/lite's middlewares share. */
interface MiddlewareContext {
  req: { path: string; raw: Request; header(name: string): string | undefined };
  set(key: string, value: unknown): void;
}

const acting = new WeakMap<Request, Claims>();

/** Lets a request of the server's own act for somebody, without a token. */
export function actFor(request: Request, claims: Claims): Request {
  acting.set(request, claims);
  return request;
}

/**
 * Verifies a request's access token; that is the only time. Left alone, @supabase/lite takes a malformed token for
 * no token, and asks the database twice a request for what the token already says.
 */
export function verifyBearer(verifyToken: VerifyToken) {
  return async (context: MiddlewareContext, next: () => Promise<void>): Promise<Response | void> => {
    const known = acting.get(context.req.raw);
    if (known) {
      setClaims(context, known);
      return next();
    }
    const token = /^Bearer\s+(.+)$/i.exec(context.req.header('authorization') ?? '')?.[1];
    if (!token || token.startsWith('sb_')) return next();
    let claims: Claims;
    try {
      claims = await verifyToken(token);
    } catch (error) {
      return refuseToken(error);
    }
    setClaims(context, claims);
    return next();
  };
}

function setClaims(context: MiddlewareContext, claims: Claims): void {
  context.set('jwt', claims);
  context.set('userId', claims.sub);
  context.set('sessionId', claims.session_id);
  context.set('ignoreAuthorization', true);
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
