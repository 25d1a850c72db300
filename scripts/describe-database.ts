/** What a database consists of, as sorted text that two databases can be compared by. */
import type pg from 'pg';

/**
 * What each object is, by its kind and name: `table public.schools`, `policy … on public.schools`. Nothing in it
 * depends on chance or time: no object ids, no random keys, no timestamps.
 */
export type Description = ReadonlyMap<string, string>;

/** Kind of the entries that state in which order a table's columns stand. */
export const COLUMN_ORDER = 'column order';

/** PostgreSQL's own schemas and the ledger of the migrations are no part of the description. */
const OURS = String.raw`n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'supabase_migrations')`;

/** Rights as sorted text; an object without a list has its kind's default rights. */
const rights = (list: string, kind: string, owner: string): string =>
  `(select string_agg(x::text, ' ' order by x::text) from unnest(coalesce(${list}, acldefault('${kind}', ${owner}))) x)`;

/** Each query names the objects of one kind (`name`) and says all there is to say of them (`definition`). */
const OBJECTS: Readonly<Record<string, string>> = {
  schema: `
    select n.nspname as name, concat_ws(E'\\n', 'owner ' || n.nspowner::regrole, ${rights('n.nspacl', 'n', 'n.nspowner')},
      obj_description(n.oid, 'pg_namespace')) as definition
    from pg_namespace n where ${OURS}`,
  'default rights': `
    select concat_ws(' ', d.defaclrole::regrole, coalesce(n.nspname, 'everywhere'), d.defaclobjtype) as name,
      (select string_agg(x::text, ' ' order by x::text) from unnest(d.defaclacl) x) as definition
    from pg_default_acl d left join pg_namespace n on n.oid = d.defaclnamespace`,
  type: `
    select format('%I.%I', n.nspname, t.typname) as name, concat_ws(E'\\n', 'owner ' || t.typowner::regrole,
      (select 'enum ' || string_agg(quote_literal(e.enumlabel), ', ' order by e.enumsortorder) from pg_enum e where e.enumtypid = t.oid),
      case when t.typtype = 'd' then 'domain ' || format_type(t.typbasetype, t.typtypmod) || case when t.typnotnull then ' not null' else '' end
        || coalesce(' default ' || t.typdefault, '') end,
      (select string_agg(c.conname || ' ' || pg_get_constraintdef(c.oid), E'\\n' order by c.conname) from pg_constraint c where c.contypid = t.oid),
      ${rights('t.typacl', 'T', 't.typowner')}, obj_description(t.oid, 'pg_type')) as definition
    from pg_type t join pg_namespace n on n.oid = t.typnamespace where ${OURS} and t.typtype in ('e', 'd', 'r')`,
  table: `
    select c.oid::regclass::text as name, concat_ws(E'\\n', 'owner ' || c.relowner::regrole, concat('kind ', c.relkind, c.relpersistence),
      'row security ' || c.relrowsecurity || ', forced ' || c.relforcerowsecurity, concat('replica identity ', c.relreplident),
      'with ' || array_to_string(c.reloptions, ', '), ${rights('c.relacl', 'r', 'c.relowner')},
      obj_description(c.oid, 'pg_class')) as definition
    from pg_class c join pg_namespace n on n.oid = c.relnamespace where ${OURS} and c.relkind in ('r', 'p')`,
  column: `
    select c.oid::regclass || '.' || a.attname as name, concat_ws(' ', format_type(a.atttypid, a.atttypmod),
      case when a.attnotnull then 'not null' end, 'identity ' || nullif(a.attidentity::text, ''), 'generated ' || nullif(a.attgenerated::text, ''),
      'default ' || pg_get_expr(d.adbin, d.adrelid), 'collate ' || (select nullif(l.collname, 'default') from pg_collation l where l.oid = a.attcollation),
      (select string_agg(x::text, ' ' order by x::text) from unnest(a.attacl) x), E'\\n' || col_description(c.oid, a.attnum)) as definition
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
    where ${OURS} and c.relkind in ('r', 'p', 'v', 'm', 'c')`,
  [COLUMN_ORDER]: `
    select c.oid::regclass::text as name, string_agg(a.attname, ', ' order by a.attnum) as definition
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where ${OURS} and c.relkind in ('r', 'p') group by c.oid`,
  constraint: `
    select coalesce(nullif(c.conrelid, 0)::regclass::text, 'type') || ' ' || c.conname as name,
      concat_ws(E'\\n', pg_get_constraintdef(c.oid), case when not c.convalidated then 'not valid' end,
        obj_description(c.oid, 'pg_constraint')) as definition
    from pg_constraint c join pg_namespace n on n.oid = c.connamespace where ${OURS} and c.contypid = 0`,
  index: `
    select i.indexrelid::regclass::text as name, concat_ws(E'\\n', pg_get_indexdef(i.indexrelid),
      obj_description(i.indexrelid, 'pg_class')) as definition
    from pg_index i join pg_class c on c.oid = i.indrelid join pg_namespace n on n.oid = c.relnamespace where ${OURS}`,
  sequence: `
    select c.oid::regclass::text as name, concat_ws(E'\\n', 'owner ' || c.relowner::regrole,
      concat_ws(' ', s.seqtypid::regtype, s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache, s.seqcycle),
      ${rights('c.relacl', 's', 'c.relowner')}) as definition
    from pg_sequence s join pg_class c on c.oid = s.seqrelid join pg_namespace n on n.oid = c.relnamespace where ${OURS}`,
  view: `
    select c.oid::regclass::text as name, concat_ws(E'\\n', 'owner ' || c.relowner::regrole, 'with ' || array_to_string(c.reloptions, ', '),
      ${rights('c.relacl', 'r', 'c.relowner')}, obj_description(c.oid, 'pg_class'), pg_get_viewdef(c.oid)) as definition
    from pg_class c join pg_namespace n on n.oid = c.relnamespace where ${OURS} and c.relkind in ('v', 'm')`,
  function: `
    select p.oid::regprocedure::text as name, concat_ws(E'\\n', pg_get_functiondef(p.oid), 'owner ' || p.proowner::regrole,
      ${rights('p.proacl', 'f', 'p.proowner')}, obj_description(p.oid, 'pg_proc')) as definition
    from pg_proc p join pg_namespace n on n.oid = p.pronamespace where ${OURS} and p.prokind in ('f', 'p')`,
  trigger: `
    select t.tgname || ' on ' || t.tgrelid::regclass as name, concat_ws(E'\\n', pg_get_triggerdef(t.oid), concat('enabled ', t.tgenabled),
      obj_description(t.oid, 'pg_trigger')) as definition
    from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
    where ${OURS} and not t.tgisinternal`,
  policy: `
    select quote_literal(p.polname) || ' on ' || p.polrelid::regclass as name, concat_ws(E'\\n',
      concat_ws(' ', case when p.polpermissive then 'permissive' else 'restrictive' end, 'command', p.polcmd, 'to',
        (select string_agg(case r when 0 then 'public' else r::regrole::text end, ', ' order by r::regrole::text) from unnest(p.polroles) r)),
      'using ' || pg_get_expr(p.polqual, p.polrelid), 'with check ' || pg_get_expr(p.polwithcheck, p.polrelid),
      obj_description(p.oid, 'pg_policy')) as definition
    from pg_policy p`,
  publication: `
    select p.pubname as name, concat_ws(E'\\n', 'owner ' || p.pubowner::regrole,
      concat_ws(' ', p.puballtables, p.pubinsert, p.pubupdate, p.pubdelete, p.pubtruncate, p.pubviaroot),
      (select string_agg(concat_ws(' ', t.schemaname || '.' || t.tablename, t.attnames, t.rowfilter), E'\\n' order by t.schemaname, t.tablename)
       from pg_publication_tables t where t.pubname = p.pubname)) as definition
    from pg_publication p`,
};

