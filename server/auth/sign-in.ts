import { setTimeout as pause } from 'node:timers/promises';
import { type Account, findAccountByEmail } from './accounts.ts';
import { audit } from './audit.ts';
import { type AuthDatabase, inTransaction } from './database.ts';
import { AuthError, invalidCredentials } from './errors.ts';
import type { ClientInfo, Grant, GrantedSession, MakeGrant } from './grants.ts';
import { storable } from './grants.ts';
import type { PasswordCheck } from './password-check.ts';
import type { RefreshTokens } from './refresh-tokens.ts';
import { readTypedAddress } from './typed-address.ts';

/** Sessions of one account; the one refreshed longest ago ends when one more begins. */
const MOST_SESSIONS = 50;
/** How late a failure is told to a network that has failed too often, milliseconds. */
const SUSPECT_PAUSE_MS = 1_000;

export type SignIn = (
  credentials: { email: string; password: string },
  client: ClientInfo,
  signal?: AbortSignal,
) => Promise<Grant>;

/**
 * Makes the sign-in by password.
 *
 * @returns a function that gives a grant, or throws AuthError: `invalid_credentials` in the same words and after the
 *   same work whether or not the account exists, `over_request_rate_limit`, or `user_banned` to who knows the password
 */
export function createSignIn(
  database: AuthDatabase,
  check: PasswordCheck,
  tokens: RefreshTokens,
  grant: MakeGrant,
): SignIn {
  return async ({ email, password }, client, signal) => {
    const address = readTypedAddress(email);
    const attempt = check.begin(client.network, address);
    let account: Account | null;
    try {
      account = await attempt.turn(async (verify) => {
        const found = await findAccountByEmail(database, address);
        const hash = found?.confirmed_at ? found.encrypted_password : null;
        return (await verify(password, hash)) ? found : null;
      }, signal);
    } catch (error) {
      attempt.undecided();
      throw error;
    }
    if (!account) {
      if (attempt.suspect) await pause(SUSPECT_PAUSE_MS);
      attempt.failed();
      throw invalidCredentials();
    }
    attempt.succeeded();
    if (account.banned) throw new AuthError(400, 'user_banned', 'Ce compte est bloqué.');
    return openSession(database, account, client, tokens.make(), grant);
  };
}

async function openSession(
  database: AuthDatabase,
  account: Account,
  client: ClientInfo,
  refreshToken: string,
  grant: MakeGrant,
): Promise<Grant> {
  return inTransaction(database, async (transaction) => {
    // Law: no session for a password that was changed, or an account that was blocked, while it was being checked.
    const { rows } = await transaction.query<GrantedSession & { last_sign_in_at: Date }>(
      `with account as (
         update auth.users set last_sign_in_at = now(), updated_at = now()
         where id = $1 and encrypted_password = $2 and deleted_at is null and not coalesce(banned_until > now(), false)
         returning id, last_sign_in_at
       ), session as (
         insert into auth.sessions (id, user_id, aal, user_agent, ip, created_at, updated_at)
         select gen_random_uuid(), id, 'aal1', $3, $4::inet, now(), now() from account returning id, user_id, aal, created_at
       ), token as (
         insert into auth.refresh_tokens (token, user_id, session_id, revoked, created_at, updated_at)
         select $5, user_id, id, false, now(), clock_timestamp() from session
       ), amr as (
         insert into auth.mfa_amr_claims (id, session_id, authentication_method, created_at, updated_at)
         select gen_random_uuid(), id, 'password', now(), now() from session
       )
       select s.id, s.aal, s.created_at, a.last_sign_in_at from session s cross join account a`,
      [
        account.id,
        account.encrypted_password,
        storable(client.userAgent),
        client.address || null,
        refreshToken,
      ],
    );
    const session = rows[0];
    if (!session) throw invalidCredentials();
    // The account's row is locked: sign-ins at once count each other.
    await transaction.query(
      `delete from auth.sessions where id in (
         select id from auth.sessions where user_id = $1 and id <> $2
         order by coalesce(refreshed_at at time zone 'UTC', created_at) desc, id offset $3)`,
      [account.id, session.id, MOST_SESSIONS - 1],
    );
    await audit(transaction, account, 'login', client.address);
    const present = { ...account, last_sign_in_at: session.last_sign_in_at };
    return grant(transaction, present, session, refreshToken);
  });
}
