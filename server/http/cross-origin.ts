import { cors } from 'hono/cors';
import type { MiddlewareHandler } from 'hono';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'];
const EXPOSED = ['Content-Range', 'Preference-Applied', 'Retry-After'];
const ONE_DAY_SECONDS = 86_400;

/**
 * Lets web apps of other origins use the API, as Supabase does, and answers their preflights itself: nothing of a
 * preflight reaches a library. Safe, because no cookie signs anybody in.
 */
export function allowOtherOrigins(): MiddlewareHandler {
  return cors({ origin: '*', allowMethods: METHODS, exposeHeaders: EXPOSED, maxAge: ONE_DAY_SECONDS });
}
