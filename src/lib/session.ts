/**
 * Who is signed in, for every feature. Sign-in fills it with the profile row; the hooks read the group from
 * it; the end of the session asks for a new sign-in without throwing the screen away.
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

/** Why a session is over. */
export type EndReason =
  /** It was not used for too long, or it is as old as sessions get. */
  | 'expired'
  /** It was ended elsewhere: by the list of sessions, by another password; or it expired long ago. */
  | 'closed'
  /** The account is no longer active. */
  | 'disabled'
  /** The group of the account is archived. */
  | 'archived'
  /** The person signed out, here or in another tab. */
  | 'left';

export type Session =
  /** The stored session is being read. */
  | { status: 'loading' }
  | { status: 'signed_out' }
  /** The password was right; the code of the second factor is still to come. */
  | { status: 'second_factor' }
  /** `ended`: the server no longer takes the session. The screen stays, so that nothing typed is lost. */
  | { status: 'signed_in'; profile: Profile; ended: EndReason | null };

interface SessionFollower {
  /** This browser has no session any more. */
  onGone: () => void;
  /** The server refuses what it allowed: is the account still what it was? */
  onDoubt: () => void;
}

const store = createStore<Session>(() => ({ status: 'loading' }));
let follower: SessionFollower | null = null;

/** Says who deals with what becomes of the session; the page has one. */
export function followSession(next: SessionFollower): void {
  follower = next;
}

/** Call when the tokens of this browser are gone, whoever removed them. */
export function sessionGone(): void {
  follower?.onGone();
}

/** Call when the server refuses what it would not refuse an account in good standing. */
export function doubtSession(): void {
  follower?.onDoubt();
}

/** Call when the profile of the person signed in is known, also after they signed in again. */
export function signedIn(profile: Profile): void {
  store.setState({ status: 'signed_in', profile, ended: null }, true);
}

/** Call after a sign-out, or when no session was stored. */
export function signedOut(): void {
  store.setState({ status: 'signed_out' }, true);
}

/** Call when a code must be given before anything else. */
export function secondFactorAsked(): void {
  store.setState({ status: 'second_factor' }, true);
}

/** The session of the person who works here is over: the screen asks for the password, or says why there is none. */
export function sessionEnded(reason: EndReason): void {
  const session = store.getState();
  if (session.status === 'signed_in') store.setState({ ...session, ended: reason }, true);
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