/** Rows that the migrations write, without what differs from one database to the next. Each table with its query. */
const ROWS: Readonly<Record<string, string>> = {
  'public.business_categories': `
    select slug as name, (to_jsonb(t) - 'id')::text as definition from public.business_categories t`,
  'public.modules': `
    select t.slug as name, (to_jsonb(t) - '{id,category_id}'::text[])::text || ' ' || c.slug as definition
    from public.modules t join public.business_categories c on c.id = t.category_id`,
  'public.subscription_plans': `
    select slug as name, (to_jsonb(t) - '{id,updated_at}'::text[])::text as definition from public.subscription_plans t`,
  'public.plan_modules': `
    select p.slug as name, string_agg(m.slug, ', ' order by m.slug) as definition from public.plan_modules t
    join public.subscription_plans p on p.id = t.plan_id join public.modules m on m.id = t.module_id group by p.slug`,
  'public.plan_categories': `
    select p.slug as name, string_agg(c.slug, ', ' order by c.slug) as definition from public.plan_categories t
    join public.subscription_plans p on p.id = t.plan_id join public.business_categories c on c.id = t.category_id group by p.slug`,
  'public.plan_versions': `
    select p.slug || ' ' || coalesce(t.version::text, 'draft') as name,
      (to_jsonb(t) - '{id,plan_id,published_at,updated_at,published_by,created_by}'::text[])::text
      || case when t.published_at is null then '' else ' published' end as definition
    from public.plan_versions t join public.subscription_plans p on p.id = t.plan_id`,
  'private.subscription_transitions': `
    select from_status || ' ' || to_status as name, '' as definition from private.subscription_transitions`,
  'storage.buckets': `
    select id as name, (to_jsonb(t) - '{created_at,updated_at}'::text[])::text as definition from storage.buckets t`,
  'cron.job': `
    select jobname as name, concat_ws(' ', schedule, command, username, active) as definition from cron.job`,
};

