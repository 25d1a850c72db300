import type { I18n } from '@/i18n/i18n.ts';
import type { SignInFailure } from './authSession.ts';

/** A sentence for a sign-in that failed; a wrong code has its own beside the field. */
export function failureText({ t }: I18n, failure: SignInFailure): string {
  if (failure === 'inactive') return `${t.app.noProfile}. ${t.app.noProfileDetail}`;
  if (failure === 'network' || failure === 'unknown') return t.errors.codes[failure];
  return failure === 'tooMany' ? t.auth.tooMany : t.auth.wrong;
}
