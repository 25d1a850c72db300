/** What the addresses of lists hold after the `?`: read leniently, so that an edited address still opens. */
import { GROUP_SORTS, GROUP_STATES, type GroupList } from '@/features/console/queries.ts';
import type { SchoolList } from '@/features/dashboard/schools/queries.ts';

/** One-based in the address, zero-based in the code. */
function pageOf(value: unknown): number {
  const page = Number(value);
  return Number.isSafeInteger(page) && page > 1 ? page - 1 : 0;
}

const textOf = (value: unknown): string =>
  typeof value === 'string' || typeof value === 'number' ? String(value).slice(0, 100) : '';

/** Address of the list of schools; what is at its default is left out. */
export interface SchoolsSearch {
  q?: string;
  archivees?: true;
  page?: number;
}

export function readSchoolsSearch(search: Record<string, unknown>): SchoolsSearch {
  return writeSchools({
    search: textOf(search['q']),
    status: search['archivees'] === true ? 'archived' : 'active',
    page: pageOf(search['page']),
  });
}

export function writeSchools({ search, status, page }: SchoolList): SchoolsSearch {
  return {
    ...(search && { q: search }),
    ...(status === 'archived' && { archivees: true as const }),
    ...(page > 0 && { page: page + 1 }),
  };
}

export function schoolsOf({ q = '', archivees, page }: SchoolsSearch): SchoolList {
  return { search: q, status: archivees ? 'archived' : 'active', page: pageOf(page) };
}

/** Address of the list of groups; what is at its default is left out. */
export interface GroupsSearch {
  q?: string;
  plan?: string;
  etat?: GroupList['state'];
  tri?: GroupList['sort'];
  desc?: true;
  page?: number;
}

export function readGroupsSearch(search: Record<string, unknown>): GroupsSearch {
  return writeGroups({
    search: textOf(search['q']),
    plan: textOf(search['plan']) || null,
    state: GROUP_STATES.find((state) => state === search['etat']) ?? null,
    sort: GROUP_SORTS.find((sort) => sort === search['tri']) ?? 'name',
    descending: search['desc'] === true,
    page: pageOf(search['page']),
  });
}

export function writeGroups({ search, plan, state, sort, descending, page }: GroupList): GroupsSearch {
  return {
    ...(search && { q: search }),
    ...(plan && { plan }),
    ...(state && { etat: state }),
    ...(sort !== 'name' && { tri: sort }),
    ...(descending && { desc: true as const }),
    ...(page > 0 && { page: page + 1 }),
  };
}

export function groupsOf({ q = '', plan, etat, tri, desc, page }: GroupsSearch): GroupList {
  return {
    search: q,
    plan: plan ?? null,
    state: etat ?? null,
    sort: tri ?? 'name',
    descending: desc ?? false,
    page: pageOf(page),
  };
}
