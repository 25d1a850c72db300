import { setTimeout as pause } from 'node:timers/promises';
import { type Context, Hono } from 'hono';
import { z } from 'zod';
import type { SupabaseApi } from '../supabase-lite.ts';
import { refusal } from './refusal.ts';
import { SignInLimiter } from './sign-in-limit.ts';
import { type ReadClient, networkOf } from './trusted-proxies.ts';

/** How late a failure is told to a network that has failed too often, milliseconds: it holds one of its places. */
const SUSPECT_PAUSE_MS = 1_000;

/** Text that PostgreSQL can store: it knows no NUL. */
const text = (longest: number) =>
  z
    .string()
    .max(longest)
    .regex(/^[^\0]*$/);
const passwordGrant = z.looseObject({ email: text(320), password: text(1_000) });
const refreshGrant = z.looseObject({ refresh_token: text(1_000) });

/**
 * The doors of `/auth/v1` that are open: sign-in, refresh, sign-out, the account itself, and what describes
 * them. Accounts come by invitation, so everything that would make one or send mail to a stranger is closed.
 *
 * @param api what answers the requests that pass
 * @param readClient tells who asks, for the limit on wrong passwords
 * @param now the time in milliseconds
 */
export function createAuthRoutes(
  api: Pick<SupabaseApi, 'fetch'>,
  readClient: ReadClient,
  now: () => number,
): Hono {
  const limiter = new SignInLimiter(now);
  const pass = (context: Context): Promise<Response> => api.fetch(context.req.raw);
  return new Hono()
    .post('/token', async (context) => {
      const body = await context.req.text();
      const forward = (): Promise<Response> =>
        api.fetch(new Request(context.req.raw, { method: 'POST', body }));
      const grant = context.req.query('grant_type');
      if (grant === 'refresh_token')
        return parse(refreshGrant, body) ? forward() : malformed('refresh_token');
      if (grant !== 'password') return malformed('grant_type=password or grant_type=refresh_token');
      const credentials = parse(passwordGrant, body);
      if (!credentials) return malformed('email and password');
      return attemptSignIn(limiter, networkOf(readClient(context).address), credentials.email, forward);
    })
    .post('/logout', pass)
    .get('/user', pass)
    .get('/health', pass)
    .get('/settings', pass)
    .get('/.well-known/jwks.json', pass)
    .options('*', pass)
    .post('/signup', () =>
      refusal(422, {
        code: 'signup_disabled',
        message: 'Signups not allowed for this instance',
        hint: 'Accounts come by invitation.',
      }),
    )
    .all('*', () => refusal(404, { code: 'not_found', message: 'This way to sign in is not offered.' }));
}

async function attemptSignIn(
  limiter: SignInLimiter,
  network: string,
  email: string,
  forward: () => Promise<Response>,
): Promise<Response> {
  const attempt = limiter.begin(network, email);
  if ('retryAfterSeconds' in attempt) {
    return refusal(
      429,
      {
        code: 'over_request_rate_limit',
        message: 'Trop de tentatives de connexion ; réessayez dans quelques minutes.',
        hint: `Try again in ${attempt.retryAfterSeconds} s.`,
      },
      { 'retry-after': String(attempt.retryAfterSeconds) },
    );
  }
  let response: Response;
  try {
    response = await forward();
  } catch (error) {
    attempt.undecided();
    throw error;
  }
  if (response.ok) {
    attempt.succeeded();
  } else if (response.status === 400) {
    if (attempt.suspect) await pause(SUSPECT_PAUSE_MS);
    attempt.failed();
  } else {
    attempt.undecided();
  }
  return response;
}

function parse<Schema extends z.ZodType>(schema: Schema, body: string): z.infer<Schema> | null {
  try {
    return schema.parse(JSON.parse(body));
  } catch {
    return null;
  }
}

function malformed(wanted: string): Response {
  return refusal(400, { code: 'validation_failed', message: `The request must give ${wanted}.` });
}
