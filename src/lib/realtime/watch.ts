/** Joins the shared channels to the cache: what arrives on a topic becomes what the queries hold. */
import type { QueryClient } from '@tanstack/react-query';
import { systemClock } from '../clock.ts';
import { catalogueQuery } from '../queries/catalogue.ts';
import { fetchEntitlements, readSnapshot, writeSnapshot } from '../queries/entitlements.ts';
import { reportFailure } from '../queryClient.ts';
import { getRegistry } from '../supabase.ts';
import { createCatalogueSync } from './catalogueSync.ts';
import { connection } from './connection.ts';
import { createGroupSync } from './groupSync.ts';

/** Reads the catalogue anew, also while no screen shows it: messages are read with its help. */
function refreshCatalogue(queryClient: QueryClient): void {
  void queryClient.invalidateQueries({ queryKey: catalogueQuery.queryKey, refetchType: 'all' });
}

/**
 * Reads the catalogue anew when it is not the one that a snapshot names. Which of the two is the newer is unknown; each
 * snapshot asks at most once, so a snapshot that is the older one costs a request and no more.
 */
async function matchCatalogue(queryClient: QueryClient, version: string): Promise<void> {
  const held = await queryClient.ensureQueryData(catalogueQuery).catch(() => undefined);
  if (held && held.version !== version) refreshCatalogue(queryClient);
}

/**
 * Keeps a group's snapshot in the cache current, and the catalogue that it names; the result stops it.
 * @param onSnapshotAsked called whenever the snapshot is asked for
 */
export function watchGroup(
  queryClient: QueryClient,
  groupId: string,
  onSnapshotAsked?: () => void,
): () => void {
  // Messages name a plan version; with the catalogue at hand its modules need no request.
  void queryClient.prefetchQuery(catalogueQuery);
  const sync = createGroupSync(
    {
      fetchSnapshot: async (signal) => {
        onSnapshotAsked?.();
        const snapshot = await fetchEntitlements(groupId, signal);
        void matchCatalogue(queryClient, snapshot.catalogue);
        return snapshot;
      },
      readSnapshot: () => readSnapshot(queryClient, groupId),
      writeSnapshot: (snapshot) => writeSnapshot(queryClient, snapshot),
      readCatalogue: () => queryClient.getQueryData(catalogueQuery.queryKey),
      onConfirmed: connection.confirmed,
      onFetchFailed: reportFailure,
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

/**
 * Keeps the catalogue in the cache current; the result stops it.
 * @param groupId the group of a member, whose snapshot is then kept current too: it saves reading the catalogue
 */
export function watchCatalogue(queryClient: QueryClient, groupId: string | null = null): () => void {
  const sync = createCatalogueSync(() => refreshCatalogue(queryClient), systemClock);
  // Joined before the group's topic: what is published after this join is heard, what was before is in the snapshot.
  const release = getRegistry().acquire('catalogue', sync);
  const stopGroup = groupId === null ? null : watchGroup(queryClient, groupId, sync.onSnapshotAsked);
  return () => {
    stopGroup?.();
    release();
    sync.stop();
  };
}
