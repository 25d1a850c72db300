/** One piece of SQL: what leaves no trace, then texts that are kept as they are, then words and signs. */
const PIECE =
  /(?<nothing>\s+|--[^\n]*)|(?<comment>\/\*)|\$(?<tag>[\p{L}_][\p{L}\p{N}_]*)?\$[\s\S]*?\$\k<tag>\$|[eE]'(?:[^'\\]|\\[\s\S]|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|[\p{L}\p{N}_$]+|[\s\S]/uy;

/**
 * The words, signs, strings and quoted names of a text of SQL, as they are written. A body between dollar signs is one string. White
 * space and comments are left out.
 */
export function sqlTokens(sql: string): string[] {
  const tokens: string[] = [];
  for (let at = 0; at < sql.length;) {
    PIECE.lastIndex = at;
    const match = PIECE.exec(sql);
    if (!match) break;
    at = match.groups?.['comment'] ? endOfComment(sql, at) : PIECE.lastIndex;
    if (!match.groups?.['comment'] && !match.groups?.['nothing']) tokens.push(match[0]);
  }
  return tokens;
}

/** Where a comment ends that begins at an index: comments nest. */
function endOfComment(sql: string, start: number): number {
  const edge = /\/\*|\*\//g;
  edge.lastIndex = start;
  for (let depth = 0; ;) {
    const match = edge.exec(sql);
    if (!match) return sql.length;
    depth += match[0] === '/*' ? 1 : -1;
    if (depth === 0) return edge.lastIndex;
  }
}
