/** Reading the filter of a postgres_changes binding: `column=operator.value`, conditions joined by commas. */
import { RealtimeError } from '../errors.ts';

export const OPERATORS = [
  'eq',
  'neq',
  'lt',
  'lte',
  'gt',
  'gte',
  'in',
  'like',
  'ilike',
  'is',
  'match',
  'imatch',
  'isdistinct',
] as const;
export type Operator = (typeof OPERATORS)[number];

export interface Condition {
  column: string;
  operator: Operator;
  /** `not.` came before the operator. */
  negate: boolean;
  /** Text of the value, its quotes taken off; for `in` the text of an array, `{…}`. */
  value: string;
}

/**
 * Reads a filter. All of its conditions must hold.
 *
 * @param filter for example `id=gt.0,status=not.in.(draft,"a,b")`
 * @throws RealtimeError `RealtimeDisabledForConfiguration` with what is wrong
 */
export function parseFilter(filter: string): Condition[] {
  return filter.trim() === '' ? [] : split(filter).map(parseCondition);
}

function parseCondition(text: string): Condition {
  const segment = text.trim();
  if (segment === '') throw malformed('filter must not contain empty segments (check for extra commas)');
  const match = /^(?<column>[^=]*)=(?<not>not\.)?(?<rest>[^]*)$/.exec(segment);
  const { column = '', not, rest = segment } = match?.groups ?? {};
  const dot = match ? rest.indexOf('.') : -1;
  if (dot === -1) throw malformed(listOf([rest]));
  const [operator, value] = [rest.slice(0, dot), rest.slice(dot + 1)];
  if (!isOperator(operator)) throw malformed(listOf([operator, value]));
  return {
    column,
    operator,
    negate: not !== undefined,
    value: operator === 'in' ? arrayOf(value) : unquote(value),
  };
}

/** Splits at commas that stand outside quotes and parentheses. A quote opens a value only where one can begin. */
function split(filter: string): string[] {
  const parts: string[] = [];
  let from = 0;
  let depth = 0;
  let quoted = false;
  for (let i = 0; i < filter.length; i += 1) {
    const char = filter[i];
    if (quoted) {
      if (char === '\\') i += 1;
      else if (char === '"') quoted = false;
    } else if (char === '"' && '.(,'.includes(filter[i - 1] ?? ' ')) quoted = true;
    else if (char === '(') depth += 1;
    else if (char === ')') depth = Math.max(0, depth - 1);
    else if (char === ',' && depth === 0) {
      parts.push(filter.slice(from, i));
      from = i + 1;
    }
  }
  return [...parts, filter.slice(from)];
}

/** `(a,"b,c")` is PostgreSQL's array `{a,"b,c"}`: both quote and escape alike. */
function arrayOf(value: string): string {
  if (!/^\([^]*\)$/.test(value)) throw malformed('`in` filter value must be wrapped by parentheses');
  return `{${value.slice(1, -1)}}`;
}

function unquote(value: string): string {
  const quoted = /^"((?:[^"\\]|\\[^])*)"$/.exec(value);
  return quoted?.[1] === undefined ? value : quoted[1].replace(/\\([^])/g, '$1');
}

/** Texts as Supabase lists them in its reasons: `["a", "b"]`. */
export function listOf(texts: readonly string[]): string {
  return `[${texts.map((text) => JSON.stringify(text)).join(', ')}]`;
}

function isOperator(text: string): text is Operator {
  return (OPERATORS as readonly string[]).includes(text);
}

function malformed(what: string): RealtimeError {
  return new RealtimeError('RealtimeDisabledForConfiguration', `Error parsing \`filter\` params: ${what}`);
}
