/**
 * The one text that an e-mail address is known by. Law: limits, queue and database are asked with the same text. Each
 * lowering by itself would let a character that PostgreSQL and JavaScript lower differently (`İ`) be a second name of an
 * account, with guesses of its own.
 *
 * @param typed as somebody wrote it
 */
export function readTypedAddress(typed: string): string {
  return typed.trim().toLowerCase();
}
