/**
 * A value of a query on its way through @supabase/lite, which reads values as it sees fit: `Null` is nothing to it,
 * `1e3` a number, a fully quoted or a leading blank text loses quotes or blank. A sealed value is a word that it
 * cannot read anything into; the pool of sessions opens it when it writes the parameter of the statement.
 */
import { randomBytes } from 'node:crypto';

/** Nobody else can make a sealed value: a text that only looks like one stays what it is. */
const SEAL = `sealed_${randomBytes(16).toString('hex')}_`;

const SEALED = new RegExp(`${SEAL}([\\w-]*)`, 'g');

/** Wraps a text so that it passes unread. */
export function seal(text: string): string {
  return SEAL + Buffer.from(text).toString('base64url');
}

/** The text of a sealed value; undefined for every other value. */
export function unseal(value: unknown): string | undefined {
  if (typeof value !== 'string' || !value.startsWith(SEAL)) return undefined;
  return Buffer.from(value.slice(SEAL.length), 'base64url').toString();
}

/** How many values are sealed in some texts. */
export function countSealed(texts: Iterable<string>): number {
  let count = 0;
  for (const text of texts) count += text.split(SEAL).length - 1;
  return count;
}

/** A text for a person, with every value in it as it was written. */
export function unsealWithin(text: string): string {
  if (!text.includes(SEAL)) return text;
  return text.replaceAll(SEALED, (_, value: string) => Buffer.from(value, 'base64url').toString());
}
