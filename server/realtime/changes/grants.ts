/** What the grants of a role on a table leave of its changes. */
import type { Binding } from './binding.ts';
import type { TableFacts } from './catalogue.ts';
import { NO_KEY, NOT_ALLOWED } from './payload.ts';

type Columns = ReadonlySet<string>;

/**
 * Whether a binding hears nothing of a table, not even that there was a change.
 *
 * @param readable columns that the bearer's role may read
 */
export function isDeaf(binding: Binding, readable: Columns, facts: TableFacts): boolean {
  if (readable.size === 0) return true;
  // Danger: what such a filter lets pass would tell the value of a column that the role may not read.
  if (binding.conditions.some(({ column }) => !readable.has(column))) return true;
  // Row-level security is asked by the key as the bearer: without it, nobody knows whether the row is the bearer's to see.
  return facts.secured && refusalOf(readable, facts) === NOT_ALLOWED;
}

/** Why rows cannot be told, only that there was a change; null: they can. */
export function refusalOf(readable: Columns, facts: TableFacts): string | null {
  if (facts.key.length === 0) return NO_KEY;
  return facts.key.every((name) => readable.has(name)) ? null : NOT_ALLOWED;
}
