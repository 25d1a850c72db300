import { getSupabase } from '@/lib/supabase.ts';
import { enter, failureOf, type SignInResult } from './authSession.ts';

/** Answers the second factor of the account that just gave its password; as `signIn`. */
export async function giveCode(code: string): Promise<SignInResult> {
  try {
    const { auth } = getSupabase();
    const { data: factors, error: unknown } = await auth.mfa.listFactors();
    if (unknown) return { ok: false, failure: failureOf(unknown) };
    const factorId = factors.totp[0]?.id ?? '';
    const { error } = await auth.mfa.challengeAndVerify({ factorId, code });
    if (error) return { ok: false, failure: failureOf(error) };
    const { data } = await auth.getSession();
    return data.session ? await enter(data.session) : { ok: false, failure: 'unknown' };
  } catch (error) {
    return { ok: false, failure: failureOf(error) };
  }
}
