/**
 * Reads which tables a `select` embeds: each one multiplies the rows of the table above it, so that a line of text
 * could ask for more than the server has memory for.
 */
import { BadQuery } from './bad-query.ts';
import { findInherited } from './names.ts';
import type { Relations } from './relations.ts';

/** How deep one table may stand within another in an answer. */
const DEEPEST = 3;
/** Tables within tables in one answer. */
const MOST = 10;
/** How often a row may become many on the way down: twice would be a thousand times a thousand rows in one. */
const MOST_TO_MANY = 1;

/**
 * Judges what a query selects.
 *
 * @param select such as `id,schools!inner(name,students(id))`
 * @param root the table or function that the query reads
 * @param relations the tables that there are
 * @throws BadQuery `invalid_name`, `PGRST100`, `PGRST200` for what is no table by its name, or `select_too_deep`: beyond
 *   3 levels, beyond 10 tables, with two steps to many rows on one way, or with one table twice on the way from the root,
 *   which reads the same rows again and again
 */
export function checkSelect(select: string, root: string, relations: Relations): void {
  const inherited = findInherited(select);
  if (inherited !== null) throw new BadQuery('invalid_name', `Nothing is called ${inherited}.`);
  const path = [root];
  let embeds = 0;
  let item = '';
  for (let at = 0; at < select.length; at += 1) {
    const character = select.charAt(at);
    if (character === '"') {
      const end = select.indexOf('"', at + 1);
      if (end < 0) throw new BadQuery('PGRST100', 'A quote in select is not closed.');
      item += select.slice(at, end + 1);
      at = end;
    } else if (character === '(') {
      const call = closedCall(select, at);
      if (call) {
        // An aggregate, such as `count()` or `amount.sum()`.
        at = call;
        continue;
      }
      embeds += 1;
      const target = targetOf(item);
      // Law: a table has one name here. PostgREST also takes the column or the constraint that leads to it.
      if (!relations.has(target))
        throw new BadQuery('PGRST200', `No table is called ${target}; name a key behind a !.`);
      if (path.includes(target)) throw tooDeep();
      path.push(target);
      if (path.length - 1 > DEEPEST || embeds > MOST || toMany(path, relations) > MOST_TO_MANY)
        throw tooDeep();
      item = '';
    } else if (character === ')' || character === ',') {
      // @supabase/lite reads a bracket after a way into JSON as a part of that way.
      if (character === ')' && item.includes('->'))
        throw new BadQuery('PGRST100', 'An embedded table has no way into JSON.');
      if (character === ')' && path.length === 1)
        throw new BadQuery('PGRST100', 'A bracket in select closes nothing.');
      if (character === ')') path.pop();
      item = '';
    } else {
      item += character;
    }
  }
}

/** Where a pair of brackets with nothing in between ends; 0 when it holds something. */
function closedCall(select: string, open: number): number {
  const inside = /^\(\s*\)/.exec(select.slice(open));
  return inside ? open + inside[0].length - 1 : 0;
}

function toMany(path: readonly string[], relations: Relations): number {
  return path.slice(1).filter((target, at) => !relations.isToOne(path[at] ?? '', target)).length;
}

/** The table of `alias:table!hint!inner` or `...table`. */
function targetOf(item: string): string {
  const words = item.match(/"[^"]*"|[^":!]+|[:!]/g)?.map((word) => word.trim()) ?? [];
  const hint = words.indexOf('!');
  const name = hint < 0 ? words : words.slice(0, hint);
  const target = name.slice(name.indexOf(':') + 1).join('');
  const bare = target.replace(/^\.{3}\s*/, '').replaceAll('"', '');
  if (bare === '') throw new BadQuery('PGRST100', 'A bracket in select follows no name of a table.');
  return bare;
}

function tooDeep(): BadQuery {
  return new BadQuery(
    'select_too_deep',
    `Embed at most ${DEEPEST} levels deep, ${MOST} tables in all, many rows once on a way, and no table within itself; ask for the rest in a second request.`,
  );
}
