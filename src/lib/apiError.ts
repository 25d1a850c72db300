/** What the API refuses, as one class with a closed set of codes; `docs/ERRORS.md` lists them. */
import type { PostgrestSingleResponse } from '@supabase/supabase-js';
import type { Decision, DecisionReason } from '../core/entitlements.ts';
import { COMMON_CODES, TOLD_CODES, type CommonCode, type ToldCode } from '../core/errorCodes.ts';

/** What the server tells, `network` when it tells nothing, `unknown` when it is none of these. */
export type ErrorCode = CommonCode | ToldCode | 'network' | 'unknown';

/** The words for refusals: the part of the messages of a language that `errorText` reads. */
interface ErrorWords {
  errors: {
    codes: Record<Exclude<ErrorCode, ToldCode>, string>;
    /** Empty in French, which the server speaks. */
    told: Partial<Record<ToldCode, string>>;
  };
  entitlements: { reasons: Record<DecisionReason, string> };
}

interface ApiErrorInit {
  status: number;
  code: ErrorCode;
  decision?: Decision | null;
  details?: Record<string, unknown>;
  cause?: unknown;
}

/** A request the server refused or never answered. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  /** HTTP status; 0 when there was no answer. */
  readonly status: number;
  readonly code: ErrorCode;
  /** The decision behind a quota refusal (HTTP 402). */
  readonly decision: Decision | null;
  /** What else the server told, for instance `rev` with `stale_revision`. */
  readonly details: Record<string, unknown>;

  constructor(message: string, init: ApiErrorInit) {
    super(message, { cause: init.cause });
    this.status = init.status;
    this.code = init.code;
    this.decision = init.decision ?? null;
    this.details = init.details ?? {};
  }
}

function parseDetails(details: string | null | undefined): Record<string, unknown> {
  if (!details) return {};
  try {
    const value: unknown = JSON.parse(details);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    // PostgreSQL's own errors carry prose in `details`.
    return {};
  }
}

function codeOf(status: number, told: unknown): ErrorCode {
  const known = [...COMMON_CODES, ...TOLD_CODES].find((code) => code === told);
  if (known) return known;
  if (status === 0) return 'network';
  if (status === 401) return 'not_authenticated';
  if (status === 403) return 'forbidden';
  return 'unknown';
}

type Failure = { message: string; code?: string; details?: string | null };

/** Makes an `ApiError` of what PostgREST answered. */
export function toApiError(failure: Failure, status: number): ApiError {
  const details = parseDetails(failure.details);
  const decision = status === 402 && 'resource' in details ? (details as unknown as Decision) : null;
  return new ApiError(failure.message, {
    status,
    // SQL names its code in the details; the server, which has none, where SQL has its SQLSTATE.
    code: codeOf(status, details['code'] ?? failure.code),
    decision,
    details,
    cause: failure,
  });
}

/**
 * The data of a Supabase answer.
 * @throws ApiError when the server refused or did not answer.
 */
export function unwrap<T>(response: PostgrestSingleResponse<T>): T {
  if (response.error) throw toApiError(response.error, response.status);
  return response.data;
}

function isTold(code: ErrorCode): code is ToldCode {
  return (TOLD_CODES as readonly ErrorCode[]).includes(code);
}

/** A sentence for a person, in the language of `t`, for anything a request can throw. */
export function errorText(error: unknown, t: ErrorWords): string {
  if (!(error instanceof ApiError)) return t.errors.codes.unknown;
  if (error.decision) return t.entitlements.reasons[error.decision.reason];
  const { code } = error;
  return isTold(code) ? (t.errors.told[code] ?? error.message) : t.errors.codes[code];
}
