import { unseal } from './api/sealed.ts';

/** The element type of each array type, by object identifier. */
export type TypeCatalogue = ReadonlyMap<number, number>;

const JSON_TYPES = new Set([114, 3802]);
const BYTEA = 17;

/** Array literals of PostgreSQL; `pg` reads them, too, but only for the types it knows. */
const QUOTED = /[{}",\\\s]|^$|^null$/i;

type Parser = (text: string) => unknown;

const number: Parser = (text) => Number(text);

/** A number that JavaScript can hold exactly; otherwise the nearest thing that loses nothing. */
const integer: Parser = (text) => {
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : BigInt(text);
};
const numeric: Parser = (text) => {
  const value = Number(text);
  return Number.isFinite(value) && String(value) === text ? value : text;
};

/** `2026-01-02 03:04:05+00` as PostgREST writes it, and every browser reads it: `2026-01-02T03:04:05+00:00`. */
const timestamp: Parser = (text) =>
  text.replace(/^(\d{4,}-\d\d-\d\d) (\S+?)([+-]\d\d)?$/, (_, date: string, time: string, zone?: string) =>
    zone === undefined ? `${date}T${time}` : `${date}T${time}${zone}:00`,
  );

const PARSERS: ReadonlyMap<number, Parser> = new Map<number, Parser>([
  [16, (text) => text === 't'],
  [20, integer],
  [21, number],
  [23, number],
  [26, number],
  [114, (text) => JSON.parse(text) as unknown],
  [700, number],
  [701, number],
  [1114, timestamp],
  [1184, timestamp],
  [1700, numeric],
  [3802, (text) => JSON.parse(text) as unknown],
]);

/**
 * Reads a value that PostgreSQL sent as text. What has no form of its own in JSON stays text.
 *
 * @param oid object identifier of its type
 */
export function parseValue(text: string, oid: number, arrays: TypeCatalogue): unknown {
  const element = arrays.get(oid);
  if (element !== undefined && text.startsWith('{')) {
    return readArray(text, (item) => parseValue(item, element, arrays));
  }
  const parser = PARSERS.get(oid);
  return parser ? parser(text) : text;
}

/**
 * Writes a value as the text that a parameter's type reads.
 *
 * @param oid object identifier of the parameter's type
 * @param isJsonText whether a string for a JSON parameter may be JSON already
 */
export function serializeValue(
  value: unknown,
  oid: number,
  arrays: TypeCatalogue,
  isJsonText = false,
): string | null {
  if (value === null || value === undefined) return null;
  // The value of a filter: PostgreSQL reads the text itself, by the type of what it is compared with.
  const literal = unseal(value);
  if (literal !== undefined) return literal;
  if (JSON_TYPES.has(oid)) return isJsonText && isJson(value) ? value : JSON.stringify(value);
  if (Array.isArray(value)) return writeArray(value, arrays.get(oid) ?? oid, arrays);
  if (Buffer.isBuffer(value) && oid === BYTEA) return `\\x${value.toString('hex')}`;
  if (value instanceof Date) return value.toISOString();
  if (typeof value === 'string') return value;
  return typeof value === 'bigint' ? value.toString() : JSON.stringify(value);
}

function isJson(value: unknown): value is string {
  if (typeof value !== 'string') return false;
  try {
    JSON.parse(value);
    return true;
  } catch {
    return false;
  }
}

function writeArray(items: readonly unknown[], element: number, arrays: TypeCatalogue): string {
  const written = items.map((item) => {
    if (Array.isArray(item) && !JSON_TYPES.has(element)) return writeArray(item, element, arrays);
    const text = serializeValue(item, element, arrays);
    if (text === null) return 'null';
    return QUOTED.test(text) ? `"${text.replaceAll(/["\\]/g, '\\$&')}"` : text;
  });
  return `{${written.join(',')}}`;
}

/** Reads an array literal such as `{1,null,{"a b","c"}}`. */
function readArray(text: string, parseItem: (item: string) => unknown): unknown[] {
  let position = 1;
  return readItems();

  function readItems(): unknown[] {
    const items: unknown[] = [];
    while (text[position] !== '}') {
      items.push(readItem());
      if (text[position] === ',') position++;
    }
    position++;
    return items;
  }

  function readItem(): unknown {
    if (text[position] === '{') {
      position++;
      return readItems();
    }
    if (text[position] === '"') return parseItem(readQuoted());
    const start = position;
    while (text[position] !== ',' && text[position] !== '}') position++;
    const item = text.slice(start, position);
    return item === 'NULL' ? null : parseItem(item);
  }

  function readQuoted(): string {
    let item = '';
    position++;
    for (; text[position] !== '"'; position++) {
      if (text[position] === '\\') position++;
      item += text[position];
    }
    position++;
    return item;
  }
}
