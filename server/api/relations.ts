/** What the definitions of the tables say of embedding one in another. */
export interface Relations {
  /** Whether a table or view has this name. */
  has(name: string): boolean;
  /** Whether a row of `from` has at most one of `to`: it holds the other's key. */
  isToOne(from: string, to: string): boolean;
}

/** The part of @supabase/lite's definitions that tells it. */
interface Definitions {
  tables: readonly { name: string }[];
  views: readonly { name: string }[];
  foreign_keys: readonly { table: string; ref_table: string }[];
}

/** Reads tables, views and foreign keys. */
export function relationsOf({ tables, views, foreign_keys }: Definitions): Relations {
  const names = new Set([...tables, ...views].map(({ name }) => name));
  const keys = new Set(foreign_keys.map(({ table, ref_table }) => `${table}\n${ref_table}`));
  return {
    has: (name) => names.has(name),
    isToOne: (from, to) => keys.has(`${from}\n${to}`),
  };
}
