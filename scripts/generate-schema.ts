/** The entity diagram of schema `public`, drawn from PostgreSQL's catalogue. */
import type pg from 'pg';

interface Column {
  table: string;
  name: string;
  type: string;
  is_key: boolean;
  is_reference: boolean;
}

interface Reference {
  from: string;
  to: string;
  columns: string;
  is_optional: boolean;
  is_unique: boolean;
  on_delete: string;
}

const COLUMNS = `
  select c.relname as table, a.attname as name, format_type(a.atttypid, null) as type,
    exists (select from pg_constraint k where k.conrelid = c.oid and k.contype = 'p' and a.attnum = any (k.conkey)) as is_key,
    exists (select from pg_constraint k where k.conrelid = c.oid and k.contype = 'f' and a.attnum = any (k.conkey)) as is_reference
  from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
  order by c.relname collate "C", a.attnum`;

const REFERENCES = `
  select c.relname as from, case n.nspname when 'public' then t.relname else n.nspname || '_' || t.relname end as to,
    (select string_agg(a.attname, ', ' order by p.n) from unnest(k.conkey) with ordinality p (attnum, n)
     join pg_attribute a on a.attrelid = c.oid and a.attnum = p.attnum) as columns,
    exists (select from pg_attribute a where a.attrelid = c.oid and a.attnum = any (k.conkey) and not a.attnotnull) as is_optional,
    exists (select from pg_constraint u where u.conrelid = c.oid and u.contype in ('p', 'u')
            and u.conkey <@ k.conkey) as is_unique,
    case k.confdeltype when 'r' then 'restrict' when 'c' then 'cascade' when 'n' then 'set null' else 'no action' end as on_delete
  from pg_constraint k
  join pg_class c on c.oid = k.conrelid join pg_class t on t.oid = k.confrelid join pg_namespace n on n.oid = t.relnamespace
  where k.contype = 'f' and c.relnamespace = 'public'::regnamespace
  order by c.relname collate "C", k.conname collate "C"`;

const COMMENTS = `
  select relname as table, obj_description(oid, 'pg_class') as comment from pg_class
  where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v') and obj_description(oid, 'pg_class') is not null
  order by relname collate "C"`;

/**
 * Draws the diagram as Mermaid in Markdown, with what each table says of itself.
 *
 * @param client session on a migrated database
 */
export async function generateSchema(client: pg.Client): Promise<string> {
  const columns = (await client.query<Column>(COLUMNS)).rows;
  const references = (await client.query<Reference>(REFERENCES)).rows;
  const comments = (await client.query<{ table: string; comment: string }>(COMMENTS)).rows;
  return [
    '# Database schema',
    '',
    'Generated from the migrations: do not edit. `npm run generate` writes it anew.',
    'A reference is labelled with its columns and with what a delete of the row referred to does.',
    '',
    '```mermaid',
    'erDiagram',
    ...references.map(drawReference),
    ...drawTables(columns),
    '```',
    '',
    '| table | |',
    '| --- | --- |',
    ...comments.map(({ table, comment }) => `| \`${table}\` | ${comment.replaceAll('|', '\\|')} |`),
    '',
  ].join('\n');
}

function drawReference({ from, to, columns, is_optional, is_unique, on_delete }: Reference): string {
  return `  ${to} ${is_optional ? '|o' : '||'}--${is_unique ? 'o|' : 'o{'} ${from} : "${columns} (${on_delete})"`;
}

function drawTables(columns: Column[]): string[] {
  const tables = Map.groupBy(columns, ({ table }) => table);
  return [...tables].flatMap(([table, own]) => [`  ${table} {`, ...own.map(drawColumn), '  }']);
}

function drawColumn({ type, name, is_key, is_reference }: Column): string {
  const keys = [is_key ? 'PK' : '', is_reference ? 'FK' : ''].filter(Boolean).join(', ');
  // Mermaid's type is one word.
  return `    ${[type.replaceAll(' ', '_'), name, keys].filter(Boolean).join(' ')}`;
}
