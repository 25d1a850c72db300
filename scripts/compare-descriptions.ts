import { COLUMN_ORDER, type Description } from './describe-database.ts';

/** What two databases differ in, as text for a person. */
interface Comparison {
  /** One entry for each object or row that only one side has, or that is not the same on both. */
  differences: string[];
  /** Tables whose columns are the same but stand in another order. */
  moved: string[];
}

/** Compares two descriptions; the entries come in order of their names. */
export function compareDescriptions(a: Description, b: Description): Comparison {
  const differences: string[] = [];
  const moved: string[] = [];
  for (const name of [...new Set([...a.keys(), ...b.keys()])].sort()) {
    const [before, after] = [a.get(name), b.get(name)];
    if (before === after) continue;
    if (before === undefined || after === undefined) {
      // Its table and its columns are named already.
      if (!name.startsWith(COLUMN_ORDER)) differences.push(`${before === undefined ? '+' : '-'} ${name}`);
    } else if (name.startsWith(COLUMN_ORDER)) {
      if (sorted(before) === sorted(after)) moved.push(`~ ${name}\n    A: ${before}\n    B: ${after}`);
    } else {
      differences.push(`± ${name}\n${excerpt(before, after)}`);
    }
  }
  return { differences, moved };
}

function sorted(list: string): string {
  return list.split(', ').sort().join(', ');
}

/** The part in which two texts differ, with a little of what stands before and after it. */
function excerpt(before: string, after: string): string {
  const around = 60;
  let start = 0;
  while (start < before.length && before[start] === after[start]) start += 1;
  let end = 0;
  const longest = Math.min(before.length, after.length) - start;
  while (end < longest && before.at(-1 - end) === after.at(-1 - end)) end += 1;
  const cut = (text: string): string => {
    const from = Math.max(start - around, 0);
    const to = Math.min(text.length - end + around, text.length);
    return (from > 0 ? '…' : '') + text.slice(from, to) + (to < text.length ? '…' : '');
  };
  return [
    ...cut(before)
      .split('\n')
      .map((line) => `    - ${line}`),
    ...cut(after)
      .split('\n')
      .map((line) => `    + ${line}`),
  ].join('\n');
}
