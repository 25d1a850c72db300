import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import { diffEntitlements } from '../../../core/diff.ts';
import type { EntitlementSnapshot } from '../../../core/entitlements.ts';
import { entitlementsQuery } from '../../../lib/queries/entitlements.ts';
import { connection, useConnection, type ConnectionState } from '../../../lib/realtime/connection.ts';
import { watchCatalogue } from '../../../lib/realtime/watch.ts';
import { useSchoolGroupId, useSession } from '../../../lib/session.ts';
import { announcePlanChange } from './announcePlanChange.tsx';

/** Announces every difference between one snapshot of a group and the next, whichever way it came. */
function useAnnouncedChanges(snapshot: EntitlementSnapshot | undefined): void {
  const shown = useRef<EntitlementSnapshot | undefined>(undefined);
  useEffect(() => {
    const before = shown.current;
    shown.current = snapshot;
    if (!before || !snapshot || before.school_group_id !== snapshot.school_group_id) return;
    const diff = diffEntitlements(before, snapshot);
    if (diff) announcePlanChange(diff, snapshot.as_of);
  }, [snapshot]);
}

/**
 * Listens to the group of the person signed in and to the catalogue, keeps the cache equal to the server's
 * state, and announces what changed. A plan change costs no request: its message carries the new state.
 * Used once, by `RealtimePlanProvider`.
 * @returns the state of the line.
 */
export function useRealtimePlanUpdates(): ConnectionState {
  const queryClient = useQueryClient();
  const isSignedIn = useSession().status === 'signed_in';
  const groupId = useSchoolGroupId();

  useEffect(() => {
    if (!isSignedIn) return undefined;
    // What was confirmed for another group says nothing of this one.
    if (groupId !== null) connection.reset();
    return watchCatalogue(queryClient, groupId);
  }, [groupId, isSignedIn, queryClient]);

  const { data } = useQuery({ ...entitlementsQuery(groupId ?? ''), enabled: groupId !== null });
  useAnnouncedChanges(data);
  return useConnection();
}
