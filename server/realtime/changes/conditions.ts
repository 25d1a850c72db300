/**
 * Does a value fulfil a condition? PostgreSQL decides, for the column's type. The gateway answers by itself only
 * where texts decide exactly as PostgreSQL does: equality of types that print each value in one way, and the order
 * of whole numbers. See docs/adr/0013.
 */
import { escapeLiteral } from 'pg';
import type { Ask } from '../asking.ts';
import { RealtimeError } from '../errors.ts';
import type { Condition, Operator } from './filter.ts';

/** Most values of an `in`. */
const IN_MAX = 100;

const BOOL = 16;
const WHOLE_NUMBERS = new Set([20, 21, 23]);
/** bool, int8, int2, int4, text, varchar, uuid: two values are equal exactly if they print alike. */
const PLAIN = new Set([BOOL, ...WHOLE_NUMBERS, 25, 1043, 2950]);

const SYMBOLS = {
  eq: '=',
  neq: '<>',
  lt: '<',
  lte: '<=',
  gt: '>',
  gte: '>=',
  like: 'like',
  ilike: 'ilike',
  match: '~',
  imatch: '~*',
  isdistinct: 'is distinct from',
} as const satisfies Partial<Record<Operator, string>>;

/** A condition bound to the type of its column. */
export interface BoundCondition extends Condition {
  /** Name of the column's type in SQL. */
  type: string;
  /** The value, or the values of an `in`, as PostgreSQL prints them; null: only PostgreSQL can decide. */
  printed: readonly (string | null)[] | null;
}

/**
 * Binds a condition to a column's type, and tries it.
 *
 * @param type oid and SQL name of the column's type
 * @throws RealtimeError `RealtimeDisabledForConfiguration` for a value that does not suit, or the database's error
 */
export async function bind(
  ask: Ask,
  condition: Condition,
  type: { oid: number; sql: string },
): Promise<BoundCondition> {
  const bound = { ...condition, type: type.sql, printed: null };
  const { operator, value } = condition;
  if (operator === 'is') {
    if (!['null', 'true', 'false', 'unknown'].includes(value)) {
      throw unsuitable('invalid value for is filter: must be null, true, false, or unknown');
    }
    if (value !== 'null' && type.oid !== BOOL) {
      throw unsuitable(`is ${value} filter requires a boolean column, got ${type.sql}`);
    }
    return { ...bound, printed: [] };
  }
  const literal = escapeLiteral(value);
  if (operator === 'in') {
    const rows = await ask(`select x::text as printed from unnest(${literal}::${type.sql}[]) as x;`);
    if (rows.length > IN_MAX) throw unsuitable(`too many values for \`in\` filter. Maximum ${IN_MAX}`);
    return PLAIN.has(type.oid)
      ? { ...bound, printed: rows.map((row) => asLogged(type.oid, row['printed'])) }
      : bound;
  }
  // Tried with its own value: an operator that the type does not have, or a bad pattern, fails here and not later.
  const [row] = await ask(
    `select (${literal}::${type.sql})::text as printed, ${sqlOf(bound, `${literal}::${type.sql}`)} as tried;`,
  );
  return isPlain(operator, type.oid) ? { ...bound, printed: [asLogged(type.oid, row?.['printed'])] } : bound;
}

/** An SQL expression that is true when a typed expression fulfils the condition. */
export function sqlOf({ operator, value, negate, type }: BoundCondition, subject: string): string {
  const positive =
    operator === 'is'
      ? `${subject} is ${value}`
      : operator === 'in'
        ? `${subject} = any (${escapeLiteral(value)}::${type}[])`
        : `${subject} ${SYMBOLS[operator]} ${escapeLiteral(value)}::${type}`;
  return negate ? `not (${positive})` : `(${positive})`;
}

/**
 * Decides without the database.
 *
 * @param value of the column as PostgreSQL prints it; undefined: the log does not hold it, and nothing matches
 * @returns undefined when only PostgreSQL can decide
 */
export function decide(condition: BoundCondition, value: string | null | undefined): boolean | undefined {
  const { operator, printed, negate } = condition;
  if (value === undefined) return false;
  if (!printed) return undefined;
  const answer = operator === 'is' ? isWhat(condition.value, value) : compare(operator, value, printed);
  // Unknown stays unknown when it is negated, and unknown is not true.
  return answer !== null && answer !== negate;
}

function isWhat(what: string, value: string | null): boolean {
  if (what === 'true') return value === 't';
  if (what === 'false') return value === 'f';
  return value === null;
}

/** Null: unknown, as in SQL. */
function compare(
  operator: Operator,
  value: string | null,
  printed: readonly (string | null)[],
): boolean | null {
  if (operator === 'in') {
    if (printed.length === 0) return false;
    if (value === null) return null;
    if (printed.includes(value)) return true;
    return printed.includes(null) ? null : false;
  }
  const other = printed[0] ?? null;
  if (operator === 'isdistinct') return value !== other;
  if (value === null || other === null) return null;
  if (operator === 'eq') return value === other;
  if (operator === 'neq') return value !== other;
  const [a, b] = [BigInt(value), BigInt(other)];
  if (operator === 'lt') return a < b;
  if (operator === 'lte') return a <= b;
  return operator === 'gt' ? a > b : a >= b;
}

/** A cast to text spells booleans out; the log does not. */
function asLogged(type: number, printed: string | null | undefined): string | null {
  return (type === BOOL ? printed?.slice(0, 1) : printed) ?? null;
}

function isPlain(operator: Operator, type: number): boolean {
  if (operator === 'eq' || operator === 'neq' || operator === 'isdistinct') return PLAIN.has(type);
  return ['lt', 'lte', 'gt', 'gte'].includes(operator) && WHOLE_NUMBERS.has(type);
}

function unsuitable(message: string): RealtimeError {
  return new RealtimeError('RealtimeDisabledForConfiguration', message);
}
