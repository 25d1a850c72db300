import { queryOptions, type QueryClient } from '@tanstack/react-query';
import type { EntitlementSnapshot } from '../../core/entitlements.ts';
import { newestSnapshot } from '../../core/group-state.ts';
import { unwrap } from '../apiError.ts';
import { getSupabase } from '../supabase.ts';

/** A server that has not answered by then is treated as one that does not answer. */
const TIMEOUT_MS = 10_000;

const keyOf = (groupId: string) => ['entitlements', groupId] as const;

/** Reads a group's snapshot from the server. @throws ApiError */
export async function fetchEntitlements(groupId: string, signal?: AbortSignal): Promise<EntitlementSnapshot> {
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  const response = await getSupabase()
    .rpc('get_entitlements', { p_school_group_id: groupId })
    .abortSignal(signal ? AbortSignal.any([signal, timeout]) : timeout);
  return unwrap<EntitlementSnapshot>(response);
}

/**
 * What a group may do and uses, at one revision. Fetched once; from then on the group's messages keep it
 * current, so it never goes stale by age.
 */
export function entitlementsQuery(groupId: string) {
  return queryOptions({
    queryKey: keyOf(groupId),
    queryFn: ({ signal }) => fetchEntitlements(groupId, signal),
    staleTime: Infinity,
    // Law (I5): a slow answer must not replace what a faster message already told.
    structuralSharing: (held, arriving) =>
      newestSnapshot(held as EntitlementSnapshot | undefined, arriving as EntitlementSnapshot),
  });
}

/** The snapshot in cache, if any. */
export function readSnapshot(queryClient: QueryClient, groupId: string): EntitlementSnapshot | undefined {
  return queryClient.getQueryData(entitlementsQuery(groupId).queryKey);
}

/** Puts a snapshot into the cache unless a newer one is there. */
export function writeSnapshot(queryClient: QueryClient, snapshot: EntitlementSnapshot): void {
  const { queryKey } = entitlementsQuery(snapshot.school_group_id);
  queryClient.setQueryData(queryKey, (held) => newestSnapshot(held, snapshot));
}
