/** One changed row, as the feed brings it. */
import type { WalMessage } from '../wal.ts';
import type { Kind } from './binding.ts';

export type Relation = WalMessage & { tag: 'relation' };
export type RowMessage = WalMessage & { tag: 'insert' | 'update' | 'delete' };

/** Values as PostgreSQL's text form. A column is absent when the log does not hold its value. */
export type Row = Readonly<Record<string, string | null>>;

/** The transaction that changed rows. */
export interface Transaction {
  xid: number;
  /** Microseconds since 1970. */
  commitTime: bigint;
}

export interface Change {
  /** Place among all changes that are told, from 1. */
  seq: number;
  /** As PostgreSQL described the table when the row changed: one object until it describes it anew. */
  relation: Relation;
  kind: Kind;
  /** Null for a DELETE. */
  row: Row | null;
  /** By replica identity: the key, or all that was before. Null for an INSERT. */
  old: Row | null;
  /** Of all values. */
  bytes: number;
  xid: number;
  /** ISO 8601 in UTC with milliseconds. */
  committedAt: string;
  /** Called once, when nothing of it is left to do. */
  release(): void;
}

/**
 * Reads a row change.
 *
 * @param release called once, when the change has been told to everybody
 */
export function readChange(
  message: RowMessage,
  { xid, commitTime }: Transaction,
  seq: number,
  release: () => void,
): Change {
  const row = message.tag === 'delete' ? null : known(message.new);
  const old =
    message.tag === 'insert' ? null : known(message.old ?? message.key ?? keyOf(message.relation, row));
  return {
    seq,
    relation: message.relation,
    kind: KINDS[message.tag],
    row,
    old,
    bytes: sizeOf(row) + sizeOf(old),
    xid,
    committedAt: new Date(Number(commitTime / 1000n)).toISOString(),
    release,
  };
}

const KINDS = { insert: 'INSERT', update: 'UPDATE', delete: 'DELETE' } as const;

/** A key that did not change is not told as old: it is the new one. */
function keyOf(relation: Relation, row: Row | null): Record<string, string | null | undefined> {
  return Object.fromEntries(relation.keyColumns.map((name) => [name, row?.[name]]));
}

/** Large values that an update did not touch are not in the log. */
function known(values: Record<string, string | null | undefined>): Row {
  const row: Record<string, string | null> = {};
  for (const [name, value] of Object.entries(values)) if (value !== undefined) row[name] = value;
  return row;
}

function sizeOf(row: Row | null): number {
  let bytes = 0;
  for (const name in row) bytes += Buffer.byteLength(row[name] ?? '');
  return bytes;
}
