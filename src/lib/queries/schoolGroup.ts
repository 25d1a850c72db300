import { queryOptions, skipToken } from '@tanstack/react-query';
import { unwrap } from '../apiError.ts';
import { getSupabase } from '../supabase.ts';

export interface SchoolGroup {
  id: string;
  name: string;
  code: string | null;
  city: string | null;
}

/** Who a group is: its name, code and city. Without a group (super admin) nothing is asked. */
export function schoolGroupQuery(groupId: string | null) {
  return queryOptions({
    queryKey: ['school-group', groupId] as const,
    queryFn: groupId
      ? async ({ signal }) =>
          unwrap(
            await getSupabase()
              .from('school_groups')
              .select('id, name, code, city')
              .eq('id', groupId)
              .abortSignal(signal)
              .single<SchoolGroup>(),
          )
      : skipToken,
    staleTime: Infinity,
  });
}
