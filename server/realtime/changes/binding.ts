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

/**
 * The id of a binding: the same for the same parameters, on every channel, so that channels can share frames.
 * Never 0, which the client would take for none.
 */
export function bindingId(params: BindingParams): number {
  return createHash('sha256').update(JSON.stringify(params)).digest().readUIntBE(0, 6) || 1;
}

/**
 * Reads one binding.
 * @throws RealtimeError `RealtimeDisabledForConfiguration` with what is wrong
 */
export function parseBinding(params: BindingParams): Binding {
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
    id: bindingId(params),
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
