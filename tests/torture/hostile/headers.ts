/** What clients of the API send along: nothing, the public key, or the token of a pupil. */
import { pick } from '../chance.ts';
import type { Pupil, Scene } from './attack.ts';

/** A stranger with the key that every page carries. */
export function keyed({ target }: Pick<Scene, 'target'>): Record<string, string> {
  return { apikey: target.publishableKey, authorization: `Bearer ${target.publishableKey}` };
}

/** Somebody who is signed in; a pupil by chance when none is named. */
export function signed(
  { target, random }: Pick<Scene, 'target' | 'random'>,
  pupil: Pupil = pick(target.pupils, random),
): Record<string, string> {
  return { apikey: target.publishableKey, authorization: `Bearer ${pupil.token}` };
}
