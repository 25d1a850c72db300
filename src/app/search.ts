/** What the addresses of lists hold after the `?`: read leniently, so that an edited address still opens. */
import { GROUP_SORTS, GROUP_STATES, type GroupList } from '@/features/console/groupList.ts';
import type { SchoolList } from '@/features/dashboard/schools/queries.ts';

/** One-based in the address, zero-based in the code. */
function pageOf(value: unknown): number {
  const page = Number(value);
  return Number.isSafeInteger(page) && page > 1 ? page - 1 : 0;
}

const textOf = (value: unknown): string =>
  typeof value === 'string' || typeof value === 'number' ? String(value).slice(0, 100) : '';

/**
 * Address of the list of schools; what is at its default is `undefined`, and so left out. A key that is not
 * written at all would keep what the address says, unread.
 */
export type SchoolsSearch = ReturnType<typeof writeSchools>;

export function writeSchools({ search, status, page }: SchoolList) {
  return {
    q: search || undefined,
    archivees: status === 'archived' || undefined,
    page: page > 0 ? page + 1 : undefined,
  };
}

export function schoolsOf(search: Record<string, unknown>): SchoolList {
  return {
    search: textOf(search['q']),
    status: search['archivees'] === true ? 'archived' : 'active',
    page: pageOf(search['page']),
  };
}

/** Address of the list of groups; as above. */
export type GroupsSearch = ReturnType<typeof writeGroups>;

export function writeGroups({ search, plan, state, sort, descending, page }: GroupList) {
  return {
    q: search || undefined,
    plan: plan ?? undefined,
    etat: state ?? undefined,
    tri: sort === 'name' ? undefined : sort,
    desc: descending || undefined,
    page: page > 0 ? page + 1 : undefined,
  };
}

export function groupsOf(search: Record<string, unknown>): GroupList {
  return {
    search: textOf(search['q']),
    plan: textOf(search['plan']) || null,
    state: GROUP_STATES.find((state) => state === search['etat']) ?? null,
    sort: GROUP_SORTS.find((sort) => sort === search['tri']) ?? 'name',
    descending: search['desc'] === true,
    page: pageOf(search['page']),
  };
}
