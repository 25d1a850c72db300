/** Drafts of plans, for tests of what publishing does. */
import { callAs } from './acting.ts';
import type { Actor, TestDatabase } from './database.ts';

export interface Draft {
  id: string;
  based_on: number;
  definition: Record<string, unknown>;
}

export interface Simulation {
  plan: string;
  existing: string;
  touched: number;
  over_limit: number;
  groups: {
    id: string;
    name: string;
    usage: number[];
    limits_before: (number | null)[];
    limits_after: (number | null)[];
    modules_gained: string[];
    modules_lost: string[];
    overage: number[];
  }[];
}

/** A draft of `plan` that differs from it by `changes`. */
export async function draftOf(
  db: TestDatabase,
  superAdmin: Actor,
  plan: string,
  changes: Record<string, unknown>,
): Promise<Draft> {
  const draft = await callAs<Draft>(db, superAdmin, 'create_plan_draft($1)', [plan]);
  await callAs(db, superAdmin, 'update_plan_draft($1, $2)', [draft.id, changes]);
  return draft;
}

export const publish = (
  db: TestDatabase,
  superAdmin: Actor,
  draft: Draft,
  existing = 'move',
  expected: number | null = null,
): Promise<{ plan: string; version: number; existing: string }> =>
  callAs(db, superAdmin, 'publish_plan_version($1, $2, $3)', [draft.id, existing, expected]);

export const simulate = (
  db: TestDatabase,
  superAdmin: Actor,
  draft: Draft,
  existing = 'move',
): Promise<Simulation> => callAs(db, superAdmin, 'simulate_plan_publication($1, $2)', [draft.id, existing]);
