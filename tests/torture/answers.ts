/** What the API's answers mean. */
import type { Outcome } from './crew.ts';

/** The part of an answer that all of the official client's calls have. */
export interface Answer {
  status: number;
  error: { message: string; code?: string } | null;
}

/** Refusals that a writer in a crowd must expect: a limit, a lost race, a thing or a right that went meanwhile. */
const REFUSED = /^(PT4..|23503|23505|42501)$/;
/** What PostgreSQL broke off for others' sake: a deadlock, a wait that took too long. */
const BROKEN_OFF = new Set(['40P01', '57014']);

/** Whether nobody was there to answer: the request may have been carried out or not. */
export function isAway({ status }: Answer): boolean {
  return status === 0 || status === 503;
}

/** An answer of the API as the outcome of an act. */
export function outcomeOf(act: string, answer: Answer): Outcome {
  const { status, error } = answer;
  const door = 'REST';
  if (status === 0) return { door, act, answer: 'away' };
  if (!error || status === 503) return { door, act, answer: String(status) };
  const code = error.code ?? '';
  if (status >= 500 ? BROKEN_OFF.has(code) : REFUSED.test(code)) return { door, act, answer: String(status) };
  return { door, act, answer: String(status), internal: `${code} ${error.message}` };
}

/** What storage answers has another shape; a refusal by its policies, or of a file that is not there, is a 400 or a 404. */
export function outcomeOfStorage(act: string, error: unknown): Outcome {
  const door = 'storage';
  if (error === null) return { door, act, answer: '200' };
  const { status = 0, message } = error as { status?: number; message: string };
  if (status === 0) return { door, act, answer: 'away' };
  return { door, act, answer: String(status), ...(status === 500 ? { internal: message } : {}) };
}
