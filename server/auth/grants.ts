import { SignJWT } from 'jose';
import { type Account, toUser } from './accounts.ts';
import type { Queryable } from './database.ts';

/** Life of an access token, seconds. */
const ACCESS_TOKEN_SECONDS = 3_600;

/** How long a session lives, milliseconds. */
export interface SessionLife {
  /** Without a refresh. */
  idleMs: number;
  /** At all. */
  absoluteMs: number;
}

/** Where a person signs in from; people see it in the list of their sessions. */
export interface ClientInfo {
  /** What counts as one address in limits, see `networkOf`. */
  network: string;
  /** IP address; empty when it is not known. */
  address: string;
  userAgent: string;
}

/** The session that a grant is for. */
export interface GrantedSession {
  id: string;
  aal: 'aal1' | 'aal2' | 'aal3' | null;
  created_at: Date;
}

/** The answer to a sign-in, a refresh, or a second factor, in the shape of Supabase's API. */
export interface Grant {
  access_token: string;
  token_type: 'bearer';
  expires_in: number;
  expires_at: number;
  refresh_token: string;
  user: Record<string, unknown>;
}

export type MakeGrant = (
  database: Queryable,
  account: Account,
  session: GrantedSession,
  refreshToken: string,
) => Promise<Grant>;

/** The text in a column that stores a client's name: bounded, and without what PostgreSQL cannot store. */
export function storable(text: string): string | null {
  return text.replaceAll('\0', '').slice(0, 400) || null;
}

/**
 * Makes the maker of grants.
 *
 * @param jwtSecret signs the access tokens, HS256
 * @param now the time in milliseconds
 */
export function createGrants(jwtSecret: string, life: SessionLife, now: () => number): MakeGrant {
  const key = new TextEncoder().encode(jwtSecret);
  return async (database, account, session, refreshToken) => {
    const { rows: amr } = await database.query<{ method: string; timestamp: number }>(
      `select authentication_method as method, extract(epoch from updated_at)::int as timestamp
       from auth.mfa_amr_claims where session_id = $1 order by updated_at desc`,
      [session.id],
    );
    const issuedAt = Math.floor(now() / 1_000);
    const endsAt = Math.floor((session.created_at.getTime() + life.absoluteMs) / 1_000);
    // A token does not outlive its session.
    const expiresAt = Math.max(issuedAt + 1, Math.min(issuedAt + ACCESS_TOKEN_SECONDS, endsAt));
    const claims = {
      aud: account.aud,
      email: account.email,
      phone: '',
      app_metadata: account.raw_app_meta_data ?? {},
      user_metadata: account.raw_user_meta_data ?? {},
      role: account.role,
      aal: session.aal ?? 'aal1',
      amr,
      session_id: session.id,
      is_anonymous: false,
    };
    const token = await new SignJWT(claims)
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      .setSubject(account.id)
      .setIssuedAt(issuedAt)
      .setExpirationTime(expiresAt)
      .sign(key);
    return {
      access_token: token,
      token_type: 'bearer',
      expires_in: expiresAt - issuedAt,
      expires_at: expiresAt,
      refresh_token: refreshToken,
      user: toUser(account),
    };
  };
}
