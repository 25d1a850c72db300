/** Joins the shared channels to the cache: what arrives on a topic becomes what the queries hold. */
import type { QueryClient } from '@tanstack/react-query';
import { systemClock } from '../clock.ts';
import { catalogueQuery } from '../queries/catalogue.ts';
import { fetchEntitlements, readSnapshot, writeSnapshot } from '../queries/entitlements.ts';
import { reportAnswer } from '../queryClient.ts';
import { getRegistry } from '../supabase.ts';
import { createCatalogueSync } from './catalogueSync.ts';
import { connection } from './connection.ts';
import { createGroupSync } from './groupSync.ts';

/** Reads the catalogue anew, also while no screen shows it: messages are read with its help. */
function refreshCatalogue(queryClient: QueryClient): void {
  void queryClient.invalidateQueries({ queryKey: catalogueQuery.queryKey, refetchType: 'all' });
}

/** Keeps a group's snapshot in the cache current; the result stops it. */
export function watchGroup(queryClient: QueryClient, groupId: string): () => void {
  // Messages name a plan version; with the catalogue at hand its modules need no request.
  void queryClient.prefetchQuery(catalogueQuery);
  const sync = createGroupSync(
    {
      fetchSnapshot: async (signal) => {
        const snapshot = await fetchEntitlements(groupId, signal);
        reportAnswer(null);
        return snapshot;
      },
      readSnapshot: () => readSnapshot(queryClient, groupId),
      writeSnapshot: (snapshot) => writeSnapshot(queryClient, snapshot),
      readCatalogue: () => queryClient.getQueryData(catalogueQuery.queryKey),
      refreshCatalogue: () => refreshCatalogue(queryClient),
      onConfirmed: connection.confirmed,
      onFetchFailed: reportAnswer,
      isVisible: () => document.visibilityState === 'visible',
    },
    systemClock,
  );
  const release = getRegistry().acquire(`group:${groupId}`, sync);
  return () => {
    release();
    sync.stop();
  };
}

/** Keeps the catalogue in the cache current; the result stops it. */
export function watchCatalogue(queryClient: QueryClient): () => void {
  const sync = createCatalogueSync(() => refreshCatalogue(queryClient), systemClock);
  const release = getRegistry().acquire('catalogue', sync);
  return () => {
    release();
    sync.stop();
  };
}
