/**
 * What the database's catalogue says about a table whose rows changed. It is asked once for each description that the
 * feed brings: PostgreSQL describes a table anew before the first row after anything about it was altered, rights
 * and row-level security included, so what is kept is never older than the change it is used for.
 */
import { escapeLiteral } from 'pg';
import type { Ask } from '../asking.ts';
import type { Relation } from './change.ts';

/** A column's type. A domain is its base type under another name: what it checks was checked when the row was written. */
export interface TypeFacts {
  oid: number;
  /** As the client knows it: `int4`, `_text`; of a domain its own name, as Supabase tells it. */
  name: string;
  /** As SQL names it, with its schema where it needs one. */
  sql: string;
  /** `pg_type.typtype`: base, composite, enum, pseudo, range, multirange. */
  kind: string;
}

export interface TableFacts {
  /** Whether row-level security is on. */
  secured: boolean;
  /** Columns of the primary key; empty without one. */
  key: readonly string[];
  /** By the oid that the feed names: of a domain its own. */
  types: ReadonlyMap<number, TypeFacts>;
}

/** An SQL expression for the type that values of a type are of: the base of a domain, any other type itself. */
export function baseTypeOf(type: string): string {
  return `(
    with recursive under (oid, base) as (
      select own.oid, own.typbasetype from pg_type as own where own.oid = ${type}
      union all
      select own.oid, own.typbasetype from under join pg_type as own on own.oid = under.base
    )
    select under.oid from under where under.base = 0
  )`;
}

export class Catalogue {
  readonly #ask: Ask;
  readonly #tables = new WeakMap<Relation, Promise<TableFacts | null>>();
  readonly #readable = new WeakMap<Relation, Map<string, Promise<ReadonlySet<string>>>>();

  constructor(ask: Ask) {
    this.#ask = ask;
  }

  /**
   * @returns null when the table is gone
   * @throws the database's error
   */
  table(relation: Relation): Promise<TableFacts | null> {
    const known = this.#tables.get(relation);
    if (known) return known;
    const asked = this.#askTable(relation);
    this.#tables.set(relation, asked);
    // A failure is not kept.
    asked.catch(() => this.#tables.delete(relation));
    return asked;
  }

  /**
   * Columns that a role may read; none without the right to use the schema.
   * @throws the database's error
   */
  readable(relation: Relation, role: string): Promise<ReadonlySet<string>> {
    const roles = this.#readable.get(relation) ?? new Map<string, Promise<ReadonlySet<string>>>();
    this.#readable.set(relation, roles);
    const known = roles.get(role);
    if (known) return known;
    const asked = this.#askReadable(relation, role);
    roles.set(role, asked);
    asked.catch(() => roles.delete(role));
    return asked;
  }

  async #askTable(relation: Relation): Promise<TableFacts | null> {
    const oids = [...new Set(relation.columns.map((column) => unsigned(column.typeOid)))];
    const [row] = await this.#ask(
      `select json_build_object(
         'secured', c.relrowsecurity,
         'key', array(
           select a.attname
           from pg_constraint as k
           join pg_attribute as a on a.attrelid = k.conrelid and a.attnum = any (k.conkey)
           where k.conrelid = c.oid and k.contype = 'p'
         ),
         'types', array(
           select json_build_object('told', t.oid::bigint, 'facts', json_build_object(
             'oid', b.oid::bigint, 'name', t.typname, 'sql', format_type(b.oid, -1), 'kind', b.typtype
           ))
           from pg_type as t join pg_type as b on b.oid = ${baseTypeOf('t.oid')}
           where t.oid in (${oids.join(', ') || '0'})
         )
       )::text as facts
       from pg_class as c where c.oid = ${unsigned(relation.relationOid)};`,
    );
    if (!row?.['facts']) return null;
    const { secured, key, types } = JSON.parse(row['facts']) as {
      secured: boolean;
      key: string[];
      types: { told: number; facts: TypeFacts }[];
    };
    return { secured, key, types: new Map(types.map(({ told, facts }) => [told, facts])) };
  }

  async #askReadable(relation: Relation, role: string): Promise<ReadonlySet<string>> {
    const rows = await this.#ask(
      `select a.attname as name
       from pg_attribute as a
       join pg_class as c on c.oid = a.attrelid
       where c.oid = ${unsigned(relation.relationOid)} and a.attnum > 0 and not a.attisdropped
         and has_schema_privilege(${escapeLiteral(role)}::name, c.relnamespace, 'usage')
         and has_column_privilege(${escapeLiteral(role)}::name, a.attrelid, a.attnum, 'select');`,
    );
    return new Set(rows.map((row) => row['name'] ?? ''));
  }
}

/** `pg-logical-replication` reads oids as signed numbers. */
export function unsigned(oid: number): number {
  return oid >>> 0;
}
