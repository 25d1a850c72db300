/**
 * Signing in and out, and what happens to a session in between.
 *
 * A session ends in three ways. The person signs out, here or in another tab: the screen goes. Its refresh
 * token was refused while they work: the screen stays and asks for the password (`SessionExpiredDialog`),
 * so that nothing typed is lost. It was refused at the start of the page: the sign-in page says so.
 */
import { AuthError, type Session as SupabaseSession } from '@supabase/supabase-js';
import { ApiError, unwrap } from '@/lib/apiError.ts';
import { currentSession, sessionExpired, signedIn, signedOut, type Profile } from '@/lib/session.ts';
import { getSupabase } from '@/lib/supabase.ts';

export type SignInFailure = 'wrong' | 'tooMany' | 'inactive' | 'network' | 'unknown';
export type SignInResult = { ok: true } | { ok: false; failure: SignInFailure };

/** When somebody last signed out on this device, Unix milliseconds: tells that from an expiry, in every tab. */
const LEFT_KEY = 'epilot.left';
const LEFT_RECENTLY_MS = 10_000;

/** Set in a tab whose session the server refused: also after a reload, the sign-in page then says why it is there. */
const REFUSED_KEY = 'epilot.refused';

let email = '';
let refused = readRefused();

function readRefused(): boolean {
  try {
    return sessionStorage.getItem(REFUSED_KEY) !== null;
  } catch {
    // Storage may be forbidden: the reason is then only known to this page.
    return false;
  }
}

function setRefused(value: boolean): void {
  refused = value;
  try {
    if (value) sessionStorage.setItem(REFUSED_KEY, '1');
    else sessionStorage.removeItem(REFUSED_KEY);
  } catch {
    // See readRefused.
  }
}

/** Whether this tab had a session that the server no longer takes. */
export const wasSessionRefused = (): boolean => refused;

/** Address of whoever signed in last on this page: whose session expired need not type it again. */
export const lastEmail = (): string => email;

async function loadProfile(userId: string): Promise<Profile | null> {
  const response = await getSupabase()
    .from('profiles')
    .select('id, role, school_group_id, school_id, first_name, last_name, locale, status')
    .eq('id', userId)
    .maybeSingle<Profile>();
  const profile = unwrap(response);
  return profile?.status === 'active' ? profile : null;
}

/** Makes the app's session of Supabase's; `false` when the account is not active. @throws ApiError */
async function enter({ user }: SupabaseSession): Promise<boolean> {
  const profile = await loadProfile(user.id);
  if (!profile) {
    await signOut();
    return false;
  }
  setRefused(false);
  email = user.email ?? '';
  const before = currentSession();
  if (before.status === 'signed_in' && before.profile.id !== profile.id) openPage('/');
  else signedIn(profile);
  return true;
}

/** A real page load: nothing of the person before stays in memory, no channel stays open. */
function openPage(path: string): void {
  location.assign(path);
}

function leftRecently(): boolean {
  try {
    return Date.now() - Number(localStorage.getItem(LEFT_KEY)) < LEFT_RECENTLY_MS;
  } catch {
    // Storage may be forbidden: treated as an expiry, which asks for the password over the screen.
    return false;
  }
}

function onSignedOut(): void {
  const isSignedIn = currentSession().status === 'signed_in';
  setRefused(!leftRecently());
  if (isSignedIn && refused) sessionExpired();
  else if (isSignedIn) openPage('/connexion');
}

/** Another tab, or the dialog over this screen, signed somebody in. */
function onSignedIn({ user }: SupabaseSession): void {
  const session = currentSession();
  if (session.status !== 'signed_in') return;
  if (session.profile.id !== user.id) openPage('/');
  else if (session.expired) {
    setRefused(false);
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
  auth.onAuthStateChange((event, session) => {
    if (event === 'SIGNED_OUT') onSignedOut();
    if (event === 'SIGNED_IN' && session) onSignedIn(session);
  });
  const { data } = await auth.getSession();
  if (!data.session || !(await enter(data.session))) signedOut();
}

function failureOf(error: unknown): SignInFailure {
  if (error instanceof ApiError) return error.code === 'network' ? 'network' : 'unknown';
  if (!(error instanceof AuthError)) return 'unknown';
  if (error.status === 429) return 'tooMany';
  if (!error.status || error.status >= 500) return 'network';
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
    return (await enter(data.session)) ? { ok: true } : { ok: false, failure: 'inactive' };
  } catch (error) {
    return { ok: false, failure: failureOf(error) };
  }
}

/** Signs out on this device, also when the server does not answer; the page then opens at the sign-in. */
export async function signOut(): Promise<void> {
  setRefused(false);
  try {
    localStorage.setItem(LEFT_KEY, String(Date.now()));
  } catch {
    // See leftRecently.
  }
  await getSupabase().auth.signOut({ scope: 'local' });
}
