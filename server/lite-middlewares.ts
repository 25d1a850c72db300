/** What is put right in front of @supabase/lite's routes, by the middlewares that it takes. */
import { type Claims, TokenError, type VerifyToken } from './tokens.ts';

/** The part of a Hono context that @supabase/lite's middlewares share. */
interface MiddlewareContext {
  req: { path: string; header(name: string): string | undefined };
  set(key: string, value: unknown): void;
  var: { authService: { repo: AccountRepository } };
}

/** The part of its account store that a sign-in reads. Each request has one of its own. */
interface AccountRepository {
  findUserByEmail(email: string): Promise<Account | null>;
}

interface Account {
  encrypted_password?: string | null;
  email_confirmed_at?: string | null;
  confirmed_at?: string | null;
}

/** Where sign-in acts for the bearer of a token. */
const BEARER_PATHS = new Set(['/auth/v1/user', '/auth/v1/logout']);

/**
 * Verifies a request's access token; for REST and storage that is the only time. Left alone, @supabase/lite takes a
 * malformed token for no token, asks the database twice a request for what the token already says, and tells the
 * bearer of a token that never expires who they are.
 */
export function verifyBearer(verifyToken: VerifyToken) {
  return async (context: MiddlewareContext, next: () => Promise<void>): Promise<Response | void> => {
    const token = /^Bearer\s+(.+)$/i.exec(context.req.header('authorization') ?? '')?.[1];
    const forData = /^\/(?:rest|storage)\/v1\//.test(context.req.path);
    if (!token || token.startsWith('sb_') || !(forData || BEARER_PATHS.has(context.req.path))) return next();
    let claims: Claims;
    try {
      claims = await verifyToken(token);
    } catch (error) {
      return refuseToken(error, forData);
    }
    if (!forData) return next();
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
 * @param forData whether it came to REST or storage, which answer otherwise than sign-in
 * @throws the error, when it is not about the token
 */
export function refuseToken(error: unknown, forData: boolean): Response {
  if (!(error instanceof TokenError)) throw error;
  if (!forData) {
    return Response.json(
      { code: 403, error_code: 'bad_jwt', msg: `invalid JWT: ${error.message}` },
      { status: 403 },
    );
  }
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

/** Nobody's account, with the bcrypt cost of all others. Its digest is all zeros: no password is known to give it. */
const DECOY = {
  encrypted_password: `$2b$10$${'.'.repeat(53)}`,
  email_confirmed_at: new Date(0).toISOString(),
  raw_app_meta_data: '{}',
  raw_user_meta_data: '{}',
};

/**
 * Does the same work for an e-mail whether or not somebody can sign in with it: left alone, @supabase/lite answers
 * at once for a stranger, and so tells who has an account.
 */
export function hideAccounts() {
  return async (
    { req, var: { authService } }: MiddlewareContext,
    next: () => Promise<void>,
  ): Promise<void> => {
    if (req.path === '/auth/v1/token') {
      const { repo } = authService;
      const find = repo.findUserByEmail.bind(repo);
      repo.findUserByEmail = async (email) => {
        const account = await find(email);
        const canSignIn = account?.encrypted_password && (account.confirmed_at ?? account.email_confirmed_at);
        return canSignIn ? account : DECOY;
      };
    }
    return next();
  };
}
