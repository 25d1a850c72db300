import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { toApiError, unwrap } from '@/lib/apiError.ts';
import { recordingRefusals } from '@/lib/refusals.ts';
import { getSupabase } from '@/lib/supabase.ts';

export type SchoolStatus = 'active' | 'archived';

export interface School {
  id: string;
  name: string;
  code: string | null;
  city: string | null;
  status: SchoolStatus;
  created_at: string;
}

export interface SchoolList {
  search: string;
  status: SchoolStatus;
  /** Zero-based. */
  page: number;
}

export interface NewSchool {
  /** Made by the client: a submit that is sent twice is one school. */
  id: string;
  school_group_id: string;
  name: string;
  code: string | null;
  city: string | null;
  address: string | null;
}

export const PAGE_SIZE = 25;
const UNIQUE_VIOLATION = '23505';

/**
 * A pattern for `ilike` inside PostgREST's `or`. Characters that mean something there stand for any one
 * character instead: quoting them is read differently by the servers that this app runs on, and a search that
 * finds a little more is better than one that fails on a comma.
 */
function pattern(search: string): string {
  return `%${search.replace(/[,()"\\%_*]/g, '_')}%`;
}

/** Key of every list of schools of a group. */
export const schoolsKey = (groupId: string) => ['schools', groupId] as const;

/** One page of the group's schools, searched and sorted by the server. */
export function schoolsQuery(groupId: string, { search, status, page }: SchoolList) {
  return queryOptions({
    queryKey: [...schoolsKey(groupId), { search, status, page }] as const,
    queryFn: async ({ signal }) => {
      let query = getSupabase()
        .from('schools')
        .select('id, name, code, city, status, created_at', { count: 'exact' })
        .eq('school_group_id', groupId)
        .eq('status', status);
      if (search) {
        const like = pattern(search);
        query = query.or(`name.ilike.${like},city.ilike.${like},code.ilike.${like}`);
      }
      const response = await query
        .order('name')
        .order('id')
        .range(page * PAGE_SIZE, (page + 1) * PAGE_SIZE - 1)
        .abortSignal(signal)
        .overrideTypes<School[], { merge: false }>();
      return { schools: unwrap(response), total: response.count ?? 0 };
    },
    placeholderData: keepPreviousData,
  });
}

/** Creates a school. @throws ApiError, with the decision when the plan's limit refuses it. */
export function createSchool(school: NewSchool): Promise<void> {
  return recordingRefusals(async () => {
    const { error, status } = await getSupabase().from('schools').insert(school);
    // The same id again is the same submit again: the school is there.
    if (error && error.code !== UNIQUE_VIOLATION) throw toApiError(error, status);
  });
}

/** Archives a school or takes it back. @throws ApiError, with the decision when the limit refuses its return. */
export function setSchoolStatus(id: string, status: SchoolStatus): Promise<void> {
  return recordingRefusals(async () => {
    unwrap(await getSupabase().from('schools').update({ status }).eq('id', id));
  });
}
