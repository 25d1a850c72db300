/** What the list of groups is asked for: apart from its queries, since every screen's address is read with it. */
export const GROUP_SORTS = ['name', 'plan', 'schools', 'students', 'staff'] as const;
export type GroupSort = (typeof GROUP_SORTS)[number];
export const GROUP_STATES = ['near', 'blocked', 'over_limit'] as const;
export type GroupState = (typeof GROUP_STATES)[number];

export interface GroupList {
  search: string;
  /** Slug of a plan, or all of them. */
  plan: string | null;
  state: GroupState | null;
  sort: GroupSort;
  descending: boolean;
  /** Zero-based. */
  page: number;
}
