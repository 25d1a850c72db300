/** Stable codes of refusals that a person may meet; docs/ERRORS.md explains each. */

/** What the screens have a sentence for in every language. */
export const COMMON_CODES = [
  'not_authenticated',
  'forbidden',
  'group_not_found',
  'unknown_plan',
  'unknown_resource',
  'invalid_request',
  'reason_required',
  'stale_revision',
  'same_plan',
] as const;

/** What the server says in French itself; the screens have a sentence for it in other languages. */
export const TOLD_CODES = [
  'second_factor_required',
  'append_only',
  'same_status',
  'illegal_transition',
  'nothing_scheduled',
  'feature_not_found',
  'override_not_found',
  'version_not_found',
  'nothing_to_publish',
  'request_not_found',
  'request_pending',
  'too_many_today',
  'no_longer_fits',
  'already_closed',
  'document_not_found',
  'object_missing',
  'object_present',
  'object_fixed',
  'upload_refused',
  'upload_in_progress',
  'size_exceeds_reservation',
  'school_not_found',
  'too_many_requests',
  'database_unavailable',
  'answer_too_large',
] as const;

export type CommonCode = (typeof COMMON_CODES)[number];
export type ToldCode = (typeof TOLD_CODES)[number];
