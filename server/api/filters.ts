/**
 * Reads the filters of a query by PostgREST's grammar (https://docs.postgrest.org/en/v14/references/api/tables_views.html)
 * and writes them again with every value sealed.
 *
 *   filter  eq.5 · not.in.(a,"b c") · like(any).{a*,b*} · is.null
 *   tree    (age.gt.5,not.and(name.eq."a,b",city.is.null))
 */
import { BadQuery } from './bad-query.ts';
import { isInherited } from './names.ts';
import { seal } from './sealed.ts';

/** Operators with one value, as PostgREST names them. */
const ONE_VALUE: ReadonlySet<string> = new Set(
  'eq neq gt gte lt lte like ilike isdistinct cs cd ov sl sr nxl nxr adj fts plfts phfts wfts'.split(' '),
);
/** Operators that take `(any)` or `(all)`. */
const QUANTIFIED: ReadonlySet<string> = new Set('eq gt gte lt lte like ilike'.split(' '));
const STATES: ReadonlySet<string> = new Set(['null', 'not_null', 'true', 'false', 'unknown']);
const OPERATOR = /^(not\.)?([a-z]+)(?:\(([A-Za-z_][\w .]*)\))?\./;
/** How deep `and` and `or` may nest. */
const DEEPEST = 8;

const NAME = String.raw`(?:"[^"]+"|[\p{L}_][\p{L}\p{N}_$]*)`;
const PATH = String.raw`(?:->>?(?:-?\d+|${NAME}))*`;
/** A column, with the way into its JSON; before it the embedded tables on the way to it. */
const FIELD = new RegExp(`^(?:${NAME}\\.)*${NAME}${PATH}$`, 'u');
const FIELD_OF_TREE = new RegExp(`^${NAME}${PATH}\\.`, 'u');

/**
 * Reads the name of a column that is filtered by.
 *
 * @throws BadQuery `PGRST100` for what is no name, `invalid_name` for one that every object has
 */
