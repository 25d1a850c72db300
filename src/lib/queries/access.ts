import { queryOptions } from '@tanstack/react-query';
import type { EntitlementSnapshot } from '../../core/entitlements.ts';
import { unwrap } from '../apiError.ts';
import { getSupabase } from '../supabase.ts';

export type Feature = 'module' | 'category';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Whether a name of a feature is its id; snapshots know features by slug only. */
export function isId(idOrSlug: string): boolean {
  return UUID.test(idOrSlug);
}

/**
 * Whether a feature, named by its id, is open to the snapshot's group. The answer hangs on the open features
 * alone, so they are part of the key: it is asked again when they change, and only then.
 */
export function accessQuery(feature: Feature, id: string, snapshot: EntitlementSnapshot | null) {
  const group = snapshot?.school_group_id ?? null;
  return queryOptions({
    queryKey: ['access', feature, id, group, snapshot?.modules ?? []] as const,
    queryFn: async ({ signal }) => {
      const call =
        feature === 'module'
          ? getSupabase().rpc('can_access_module', { p_module: id, p_school_group_id: group })
          : getSupabase().rpc('can_access_category', { p_category: id, p_school_group_id: group });
      return unwrap<boolean>(await call.abortSignal(signal));
    },
    staleTime: Infinity,
  });
}
