import { BadQuery } from './bad-query.ts';
import { checkField, FilterCount, sealFilter, sealTree } from './filters.ts';
import { findInherited } from './names.ts';
import type { Relations } from './relations.ts';
import { countSealed, seal } from './sealed.ts';
import { checkSelect } from './select.ts';

/** What a query reads, by its path. */
export interface Target {
  /** Table, view or function. */
  name: string;
  isFunction: boolean;
  /** The tables that there are. */
  relations: Relations;
}

/** Values in the filters of one query: each is a parameter of the statement, more than once where it is embedded. */
const MOST_VALUES = 1_000;

/** Filters of one query, those within `and` and `or` each for itself: every one costs the server's one thread its share. */
const MOST_FILTERS = 100;

/** Parameters whose values are names, or whole numbers, and no filters. */
const NAMES: ReadonlySet<string> = new Set(['order', 'columns', 'on_conflict']);
const NUMBERS: ReadonlySet<string> = new Set(['limit', 'offset']);

/**
 * Reads every parameter of a query of `/rest/v1`, refuses what it must not hold, and writes it so that nothing but
 * PostgREST's own reading of it is left.
 *
 * @param parameters as they came
 * @param target what is read
 * @param reads whether the request only reads: parameters of a function are then its arguments
 * @throws BadQuery when a part is malformed, takes a name that every object has, is not served, or when it is too much
 */
export function readQuery(parameters: URLSearchParams, target: Target, reads: boolean): URLSearchParams {
  const written = new URLSearchParams();
  const filters = new FilterCount(MOST_FILTERS);
  for (const [key, value] of parameters) {
    written.append(
      key,
      readParameter(key, value, { ...target, filters, isArgument: target.isFunction && reads }),
    );
  }
  if (countSealed(written.values()) > MOST_VALUES) {
    throw new BadQuery('too_many_values', `Filter by at most ${MOST_VALUES} values at once.`);
  }
  return written;
}

/**
 * Whether a query says which rows of its table are meant. What it says of embedded tables chooses none of them.
 *
 * @param parameters as {@link readQuery} writes them
 */
export function choosesRows(parameters: URLSearchParams): boolean {
  return [...parameters.keys()].some((key) => {
    if (key === 'apikey' || key === 'select' || NAMES.has(key) || NUMBERS.has(key)) return false;
    // A point before a column names an embedded table, but within quotes it is the column's own.
    return key === 'not.and' || key === 'not.or' || !key.replaceAll(/"[^"]*"/g, '').includes('.');
  });
}

interface Parameter extends Target {
  filters: FilterCount;
  /** Whether what looks like no filter is an argument of the function. */
  isArgument: boolean;
}

function readParameter(
  key: string,
  value: string,
  { name, relations, filters, isArgument }: Parameter,
): string {
  if (key === 'apikey') return value;
  if (key === 'select') {
    checkSelect(value, name, relations);
    return value;
  }
  checkField(key);
  const last = key.slice(key.lastIndexOf('.') + 1);
  if (NAMES.has(last)) {
    const inherited = findInherited(value);
    if (inherited !== null) throw new BadQuery('invalid_name', `Nothing is called ${inherited}.`);
    return value;
  }
  if (NUMBERS.has(last)) {
    if (!/^-?\d{1,15}$/.test(value.trim())) throw new BadQuery('PGRST100', `${key} must be a whole number.`);
    return value;
  }
  if (last === 'and' || last === 'or') return sealTree(value, filters);
  if (isArgument && !LOOKS_LIKE_FILTER.test(value)) return seal(value);
  filters.add();
  return sealFilter(value);
}

/** How PostgREST's cousin tells a filter of a function's result from an argument. */
const LOOKS_LIKE_FILTER =
  /^(?:not|n?eq|[gl]te?|i?like|i?match|is|isdistinct|in|c[sd]|ov|s[lr]|nx[lr]|adj|(?:pl|ph|w)?fts)(?:\([^)]*\))?\./;
