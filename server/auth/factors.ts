import { randomUUID } from 'node:crypto';
import { findAccount, hasSecondFactor } from './accounts.ts';
import { audit } from './audit.ts';
import { type AuthDatabase, Committed, type Queryable, inTransaction } from './database.ts';
import { AuthError, tooManyAttempts, tooManyEnrolments } from './errors.ts';
import { type ClientInfo, type Grant, type GrantedSession, type MakeGrant } from './grants.ts';
import { rotate } from './refresh.ts';
import type { RefreshTokens } from './refresh-tokens.ts';
import type { Bearer } from './sessions.ts';
import { type Enrolment, enrolTotp, isTotp } from './totp.ts';

const MOST_FACTORS = 10;
/** Enrolments of an account within {@link DAY_SECONDS}, whether or not the factor was kept. */
const MOST_ENROLMENTS = 20;
const DAY_SECONDS = 86_400;
/** How long a challenge can be answered, seconds. */
const CHALLENGE_SECONDS = 300;
/** Challenges of one factor in that time; each admits one answer, so that these are the guesses there are. */
const MOST_CHALLENGES = 10;
/** Of these, how many one session and one network may use up: a thief with the password leaves some to the owner. */
const MOST_OF_SESSION = 4;
const MOST_OF_NETWORK = 6;

export interface NewFactor {
  friendly_name?: string | undefined;
  issuer?: string | undefined;
}

export interface Factors {
  /**
   * @throws AuthError `insufficient_aal`, `mfa_factor_name_conflict`, `too_many_enrolled_mfa_factors`,
   *   `over_request_rate_limit`
   */
  enrol(bearer: Bearer, wanted: NewFactor, client: ClientInfo): Promise<Record<string, unknown>>;
  /** @throws AuthError `mfa_factor_not_found`, `over_request_rate_limit` */
  challenge(bearer: Bearer, factorId: string, client: ClientInfo): Promise<Record<string, unknown>>;
  /**
   * Answers a challenge, once. The session rises to `aal2`; sessions of the account without a second factor end.
   *
   * @throws AuthError `mfa_factor_not_found`, `mfa_challenge_expired`, `mfa_verification_failed`
   */
  verify(
    bearer: Bearer,
    factorId: string,
    answer: { challenge_id: string; code: string },
    client: ClientInfo,
  ): Promise<Grant>;
  /** @throws AuthError `mfa_factor_not_found`, `insufficient_aal` */
  unenrol(bearer: Bearer, factorId: string, client: ClientInfo): Promise<{ id: string }>;
}

interface StoredFactor {
  id: string;
  status: 'unverified' | 'verified';
  secret: string;
}

/**
 * Makes the second factor, as Supabase's `auth.mfa` has it.
 *
 * @param now the time in milliseconds
 */
