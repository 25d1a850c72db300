/** May this bearer wait for these changes? Asked at the join, with every new token, and when the publication changes. */
import { escapeLiteral } from 'pg';
import { isDatabaseTrouble, type Ask } from '../asking.ts';
import { errorCode, RealtimeError } from '../errors.ts';
import type { Session } from '../sessions.ts';
import { PUBLICATION_OF_CHANGES } from '../wal.ts';
import { covers, type Binding } from './binding.ts';
import { baseTypeOf } from './catalogue.ts';
import { listOf } from './filter.ts';
import { bind, type BoundCondition } from './conditions.ts';

/** A table of the publication, with the columns that the bearer's role may read. */
interface PublishedTable {
  schema: string;
  name: string;
  columns: ReadonlyMap<string, { oid: number; sql: string }>;
}

/** The same as PostgreSQL writes it; without a column the object is null. */
type Published = Pick<PublishedTable, 'schema' | 'name'> & {
  columns: Record<string, { oid: number; sql: string }> | null;
};

const QUERY_CANCELED = '57014';

/**
 * Looks whether all bindings of a channel can be served.
 *
 * @returns for each binding its conditions, bound to the types of their columns
 * @throws RealtimeError `RealtimeDisabledForConfiguration` when one cannot, with the reason; the database's error when
 *   it did not answer
 */
export async function checkBindings(
  ask: Ask,
  bindings: readonly Binding[],
  session: Session,
): Promise<Map<string, BoundCondition>[]> {
  const tables = await publishedTables(ask, bindings, session).catch((error: unknown) => {
    if (isDatabaseTrouble(error)) throw error;
    throw unable(bindings[0], error);
  });
  const bound: Map<string, BoundCondition>[] = [];
  for (const binding of bindings) {
    const covered = tables.filter((table) => covers(binding, table));
    if (covered.length === 0) throw notPublished(binding);
    const conditions = new Map<string, BoundCondition>();
    for (const table of covered) await bindTo(ask, binding, table, conditions);
    bound.push(conditions);
  }
  return bound;
}

async function bindTo(
  ask: Ask,
  binding: Binding,
  { columns }: PublishedTable,
  bound: Map<string, BoundCondition>,
): Promise<void> {
  for (const name of binding.select ?? []) {
    if (!columns.has(name)) throw unable(binding, `invalid column for select ${name}`);
  }
  for (const [index, condition] of binding.conditions.entries()) {
    const type = columns.get(condition.column);
    if (!type) throw unable(binding, `invalid column for filter ${condition.column}`);
    const key = `${index}:${type.oid}`;
    try {
      if (!bound.has(key)) bound.set(key, await bind(ask, condition, type));
    } catch (error) {
      const fault = error instanceof RealtimeError || errorCode(error) === QUERY_CANCELED;
      if (!fault && isDatabaseTrouble(error)) throw error;
      throw unable(binding, error);
    }
  }
}

async function publishedTables(
  ask: Ask,
  bindings: readonly Binding[],
  { role }: Session,
): Promise<PublishedTable[]> {
  const wanted = bindings.map(({ schema, table }) =>
    [
      'true',
      ...(schema === '*' ? [] : [`p.schemaname = ${escapeLiteral(schema)}`]),
      ...(table === '*' ? [] : [`p.tablename = ${escapeLiteral(table)}`]),
    ].join(' and '),
  );
  const rows = await ask(
    `select quote_ident(${escapeLiteral(role)})::regrole;
     select json_build_object(
       'schema', p.schemaname,
       'name', p.tablename,
       'columns', (
         select json_object_agg(
           a.attname, json_build_object('oid', b.oid::bigint, 'sql', format_type(b.oid, -1))
         )
         from pg_attribute as a join pg_type as b on b.oid = ${baseTypeOf('a.atttypid')}
         where a.attrelid = format('%I.%I', p.schemaname, p.tablename)::regclass
           and a.attnum > 0 and not a.attisdropped
           and has_schema_privilege(${escapeLiteral(role)}::name, p.schemaname, 'usage')
           and has_column_privilege(${escapeLiteral(role)}::name, a.attrelid, a.attnum, 'select')
       )
     )::text as published
     from pg_publication_tables as p
     where p.pubname = '${PUBLICATION_OF_CHANGES}' and p.schemaname <> 'realtime'
       and (${wanted.map((each) => `(${each})`).join(' or ')});`,
  );
  return rows.flatMap(({ published }) => {
    if (!published) return [];
    const { columns, ...table } = JSON.parse(published) as Published;
    // Danger: clients name columns; a name such as `toString` is in every object, and in no Map.
    return [{ ...table, columns: new Map(Object.entries(columns ?? {})) }];
  });
}

function notPublished(binding: Binding): RealtimeError {
  return new RealtimeError(
    'RealtimeDisabledForConfiguration',
    'Unable to subscribe to changes with given parameters. Please check Realtime is enabled for the given connect ' +
      `parameters: [${describe(binding)}]`,
  );
}

function unable(binding: Binding | undefined, cause: unknown): RealtimeError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new RealtimeError(
    'RealtimeDisabledForConfiguration',
    'Unable to subscribe to changes with given parameters. An exception happened so please check your connect ' +
      `parameters: [${binding ? describe(binding) : ''}]. Exception: ${reason}`,
    cause instanceof Error ? cause : undefined,
  );
}

/** In the words of Supabase, whose clients may look for them. */
function describe({ event, schema, table, conditions, select }: Binding): string {
  const filters = conditions.map(
    ({ column, operator, value, negate }) =>
      `{${[column, operator, value].map((text) => JSON.stringify(text)).join(', ')}, ${negate}}`,
  );
  return `event: ${event}, schema: ${schema}, table: ${table}, filters: [${filters.join(', ')}], select: ${select ? listOf(select) : 'nil'}`;
}
