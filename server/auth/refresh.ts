import { findAccount } from './accounts.ts';
import { type AuthDatabase, Committed, type Queryable, inTransaction } from './database.ts';
import { AuthError } from './errors.ts';
import {
  type ClientInfo,
  type Grant,
  type GrantedSession,
  type MakeGrant,
  type SessionLife,
  storable,
} from './grants.ts';
import type { RefreshTokens } from './refresh-tokens.ts';

/** How long after its first use a refresh token still leads to the session's present one, milliseconds. */
export const REUSE_MS = 10_000;

/** For how long after an exchange the session's token is not exchanged again, milliseconds: each exchange leaves a row. */
const REST_MS = 5_000;
/** Used tokens of a session that are kept, to recognise a copy by; besides those that are still honoured. */
const MOST_USED_TOKENS = 20;

export type Refresh = (refreshToken: string, client: ClientInfo) => Promise<Grant>;

interface LockedSession extends GrantedSession {
  user_id: string;
  /** Milliseconds since it was begun, and since it was last refreshed. */
  age: number;
  idle: number;
  over: boolean;
  /** Whether its last exchange was less than {@link REST_MS} ago. */
  rests: boolean;
}

/**
 * Makes the exchange of refresh tokens. A session has one valid token at any time; each exchange revokes it and makes
 * its child. Who comes a second time within {@link REUSE_MS} (an answer was lost, two tabs, two programs) gets that
 * child: one session, nobody out. Who comes later has a copy: the session ends for both. Within {@link REST_MS} of an
 * exchange the valid token stays. A used token that is so old that it was forgotten is unknown: it continues nothing.
 *
 * @returns a function that gives a grant, or throws AuthError: `refresh_token_not_found`,
 *   `refresh_token_already_used`, `session_expired` or `user_banned`
 */
export function createRefresh(
  database: AuthDatabase,
  tokens: RefreshTokens,
  life: SessionLife,
  grant: MakeGrant,
): Refresh {
  // Uses of one token in this process share one exchange; between processes, the row's lock makes them take turns.
  const underWay = new Map<string, Promise<Grant>>();
  return (refreshToken, client) => {
    const known = underWay.get(refreshToken);
    if (known) return known;
    const exchange = refuseUnknown(database, tokens, refreshToken)
      .then(() =>
        inTransaction(database, (session) =>
          exchangeToken(session, refreshToken, tokens.make(), client, life, grant),
        ),
      )
      .finally(() => underWay.delete(refreshToken));
    underWay.set(refreshToken, exchange);
    return exchange;
  };
}

/** Refuses a token that nobody was given, before it costs a transaction, and without the database if it can be. */
async function refuseUnknown(
  database: AuthDatabase,
  tokens: RefreshTokens,
  refreshToken: string,
): Promise<void> {
  const origin = tokens.originOf(refreshToken);
  if (origin === 'made') return;
  if (origin === 'unknown') throw notFound();
  const { rowCount } = await database.query('select from auth.refresh_tokens where token = $1', [
    refreshToken,
  ]);
  if (rowCount === 0) throw notFound();
}

/** @param child what takes the token's place, if it is still the present one */
async function exchangeToken(
  database: Queryable,
  refreshToken: string,
  child: string,
  client: ClientInfo,
  life: SessionLife,
  grant: MakeGrant,
): Promise<Grant | Committed<AuthError>> {
  const session = await lockSession(database, refreshToken);
  if (!session) throw notFound();
  if (session.over || session.age > life.absoluteMs || session.idle > life.idleMs) {
    await endSession(database, session.id);
    return new Committed(new AuthError(400, 'session_expired', 'Votre session a expiré ; reconnectez-vous.'));
  }
  const account = await findAccount(database, session.user_id);
  if (!account) throw notFound();
  if (account.banned) throw new AuthError(400, 'user_banned', 'Ce compte est bloqué.');
  // Read after the lock, by a statement of its own: who waited for it sees what the other did.
  const { rows } = await database.query<{ revoked: boolean; used: number; active: string | null }>(
    `select t.revoked, extract(epoch from clock_timestamp() - t.updated_at)::float8 * 1000 as used,
       (select a.token from auth.refresh_tokens a where a.session_id = t.session_id and not a.revoked
        order by a.id desc limit 1) as active
     from auth.refresh_tokens t where t.token = $1`,
    [refreshToken],
  );
  const token = rows[0];
  if (!token) throw notFound();
  if (token.revoked && token.used > REUSE_MS) {
    await endSession(database, session.id);
    return new Committed(
      new AuthError(400, 'refresh_token_already_used', 'Invalid Refresh Token: Already Used'),
    );
  }
  if (token.revoked && token.active === null) throw notFound();
  if (token.revoked) return grant(database, account, session, token.active ?? '');
  if (session.rests) return grant(database, account, session, refreshToken);
  const next = await rotate(database, session, refreshToken, child);
  await database.query(
    `update auth.sessions set refreshed_at = clock_timestamp() at time zone 'UTC', updated_at = now(), user_agent = $2, ip = $3::inet
     where id = $1`,
    [session.id, storable(client.userAgent), client.address || null],
  );
  return grant(database, account, session, next);
}

/** Locks the session that a token belongs to. */
async function lockSession(database: Queryable, refreshToken: string): Promise<LockedSession | undefined> {
  const { rows } = await database.query<LockedSession>(
    `select s.id, s.user_id, s.aal, s.created_at, coalesce(s.not_after <= now(), false) as over,
       extract(epoch from now() - s.created_at)::float8 * 1000 as age,
       extract(epoch from now() - coalesce(s.refreshed_at at time zone 'UTC', s.created_at))::float8 * 1000 as idle,
       coalesce(clock_timestamp() - s.refreshed_at at time zone 'UTC' < make_interval(secs => $2), false) as rests
     from auth.sessions s
     where s.id = (select session_id from auth.refresh_tokens where token = $1) for update`,
    [refreshToken, REST_MS / 1_000],
  );
  return rows[0];
}

/**
 * Revokes a token and stores its child; forgets tokens that were used long ago. The session must be locked.
 *
 * @param refreshToken the token; `null` for the present one
 * @returns the child
 */
export async function rotate(
  database: Queryable,
  session: { id: string; user_id: string },
  refreshToken: string | null,
  child: string,
): Promise<string> {
  await database.query(
    `with used as (
       update auth.refresh_tokens set revoked = true, updated_at = clock_timestamp()
       where session_id = $2 and not revoked returning token
     ), forgotten as (
       delete from auth.refresh_tokens where id in (
         select id from auth.refresh_tokens
         where session_id = $2 and revoked and updated_at < clock_timestamp() - make_interval(secs => $5)
         order by id desc offset $6)
     )
     insert into auth.refresh_tokens (token, user_id, session_id, parent, revoked, created_at, updated_at)
     select $1, $3, $2::uuid, coalesce($4, (select max(token) from used)), false, clock_timestamp(), clock_timestamp()`,
    [child, session.id, session.user_id, refreshToken, REUSE_MS / 1_000, MOST_USED_TOKENS - 1],
  );
  return child;
}

async function endSession(database: Queryable, id: string): Promise<void> {
  await database.query('delete from auth.sessions where id = $1', [id]);
}

const notFound = (): AuthError =>
  new AuthError(400, 'refresh_token_not_found', 'Invalid Refresh Token: Refresh Token Not Found');
