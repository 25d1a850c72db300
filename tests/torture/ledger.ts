/**
 * A writer that keeps account of every pupil of its group, whom nobody else writes: what was answered done must be there,
 * what was refused must not. Of what nobody answered, either may be so; the next look decides.
 */
import { randomUUID } from 'node:crypto';
import type { SupabaseClient } from '@supabase/supabase-js';
import type { Queryable } from '../helpers/database.ts';
import type { Tenant } from '../helpers/tenants.ts';
import { type Answer, isAway, outcomeOf } from './answers.ts';
import { pickSome } from './chance.ts';
import type { Outcome } from './crew.ts';
import type { Tally } from './tally.ts';

type Status = 'absent' | 'active' | 'inactive';

const MOST_ROWS = 5;

export class Ledger {
  readonly #client: SupabaseClient;
  readonly #tenant: Tenant;
  readonly #random: () => number;
  /** What each pupil may be by all that was answered. */
  readonly #pupils = new Map<string, Set<Status>>();

  constructor(client: SupabaseClient, tenant: Tenant, random: () => number) {
    this.#client = client;
    this.#tenant = tenant;
    this.#random = random;
  }

  /** Enrols some pupils, or turns some off or on again. */
  async act(): Promise<Outcome> {
    const count = 1 + Math.floor(this.#random() * MOST_ROWS);
    const choice = this.#random();
    if (choice < 0.5) return this.#enrol(Array.from({ length: count }, () => randomUUID()));
    const [from, to] = choice < 0.8 ? (['active', 'inactive'] as const) : (['inactive', 'active'] as const);
    const known = [...this.#pupils].filter(([, may]) => may.size === 1 && may.has(from)).map(([id]) => id);
    return this.#turn(pickSome(known, count, this.#random), to);
  }

  async #enrol(ids: string[]): Promise<Outcome> {
    const { id: school_group_id, school: school_id } = this.#tenant;
    const rows = ids.map((id) => ({ id, school_group_id, school_id, first_name: 'Élève', last_name: id }));
    const answer = await this.#client.from('students').insert(rows);
    for (const id of ids) this.#pupils.set(id, new Set(['absent']));
    this.#enter(ids, 'active', answer);
    return outcomeOf('ledger: enrolled', answer);
  }

  async #turn(ids: string[], status: Exclude<Status, 'absent'>): Promise<Outcome> {
    const answer = await this.#client.from('students').update({ status }).in('id', ids);
    this.#enter(ids, status, answer);
    return outcomeOf('ledger: turned', answer);
  }

  #enter(ids: string[], status: Status, answer: Answer): void {
    for (const id of ids) {
      if (!answer.error) this.#pupils.set(id, new Set([status]));
      // Broken off in the middle is told as a 500, away as a 503 or not at all: it may have been carried out.
      else if (isAway(answer) || answer.status >= 500) this.#pupils.get(id)?.add(status);
    }
  }

  /** Compares with the rows; nobody may be writing. */
  async compare(db: Queryable, tally: Tally): Promise<void> {
    const { rows } = await db.query<{ id: string; status: Exclude<Status, 'absent'> }>(
      'select id, status from public.students where school_group_id = $1',
      [this.#tenant.id],
    );
    const found = new Map(rows.map(({ id, status }) => [id, status]));
    const wrong: string[] = [];
    for (const [id, may] of this.#pupils) {
      const is: Status = found.get(id) ?? 'absent';
      if (!may.has(is)) wrong.push(`pupil ${id} is ${is}, and was answered to be ${[...may].join(' or ')}`);
      this.#pupils.set(id, new Set([is]));
      found.delete(id);
    }
    for (const id of found.keys()) wrong.push(`pupil ${id} was never enrolled`);
    tally.note('kept', this.#pupils.size, wrong);
  }
}
