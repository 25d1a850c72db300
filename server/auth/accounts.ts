import type { Queryable } from './database.ts';

/** A row of auth.users with what belongs to it, as far as sign-in reads it. */
export interface Account {
  id: string;
  aud: string;
  role: string;
  email: string;
  encrypted_password: string | null;
  email_confirmed_at: Date | null;
  confirmed_at: Date | null;
  banned: boolean;
  last_sign_in_at: Date | null;
  raw_app_meta_data: Record<string, unknown> | null;
  raw_user_meta_data: Record<string, unknown> | null;
  created_at: Date | null;
  updated_at: Date | null;
  identities: Record<string, unknown>[];
  factors: Factor[];
}

/** A second factor as the official client lists it: without its secret. */
export interface Factor {
  id: string;
  friendly_name: string | null;
  factor_type: string;
  status: 'unverified' | 'verified';
  created_at: string;
  updated_at: string;
}

const SELECT = `
  select u.id, coalesce(u.aud, 'authenticated') as aud, coalesce(u.role, 'authenticated') as role, coalesce(u.email, '') as email,
    u.encrypted_password, u.email_confirmed_at, u.confirmed_at, coalesce(u.banned_until > now(), false) as banned,
    u.last_sign_in_at, u.raw_app_meta_data, u.raw_user_meta_data, u.created_at, u.updated_at,
    coalesce((select jsonb_agg(jsonb_build_object('identity_id', i.id, 'id', i.provider_id, 'user_id', i.user_id,
        'identity_data', i.identity_data, 'provider', i.provider, 'last_sign_in_at', i.last_sign_in_at,
        'created_at', i.created_at, 'updated_at', i.updated_at, 'email', i.email) order by i.created_at)
      from auth.identities i where i.user_id = u.id), '[]') as identities,
    coalesce((select jsonb_agg(jsonb_build_object('id', f.id, 'friendly_name', f.friendly_name, 'factor_type', f.factor_type,
        'status', f.status, 'created_at', f.created_at, 'updated_at', f.updated_at) order by f.created_at)
      from auth.mfa_factors f where f.user_id = u.id), '[]') as factors
  from auth.users u`;

/**
 * The account that signs in with an address; `null` when there is none.
 *
 * @param address as `readTypedAddress` gives it
 */
export async function findAccountByEmail(database: Queryable, address: string): Promise<Account | null> {
  const { rows } = await database.query<Account>(
    `${SELECT} where u.email = $1 and not u.is_sso_user and u.deleted_at is null`,
    [address],
  );
  return rows[0] ?? null;
}

/** The account with an id; `null` when it is gone. */
export async function findAccount(database: Queryable, id: string): Promise<Account | null> {
  const { rows } = await database.query<Account>(`${SELECT} where u.id = $1 and u.deleted_at is null`, [id]);
  return rows[0] ?? null;
}

/** Whether an account has a second factor in use. */
export function hasSecondFactor({ factors }: Account): boolean {
  return factors.some(({ status }) => status === 'verified');
}

/** An account as its owner reads it, in the shape of Supabase's API. */
export function toUser(account: Account): Record<string, unknown> {
  return {
    id: account.id,
    aud: account.aud,
    role: account.role,
    email: account.email,
    phone: '',
    email_confirmed_at: account.email_confirmed_at,
    confirmed_at: account.confirmed_at,
    last_sign_in_at: account.last_sign_in_at,
    app_metadata: account.raw_app_meta_data ?? {},
    user_metadata: account.raw_user_meta_data ?? {},
    identities: account.identities,
    factors: account.factors,
    created_at: account.created_at,
    updated_at: account.updated_at,
    is_anonymous: false,
  };
}
