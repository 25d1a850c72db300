/**
 * Those who read with equal claims: whether a changed row may be told is asked for all of them at once. Each reader
 * works through the changes in their order and for itself, so that a slow policy holds up only whom it is about.
 */
import { escapeIdentifier, escapeLiteral } from 'pg';
import { actAs, isDatabaseTrouble, type Ask } from '../asking.ts';
import { errorCode } from '../errors.ts';
import type { Logger } from '../options.ts';
import type { Session } from '../sessions.ts';
import type { Batch, Data } from './batch.ts';
import type { Change } from './change.ts';
import { FAILED } from './payload.ts';
import type { Membership } from './tables.ts';

/** A batch, and who of this reader waits for which of its changes. */
export interface Job {
  batch: Batch;
  matches: ReadonlyMap<Change, readonly Membership[]>;
  /** Columns that the role may read. */
  readable: ReadonlySet<string>;
  /** Why rows cannot be told at all, if so. */
  refusal: string | null;
}

type Verdict = 'visible' | 'hidden' | 'failed';

const QUERY_CANCELED = '57014';

export class Reader {
  readonly session: Session;
  /** Up to here everything was told, while something still waits. */
  finished = 0;
  pending = 0;
  readonly #ask: Ask;
  readonly #log: Logger;
  #tail: Promise<void> = Promise.resolve();

  constructor(session: Session, ask: Ask, log: Logger) {
    this.session = session;
    this.#ask = ask;
    this.#log = log;
  }

  /** Tells a batch after everything before it. Never rejects. */
  take(job: Job): Promise<void> {
    const { changes } = job.batch;
    const last = changes.at(-1)?.seq ?? 0;
    // Whatever came before was told, or nobody of this reader waited for it.
    if (this.pending === 0) this.finished = (changes[0]?.seq ?? 1) - 1;
    return this.#append(async () => {
      try {
        await this.#tell(job);
      } catch (error) {
        // Nobody is left out in silence: whoever waits for these changes must come back and refetch.
        this.#log.warn({ err: error, role: this.session.role }, 'changes could not be told');
        for (const members of job.matches.values())
          for (const { subscriber } of members) subscriber.interrupt();
      }
      this.finished = last;
    });
  }

  /** Does nothing more before another reader has done what it has now: a subscriber moves from it to this one. */
  follow(other: Reader): void {
    const tail = other.#tail;
    void this.#append(() => tail);
  }

  #append(work: () => Promise<void>): Promise<void> {
    this.pending += 1;
    this.#tail = this.#tail.then(work).then(() => {
      this.pending -= 1;
    });
    return this.#tail;
  }

  async #tell({ batch, matches, readable, refusal }: Job): Promise<void> {
    const rows = [...matches.keys()].filter((change) => change.kind !== 'DELETE');
    const verdicts = batch.facts.secured && !refusal ? await this.#judge(batch, rows) : null;
    const write = await batch.writer();
    for (const change of batch.changes) {
      const members = matches.get(change);
      if (!members) continue;
      const gone = change.kind === 'DELETE';
      const verdict = gone || refusal ? 'visible' : (verdicts?.get(change) ?? 'visible');
      if (verdict === 'hidden') continue;
      const error = verdict === 'failed' ? FAILED : gone ? null : refusal;
      const shared = error === null ? null : batch.error(change, error);
      for (const [subscriber, told] of bySubscriber(members)) {
        const messages = new Map<string, { data: Data; ids: number[] }>();
        for (const { binding } of told) {
          const data = shared ?? batch.data(change, this.session.role, readable, binding.select, write);
          const message = messages.get(data.name) ?? { data, ids: [] };
          if (!message.ids.includes(binding.id)) message.ids.push(binding.id);
          messages.set(data.name, message);
        }
        for (const { data, ids } of messages.values()) subscriber.tell(change.seq, batch, ids, data);
      }
    }
  }

  /** Whether the bearer sees each row now, by its key, as row-level security has it. */
  async #judge(batch: Batch, rows: readonly Change[]): Promise<Map<Change, Verdict>> {
    if (rows.length === 0) return new Map();
    try {
      return await this.#look(batch, rows);
    } catch (error) {
      const tooSlow = errorCode(error) === QUERY_CANCELED;
      if (!tooSlow && isDatabaseTrouble(error)) throw error;
      if (tooSlow || rows.length === 1) {
        this.#log.warn(
          { err: error, table: batch.relation.name, role: this.session.role },
          'a policy failed',
        );
        return new Map(rows.map((change) => [change, 'failed']));
      }
      // One row for which a policy raises must not hide the others.
      const verdicts = new Map<Change, Verdict>();
      for (const change of rows) {
        for (const [each, verdict] of await this.#judge(batch, [change])) verdicts.set(each, verdict);
      }
      return verdicts;
    }
  }

  async #look(batch: Batch, rows: readonly Change[]): Promise<Map<Change, Verdict>> {
    const { facts, relation } = batch;
    const values = rows.map(
      ({ row }, index) => `(${[index, ...facts.key.map((name) => literal(row?.[name]))].join(', ')})`,
    );
    const match = facts.key.map(
      (name, index) => `t.${escapeIdentifier(name)} = k.c${index}::${batch.typeOf(name)?.sql ?? 'text'}`,
    );
    // `offset 0` keeps the planner from joining: each row is one look into the index of the key.
    const found = await this.#ask(
      `${actAs(this.session)}
       select k.n::text as place
       from (values ${values.join(', ')}) as k (n, ${facts.key.map((_, index) => `c${index}`).join(', ')})
       where exists (
         select from ${escapeIdentifier(relation.schema)}.${escapeIdentifier(relation.name)} as t
         where ${match.join(' and ')} offset 0
       );`,
    );
    const places = new Set(found.map((row) => row['place']));
    return new Map(rows.map((change, index) => [change, places.has(String(index)) ? 'visible' : 'hidden']));
  }
}

function literal(value: string | null | undefined): string {
  return value === null || value === undefined ? 'null' : escapeLiteral(value);
}

function bySubscriber(members: readonly Membership[]): Map<Membership['subscriber'], Membership[]> {
  const groups = new Map<Membership['subscriber'], Membership[]>();
  for (const member of members) {
    const group = groups.get(member.subscriber);
    if (group) group.push(member);
    else groups.set(member.subscriber, [member]);
  }
  return groups;
}
