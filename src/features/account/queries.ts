/** One's own sessions and second factors, and what can be done to them. */
import { AuthError } from '@supabase/supabase-js';
import { queryOptions } from '@tanstack/react-query';
import { ApiError, unwrap } from '@/lib/apiError.ts';
import { getSupabase, renewNow } from '@/lib/supabase.ts';

export interface OwnSession {
  id: string;
  created_at: string;
  refreshed_at: string | null;
  user_agent: string | null;
  ip: string | null;
  /** The session that asks. */
  current: boolean;
}

/** Why a change of one's account failed, as far as the screens have words for it. */
export type AccountFailure =
  | 'wrongPassword'
  | 'samePassword'
  | 'weakPassword'
  | 'changedElsewhere'
  | 'wrongCode'
  | 'tooMany'
  | 'network'
  | 'unknown';

/** A change of one's account that failed. */
export class AccountError extends Error {
  override readonly name = 'AccountError';
  readonly failure: AccountFailure;

  constructor(failure: AccountFailure, cause: unknown) {
    super(failure, { cause });
    this.failure = failure;
  }
}

const FAILURES: Record<string, AccountFailure> = {
  invalid_credentials: 'wrongPassword',
  reauthentication_needed: 'wrongPassword',
  same_password: 'samePassword',
  weak_password: 'weakPassword',
  conflict: 'changedElsewhere',
  mfa_verification_failed: 'wrongCode',
  mfa_challenge_expired: 'wrongCode',
  over_request_rate_limit: 'tooMany',
};

/** Which sentence an error of a change calls for. */
export function failureOf(error: unknown): AccountFailure {
  if (error instanceof AccountError) return error.failure;
  if (error instanceof ApiError) return error.code === 'network' ? 'network' : 'unknown';
  if (!(error instanceof AuthError)) return 'unknown';
  const known = FAILURES[error.code ?? ''];
  if (known) return known;
  return !error.status || error.status >= 500 ? 'network' : 'unknown';
}

/** The data of an answer. @throws AccountError */
function check<Data>({ data, error }: { data: Data; error: AuthError | null }): NonNullable<Data> {
  if (error || data === null || data === undefined) throw new AccountError(failureOf(error), error);
  return data;
}

/** Where one is signed in, the latest first. */
export const sessionsQuery = queryOptions({
  queryKey: ['own-sessions'] as const,
  queryFn: async ({ signal }) =>
    unwrap(await getSupabase().rpc('my_sessions').abortSignal(signal)) as OwnSession[],
  // Another device signs in without telling this one.
  staleTime: 0,
});

/** Ends one session at once. @throws ApiError */
export async function endSession(id: string): Promise<void> {
  unwrap(await getSupabase().rpc('end_session', { p_session_id: id }));
}

/** Ends every session of the account but this one. @throws AccountError */
export async function endOtherSessions(): Promise<void> {
  const { error } = await getSupabase().auth.signOut({ scope: 'others' });
  if (error) throw new AccountError(failureOf(error), error);
}

/** Sets another password; all other sessions end. @throws AccountError */
export async function changePassword(current: string, next: string): Promise<void> {
  const { error } = await getSupabase().auth.updateUser({ password: next, current_password: current });
  if (error) throw new AccountError(failureOf(error), error);
}

/** Id of the second factor in use, or `null`. */
export const secondFactorQuery = queryOptions({
  queryKey: ['second-factor'] as const,
  queryFn: async () => check(await getSupabase().auth.mfa.listFactors()).totp[0]?.id ?? null,
  staleTime: 0,
});

export interface Enrolment {
  id: string;
  /** What the app is set up with when its camera cannot read the picture. */
  secret: string;
  /** Address of a picture, SVG. */
  picture: string;
}

/** SVG may hold characters that end an address: written as they are, `#` would cut the picture off. */
function pictureOf(address: string): string {
  const comma = address.indexOf(',');
  const svg = address.slice(comma + 1);
  return svg.startsWith('<') ? `data:image/svg+xml;utf-8,${encodeURIComponent(svg)}` : address;
}

/** Begins a second factor; it counts from the first right code on. @throws AccountError */
export async function beginSecondFactor(): Promise<Enrolment> {
  const { mfa } = getSupabase().auth;
  const { all } = check(await mfa.listFactors());
  // What was begun and left counts against the number that an account may have.
  for (const { id, status } of all) if (status === 'unverified') await mfa.unenroll({ factorId: id });
  const made = check(await mfa.enroll({ factorType: 'totp', issuer: 'E-Pilot' }));
  return { id: made.id, secret: made.totp.secret, picture: pictureOf(made.totp.qr_code) };
}

/** Proves with a code that the app is set up. @throws AccountError */
export async function confirmSecondFactor(factorId: string, code: string): Promise<void> {
  check(await getSupabase().auth.mfa.challengeAndVerify({ factorId, code }));
}

/** Removes the second factor, with a code: a screen left open is not enough. @throws AccountError */
export async function removeSecondFactor(factorId: string, code: string): Promise<void> {
  const { mfa } = getSupabase().auth;
  check(await mfa.challengeAndVerify({ factorId, code }));
  check(await mfa.unenroll({ factorId }));
  // The stored token still speaks of the factor.
  await renewNow();
}
