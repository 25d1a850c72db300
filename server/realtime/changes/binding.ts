/** What a client asks for with one `postgres_changes` binding. */
import { createHash } from 'node:crypto';
import { RealtimeError } from '../errors.ts';
import { isStorable } from '../frames.ts';
import { parseFilter, type Condition } from './filter.ts';

export type Kind = 'INSERT' | 'UPDATE' | 'DELETE';

export interface Binding {
  /** By which the client knows the binding again. */
  id: number;
  event: Kind | '*';
  schema: string;
  /** `*`: all of the schema. */
  table: string;
  conditions: Condition[];
  /** Null: all columns. */
  select: readonly string[] | null;
}

/** What the client wrote, as it came: it is told back in the reply to the join. */
export type BindingParams = Record<string, unknown>;

/** Ids are below it: clients in Kotlin and C# read 32 bits, and Supabase's have 27. */
const ID_END = 2 ** 27;

/**
 * The ids of a channel's bindings: the same for the same parameters, on every channel, so that channels can share
 * frames. Two that differ have different ids: of two that would have one, the later gets the next that is free.
 * Never 0, which the client would take for none.
 */
export function bindingIds(all: readonly BindingParams[]): number[] {
  const named = new Map<string, number>();
  const taken = new Set<number>();
  return all.map((params) => {
    // Sorted: whoever writes the same in another order asks for the same.
    const text = JSON.stringify(Object.entries(params).sort(([a], [b]) => (a < b ? -1 : 1)));
    const known = named.get(text);
    if (known !== undefined) return known;
    let id = (createHash('sha256').update(text).digest().readUInt32BE(0) % (ID_END - 1)) + 1;
    while (taken.has(id)) id = (id % (ID_END - 1)) + 1;
    taken.add(id);
    named.set(text, id);
    return id;
  });
}

/**
 * Reads one binding.
 *
 * @param id one of `bindingIds`
 * @throws RealtimeError `RealtimeDisabledForConfiguration` with what is wrong
 */
export function parseBinding(params: BindingParams, id: number): Binding {
  const { event, filter, select } = params;
  const schema = params['schema'] ?? (params['table'] === undefined ? undefined : 'public');
  const table = params['table'] ?? '*';
  if (typeof schema !== 'string' || typeof table !== 'string') {
    throw malformed(
      'No subscription params provided. Please provide at least a `schema` or `table` to subscribe to',
    );
  }
  if (filter !== undefined && filter !== null && typeof filter !== 'string') {
    throw malformed('Error parsing `filter` params: expected a string');
  }
  if (![schema, table, filter ?? ''].every(isStorable))
    throw malformed('Names and values are text without NUL');
  const columns = parseSelect(select);
  if (columns && (schema === '*' || table === '*')) {
    throw malformed(
      'Column selection is not supported for wildcard subscriptions. Provide an explicit schema and table name.',
    );
  }
  return {
    id,
    event: parseEvent(event),
    schema,
    table,
    conditions: parseFilter(filter ?? ''),
    select: columns,
  };
}

/** Whether a binding asks for changes of this table. */
export function covers(binding: Binding, table: { schema: string; name: string }): boolean {
  return (
    (binding.schema === '*' || binding.schema === table.schema) &&
    (binding.table === '*' || binding.table === table.name)
  );
}

function parseEvent(event: unknown): Binding['event'] {
  const kind = typeof event === 'string' ? event.toUpperCase() : '*';
  return kind === 'INSERT' || kind === 'UPDATE' || kind === 'DELETE' ? kind : '*';
}

function parseSelect(select: unknown): string[] | null {
  if (typeof select === 'string') {
    throw malformed('Error parsing `select` params: expected a list of column name strings');
  }
  const names = Array.isArray(select) ? select.filter((name) => typeof name === 'string') : [];
  return names.length > 0 ? names : null;
}

function malformed(message: string): RealtimeError {
  return new RealtimeError('RealtimeDisabledForConfiguration', message);
}
