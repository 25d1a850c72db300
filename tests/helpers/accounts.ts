/** Accounts that sign in, and what comes back when they do. */
import { randomUUID } from 'node:crypto';
import { hashSync } from '@node-rs/bcrypt';
import type { Queryable } from './database.ts';
import { requestApi } from './api.ts';
import type { TestServer } from './server.ts';

export const PASSWORD = 'Un-mot-de-passe-42';
/** Cheap, where a test is not about how long a hash takes. */
const CHEAP = hashSync(PASSWORD, 4);

export interface Account {
  id: string;
  email: string;
}

export interface AccountOptions {
  role?: 'super_admin' | 'admin_groupe';
  group?: string;
  hash?: string;
}

/** Creates a confirmed account with {@link PASSWORD}; with a profile when it has a role. */
export async function createSignIn(
  db: Queryable,
  { role, group, hash = CHEAP }: AccountOptions = {},
): Promise<Account> {
  const id = randomUUID();
  const email = `${id}@essai.test`;
  await db.query(
    `insert into auth.users (id, aud, role, email, encrypted_password, email_confirmed_at)
     values ($1, 'authenticated', 'authenticated', $2, $3, now())`,
    [id, email, hash],
  );
  if (role) {
    await db.query(
      `insert into public.profiles (id, role, school_group_id, first_name) values ($1, $2, $3, 'Essai')`,
      [id, role, group ?? null],
    );
  }
  return { id, email };
}

export interface TokenAnswer {
  status: number;
  access_token: string;
  refresh_token: string;
  expires_in: number;
  error_code?: string;
}

type Reach = Pick<TestServer, 'url' | 'publishableKey'>;

async function askToken(server: Reach, grant: string, body: object): Promise<TokenAnswer> {
  const response = await requestApi(server, `/auth/v1/token?grant_type=${grant}`, {
    method: 'POST',
    body: JSON.stringify(body),
  });
  return { status: response.status, ...((await response.json()) as Omit<TokenAnswer, 'status'>) };
}

/** Signs in over bare HTTP. */
export const signIn = (server: Reach, email: string, password = PASSWORD): Promise<TokenAnswer> =>
  askToken(server, 'password', { email, password });

/** Exchanges a refresh token over bare HTTP. */
export const refresh = (server: Reach, token: string): Promise<TokenAnswer> =>
  askToken(server, 'refresh_token', { refresh_token: token });

/** What an access token says, unverified. */
export function claimsOf(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<
    string,
    unknown
  >;
}