/**
 * Reads the description of a database.
 *
 * Text of functions is compared by its words ({@link wordsOf}): how its lines are broken, and what its comments
 * say, is not part of what a function does.
 *
 * @param client session of a superuser, who sees everything
 */
export async function describeDatabase(client: pg.Client): Promise<Description> {
  const description = new Map<string, string>();
  // Names are written with their schemas, whatever the role's own search path.
  await client.query('set search_path = pg_catalog');
  const add = async (kind: string, sql: string): Promise<void> => {
    const { rows } = await client.query<{ name: string; definition: string | null }>(sql);
    for (const { name, definition } of rows) {
      const text = definition ?? '';
      description.set(`${kind} ${name}`, kind === 'function' ? wordsOf(text) : text);
    }
  };
  for (const [kind, sql] of Object.entries(OBJECTS)) await add(kind, sql);
  for (const [table, sql] of Object.entries(ROWS)) {
    const { rows } = await client.query('select to_regclass($1) is not null as exists', [table]);
    if (rows[0].exists) await add(`row of ${table}`, sql);
  }
  return description;
}

const WORD =
  /--[^\n]*|[eE]'(?:\\.|''|[^'\\])*'|'(?:''|[^'])*'|"[^"]*"|[\p{L}\p{N}_]+|[-+*/<>=~!@#%^&|`?:]+|\S/gu;

/**
 * The words of an SQL text, separated by single spaces: without comments, and with a literal that is written over
 * several lines (`'one '` `'two'`) as one.
 */
export function wordsOf(sql: string): string {
  const words: string[] = [];
  for (const [word] of sql.matchAll(WORD)) {
    const before = words.at(-1);
    if (word.startsWith('--')) continue;
    // SQL joins literals that stand on lines of their own.
    if (word.startsWith("'") && before?.endsWith("'"))
      words[words.length - 1] = before.slice(0, -1) + word.slice(1);
    else words.push(word);
  }
  return words.join(' ');
}
