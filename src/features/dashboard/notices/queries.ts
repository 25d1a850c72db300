import { queryOptions, type QueryClient } from '@tanstack/react-query';
import type { Resource } from '@/core/entitlements.ts';
import { unwrap } from '@/lib/apiError.ts';
import { getSupabase } from '@/lib/supabase.ts';

/** What a notice tells, as parameters: each reader gets the sentence in their own language. */
export type NoticeContent =
  | {
      kind: 'usage_threshold';
      /** `threshold` is a share of the limit (0–1); `usage` and `limit` in rows, or bytes for storage. */
      params: { resource: Resource; threshold: number; usage: number; limit: number };
    }
  | {
      kind: 'request_approved' | 'request_refused';
      params: { plan: string; review_note: string | null };
    };

export type Notice = NoticeContent & {
  id: number;
  created_at: string;
  /** One entry when the person signed in has read it. */
  notification_reads: { read_at: string }[];
};

const SHOWN = 5;

/** The newest notices of a group, with whether the reader has read each. */
export function noticesQuery(groupId: string) {
  return queryOptions({
    queryKey: ['notices', groupId] as const,
    queryFn: async ({ signal }) =>
      unwrap(
        await getSupabase()
          .from('notifications')
          .select('id, kind, params, created_at, notification_reads(read_at)')
          .eq('school_group_id', groupId)
          .order('id', { ascending: false })
          .limit(SHOWN)
          .abortSignal(signal)
          .overrideTypes<Notice[], { merge: false }>(),
      ),
  });
}

/** Marks the notices up to `id`, included, as read by the person signed in. @throws ApiError */
export async function markNoticesRead(id: number): Promise<void> {
  unwrap(await getSupabase().rpc('mark_notifications_read', { p_up_to: id }));
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
