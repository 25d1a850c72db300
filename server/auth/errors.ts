import { refusal } from '../http/refusal.ts';

/** Stable codes of refusals under `/auth/v1`, those of Supabase's auth server; each is explained in docs/ERRORS.md. */
export type AuthErrorCode =
  | 'validation_failed'
  | 'invalid_credentials'
  | 'user_banned'
  | 'over_request_rate_limit'
  | 'no_authorization'
  | 'bad_jwt'
  | 'session_not_found'
  | 'session_expired'
  | 'refresh_token_not_found'
  | 'refresh_token_already_used'
  | 'reauthentication_needed'
  | 'weak_password'
  | 'same_password'
  | 'conflict'
  | 'insufficient_aal'
  | 'mfa_factor_not_found'
  | 'mfa_factor_name_conflict'
  | 'too_many_enrolled_mfa_factors'
  | 'mfa_challenge_expired'
  | 'mfa_verification_failed';

interface Details {
  hint?: string;
  /** Seconds after which to try again. */
  retryAfter?: number;
  /** What makes a password weak, as the official client reads it. */
  weakPassword?: readonly string[];
}

/** A refusal; `message` is French where a person may see it. */
export class AuthError extends Error {
  override readonly name = 'AuthError';
  readonly status: number;
  readonly code: AuthErrorCode;
  readonly details: Details;

  constructor(status: number, code: AuthErrorCode, message: string, details: Details = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.details = details;
  }
}

/** The answer that tells of a refusal. */
export function answerError({ status, code, message, details }: AuthError): Response {
  const { hint, retryAfter, weakPassword } = details;
  return refusal(
    status,
    { code, message, ...(hint === undefined ? {} : { hint }) },
    retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) },
    weakPassword === undefined ? {} : { weak_password: { reasons: weakPassword } },
  );
}

export const invalidCredentials = (): AuthError =>
  new AuthError(400, 'invalid_credentials', 'Adresse ou mot de passe incorrect.');

export const tooManyAttempts = (seconds: number): AuthError =>
  new AuthError(
    429,
    'over_request_rate_limit',
    'Trop de tentatives de connexion ; réessayez dans quelques minutes.',
    { hint: `Try again in ${seconds} s.`, retryAfter: seconds },
  );

export const tooManyEnrolments = (seconds: number): AuthError =>
  new AuthError(429, 'over_request_rate_limit', 'Trop de facteurs ajoutés aujourd’hui ; réessayez demain.', {
    hint: `Try again in ${seconds} s.`,
    retryAfter: seconds,
  });
