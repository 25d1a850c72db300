import { type IncomingHttpHeaders, request as httpRequest } from 'node:http';
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

export interface WireRequest {
  method?: string;
  headers?: Record<string, string>;
  body?: string;
}

export interface WireAnswer {
  status: number;
  text: string;
  headers: IncomingHttpHeaders;
}

/**
 * Sends a request as it is written: `fetch` would refuse or rewrite much of it.
 *
 * @param path with its query, as it goes over the wire
 */
export function sendOverTheWire(
  url: string,
  path: string,
  { method = 'GET', headers = {}, body }: WireRequest = {},
): Promise<WireAnswer> {
  const { hostname, port } = new URL(url);
  const json = body === undefined ? {} : { 'content-type': 'application/json' };
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      { hostname, port, path, method, headers: { ...json, ...headers } },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, text, headers: response.headers }),
        );
      },
    );
    request.on('error', reject);
    request.end(body);
  });
}
