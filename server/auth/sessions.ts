import type { Claims, VerifyToken } from '../tokens.ts';
import { TokenError } from '../tokens.ts';
import { type Account, findAccount } from './accounts.ts';
import { audit } from './audit.ts';
import { type AuthDatabase, type Queryable, inTransaction } from './database.ts';
import { AuthError } from './errors.ts';

export type LogoutScope = 'global' | 'local' | 'others';

/** Who is signed in with a token, and where. */
export interface Bearer {
  account: Account;
  session: BearerSession;
}

export interface BearerSession {
  id: string;
  user_id: string;
  /** What the session has been raised to, which the token says too. */
  aal: 'aal1' | 'aal2' | 'aal3' | null;
  created_at: Date;
  /** Milliseconds since it was begun. */
  age: number;
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * Reads who bears an access token, from the token and from the database.
 *
 * @param authorization the header
 * @throws AuthError `no_authorization`, `bad_jwt`, or `session_not_found` when the session has ended
 */
export async function readBearer(
  database: AuthDatabase,
  verifyToken: VerifyToken,
  authorization: string | undefined,
): Promise<Bearer> {
  const token = /^Bearer\s+(.+)$/i.exec(authorization ?? '')?.[1];
  if (!token || token.startsWith('sb_')) {
    throw new AuthError(401, 'no_authorization', 'This endpoint requires a valid Bearer token');
  }
  const claims = await readClaims(verifyToken, token);
  const { sub, session_id: id } = claims;
  if (!sub || !UUID.test(sub)) throw badToken('missing sub claim');
  if (!id || !UUID.test(id)) throw sessionNotFound();
  const { rows } = await database.query<BearerSession>(
    `select id, user_id, aal, created_at, extract(epoch from now() - created_at)::float8 * 1000 as age
     from auth.sessions where id = $1 and user_id = $2 and (not_after is null or not_after > now())`,
    [id, sub],
  );
  const account = rows[0] && (await findAccount(database, sub));
  if (!rows[0] || !account) throw sessionNotFound();
  return { account, session: rows[0] };
}

async function readClaims(verifyToken: VerifyToken, token: string): Promise<Claims> {
  try {
    return await verifyToken(token);
  } catch (error) {
    if (error instanceof TokenError) throw badToken(error.message);
    throw error;
  }
}

/** Ends this session, the others, or all; at once, with their tokens and channels. */
export function logout(
  database: AuthDatabase,
  { account, session }: Bearer,
  scope: LogoutScope,
  address: string,
): Promise<void> {
  return inTransaction(database, async (transaction) => {
    if (scope === 'local') await transaction.query('delete from auth.sessions where id = $1', [session.id]);
    else await endSessions(transaction, account.id, scope === 'others' ? session.id : null);
    await audit(transaction, account, 'logout', address);
  });
}

/** Ends the sessions of an account, all but `kept`. */
export async function endSessions(database: Queryable, userId: string, kept: string | null): Promise<void> {
  // Who ends several takes the account first: two at once would lock them in different orders.
  await database.query('select from auth.users where id = $1 for no key update', [userId]);
  await database.query('delete from auth.sessions where user_id = $1 and id is distinct from $2', [
    userId,
    kept,
  ]);
}

const badToken = (why: string): AuthError => new AuthError(403, 'bad_jwt', `invalid JWT: ${why}`);
const sessionNotFound = (): AuthError =>
  new AuthError(403, 'session_not_found', 'Session from session_id claim in JWT does not exist');
