/** Law: PostgREST's table for the errors that @supabase/lite would answer with a bare 500 and no code. */
const STATUS_BY_PREFIX: readonly (readonly [prefix: string, status: number])[] = [
  ['P0001', 400],
  ['23', 400],
  ['0L', 403],
  ['0P', 403],
  ['28', 403],
  ['08', 503],
  ['09', 500],
  ['25', 500],
  ['2D', 500],
  ['38', 500],
  ['39', 500],
  ['3B', 500],
  ['40', 500],
  ['54', 500],
  ['57P', 503],
  ['57', 500],
  ['58', 500],
  ['F0', 500],
  ['HV', 500],
  ['P0', 500],
  ['XX', 500],
];

/** Errors that @supabase/lite answers as PostgREST does, some of them with knowledge of the request. */
const ANSWERED_BY_LITE = /^(PT...|PGRST|42...|22...|21...|23502|23503|23505|25006|55...|53...)$/;

/** A database error as PostgREST answers it. */
export interface PostgrestError {
  status: number;
  body: { code: string; message: string; details: string | null; hint: string | null };
}

/**
 * Translates the database errors that @supabase/lite does not into PostgREST's answer.
 *
 * @param error whatever the driver threw
 * @returns `null` for what @supabase/lite answers well, and for what is no database error
 */
export function toPostgrestError(error: unknown): PostgrestError | null {
  if (!isDatabaseError(error)) return null;
  const { code, message, detail, hint } = error;
  // An errno of Node or a code of a library is no SQLSTATE.
  if (!/^[0-9A-Z]{5}$/.test(code) || ANSWERED_BY_LITE.test(code)) return null;
  const status = STATUS_BY_PREFIX.find(([prefix]) => code.startsWith(prefix))?.[1] ?? 400;
  return { status, body: { code, message, details: detail ?? null, hint: hint ?? null } };
}

interface DatabaseError {
  code: string;
  message: string;
  detail?: string;
  hint?: string;
}

function isDatabaseError(error: unknown): error is DatabaseError {
  return error instanceof Error && typeof (error as { code?: unknown }).code === 'string';
}
