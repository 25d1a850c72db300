/** One piece of SQL: what leaves no trace, then texts that are kept as they are, then words and signs. */
const TOKEN =
  /(?<nothing>[\s;]+|--[^\n]*)|(?<comment>\/\*)|\$(?<tag>[\p{L}_][\p{L}\p{N}_]*)?\$[\s\S]*?\$\k<tag>\$|[eE]'(?:[^'\\]|\\[\s\S]|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|[\p{L}\p{N}_$]+|[\s\S]/uy;

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
  return tokensOf(applied.join(';\n')) === tokensOf(present);
}

/** The pieces of SQL that count, one a line. */
function tokensOf(sql: string): string {
  const text = sql.replaceAll('\r\n', '\n');
  const tokens: string[] = [];
  for (let at = 0; at < text.length;) {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(text);
    if (!match) break;
    at = match.groups?.['comment'] ? endOfComment(text, at) : TOKEN.lastIndex;
    if (!match.groups?.['comment'] && !match.groups?.['nothing']) tokens.push(match[0]);
  }
  return tokens.join('\n');
}

/** Where a comment ends that begins at an index: comments nest. */
function endOfComment(text: string, start: number): number {
  const edge = /\/\*|\*\//g;
  edge.lastIndex = start;
  for (let depth = 0; ;) {
    const match = edge.exec(text);
    if (!match) return text.length;
    depth += match[0] === '/*' ? 1 : -1;
    if (depth === 0) return edge.lastIndex;
  }
}
