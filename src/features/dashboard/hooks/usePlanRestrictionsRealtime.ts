/**
 * What the group may do, live. The state comes from one query that the group's messages keep current
 * (`useRealtimePlanUpdates`), so these hooks cost no request of their own.
 */
import { useQuery, type UseQueryResult } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { isTrusted, TRUST_MS } from '../../../core/connection.ts';
import { decideAgain } from '../../../core/decide.ts';
import type { Decision, EntitlementSnapshot, Resource } from '../../../core/entitlements.ts';
import { accessQuery, isId, type Feature } from '../../../lib/queries/access.ts';
import { entitlementsQuery } from '../../../lib/queries/entitlements.ts';
import { useConnection } from '../../../lib/realtime/connection.ts';
import { useSchoolGroupId } from '../../../lib/session.ts';

/** Why nothing can be decided: the answer is on its way, out of reach, failed, or the person has no group. */
export type Undecided = 'checking' | 'offline' | 'failed' | 'no_group';

export interface PlanRestrictions {
  /** All that is known of the group's rights; `null` until the first answer. */
  snapshot: EntitlementSnapshot | null;
  /** One decision a resource, for adding one more; `null` until the first answer. */
  restrictions: Record<Resource, Decision> | null;
  /** When the server last confirmed this, Unix milliseconds; 0 before the first time. */
  confirmedAt: number;
  /** Why there is nothing to show; `null` once there is. Set also when what is shown is too old to decide by. */
  undecided: Undecided | null;
  isPending: boolean;
  error: Error | null;
  retry: () => void;
}

export interface RestrictionCheck {
  /** The decision; `null` while undecided, and then nothing may be let through (I9). */
  decision: Decision | null;
  undecided: Undecided | null;
  isPending: boolean;
  error: Error | null;
  retry: () => void;
}

export interface AccessCheck {
  /** Whether the feature is open; `false` until known (I9). */
  allowed: boolean;
  isPending: boolean;
  error: Error | null;
}

/** Whether an instant is recent enough to decide by; the component renders again when it no longer is. */
function useIsTrusted(confirmedAt: number): boolean {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const left = Math.max(0, confirmedAt + TRUST_MS + 1 - Date.now());
    const timer = setTimeout(() => setNow(Date.now()), left);
    return () => clearTimeout(timer);
  }, [confirmedAt]);
  return isTrusted(confirmedAt, now);
}

function whyUndecided(
  groupId: string | null,
  query: UseQueryResult<EntitlementSnapshot>,
  isFresh: boolean,
  isOffline: boolean,
): Undecided | null {
  if (groupId === null) return 'no_group';
  if (query.data) return isFresh ? null : 'offline';
  if (query.isError) return isOffline ? 'offline' : 'failed';
  return isOffline || query.isPaused ? 'offline' : 'checking';
}

/** Every restriction of the group of the person signed in. */
export function usePlanRestrictions(): PlanRestrictions {
  const groupId = useSchoolGroupId();
  const query = useQuery({ ...entitlementsQuery(groupId ?? ''), enabled: groupId !== null });
  const line = useConnection();
  const confirmedAt = query.data ? Math.max(query.dataUpdatedAt, line.confirmedAt ?? 0) : 0;
  const isFresh = useIsTrusted(confirmedAt);
  const snapshot = query.data ?? null;
  return {
    snapshot,
    restrictions: snapshot?.restrictions ?? null,
    confirmedAt,
    undecided: whyUndecided(groupId, query, isFresh, line.connection.status === 'offline'),
    isPending: groupId !== null && query.isPending,
    error: query.error,
    retry: () => void query.refetch(),
  };
}

/**
 * May the group add `requested` of a resource?
 * @param requested whole number ≥ 0; rows, or bytes for storage.
 */
export function useCheckRestriction(type: Resource, requested = 1): RestrictionCheck {
  const { snapshot, undecided, isPending, error, retry } = usePlanRestrictions();
  const known = snapshot && undecided === null ? snapshot : null;
  const decision = known && decideAgain(known.restrictions[type], requested, known.status);
  return { decision, undecided, isPending, error, retry };
}

function useAccess(feature: Feature, idOrSlug: string): AccessCheck {
  const { snapshot, undecided, isPending, error } = usePlanRestrictions();
  const byId = isId(idOrSlug);
  const asked = useQuery({
    ...accessQuery(feature, idOrSlug, snapshot),
    enabled: byId && snapshot !== null,
  });
  if (!byId) {
    const open = feature === 'module' ? snapshot?.modules : snapshot?.categories;
    return { allowed: undecided === null && (open?.includes(idOrSlug) ?? false), isPending, error };
  }
  return {
    allowed: undecided === null && asked.data === true,
    isPending: isPending || (snapshot !== null && asked.isPending),
    error: error ?? asked.error,
  };
}

/** Is a module open to the group? Takes a slug, answered from the snapshot, or an id, answered by the server. */
export function useCanAccessModule(moduleIdOrSlug: string): AccessCheck {
  return useAccess('module', moduleIdOrSlug);
}

/** Is a category open to the group? Takes a slug or an id, as `useCanAccessModule`. */
export function useCanAccessCategory(categoryIdOrSlug: string): AccessCheck {
  return useAccess('category', categoryIdOrSlug);
}
