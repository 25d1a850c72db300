/**
 * Signing in and out, and what happens to a session in between.
 *
 * A session ends in three ways. The person signs out, here or in another tab: the screen goes, and the sign-in page of
 * the other tabs says so. The server ends it while they work: the screen stays and asks for the password
 * (`SessionExpiredDialog`), so that nothing typed is lost. It was over at the start: the sign-in page says why.
 */
import { AuthError, type Session as SupabaseSession } from '@supabase/supabase-js';
import { ApiError, unwrap } from '@/lib/apiError.ts';
import { noteEnd, notedEnd, showEnd } from '@/lib/endNote.ts';
import {
  currentSession,
  followSession,
  secondFactorAsked,
  sessionEnded,
  signedIn,
  signedOut,
  type EndReason,
  type Profile,
} from '@/lib/session.ts';
import { getSupabase, renewWhenDue } from '@/lib/supabase.ts';
import { claimsOf } from '@/lib/tokens/claims.ts';

export type SignInFailure = 'wrong' | 'wrongCode' | 'tooMany' | 'inactive' | 'network' | 'unknown';
/** `code`: the password was right, the second factor is still to come. */
export type SignInResult = { ok: true; next: 'space' | 'code' } | { ok: false; failure: SignInFailure };

/** How often at most a doubt is looked into, milliseconds: a screen of refusals is one doubt. */
const DOUBT_MS = 5_000;

let email = '';
/** Set from the moment the person signs out in this very tab. */
let leaving = false;
let doubtedAt = -Infinity;

/** Address of the person who signed in last on this page: they need not type it again. */
export const lastEmail = (): string => email;

/** Reads the profile; a reason when the account may not work. The group is visible while it is not archived. */
async function loadProfile(userId: string): Promise<Profile | EndReason> {
  const response = await getSupabase()
    .from('profiles')
    .select(
      'id, role, school_group_id, school_id, first_name, last_name, locale, status, group:school_groups!profiles_school_group_id_fkey(status)',
    )
    .eq('id', userId)
    .maybeSingle<Profile & { group: { status: string } | null }>();
  const found = unwrap(response);
  if (found?.status !== 'active') return 'disabled';
  const { group, ...profile } = found;
  return profile.school_group_id !== null && group?.status !== 'active' ? 'archived' : profile;
}

/** Whether the account has a second factor that this session has not given yet. */
function lacksCode({ access_token, user }: SupabaseSession): boolean {
  const isAsked = user.factors?.some(({ status }) => status === 'verified') ?? false;
  return isAsked && claimsOf(access_token).aal !== 'aal2';
}

/** Makes the app's session of Supabase's. @throws ApiError */
export async function enter(session: SupabaseSession): Promise<SignInResult> {
  const { user } = session;
  email = user.email ?? '';
  const before = currentSession();
  if (lacksCode(session)) {
    if (before.status !== 'signed_in') secondFactorAsked();
    return { ok: true, next: 'code' };
  }
  const profile = await loadProfile(user.id);
  if (typeof profile === 'string') {
    await forget(profile);
    return { ok: false, failure: 'inactive' };
  }
  showEnd(null);
  if (before.status === 'signed_in' && before.profile.id !== profile.id) openPage('/');
  else signedIn(profile);
  return { ok: true, next: 'space' };
}

/** Removes the tokens of this browser, and their session on the server when it answers. */
async function forget(reason: EndReason): Promise<void> {
  noteEnd(reason);
  await getSupabase().auth.signOut({ scope: 'local' });
}

/** A real page load: nothing of the person before stays in memory, no channel stays open. */
function openPage(path: string): void {
  location.assign(path);
}

function onGone(): void {
  const reason = notedEnd() ?? 'closed';
  const session = currentSession();
  showEnd(leaving ? null : reason);
  if (session.status === 'second_factor') signedOut();
  // Over already: what another tab does about it must not take this screen away.
  if (session.status !== 'signed_in' || (session.ended && !leaving)) return;
  if (leaving || reason === 'left') openPage('/connexion');
  else sessionEnded(reason);
}

/** Asks the server what the account is now; a session that is over shows itself in the same request. */
async function onDoubt(): Promise<void> {
  const session = currentSession();
  if (session.status !== 'signed_in' || session.ended || performance.now() - doubtedAt < DOUBT_MS) return;
  doubtedAt = performance.now();
  const profile = await loadProfile(session.profile.id);
  if (typeof profile === 'string') await forget(profile);
}

/** Another tab, or the dialog over this screen, signed somebody in. */
function onSignedIn(next: SupabaseSession): void {
  const session = currentSession();
  if (session.status !== 'signed_in') return;
  if (session.profile.id !== next.user.id) openPage('/');
  else if (session.ended && !lacksCode(next)) {
    showEnd(null);
    signedIn(session.profile);
  }
}

/**
 * Takes up the session stored on this device, if any, and follows what becomes of it. Call once, before the
 * first render.
 * @throws ApiError when there is a session but its profile cannot be read; the caller offers to try again.
 */
export async function startSession(): Promise<void> {
  const { auth } = getSupabase();
  // A doubt that cannot be looked into stays one: the next refusal raises it again.
  followSession({ onGone, onDoubt: () => void onDoubt().catch(() => undefined) });
  auth.onAuthStateChange((event, session) => {
    if (event === 'SIGNED_OUT') onGone();
    if (session && (event === 'SIGNED_IN' || event === 'MFA_CHALLENGE_VERIFIED')) onSignedIn(session);
  });
  await renewWhenDue();
  const { data } = await auth.getSession();
  try {
    if (!data.session || !(await enter(data.session)).ok) signedOut();
  } catch (error) {
    // The session turned out to be over: the sign-in page says so.
    if ((await auth.getSession()).data.session) throw error;
    signedOut();
  }
}

/** Which sentence a failed sign-in calls for. */
export function failureOf(error: unknown): SignInFailure {
  if (error instanceof ApiError) return error.code === 'network' ? 'network' : 'unknown';
  if (!(error instanceof AuthError)) return 'unknown';
  if (error.status === 429) return 'tooMany';
  if (!error.status || error.status >= 500) return 'network';
  if (error.code === 'mfa_verification_failed' || error.code === 'mfa_challenge_expired') return 'wrongCode';
  return error.status === 400 || error.status === 401 ? 'wrong' : 'unknown';
}

/** Signs in with e-mail address and password; a failure is an answer, not an exception. */
export async function signIn(address: string, password: string): Promise<SignInResult> {
  try {
    const { data, error } = await getSupabase().auth.signInWithPassword({
      email: address.trim(),
      password,
    });
    if (error) return { ok: false, failure: failureOf(error) };
    leaving = false;
    return await enter(data.session);
  } catch (error) {
    return { ok: false, failure: failureOf(error) };
  }
}

/** Gives up a session whose second factor was not given; another account may sign in. */
export async function dropSession(): Promise<void> {
  leaving = true;
  await forget('left');
  leaving = false;
}

/** Signs out on this device, also when the server does not answer; the page then opens at the sign-in. */
export async function signOut(): Promise<void> {
  leaving = true;
  await forget('left');
}
