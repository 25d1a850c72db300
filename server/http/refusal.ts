/** The body of an answer that refuses, in the shape that both postgrest-js and auth-js read. */
export interface Refusal {
  /** Stable code, explained in docs/ERRORS.md. */
  code: string;
  message: string;
  hint?: string;
}

/** Makes an answer that refuses; `more` is what a client reads of one code alone. */
export function refusal(
  status: number,
  { code, message, hint }: Refusal,
  headers: Record<string, string> = {},
  more: Record<string, unknown> = {},
): Response {
  return Response.json(
    { code, error_code: code, message, msg: message, details: null, hint: hint ?? null, ...more },
    { status, headers },
  );
}

const DATABASE_UNAVAILABLE: Refusal = {
  code: 'database_unavailable',
  message: 'La base de données ne répond pas ; réessayez dans un instant.',
  hint: 'The database is restarting; the request was not carried out, or its outcome is unknown.',
};

/** Makes the answer of a request that failed for want of the database. */
export function databaseUnavailable(): Response {
  return refusal(503, DATABASE_UNAVAILABLE, { 'retry-after': '1' });
}

/** Makes the answer to one request too many of a bearer. */
export function tooManyRequests(): Response {
  return refusal(
    429,
    {
      code: 'too_many_requests',
      message: 'Trop de demandes à la fois ; réessayez dans un instant.',
      hint: 'Send fewer requests at once.',
    },
    { 'retry-after': '1' },
  );
}
