/** Who waits for changes of which table. */
import type { Binding } from './binding.ts';
import { covers } from './binding.ts';
import { unsigned } from './catalogue.ts';
import type { Relation } from './change.ts';
import type { BoundCondition } from './conditions.ts';
import type { Subscriber } from './subscriber.ts';

/** A binding in force. */
export interface Membership {
  subscriber: Subscriber;
  binding: Binding;
  /** Its conditions, bound to the types that their columns have had; by place in the filter and type. */
  bound: Map<string, BoundCondition>;
}

interface Table {
  relation: Relation;
  members: Set<Membership>;
}

export class Tables {
  readonly #tables = new Map<number, Table>();
  readonly #memberships = new Set<Membership>();

  /**
   * The feed describes a table, before its first change and whenever it was altered.
   * @returns whether it was not known before
   */
  describe(relation: Relation): boolean {
    const oid = unsigned(relation.relationOid);
    const known = this.#tables.has(oid);
    const all = [...this.#memberships];
    this.#tables.set(oid, {
      relation,
      members: new Set(all.filter(({ binding }) => concerns(binding, relation))),
    });
    return !known;
  }

  /** Whether anybody waits for changes of a table. Asked for each changed row before it is read. */
  wants(oid: number): boolean {
    return (this.#tables.get(oid)?.members.size ?? 0) > 0;
  }

  members(relation: Relation): Iterable<Membership> {
    return this.#tables.get(unsigned(relation.relationOid))?.members ?? [];
  }

  add(memberships: readonly Membership[]): void {
    for (const membership of memberships) this.#memberships.add(membership);
    for (const { relation, members } of this.#tables.values()) {
      for (const each of memberships) if (concerns(each.binding, relation)) members.add(each);
    }
  }

  remove(memberships: readonly Membership[]): void {
    for (const membership of memberships) this.#memberships.delete(membership);
    for (const { members } of this.#tables.values()) for (const each of memberships) members.delete(each);
  }

  /** Everybody with a binding in force. */
  subscribers(): Set<Subscriber> {
    return new Set([...this.#memberships].map(({ subscriber }) => subscriber));
  }
}

/** The gateway's own tables are told as broadcasts, never as changes. */
function concerns(binding: Binding, relation: Relation): boolean {
  return relation.schema !== 'realtime' && covers(binding, relation);
}
