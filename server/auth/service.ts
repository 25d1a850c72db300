/**
 * Sign-in, sessions, passwords and second factors behind the contract of Supabase's auth server, on its tables. Why not
 * @supabase/lite's: see docs/adr/0015.
 */
import type { Logger } from 'pino';
import { openPool } from '../realtime/dying-sessions.ts';
import type { VerifyToken } from '../tokens.ts';
import { type Factors, createFactors } from './factors.ts';
import { type SessionLife, createGrants } from './grants.ts';
import { HashPool } from './hash-pool.ts';
import { type ChangePassword, createPasswordChange } from './password-change.ts';
import { PasswordCheck } from './password-check.ts';
import { type Refresh, createRefresh } from './refresh.ts';
import { type RefreshTokens, createRefreshTokens } from './refresh-tokens.ts';
import { type Bearer, type LogoutScope, logout, readBearer } from './sessions.ts';
import { type SignIn, createSignIn } from './sign-in.ts';

const POOL_SIZE = 8;
/** Requests that use the pool at once, apart from sign-ins, which have a queue of their own: some sessions are left to those. */
export const DOOR_PLACES = 5;

export interface AuthServiceOptions {
  /** Connection URL of the login role of the API, which may write schema `auth`. */
  databaseUrl: string;
  jwtSecret: string;
  verifyToken: VerifyToken;
  life: SessionLife;
  logger: Logger;
  /** The time in milliseconds. */
  now?: () => number;
}

export interface AuthService {
  signIn: SignIn;
  refresh: Refresh;
  refreshTokens: Pick<RefreshTokens, 'originOf'>;
  changePassword: ChangePassword;
  factors: Factors;
  readBearer(authorization: string | undefined): Promise<Bearer>;
  logout(bearer: Bearer, scope: LogoutScope, address: string): Promise<void>;
  close(): Promise<void>;
}

/** Puts the parts together. */
export function createAuthService(options: AuthServiceOptions): AuthService {
  const { databaseUrl, jwtSecret, verifyToken, life, logger, now = Date.now } = options;
  const database = openPool(
    {
      connectionString: databaseUrl,
      application_name: 'e-pilot sign-in',
      max: POOL_SIZE,
      connectionTimeoutMillis: 10_000,
    },
    logger,
  );
  const pool = new HashPool();
  const check = new PasswordCheck(pool, now);
  const grant = createGrants(jwtSecret, life, now);
  const refreshTokens = createRefreshTokens(jwtSecret);
  return {
    signIn: createSignIn(database, check, refreshTokens, grant),
    refresh: createRefresh(database, refreshTokens, life, grant),
    refreshTokens,
    changePassword: createPasswordChange(database, check, pool),
    factors: createFactors(database, refreshTokens, grant, now),
    readBearer: (authorization) => readBearer(database, verifyToken, authorization),
    logout: (bearer, scope, address) => logout(database, bearer, scope, address),
    async close() {
      await Promise.all([pool.close(), database.end()]);
    },
  };
}
