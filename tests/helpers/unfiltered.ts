import { sqlTokens } from '../../server/sql-tokens.ts';

/** Words before `update` that make it no statement: `for update`, `for no key update`, `do update`, `on update`. */
const NO_STATEMENT: ReadonlySet<string> = new Set(['for', 'key', 'do', 'on', 'or']);

/**
 * The UPDATE and DELETE of a function's body that have no WHERE. Hosted Supabase refuses them with 21000 in whatever is
 * called through its API (`safeupdate`); PostgreSQL itself has nothing that would.
 *
 * @param body as `pg_proc.prosrc` has it; statements that it writes in strings for `execute` are read too
 * @returns the first words of each
 */
export function unfilteredWrites(body: string): string[] {
  const tokens = sqlTokens(body);
  const words = tokens.map((token) => token.toLowerCase());
  const here = words.flatMap((word, at) => {
    const isWrite =
      (word === 'update' && !NO_STATEMENT.has(words[at - 1] ?? '')) ||
      (word === 'delete' && words[at + 1] === 'from');
    return isWrite && !hasWhere(words, at) ? [tokens.slice(at, at + 6).join(' ')] : [];
  });
  const within = tokens
    .filter((token) => /^(?:[eE]?'|\$\w*\$)\s*(?:update|delete\s+from|with)\s+\S/i.test(token))
    .flatMap((token) =>
      unfilteredWrites(token.replace(/^(?:[eE]?'|\$\w*\$)/, '').replace(/(?:'|\$\w*\$)$/, '')),
    );
  return [...here, ...within];
}

/** Whether the statement that begins at an index says WHERE before it ends. */
function hasWhere(words: readonly string[], start: number): boolean {
  let depth = 0;
  for (const word of words.slice(start)) {
    if (word === '(') depth += 1;
    if (word === ')') depth -= 1;
    if (depth < 0 || (depth === 0 && (word === ';' || word === 'loop'))) return false;
    if (depth === 0 && word === 'where') return true;
  }
  return false;
}
