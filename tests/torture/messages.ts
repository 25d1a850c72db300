/** What a screen's process and the run tell each other. */
import type { EntitlementSnapshot, Resource } from '../../src/core/entitlements.ts';
import type { GroupRow } from '../../src/features/console/groups/groupRow.ts';
import type { Check } from './tally.ts';

/** Which page is open. */
export type Page =
  /** The dashboard of whoever is signed in. */
  | { kind: 'dashboard' }
  /** The console's page of one group. */
  | { kind: 'group'; group: string }
  /** The console's list of the groups that a search finds. */
  | { kind: 'list'; search: string };

/** To a screen's process. */
export type ScreenOrder =
  | { kind: 'open'; url: string; email: string; password: string; page: Page }
  /** The tab is seen again, after a sleep or behind another. */
  | { kind: 'wake' }
  | { kind: 'tell' };

/** What a page shows of one group; when it was read and whatever only a new read can tell are left out. */
export type ShownSnapshot = Omit<
  EntitlementSnapshot,
  'as_of' | 'next_at' | 'sources' | 'unread_notices' | 'catalogue'
>;

/** What a row of the list shows of a group. */
export type ShownRow = Pick<
  GroupRow,
  'id' | 'plan' | 'plan_name' | 'subscription_status' | 'rev' | 'limits' | 'usage' | 'state'
>;

/** What is on the screen. */
export type View =
  | { kind: 'nothing' }
  | { kind: 'snapshot'; snapshot: ShownSnapshot; guards: Record<Resource, GuardKind> | null }
  | { kind: 'rows'; rows: ShownRow[] };

export type GuardKind = 'open' | 'warning' | 'closed' | 'undecided';

/** A message that arrived on a private topic. */
export interface Heard {
  topic: string;
  id: string;
  rev: number;
}

/** From a screen's process: what it shows, and what it noted since it was last asked. */
export interface ScreenNews {
  view: View;
  /** Checks made since, and what was wrong. */
  notes: { check: Check; made: number; wrong: string[] }[];
  heard: Heard[];
}
