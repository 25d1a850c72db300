import { type SupabaseClient, createClient } from '@supabase/supabase-js';
import { SignJWT } from 'jose';
import { TEST_JWT_SECRET, type TestServer } from './server.ts';

/** A client of the API without a session, as a fresh browser has it. */
export function createApiClient(
  { url, publishableKey }: Pick<TestServer, 'url' | 'publishableKey'>,
  key = publishableKey,
): SupabaseClient {
  return createClient(url, key, { auth: { persistSession: false, autoRefreshToken: false } });
}

export interface RawRequest {
  method?: string;
  headers?: Record<string, string>;
  body?: string;
}

/** A request as no client library would make it; with the publishable key unless `headers` say otherwise. */
export function requestApi(
  { url, publishableKey }: Pick<TestServer, 'url' | 'publishableKey'>,
  path: string,
  { method = 'GET', headers = {}, body }: RawRequest = {},
): Promise<Response> {
  return fetch(`${url}${path}`, {
    method,
    headers: { apikey: publishableKey, 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body }),
  });
}

/**
 * The header of a token that the test signs itself.
 *
 * @param expiry when it expires, such as `1h` or `-1h` from now
 */
export async function bearer(
  claims: Record<string, unknown>,
  expiry: string,
  secret = TEST_JWT_SECRET,
): Promise<RawRequest> {
  const token = await new SignJWT(claims)
    .setProtectedHeader({ alg: 'HS256' })
    .setIssuedAt(Math.floor(Date.now() / 1000) - 7_200)
    .setExpirationTime(expiry)
    .sign(new TextEncoder().encode(secret));
  return { headers: { authorization: `Bearer ${token}` } };
}
