import { queryOptions } from '@tanstack/react-query';
import type { Catalogue } from '../../core/catalogue.ts';
import { unwrap } from '../apiError.ts';
import { getSupabase } from '../supabase.ts';

/**
 * Published plans, categories and modules. A published version never changes, so the catalogue is stale only
 * when a new version is announced (topic `catalogue`) or a snapshot names another catalogue as the one in force.
 */
export const catalogueQuery = queryOptions({
  queryKey: ['catalogue'] as const,
  queryFn: async ({ signal }) =>
    unwrap<Catalogue>(await getSupabase().rpc('get_catalogue').abortSignal(signal)),
  staleTime: Infinity,
  gcTime: Infinity,
});
