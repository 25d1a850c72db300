/** Which changes of a batch fulfil which filters. */
import { escapeLiteral } from 'pg';
import { isDatabaseTrouble, type Ask } from '../asking.ts';
import { errorCode } from '../errors.ts';
import type { Batch } from './batch.ts';
import type { Change } from './change.ts';
import { bind, decide, sqlOf, type BoundCondition } from './conditions.ts';
import type { Membership } from './tables.ts';

/** Questions asked of PostgreSQL in one statement. */
const AT_ONCE = 500;
const QUERY_CANCELED = '57014';

/** Answers for one batch, each condition asked once however many wait for it. */
export class Matching {
  readonly #ask: Ask;
  readonly #batch: Batch;
  readonly #answers = new Map<string, boolean>();
  /** Conditions that PostgreSQL could not evaluate, with its reason. */
  readonly #broken = new Map<string, string>();

  private constructor(ask: Ask, batch: Batch) {
    this.#ask = ask;
    this.#batch = batch;
  }

  /**
   * Binds the filters of all members to the columns' types of this batch, and evaluates them.
   *
   * @param ask asks with the gateway's own rights
   * @throws the database's error, when it did not answer
   */
  static async of(ask: Ask, batch: Batch, members: readonly Membership[]): Promise<Matching> {
    const matching = new Matching(ask, batch);
    const conditions = new Map<string, BoundCondition>();
    for (const member of members) {
      for (const bound of await matching.#bound(member)) conditions.set(nameOf(bound), bound);
    }
    await matching.#evaluate([...conditions.values()]);
    return matching;
  }

  /** Whether a member waits for this change. */
  accepts(member: Membership, change: Change): boolean {
    const { binding } = member;
    if (binding.event !== '*' && binding.event !== change.kind) return false;
    return binding.conditions.every((_, index) => {
      const bound = this.#boundAt(member, index);
      if (!bound) return false;
      return this.#answers.get(`${change.seq}\n${nameOf(bound)}`) ?? false;
    });
  }

  /** Why a member's filter cannot be evaluated, or null. */
  complaint(member: Membership): string | null {
    for (const [index, condition] of member.binding.conditions.entries()) {
      const bound = this.#boundAt(member, index);
      const reason = this.#broken.get(bound ? nameOf(bound) : nameOf({ ...condition, type: '' }));
      if (reason !== undefined) return reason;
    }
    return null;
  }

  async #bound(member: Membership): Promise<BoundCondition[]> {
    const all: BoundCondition[] = [];
    for (const [index, condition] of member.binding.conditions.entries()) {
      const type = this.#batch.typeOf(condition.column);
      // Nothing matches a column that the table does not have any more.
      if (!type) continue;
      const key = `${index}:${type.oid}`;
      let bound = member.bound.get(key);
      if (!bound) {
        try {
          bound = await bind(this.#ask, condition, type);
        } catch (error) {
          if (isTrouble(error)) throw error;
          this.#broken.set(nameOf({ ...condition, type: '' }), messageOf(error));
          continue;
        }
        member.bound.set(key, bound);
      }
      all.push(bound);
    }
    return all;
  }

  #boundAt(member: Membership, index: number): BoundCondition | undefined {
    const column = member.binding.conditions[index]?.column ?? '';
    return member.bound.get(`${index}:${this.#batch.typeOf(column)?.oid}`);
  }

  async #evaluate(conditions: readonly BoundCondition[]): Promise<void> {
    const open: Question[] = [];
    for (const change of this.#batch.changes) {
      const row = change.row ?? change.old;
      for (const condition of conditions) {
        const value = row?.[condition.column];
        const key = `${change.seq}\n${nameOf(condition)}`;
        const answer = decide(condition, value);
        if (answer !== undefined) this.#answers.set(key, answer);
        else if (value !== undefined) open.push({ key, condition, value });
      }
    }
    for (let from = 0; from < open.length; from += AT_ONCE) await this.#put(open.slice(from, from + AT_ONCE));
  }

  async #put(questions: readonly Question[]): Promise<void> {
    const list = questions.map(({ condition, value }) => {
      const subject = `${value === null ? 'null' : escapeLiteral(value)}::${condition.type}`;
      return `coalesce(${sqlOf(condition, subject)}, false)`;
    });
    try {
      const rows = await this.#ask(`select unnest(array[${list.join(', ')}])::text as answer;`);
      for (const [index, { key }] of questions.entries()) {
        this.#answers.set(key, rows[index]?.['answer'] === 'true');
      }
    } catch (error) {
      if (isTrouble(error)) throw error;
      await this.#findBroken(questions, messageOf(error));
    }
  }

  /** One condition that fails must not take the others with it. */
  async #findBroken(questions: readonly Question[], reason: string): Promise<void> {
    const names = new Set(questions.map(({ condition }) => nameOf(condition)));
    for (const name of names) {
      if (names.size === 1) this.#broken.set(name, reason);
      else await this.#put(questions.filter(({ condition }) => nameOf(condition) === name));
    }
  }
}

interface Question {
  key: string;
  condition: BoundCondition;
  value: string | null;
}

function nameOf({ column, operator, negate, value, type }: Omit<BoundCondition, 'printed'>): string {
  return JSON.stringify([column, operator, negate, value, type]);
}

/** Time that ran out is the filter's fault, not the database's. */
function isTrouble(error: unknown): boolean {
  return (
    errorCode(error) !== QUERY_CANCELED &&
    !(error instanceof Error && error.name === 'RealtimeError') &&
    isDatabaseTrouble(error)
  );
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