export function checkField(field: string): void {
  if (!FIELD.test(field)) throw malformed(`“${field}” names no column`);
  const inherited = field.match(/[^."<>-]+/g)?.find(isInherited);
  if (inherited !== undefined) throw new BadQuery('invalid_name', `No column is called ${inherited}.`);
}

/**
 * Seals the values of one filter.
 *
 * @param text such as `not.eq.5`: all that follows the operator is its value, as it is
 * @throws BadQuery `PGRST100`, or `operator_not_served` for regular expressions
 */
export function sealFilter(text: string): string {
  const { written, value } = readOperator(text);
  const { operator, quantifier } = written;
  if (operator === 'is') return `${written.head}${stateOf(value)}`;
  if (operator === 'in') return `${written.head}(${sealAll(listIn(value, '(', ')'))})`;
  if (quantifier) return `${written.head}{${sealAll(listIn(value, '{', '}').map(wildcardsOf(operator)))}}`;
  return `${written.head}${seal(wildcardsOf(operator)(value))}`;
}

/** Counts the filters of one query. */
export class FilterCount {
  readonly #most: number;
  #count = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** Counts one more. @throws BadQuery `too_many_values` when it is one too many */
  add(): void {
    this.#count += 1;
    if (this.#count > this.#most) {
      throw new BadQuery(
        'too_many_values',
        `Filter by at most ${this.#most} conditions; use in for a list of values.`,
      );
    }
  }
}

/**
 * Seals the values of a tree of filters.
 *
 * @param text such as `(age.gt.5,or(name.eq."a,b",city.is.null))`
 * @param filters those of the query, to which those of the tree are added
 * @throws BadQuery as {@link sealFilter}, or `too_many_values`
 */
export function sealTree(text: string, filters: FilterCount): string {
  const reader = new Reader(text.trim());
  const sealed = readBranch(reader, filters, 1);
  if (!reader.atEnd) throw malformed('something follows the last bracket');
  return sealed;
}

function readBranch(reader: Reader, filters: FilterCount, depth: number): string {
  if (depth > DEEPEST) throw malformed(`filters nest more than ${DEEPEST} levels deep`);
  const items: string[] = [];
  reader.expect('(');
  do {
    reader.skipBlanks();
    const junction = reader.match(/^(?:not\.)?(?:and|or)\s*(?=\()/);
    if (junction === null) {
      filters.add();
      items.push(readLeaf(reader));
    } else {
      items.push(junction.trim() + readBranch(reader, filters, depth + 1));
    }
    reader.skipBlanks();
  } while (reader.take(','));
  reader.expect(')');
  return `(${items.join(',')})`;
}

function readLeaf(reader: Reader): string {
  const head = reader.match(FIELD_OF_TREE);
  if (head === null) throw malformed('a filter begins with the name of a column');
  const field = head.slice(0, -1);
  checkField(field);
  const operator = reader.match(OPERATOR);
  if (operator === null) throw malformed(`no operator follows “${field}”`);
  // The value ends where the next filter begins, unless it is quoted or a list.
  const value = reader.valueOfLeaf();
  return `${field}.${sealFilter(operator + value)}`;
}

interface Written {
  operator: string;
  quantifier: boolean;
  /** All that stands before the value. */
  head: string;
}

function readOperator(text: string): { written: Written; value: string } {
  const found = OPERATOR.exec(text);
  if (!found) throw malformed(`“${text.slice(0, 40)}” begins with no operator`);
  const [head, , operator = '', modifier] = found;
  if (operator === 'match' || operator === 'imatch') {
    // Danger: a pattern with back-references keeps a session busy until its time limit.
    throw new BadQuery('operator_not_served', 'Use like or ilike in place of regular expressions.');
  }
  const quantifier = modifier === 'any' || modifier === 'all';
  const known = ONE_VALUE.has(operator) || operator === 'is' || operator === 'in';
  const fits =
    modifier === undefined ||
    (quantifier ? QUANTIFIED.has(operator) : /^(?:fts|(?:pl|ph|w)fts)$/.test(operator));
  if (!known || !fits) throw malformed(`no operator is written ${head}`);
  return { written: { operator, quantifier, head }, value: text.slice(head.length) };
}

function stateOf(value: string): string {
  const state = value.trim().toLowerCase();
  if (!STATES.has(state)) throw malformed(`is takes ${[...STATES].join(', ')}`);
  return state;
}

/** In patterns, PostgREST takes `*` for `%`, which addresses cannot hold as it is. */
function wildcardsOf(operator: string): (value: string) => string {
  return operator === 'like' || operator === 'ilike'
    ? (value) => value.replaceAll('*', '%')
    : (value) => value;
}

function sealAll(values: readonly string[]): string {
  return values.map((value) => `"${seal(value)}"`).join(',');
}

function listIn(text: string, open: string, close: string): string[] {
  if (!text.startsWith(open) || !text.endsWith(close) || text.length < 2) {
    throw malformed(`a list stands between ${open} and ${close}`);
  }
  const reader = new Reader(text.slice(1, -1));
  if (reader.atEnd) return [];
  const values: string[] = [];
  do values.push(reader.match(/^(?!")[^,]*/) ?? reader.quoted());
  while (reader.take(','));
  if (!reader.atEnd) throw malformed('something follows a closing quote');
  return values;
}

/** A text and how far it has been read. */
class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get atEnd(): boolean {
    return this.#at === this.#text.length;
  }

  skipBlanks(): void {
    this.match(/^\s+/);
  }

  /** Reads a character, if it comes next. */
  take(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at += 1;
    return true;
  }

  expect(character: string): void {
    if (!this.take(character)) throw malformed(`${character} is missing at character ${this.#at + 1}`);
  }

  /** Reads what a pattern, anchored at its beginning, finds next; null when it finds nothing. */
  match(pattern: RegExp): string | null {
    const found = pattern.exec(this.#text.slice(this.#at))?.[0];
    if (found === undefined) return null;
    this.#at += found.length;
    return found;
  }

  /** Reads a quoted text, in which a backslash takes the next character as it is. */
  quoted(): string {
    const found = this.match(/^"(?:[^"\\]|\\.)*"/s);
    if (found === null) throw malformed(`a quote is missing at character ${this.#at + 1}`);
    return found.slice(1, -1).replaceAll(/\\(.)/gs, '$1');
  }

  /** Reads the value of a filter in a tree: a quoted text, a list in its brackets, or all up to the next filter. */
  valueOfLeaf(): string {
    if (this.#text[this.#at] === '"') return this.quoted();
    const list =
      this.match(/^\((?:"(?:[^"\\]|\\.)*"|[^")])*\)/s) ?? this.match(/^\{(?:"(?:[^"\\]|\\.)*"|[^"}])*\}/s);
    return list ?? this.match(/^[^,)]*/) ?? '';
  }
}

function malformed(reason: string): BadQuery {
  return new BadQuery('PGRST100', `The filter cannot be read: ${reason}.`);
}
