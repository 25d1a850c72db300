import { queryOptions, type QueryClient } from '@tanstack/react-query';
import type { Notice } from '@/core/notices.ts';
import { unwrap } from '@/lib/apiError.ts';
import { getSupabase } from '@/lib/supabase.ts';

const SHOWN = 5;

/** The notices of a group that came or rose last, with whether the reader has read each. */
export function noticesQuery(groupId: string) {
  return queryOptions({
    queryKey: ['notices', groupId] as const,
    queryFn: async ({ signal }) =>
      unwrap(
        await getSupabase()
          .from('notices')
          .select('id, turn, kind, resource, level, params, raised_at, resolved_at, unread')
          .eq('school_group_id', groupId)
          .order('turn', { ascending: false })
          .limit(SHOWN)
          .abortSignal(signal)
          .overrideTypes<Notice[], { merge: false }>(),
      ),
  });
}

/**
 * Marks the notices up to `turn`, included, as read by the person signed in. One that rose meanwhile has a later turn
 * and stays unread.
 * @throws ApiError
 */
export async function markNoticesRead(turn: number): Promise<void> {
  unwrap(await getSupabase().rpc('mark_notifications_read', { p_up_to: turn }));
}

/**
 * Reads the notices again wherever they are shown. A first read under way is given up: it may have begun before what
 * is asked for now, and an invalidation alone would let it stand.
 */
export async function refreshNotices(queryClient: QueryClient, groupId: string): Promise<void> {
  const { queryKey } = noticesQuery(groupId);
  await queryClient.cancelQueries({ queryKey });
  await queryClient.invalidateQueries({ queryKey });
}

/** Has the notices read again the next time they are shown, and not now: a change of plan costs no request. */
export async function outdateNotices(queryClient: QueryClient, groupId: string): Promise<void> {
  await queryClient.invalidateQueries({ queryKey: noticesQuery(groupId).queryKey, refetchType: 'none' });
}
