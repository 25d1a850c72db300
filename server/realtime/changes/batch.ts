/** Changes of one table that follow each other, told together: what one of them needs of the database, all need. */
import { isDatabaseTrouble, type Ask } from '../asking.ts';
import { encodeJson } from '../encode.ts';
import type { Version } from '../frames.ts';
import { unsigned, type TableFacts, type TypeFacts } from './catalogue.ts';
import type { Change, Relation, Row } from './change.ts';
import { isTooLarge, writeData, writeError, type Write } from './payload.ts';
import { askValues, writeValue } from './values.ts';

/** Longest text worth asking for in a change of which only small values are told. */
const SMALL = 64;

/** `data` of a message, with a short name by which frames that carry it are found again. */
export interface Data {
  name: string;
  json: string;
}

export class Batch {
  readonly changes: readonly Change[];
  readonly relation: Relation;
  readonly facts: TableFacts;
  readonly #ask: Ask;
  #write: Promise<Write> | null = null;
  readonly #types: ReadonlyMap<string, TypeFacts>;
  /** Written once for all who may see the same. */
  readonly #data = new Map<string, Data>();
  readonly #frames = new Map<string, Buffer>();

  constructor(changes: readonly Change[], relation: Relation, facts: TableFacts, ask: Ask) {
    this.changes = changes;
    this.relation = relation;
    this.facts = facts;
    this.#ask = ask;
    this.#types = new Map(
      relation.columns.flatMap(({ name, typeOid }) => {
        const type = facts.types.get(unsigned(typeOid));
        return type ? [[name, type] as const] : [];
      }),
    );
  }

  /** Type of a column, if the catalogue knows it. */
  typeOf(column: string): TypeFacts | undefined {
    return this.#types.get(column);
  }

  /**
   * The way to write the values of these changes; PostgreSQL is asked once for those that only it can write.
   * @throws the database's error
   */
  writer(): Promise<Write> {
    this.#write ??= this.#prepare();
    return this.#write;
  }

  /** `data` for those whose role may read the same columns and who asked for the same. */
  data(
    change: Change,
    role: string,
    readable: ReadonlySet<string>,
    select: readonly string[] | null,
    write: Write,
  ): Data {
    const name = `${change.seq}\n${role}\n${JSON.stringify(select)}`;
    const known = this.#data.get(name);
    if (known !== undefined) return known;
    const data = { name, json: writeData(change, this.facts, readable, select, write) };
    this.#data.set(name, data);
    return data;
  }

  /** `data` that says why nothing can be told. */
  error(change: Change, error: string): Data {
    return { name: `${change.seq}\n${error}`, json: writeError(change, error) };
  }

  /** One frame for all channels of a topic that wait for the same under the same ids. */
  frame(version: Version, topic: string, ids: readonly number[], data: Data): Buffer {
    const list = ids.join(',');
    const key = `${version}\n${topic}\n${list}\n${data.name}`;
    const known = this.#frames.get(key);
    if (known) return known;
    const payload = `{"ids":[${list}],"data":${data.json}}`;
    const frame = encodeJson(version, null, null, topic, 'postgres_changes', payload);
    this.#frames.set(key, frame);
    return frame;
  }

  async #prepare(): Promise<Write> {
    const asked = new Map<string, { text: string; type: TypeFacts }>();
    for (const change of this.changes) {
      const longest = isTooLarge(change) ? SMALL : Infinity;
      for (const row of [change.row, change.old]) this.#collect(row, longest, asked);
    }
    const answers = await askValues(this.#ask, [...asked.values()]).catch((error: unknown) => {
      if (isDatabaseTrouble(error)) throw error;
      // The type is gone or was altered meanwhile: what the log holds is told as text.
      return [];
    });
    const written = new Map([...asked.keys()].map((key, index) => [key, answers[index]]));
    return (column, text) => {
      const type = this.#types.get(column);
      const own = type ? writeValue(text, type) : null;
      return own ?? written.get(keyOf(type, text)) ?? JSON.stringify(text);
    };
  }

  #collect(row: Row | null, longest: number, asked: Map<string, { text: string; type: TypeFacts }>): void {
    for (const [column, text] of Object.entries(row ?? {})) {
      const type = this.#types.get(column);
      if (text === null || !type || text.length > longest || writeValue(text, type) !== null) continue;
      asked.set(keyOf(type, text), { text, type });
    }
  }
}

function keyOf(type: TypeFacts | undefined, text: string): string {
  return `${type?.oid}:${text}`;
}
