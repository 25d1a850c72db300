/** What a client is told of one change: the `data` of a `postgres_changes` message, as JSON text. */
import { unsigned, type TableFacts } from './catalogue.ts';
import type { Change, Row } from './change.ts';

/** Larger changes are told without their large values. */
const CHANGE_MAX = 1_048_576;
/** Longest value that is told of them, bytes of JSON. */
const SMALL = 64;

export const TOO_LARGE = 'Error 413: Payload Too Large';
export const NO_KEY = 'Error 400: Bad Request, no primary key';
export const NOT_ALLOWED = 'Error 401: Unauthorized';
export const FAILED = 'Error 500: Internal Server Error, RLS policy evaluation failed';

/** Writes a value of a column as JSON. */
export type Write = (column: string, text: string) => string;

/** Whether only the small values of a change are told. */
export function isTooLarge(change: Change): boolean {
  return change.bytes > CHANGE_MAX;
}

/**
 * Writes a change for those who may read the same columns of it.
 *
 * @param readable columns that the bearer's role may read
 * @param select columns that the client asked for; the key comes with them. Null: all
 */
export function writeData(
  change: Change,
  facts: TableFacts,
  readable: ReadonlySet<string>,
  select: readonly string[] | null,
  write: Write,
): string {
  const { relation, kind, row, old } = change;
  const shown = (name: string): boolean =>
    readable.has(name) && (!select || select.includes(name) || facts.key.includes(name));
  // Nobody can be asked whether the bearer was allowed to see a row that is gone: its key only.
  const shownOfGone = (name: string): boolean => shown(name) && (!facts.secured || facts.key.includes(name));
  const columns = relation.columns
    .filter((column) => shown(column.name))
    .map(({ name, typeOid }) => ({ name, type: facts.types.get(unsigned(typeOid))?.name ?? 'unknown' }));
  const parts = [
    ...head(change),
    ['commit_timestamp', JSON.stringify(change.committedAt)],
    ['columns', JSON.stringify(columns)],
    ['errors', isTooLarge(change) ? JSON.stringify([TOO_LARGE]) : 'null'],
  ];
  const only = isTooLarge(change) ? SMALL : Infinity;
  if (kind !== 'DELETE') parts.push(['record', writeRow(row, shown, write, only)]);
  if (kind !== 'INSERT') {
    parts.push(['old_record', writeRow(old, kind === 'DELETE' ? shownOfGone : shown, write, only)]);
  }
  return objectOf(parts);
}

/** Writes that there was a change of which nothing can be told. */
export function writeError(change: Change, error: string): string {
  return objectOf([
    ...head(change),
    ['commit_timestamp', 'null'],
    ['columns', '[]'],
    ['errors', JSON.stringify([error])],
    ['record', '{}'],
    ...(change.kind === 'UPDATE' ? [['old_record', '{}']] : []),
  ]);
}

function head({ relation, kind }: Change): string[][] {
  return [
    ['schema', JSON.stringify(relation.schema)],
    ['table', JSON.stringify(relation.name)],
    ['type', JSON.stringify(kind)],
  ];
}

function writeRow(row: Row | null, shown: (name: string) => boolean, write: Write, longest: number): string {
  const parts: string[][] = [];
  for (const [name, text] of Object.entries(row ?? {})) {
    if (!shown(name) || (text?.length ?? 0) > longest) continue;
    const json = text === null ? 'null' : write(name, text);
    if (Buffer.byteLength(json) <= longest) parts.push([name, json]);
  }
  return objectOf(parts);
}

function objectOf(parts: string[][]): string {
  return `{${parts.map(([name, json]) => `${JSON.stringify(name)}:${json}`).join(',')}}`;
}