export function createFactors(
  database: AuthDatabase,
  tokens: RefreshTokens,
  grant: MakeGrant,
  now: () => number,
): Factors {
  return {
    enrol: ({ account, session }, wanted, client) =>
      inTransaction(database, async (transaction) => {
        // Two at once: the second counts the first.
        await transaction.query('select from auth.users where id = $1 for no key update', [account.id]);
        const present = await findAccount(transaction, account.id);
        if (!present) throw factorNotFound();
        if (hasSecondFactor(present) && session.aal !== 'aal2') throw insufficient('enroll a new factor');
        const name = wanted.friendly_name?.trim() ?? '';
        if (name !== '' && present.factors.some(({ friendly_name }) => friendly_name === name)) {
          throw new AuthError(422, 'mfa_factor_name_conflict', 'Un facteur de ce nom existe déjà.');
        }
        if (present.factors.length >= MOST_FACTORS) {
          throw new AuthError(422, 'too_many_enrolled_mfa_factors', 'Trop de facteurs ; retirez-en un.');
        }
        await countEnrolments(transaction, account.id);
        const id = randomUUID();
        const enrolment = enrolTotp(wanted.issuer || 'E-Pilot', account.email);
        await insertFactor(transaction, id, account.id, name, enrolment);
        await audit(transaction, account, 'factor_in_progress', client.address, { factor_id: id });
        return { id, type: 'totp', friendly_name: name, totp: enrolment };
      }),

    challenge: ({ account, session }, factorId, client) =>
      inTransaction(database, async (transaction) => {
        const factor = await lockFactor(transaction, account.id, factorId);
        return makeChallenge(transaction, factor.id, session.id, client);
      }),

    verify: ({ account, session }, factorId, answer, client) =>
      inTransaction(database, async (transaction) => {
        const factor = await lockFactor(transaction, account.id, factorId);
        await spendChallenge(transaction, factor.id, answer.challenge_id);
        const right = isTotp(factor.secret, answer.code, now());
        if (!right || !(await acceptCode(transaction, factor.id, answer))) {
          // The challenge stays spent.
          return new Committed(
            new AuthError(422, 'mfa_verification_failed', 'Ce code n’est pas, ou plus, valable.'),
          );
        }
        const raised = await raiseSession(transaction, session, factor.id, tokens.make(), grant);
        await audit(transaction, account, 'verification_attempted', client.address, { factor_id: factor.id });
        return raised;
      }),

    unenrol: ({ account, session }, factorId, client) =>
      inTransaction(database, async (transaction) => {
        const factor = await lockFactor(transaction, account.id, factorId);
        if (factor.status === 'verified' && session.aal !== 'aal2')
          throw insufficient('unenroll verified factor');
        await transaction.query(
          `with lowered as (
             update auth.sessions set aal = 'aal1', factor_id = null, updated_at = now() where factor_id = $1 returning id
           )
           delete from auth.mfa_amr_claims where authentication_method = 'totp' and session_id in (select id from lowered)`,
          [factor.id],
        );
        await transaction.query('delete from auth.mfa_factors where id = $1', [factor.id]);
        await audit(transaction, account, 'factor_unenrolled', client.address, { factor_id: factor.id });
        return { id: factor.id };
      }),
  };
}

/** Refuses one enrolment too many; the audit has an entry for each. The account must be locked. */
async function countEnrolments(database: Queryable, userId: string): Promise<void> {
  const { rows } = await database.query<{ many: number; wait: number }>(
    `select count(*)::int as many, ceil(extract(epoch from min(created_at) + make_interval(secs => $2) - now()))::int as wait
     from auth.audit_log_entries
     where payload ->> 'actor_id' = $1 and payload ->> 'action' = 'factor_in_progress'
       and created_at > now() - make_interval(secs => $2)`,
    [userId, DAY_SECONDS],
  );
  if (rows[0] && rows[0].many >= MOST_ENROLMENTS) throw tooManyEnrolments(rows[0].wait);
}

async function insertFactor(
  database: Queryable,
  id: string,
  userId: string,
  name: string,
  { secret }: Enrolment,
): Promise<void> {
  await database.query(
    `insert into auth.mfa_factors (id, user_id, friendly_name, factor_type, status, secret, created_at, updated_at)
     values ($1, $2, $3, 'totp', 'unverified', $4, now(), now())`,
    [id, userId, name, secret],
  );
}

/** Who answers, challenges and removes a factor takes turns at it. */
async function lockFactor(database: Queryable, userId: string, factorId: string): Promise<StoredFactor> {
  const { rows } = await database.query<StoredFactor>(
    `select id, status, secret from auth.mfa_factors
     where id = $1 and user_id = $2 and factor_type = 'totp' for update`,
    [factorId, userId],
  );
  if (!rows[0]) throw factorNotFound();
  return rows[0];
}

