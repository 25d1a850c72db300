import type { Context, MiddlewareHandler } from 'hono';
import { refuseToken } from '../lite-middlewares.ts';
import type { Claims, VerifyToken } from '../tokens.ts';

export interface CallerEnv {
  Variables: {
    /** Behind {@link requireCaller}: an account's id, or null for the platform's back end. */
    caller: string | null;
    /** At a signed address: as whom it reads. */
    signer: Claims;
  };
}

/** The connection ends with the answer: what is left of a stranger's body is not read. */
export const CLOSE = { connection: 'close' };

/** What a policy of storage answers. Stands for every reason, so that strangers learn nothing. */
export const refusedByPolicy = (headers: Record<string, string> = {}): Response =>
  Response.json(
    {
      code: 'Unauthorized',
      statusCode: '403',
      error: 'Unauthorized',
      message: 'new row violates row-level security policy',
    },
    { status: 400, headers },
  );

/**
 * Lets signed-in callers and the platform's back end pass, and refuses everybody else before a byte of the body is
 * read: no policy of storage lets them read, write, list or sign.
 */
export function requireCaller(verifyToken: VerifyToken, secretKey: string): MiddlewareHandler<CallerEnv> {
  return async (context, next) => {
    const token = bearerOf(context);
    if (token === undefined) {
      if (context.req.header('apikey') !== secretKey) return refusedByPolicy(CLOSE);
      context.set('caller', null);
      return next();
    }
    try {
      const { role, sub } = await verifyToken(token);
      if (role !== 'service_role' && sub === undefined) return refusedByPolicy(CLOSE);
      context.set('caller', role === 'service_role' ? null : (sub ?? null));
    } catch (error) {
      const response = refuseToken(error);
      response.headers.set('connection', 'close');
      return response;
    }
    return next();
  };
}

/** The access token; the project's keys, which the client sends where it has none, are not one. */
function bearerOf({ req }: Context): string | undefined {
  const token = /^Bearer\s+(.+)$/i.exec(req.header('authorization') ?? '')?.[1];
  return token?.startsWith('sb_') ? undefined : token;
}
