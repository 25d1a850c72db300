/** Who may open what. The database decides what anybody reads; these guards only spare people dead ends. */
import { notFound, redirect } from '@tanstack/react-router';
import { currentSession, type Profile, type Role } from '@/lib/session.ts';
import { NAVIGATION } from './layout/navigation.ts';

/** A path inside the app, or `undefined`: a foreign address in the sign-in link must lead nowhere. */
export function safePath(value: unknown): string | undefined {
  return typeof value === 'string' && /^\/(?![/\\])/.test(value) ? value : undefined;
}

/** Where a role starts. */
export const homeOf = (role: Role) => NAVIGATION[role][0].to;

/** The person signed in. @throws a redirect to the sign-in page, which leads back to `path`. */
export function requireProfile(path: string): Profile {
  const session = currentSession();
  if (session.status === 'signed_in') return session.profile;
  throw redirect({ to: '/connexion', search: path === '/' ? {} : { suite: path } });
}

/** The same, for the named roles only. @throws notFound for the others: the page is not theirs to know of. */
export function requireRole(path: string, ...roles: Role[]): Profile {
  const profile = requireProfile(path);
  if (!roles.includes(profile.role)) throw notFound();
  return profile;
}

/** Group of a person who must have one. @throws notFound for a super admin. */
export function groupOf(profile: Profile): string {
  if (profile.school_group_id === null) throw notFound();
  return profile.school_group_id;
}