/** Makes a challenge, if there are not too many, and forgets those that have long ended. The factor must be locked. */
async function makeChallenge(
  database: Queryable,
  factorId: string,
  sessionId: string,
  client: ClientInfo,
): Promise<Record<string, unknown>> {
  const { rows } = await database.query<{ id: string; expires_at: number }>(
    `with recent as (
       select count(*) as many, count(*) filter (where session_id = $5) as of_session,
         count(*) filter (where ip_address <<= $6::inet) as of_network
       from auth.mfa_challenges where factor_id = $1 and created_at > now() - make_interval(secs => $2)
     ), forgotten as (
       delete from auth.mfa_challenges where factor_id = $1 and created_at < now() - interval '1 hour'
     ), made as (
       insert into auth.mfa_challenges (id, factor_id, session_id, created_at, ip_address)
       select gen_random_uuid(), $1, $5, now(), $3::inet from recent
       where many < $4 and of_session < $7 and of_network < $8 returning id, created_at
     )
     select id, extract(epoch from created_at + make_interval(secs => $2))::float8 as expires_at from made`,
    [
      factorId,
      CHALLENGE_SECONDS,
      client.address || '0.0.0.0',
      MOST_CHALLENGES,
      sessionId,
      client.network || '0.0.0.0',
      MOST_OF_SESSION,
      MOST_OF_NETWORK,
    ],
  );
  const made = rows[0];
  if (!made) throw tooManyAttempts(CHALLENGE_SECONDS);
  return { id: made.id, type: 'totp', expires_at: Math.floor(made.expires_at) };
}

/** Law: a challenge admits one answer, right or wrong. */
async function spendChallenge(database: Queryable, factorId: string, challengeId: string): Promise<void> {
  const { rowCount } = await database.query(
    `update auth.mfa_challenges set otp_code = ''
     where id = $1 and factor_id = $2 and otp_code is null and verified_at is null
       and created_at > now() - make_interval(secs => $3)`,
    [challengeId, factorId, CHALLENGE_SECONDS],
  );
  if (rowCount === 0) {
    throw new AuthError(422, 'mfa_challenge_expired', 'La demande de code a expiré ; recommencez.');
  }
}

/** Law: a code is good once. @returns false for a code that was accepted before, while it could still be valid */
async function acceptCode(
  database: Queryable,
  factorId: string,
  { challenge_id: challengeId, code }: { challenge_id: string; code: string },
): Promise<boolean> {
  const { rowCount } = await database.query(
    `update auth.mfa_challenges set otp_code = $3, verified_at = now()
     where id = $1 and not exists (
       select from auth.mfa_challenges c where c.factor_id = $2 and c.otp_code = $3
         and c.verified_at > now() - interval '5 minutes')`,
    [challengeId, factorId, code],
  );
  return rowCount === 1;
}

async function raiseSession(
  database: Queryable,
  { id: sessionId, user_id: userId }: Bearer['session'],
  factorId: string,
  child: string,
  grant: MakeGrant,
): Promise<Grant> {
  const { rows } = await database.query<GrantedSession & { user_id: string }>(
    `update auth.sessions set aal = 'aal2', factor_id = $2, updated_at = now() where id = $1
     returning id, user_id, aal, created_at`,
    [sessionId, factorId],
  );
  const session = rows[0];
  if (!session) {
    throw new AuthError(403, 'session_not_found', 'Session from session_id claim in JWT does not exist');
  }
  await database.query(
    `insert into auth.mfa_amr_claims (id, session_id, authentication_method, created_at, updated_at)
     values (gen_random_uuid(), $1, 'totp', now(), now())
     on conflict (session_id, authentication_method) do update set updated_at = now()`,
    [sessionId],
  );
  await database.query(
    `update auth.mfa_factors set status = 'verified', updated_at = now() where id = $1 and status = 'unverified'`,
    [factorId],
  );
  // What was begun and not finished, and sessions that lack what the account now asks for.
  await database.query(
    `delete from auth.mfa_factors where user_id = $1 and status = 'unverified' and factor_type = 'totp'`,
    [userId],
  );
  await database.query(
    `delete from auth.sessions where user_id = $1 and id <> $2 and coalesce(aal, 'aal1') < 'aal2'`,
    [userId, sessionId],
  );
  const refreshToken = await rotate(database, session, null, child);
  const account = await findAccount(database, userId);
  if (!account) throw factorNotFound();
  return grant(database, account, session, refreshToken);
}

const factorNotFound = (): AuthError => new AuthError(404, 'mfa_factor_not_found', 'Factor not found');
const insufficient = (what: string): AuthError =>
  new AuthError(422, 'insufficient_aal', `AAL2 required to ${what}`);
