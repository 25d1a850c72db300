/**
 * Values as JSON, the way Supabase tells them: what PostgreSQL's `to_jsonb` makes of the column's type, but for two kinds
 * that its decoder writes otherwise: bytes as bare hexadecimal digits, and NaN and the infinities of a number as null.
 * Common types are written here from the text that the log holds, digit by digit; all others PostgreSQL is asked for.
 */
import { escapeLiteral } from 'pg';
import type { Ask } from '../asking.ts';
import { compact } from '../stored-message.ts';
import type { TypeFacts } from './catalogue.ts';

const BOOL = 16;
const BYTEA = 17;
const NUMBERS = new Set([20, 21, 23, 700, 701, 1700]);
const JSON_TEXTS = new Set([114, 3802]);
const TIMESTAMP = 1114;
const TIMESTAMPTZ = 1184;
/** Types from here on are not PostgreSQL's own. */
const FIRST_OF_OTHERS = 16_384;

/**
 * Writes one value as JSON.
 *
 * @param text as PostgreSQL prints it, time zone UTC
 * @returns null when only PostgreSQL can
 */
export function writeValue(text: string, type: TypeFacts): string | null {
  if (type.oid === BOOL) return text === 't' ? 'true' : 'false';
  // `\xdead`, as the feed's `bytea_output` has it.
  if (type.oid === BYTEA) return JSON.stringify(text.slice('\\x'.length));
  // NaN and Infinity are not numbers in JSON.
  if (NUMBERS.has(type.oid)) return /^-?\d/.test(text) ? text : 'null';
  if (JSON_TEXTS.has(type.oid)) return compact(text);
  if (type.oid === TIMESTAMP) return JSON.stringify(text.replace(' ', 'T'));
  if (type.oid === TIMESTAMPTZ)
    return JSON.stringify(text.replace(' ', 'T').replace(/\+00(?= BC$|$)/, '+00:00'));
  if (type.kind === 'e') return JSON.stringify(text);
  const simple = type.oid < FIRST_OF_OTHERS && !type.sql.endsWith('[]') && type.kind !== 'c';
  return simple ? JSON.stringify(text) : null;
}

/**
 * Asks PostgreSQL to write values as JSON.
 * @throws the database's error
 */
export async function askValues(ask: Ask, values: { text: string; type: TypeFacts }[]): Promise<string[]> {
  if (values.length === 0) return [];
  const list = values.map(({ text, type }) => `to_jsonb(${escapeLiteral(text)}::${type.sql})::text`);
  const rows = await ask(`set local timezone = 'UTC'; select unnest(array[${list.join(', ')}]) as json;`);
  return rows.map((row) => compact(row['json'] ?? 'null'));
}
