import { sqlTokens } from './sql-tokens.ts';

/**
 * Whether two texts of a migration make the same database. What PostgreSQL does not keep does not count: white space and
 * comments between words, and the semicolons that the Supabase CLI takes off. Strings and the bodies of functions count as they
 * are written, but for the ends of lines.
 *
 * @param applied the statements of the ledger
 * @param present the text of the file
 */
export function isSameMigration(applied: readonly string[], present: string): boolean {
  if (applied.length === 1 && applied[0] === present) return true;
  return lawOf(applied.join(';\n')) === lawOf(present);
}

/** What counts of a text, a piece a line. */
function lawOf(sql: string): string {
  const tokens = sqlTokens(sql.replaceAll('\r\n', '\n'));
  return tokens.filter((token) => token !== ';').join('\n');
}
