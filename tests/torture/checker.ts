/**
 * Reads the database during the storm and when it is quiet, and says which invariant is broken. Growth is read from the
 * messages, which tell counters; that counters are what the rows say is looked at again and again.
 */
import { STATE_EVENTS } from '../../src/core/messages.ts';
import type { Queryable } from '../helpers/database.ts';
import { growthPastLimit } from '../helpers/growth.ts';
import type { SentMessage } from '../helpers/messages.ts';
import { findUnstored, UNSOUND } from '../helpers/unsound.ts';
import type { Heard } from './messages.ts';
import { CHECKS, type Check, type Tally } from './tally.ts';

/** Which check a sentence about rows belongs to, by the word it begins with. */
const CHECK_OF: Record<string, Check> = {
  I1: 'growth',
  I2: 'recount',
  I3: 'past',
  I4: 'state',
  I7: 'categories',
  I10: 'thresholds',
  record: 'record',
};
/** What one look makes of each of these, a group; a counter for each of the four resources. */
const LOOKED_AT: Partial<Record<Check, number>> = {
  recount: 4,
  past: 1,
  state: 1,
  categories: 1,
  thresholds: 4,
  record: 1,
};

/** Law: fails closed. Who gets nothing from a subscription has what Gratuit gives, whatever plan stands beside it. */
const FALLEN = `
  select e.school_group_id::text as what,
         e.limits is distinct from p.limits as wrong
  from public.subscriptions s
  join private.effective_entitlements e using (school_group_id)
  join public.subscription_plans p on p.slug = 'gratuit'
  where s.school_group_id = any ($1) and s.status not in ('trial', 'active', 'past_due', 'grace')`;

const SUBSCRIPTIONS = `
  select g || ' has ' || count(s.id) || ' subscriptions' as what, count(s.id) <> 1 as wrong
  from unnest($1::uuid[]) g left join public.subscriptions s on s.school_group_id = g group by g`;

/** Whoever changed a plan was a super admin, or nobody: an operator or a date. */
const CHANGED_BY = `
  select 'event ' || v.id || ' of ' || v.school_group_id || ' was by a ' || p.role as what, p.role <> 'super_admin' as wrong
  from public.subscription_events v join public.profiles p on p.id = v.actor_id where v.school_group_id = any ($1)
  union all
  select 'override ' || o.id || ' of ' || o.school_group_id || ' was by a ' || p.role, p.role <> 'super_admin'
  from public.entitlement_overrides o join public.profiles p on p.id = o.created_by where o.school_group_id = any ($1)`;

export class Checker {
  readonly #db: Queryable;
  readonly #groups: readonly string[];
  readonly #tally: Tally;
  /** Events of subscriptions as they were first read, by id. */
  readonly #events = new Map<string, string>();

  constructor(db: Queryable, groups: readonly string[], tally: Tally) {
    this.#db = db;
    this.#groups = groups;
    this.#tally = tally;
  }

  /** One look at what is committed, at any moment. @throws what the driver throws while PostgreSQL is away */
  async look(): Promise<void> {
    const unsound = await this.#db.query<{ what: string }>(UNSOUND, [this.#groups]);
    for (const [check, each] of Object.entries(LOOKED_AT) as [Check, number][]) {
      const wrong = unsound.rows.map(({ what }) => what).filter((what) => checkOf(what) === check);
      this.#tally.note(check, each * this.#groups.length, wrong);
    }
    await this.#judge('fallen', FALLEN);
    await this.#judge('one', SUBSCRIPTIONS);
  }

  /**
   * Reads the whole history: each group's messages from its first, and the past of its subscription. Nobody may be writing.
   *
   * @param heard what clients heard since the last call
   */
  async readHistory(heard: readonly Heard[]): Promise<void> {
    // What is missing is found below, group by group.
    await findUnstored(this.#db, this.#groups);
    for (const group of this.#groups) await this.#readMessages(group);
    await this.#readEvents();
    await this.#judge('acts', CHANGED_BY);
    await this.#compareHeard(heard);
  }

  /** Runs a statement that tells `what` it looked at and whether it is `wrong`. */
  async #judge(check: Check, sql: string): Promise<void> {
    const { rows } = await this.#db.query<{ what: string; wrong: boolean }>(sql, [this.#groups]);
    this.#tally.note(
      check,
      rows.length,
      rows.filter(({ wrong }) => wrong).map(({ what }) => what),
    );
  }

  async #readMessages(group: string): Promise<void> {
    const { rows: messages } = await this.#db.query<SentMessage>(
      `select event, payload from realtime.messages where topic = 'group:' || $1 and event = any ($2)
       order by (payload->>'rev')::bigint, inserted_at`,
      [group, STATE_EVENTS],
    );
    const { rows } = await this.#db.query<{ rev: number }>(
      'select rev::int from private.group_states where school_group_id = $1',
      [group],
    );
    const rev = rows[0]?.rev ?? 0;
    const last = messages.at(-1)?.payload.rev ?? 0;
    const sentences = growthPastLimit(messages).map((what) => `${what}, group ${group}`);
    const told = sentences.filter((what) => what.startsWith('I4'));
    if (last !== rev)
      told.push(`I4: the group stands at revision ${rev}, its last message at ${last}: ${group}`);
    this.#tally.note('told', rev, told);
    this.#tally.note(
      'growth',
      messages.length,
      sentences.filter((what) => what.startsWith('I1')),
    );
  }

  async #readEvents(): Promise<void> {
    const { rows } = await this.#db.query<{ id: string; text: string }>(
      `select v.id, to_jsonb(v)::text as text from public.subscription_events v where school_group_id = any ($1)`,
      [this.#groups],
    );
    const found = new Map(rows.map(({ id, text }) => [id, text]));
    const wrong = [...this.#events].filter(([id, text]) => found.get(id) !== text);
    this.#tally.note(
      'past',
      this.#events.size,
      wrong.map(([id, text]) => `event ${id} was ${text}, and is ${found.get(id) ?? 'gone'}`),
    );
    for (const [id, text] of found) this.#events.set(id, text);
  }

  /** Whatever was heard on a topic must have been sent on it. */
  async #compareHeard(heard: readonly Heard[]): Promise<void> {
    const { rows } = await this.#db.query<Heard>(
      `select h.* from unnest($1::text[], $2::text[], $3::int[]) h (topic, id, rev)
       where not exists (select from realtime.messages m where m.topic = h.topic and m.payload->>'id' = h.id)`,
      [heard.map(({ topic }) => topic), heard.map(({ id }) => id), heard.map(({ rev }) => rev)],
    );
    this.#tally.note(
      'own',
      heard.length,
      rows.map(
        ({ topic, id, rev }) => `message ${id} of revision ${rev} was heard on ${topic}, and not sent there`,
      ),
    );
  }
}

function checkOf(sentence: string): Check {
  const check = CHECK_OF[sentence.split(':')[0] ?? ''];
  if (!check) throw new Error(`No check of ${Object.keys(CHECKS).join(', ')} is meant by: ${sentence}`);
  return check;
}
