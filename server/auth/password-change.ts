import { type Account, findAccount, hasSecondFactor, toUser } from './accounts.ts';
import { audit } from './audit.ts';
import { type AuthDatabase, inTransaction } from './database.ts';
import { AuthError, invalidCredentials } from './errors.ts';
import type { ClientInfo } from './grants.ts';
import type { HashPool } from './hash-pool.ts';
import type { PasswordCheck } from './password-check.ts';
import { type Bearer, endSessions } from './sessions.ts';
import { readTypedAddress } from './typed-address.ts';

/** As in supabase/config.toml. */
const SHORTEST_PASSWORD = 10;
/** What bcrypt reads of a password, bytes. */
const LONGEST_PASSWORD = 72;
/** How fresh a sign-in stands for the present password, milliseconds. */
const RECENT_MS = 15 * 60_000;

export interface PasswordChange {
  password: string;
  /** Required unless the sign-in is recent. */
  current_password?: string | undefined;
}

export type ChangePassword = (
  bearer: Bearer,
  change: PasswordChange,
  client: ClientInfo,
) => Promise<Record<string, unknown>>;

/**
 * Makes the change of one's own password; it ends all other sessions of the account.
 *
 * @returns a function that gives the account in the shape of Supabase's API, or throws AuthError: `weak_password`,
 *   `validation_failed`, `insufficient_aal`, `reauthentication_needed`, `invalid_credentials`, `same_password`,
 *   `over_request_rate_limit`, `conflict`
 */
export function createPasswordChange(
  database: AuthDatabase,
  check: PasswordCheck,
  pool: Pick<HashPool, 'hash'>,
): ChangePassword {
  return async (bearer, change, client) => {
    judgePassword(change.password);
    if (hasSecondFactor(bearer.account) && bearer.session.aal !== 'aal2') {
      throw new AuthError(
        401,
        'insufficient_aal',
        'AAL2 session is required to update email or password when MFA is enabled.',
      );
    }
    if (change.current_password === undefined && bearer.session.age > RECENT_MS) {
      throw new AuthError(400, 'reauthentication_needed', 'Saisissez votre mot de passe actuel.', {
        hint: 'Send current_password, or sign in again.',
      });
    }
    const hash = await hashChange(check, pool, bearer.account, change, client);
    return store(database, bearer, hash, client);
  };
}

function judgePassword(password: string): void {
  if (Buffer.byteLength(password) > LONGEST_PASSWORD) {
    throw new AuthError(
      400,
      'validation_failed',
      `Le mot de passe ne peut pas dépasser ${LONGEST_PASSWORD} octets.`,
    );
  }
  if (password.length < SHORTEST_PASSWORD) {
    throw new AuthError(
      422,
      'weak_password',
      `Le mot de passe doit compter au moins ${SHORTEST_PASSWORD} caractères.`,
      { weakPassword: ['length'] },
    );
  }
}

/** Compares what must be compared in one turn of the queue, as a guess that counts. */
async function hashChange(
  check: PasswordCheck,
  pool: Pick<HashPool, 'hash'>,
  { email, encrypted_password: stored }: Account,
  { password, current_password: current }: PasswordChange,
  { network }: ClientInfo,
): Promise<string> {
  const attempt = check.begin(network, readTypedAddress(email));
  let outcome: string | AuthError;
  try {
    outcome = await attempt.turn(async (verify) => {
      if (current !== undefined && !(await verify(current, stored))) return invalidCredentials();
      if (current === undefined ? await verify(password, stored) : password === current) {
        return new AuthError(422, 'same_password', 'Le nouveau mot de passe doit différer de l’ancien.');
      }
      return pool.hash(password);
    });
  } catch (error) {
    attempt.undecided();
    throw error;
  }
  if (typeof outcome === 'string') {
    attempt.succeeded();
    return outcome;
  }
  if (outcome.code === 'invalid_credentials') attempt.failed();
  else attempt.undecided();
  throw outcome;
}

function store(
  database: AuthDatabase,
  { account, session }: Bearer,
  hash: string,
  client: ClientInfo,
): Promise<Record<string, unknown>> {
  return inTransaction(database, async (transaction) => {
    await endSessions(transaction, account.id, session.id);
    const { rowCount } = await transaction.query(
      `update auth.users set encrypted_password = $2, updated_at = now()
       where id = $1 and encrypted_password is not distinct from $3
         and exists (select from auth.sessions where id = $4 for key share)`,
      [account.id, hash, account.encrypted_password, session.id],
    );
    if (rowCount === 0) {
      throw new AuthError(409, 'conflict', 'Le mot de passe vient d’être changé ailleurs.');
    }
    await audit(transaction, account, 'user_updated_password', client.address);
    const changed = await findAccount(transaction, account.id);
    return toUser(changed ?? account);
  });
}
