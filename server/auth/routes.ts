import { type Context, Hono, type MiddlewareHandler } from 'hono';
import { FairTurns } from '../http/fair-turns.ts';
import { databaseUnavailable, refusal } from '../http/refusal.ts';
import { type ReadClient, networkOf } from '../http/trusted-proxies.ts';
import { type ReadBearer, inTurns } from '../http/turns.ts';
import { toUser } from './accounts.ts';
import {
  factorAnswer,
  factorId,
  logoutScope,
  newFactor,
  passwordGrant,
  read,
  readBody,
  refreshGrant,
  userChange,
} from './bodies.ts';
import { isDatabaseLost } from './database.ts';
import { AuthError, answerError } from './errors.ts';
import type { ClientInfo } from './grants.ts';
import { type AuthService, DOOR_PLACES } from './service.ts';
import type { Bearer } from './sessions.ts';

const SETTINGS = {
  external: { email: true, phone: false, anonymous_users: false },
  disable_signup: true,
  mailer_autoconfirm: false,
  phone_autoconfirm: false,
  sms_provider: '',
  saml_enabled: false,
};

export interface AuthRoutesOptions {
  auth: AuthService;
  readClient: ReadClient;
  readBearer: ReadBearer;
  publishableKey: string;
  secretKey: string;
}

/**
 * The doors of `/auth/v1` that are open: sign-in, refresh, sign-out, the account itself, its second factor, and what
 * describes them. Accounts come by invitation, so everything that would make one or send mail to a stranger is closed.
 *
 * What uses the database takes turns by bearer, but for sign-in by password, which waits in a queue of its own.
 */
export function createAuthRoutes({
  auth,
  readClient,
  readBearer,
  publishableKey,
  secretKey,
}: AuthRoutesOptions): Hono {
  const turns = new FairTurns(Date.now, { places: DOOR_PLACES, perBearer: 3, forHeavy: 2 });
  const inTurn = inTurns(turns, readBearer);
  const clientOf = (context: Context): ClientInfo => {
    const { address } = readClient(context);
    return { address, network: networkOf(address), userAgent: context.req.header('user-agent') ?? '' };
  };
  const bearerOf = (context: Context): Promise<Bearer> =>
    auth.readBearer(context.req.header('authorization'));
  /** A token that we made vouches for the network that sends it, so that a flood of others does not delay it. */
  const refreshInTurn = async (context: Context, token: string, client: ClientInfo): Promise<Response> => {
    const origin = auth.refreshTokens.originOf(token);
    // Refused without the database: it needs no turn.
    if (origin === 'unknown') return context.json(await auth.refresh(token, client));
    const bearer =
      origin === 'made'
        ? { key: `refresh ${client.network}`, isStranger: false }
        : { key: `network ${client.network}`, isStranger: true };
    return within(
      inTurns(turns, async () => bearer),
      context,
      async () => context.json(await auth.refresh(token, client)),
    );
  };
  const factorOf = (context: Context): string => read(factorId, context.req.param('factorId'), 'a factor');

  const routes = new Hono()
    .use('*', noStore())
    .use('*', requireKey([publishableKey, secretKey]))
    .post('/token', async (context) => {
      const client = clientOf(context);
      const kind = context.req.query('grant_type');
      if (kind === 'refresh_token') {
        const { refresh_token: token } = await readBody(context, refreshGrant, 'refresh_token');
        return refreshInTurn(context, token, client);
      }
      if (kind !== 'password') {
        throw new AuthError(
          400,
          'validation_failed',
          'The request must give grant_type=password or grant_type=refresh_token.',
        );
      }
      const credentials = await readBody(context, passwordGrant, 'email and password');
      return context.json(await auth.signIn(credentials, client, context.req.raw.signal));
    })
    .post('/logout', inTurn, async (context) => {
      const scope = read(
        logoutScope,
        context.req.query('scope') ?? 'global',
        'scope=global, local or others',
      );
      await auth.logout(await bearerOf(context), scope, clientOf(context).address);
      return context.body(null, 204);
    })
    .get('/user', inTurn, async (context) => context.json(toUser((await bearerOf(context)).account)))
    .put('/user', async (context) => {
      // Hashing waits in the queue of sign-ins, which a place must not be kept for.
      const bearer = await within(inTurn, context, () => bearerOf(context));
      if (bearer instanceof Response) return bearer;
      const change = await readBody(context, userChange, 'password, which is what can be changed here');
      return context.json(await auth.changePassword(bearer, change, clientOf(context)));
    })
    .use('/factors/*', inTurn)
    .post('/factors', async (context) => {
      const bearer = await bearerOf(context);
      const wanted = await readBody(context, newFactor, 'factor_type=totp');
      return context.json(await auth.factors.enrol(bearer, wanted, clientOf(context)));
    })
    .post('/factors/:factorId/challenge', async (context) => {
      const bearer = await bearerOf(context);
      return context.json(await auth.factors.challenge(bearer, factorOf(context), clientOf(context)));
    })
    .post('/factors/:factorId/verify', async (context) => {
      const bearer = await bearerOf(context);
      const answer = await readBody(context, factorAnswer, 'challenge_id and code');
      return context.json(await auth.factors.verify(bearer, factorOf(context), answer, clientOf(context)));
    })
    .delete('/factors/:factorId', async (context) => {
      const bearer = await bearerOf(context);
      return context.json(await auth.factors.unenrol(bearer, factorOf(context), clientOf(context)));
    })
    .get('/health', (context) => context.json({ name: 'GoTrue', description: 'E-Pilot sign-in' }))
    .get('/settings', (context) => context.json(SETTINGS))
    .get('/.well-known/jwks.json', (context) => context.json({ keys: [] }))
    .post('/signup', () =>
      refusal(422, {
        code: 'signup_disabled',
        message: 'Signups not allowed for this instance',
        hint: 'Accounts come by invitation.',
      }),
    )
    .all('*', () => refusal(404, { code: 'not_found', message: 'This way to sign in is not offered.' }));
  return routes.onError((error) => {
    if (error instanceof AuthError) return answerError(error);
    if (isDatabaseLost(error)) return databaseUnavailable();
    throw error;
  });
}

/** Does one thing in a turn; gives what comes of it, or the refusal of the turn. */
async function within<Result>(
  turn: MiddlewareHandler,
  context: Context,
  act: () => Promise<Result>,
): Promise<Result | Response> {
  const results: Result[] = [];
  const refused = await turn(context, async () => {
    results.push(await act());
  });
  return refused ?? (results[0] as Result);
}

/** Tokens and accounts are nobody's to keep. */
function noStore(): MiddlewareHandler {
  return async (context, next) => {
    await next();
    context.res.headers.set('cache-control', 'no-store');
  };
}

/** Whoever asks names the project by a key, as on Supabase; what describes the keys themselves is open. */
function requireKey(keys: readonly string[]): MiddlewareHandler {
  return async (context, next) => {
    if (context.req.path.includes('/.well-known/')) return next();
    if (keys.includes(context.req.header('apikey') ?? context.req.query('apikey') ?? '')) return next();
    return refusal(401, { code: 'api_key_required', message: 'The header apikey is missing or wrong.' });
  };
}
