import { DatabaseError } from 'pg';

/** What PostgreSQL said no with, as an API client gets it. */
export interface Refusal {
  /** SQLSTATE; `PTnnn` is HTTP status nnn. */
  sqlstate: string;
  message: string;
  hint: string;
  /** The JSON of DETAIL, or `{}` where DETAIL is a sentence of PostgreSQL's own. */
  detail: Record<string, unknown>;
  /** `code` of the detail, or the decision's `reason`: what a client switches on. */
  code: unknown;
}

/**
 * Waits for a statement to be refused by the database and tells how.
 * @throws Error when the statement succeeds or fails for a reason that is not the database's
 */
export async function refusal(attempt: Promise<unknown>): Promise<Refusal> {
  try {
    await attempt;
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
    const detail = parse(error.detail);
    return {
      sqlstate: error.code ?? '',
      message: error.message,
      hint: error.hint ?? '',
      detail,
      code: detail['code'] ?? detail['reason'],
    };
  }
  throw new Error('The statement was expected to be refused, and was not.');
}

function parse(detail: string | undefined): Record<string, unknown> {
  if (!detail?.startsWith('{')) return {};
  return JSON.parse(detail) as Record<string, unknown>;
}
