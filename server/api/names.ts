/**
 * Names that strangers choose. @supabase/lite uses the names of a request as keys of plain objects, where some names
 * stand for what every object inherits: `toString` there is a function and no filter, `__proto__` is the object that
 * all others share.
 */
const INHERITED: ReadonlySet<string> = new Set([
  ...Object.getOwnPropertyNames(Object.prototype),
  'prototype',
]);

/** Rows of one body, and values of its rows: each value is a parameter of the statement. Imports are one value. */
const MOST_ROWS = 1_000;
const MOST_VALUES = 10_000;
/** How deep a JSON body may nest. Our deepest, the rows of an import, has three levels. */
const DEEPEST = 64;

/** Whether a plain object has a property of this name before anybody gives it one. */
export function isInherited(name: string): boolean {
  return INHERITED.has(name);
}

/** The first inherited name in a text of names, such as `id,a:b!c(d->"e")`; null when there is none. */
export function findInherited(names: string): string | null {
  return names.match(/[\p{L}\p{N}_$]+/gu)?.find(isInherited) ?? null;
}

/**
 * Judges the body of a request: the names that become keys are those of its rows, or of its arguments.
 *
 * @param body parsed JSON
 * @returns what is wrong, or null: a name that objects inherit, more than 1,000 rows or 10,000 values of rows, or nesting
 *   beyond 64 levels
 */
export function judgeBody(body: unknown): { name: string } | 'too_many' | 'too_deep' | null {
  const rows: unknown[] = Array.isArray(body) ? body : [body];
  if (rows.length > MOST_ROWS) return 'too_many';
  const columns = new Set<string>();
  for (const row of rows) if (isContainer(row)) for (const column of Object.keys(row)) columns.add(column);
  // A row without a column that another has gets its default, or null: a value all the same.
  if (rows.length > 1 && rows.length * columns.size > MOST_VALUES) return 'too_many';
  for (const row of rows) {
    const name = isContainer(row) && !Array.isArray(row) ? Object.keys(row).find(isInherited) : undefined;
    if (name !== undefined) return { name };
  }
  // Without recursion: the depth is the stranger's.
  let level: object[] = isContainer(body) ? [body] : [];
  for (let depth = 1; level.length > 0; depth += 1) {
    if (depth > DEEPEST) return 'too_deep';
    // Deeper down a name is data, but for the one that a copy of the object would obey.
    if (level.some((value) => Object.hasOwn(value, '__proto__'))) return { name: '__proto__' };
    level = level.flatMap((value) => Object.values(value).filter(isContainer));
  }
  return null;
}

function isContainer(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
