/**
 * Who is signed in, for every feature. Sign-in fills it with the profile row; the hooks read the group from
 * it; repeated refusals of the token ask for a new sign-in without throwing the screen away.
 */
import { useStore } from 'zustand';
import { createStore } from 'zustand/vanilla';
import type { Locale } from '../core/formats.ts';

export type Role = 'super_admin' | 'admin_groupe' | 'personnel';

/** The row of `public.profiles` of the person signed in. */
export interface Profile {
  id: string;
  role: Role;
  school_group_id: string | null;
  school_id: string | null;
  first_name: string;
  last_name: string;
  locale: Locale;
  status: string;
}

export type Session =
  /** The stored session is being read. */
  | { status: 'loading' }
  | { status: 'signed_out' }
  /** `expired`: the server no longer takes the token. The screen stays, so that nothing typed is lost. */
  | { status: 'signed_in'; profile: Profile; expired: boolean };

/** One 401 may be a token refreshed in the same instant; two in a row are not. */
const REFUSALS_UNTIL_EXPIRED = 2;

const store = createStore<Session>(() => ({ status: 'loading' }));
let refusals = 0;

/** Call when the profile of the person signed in is known, also after they signed in again. */
export function signedIn(profile: Profile): void {
  refusals = 0;
  store.setState({ status: 'signed_in', profile, expired: false }, true);
}

/** Call after a sign-out, or when no session was stored. */
export function signedOut(): void {
  refusals = 0;
  store.setState({ status: 'signed_out' }, true);
}

/** Marks the session as expired at once, as when the refresh token was refused. */
export function sessionExpired(): void {
  const session = store.getState();
  if (session.status === 'signed_in') store.setState({ ...session, expired: true }, true);
}

/** Call for each answer 401; repeated ones mark the session as expired. */
export function reportUnauthorized(): void {
  refusals += 1;
  if (refusals >= REFUSALS_UNTIL_EXPIRED) sessionExpired();
}

/** Call for each answer to a signed-in request: it proves the token good. */
export function reportAuthorized(): void {
  refusals = 0;
}

/** The session outside React. */
export function currentSession(): Session {
  return store.getState();
}

/** The session; the component renders again when it changes. */
export function useSession(): Session {
  return useStore(store);
}

/** The group of the person signed in; `null` while loading, signed out, or for a super admin. */
export function useSchoolGroupId(): string | null {
  return useStore(store, (session) =>
    session.status === 'signed_in' ? session.profile.school_group_id : null,
  );
}
