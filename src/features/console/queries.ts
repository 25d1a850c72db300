import { keepPreviousData, queryOptions, replaceEqualDeep } from '@tanstack/react-query';
import type { PlanChangePreview, PlanChangeResult, SubscriptionStatus } from '@/core/entitlements.ts';
import { newestRows } from '@/core/group-rows.ts';
import { unwrap } from '@/lib/apiError.ts';
import { getSupabase } from '@/lib/supabase.ts';
import type { GroupList } from './groupList.ts';
import type { GroupRow } from './groups/groupRow.ts';

export interface GroupPage {
  total: number;
  groups: GroupRow[];
}

/** What happened to a subscription; plans by slug. */
export interface GroupEvent {
  id: number;
  kind: 'created' | 'plan_changed' | 'status_changed';
  from_plan: string | null;
  to_plan: string;
  to_status: SubscriptionStatus;
  reason: string | null;
  actor_name: string | null;
  created_at: string;
}

/** What `get_school_group` returns. */
export interface GroupDetail {
  id: string;
  name: string;
  code: string | null;
  city: string | null;
  department: string | null;
  contact_name: string | null;
  contact_email: string | null;
  contact_phone: string | null;
  status: 'active' | 'archived';
  created_at: string;
  subscription: { plan: string; status: SubscriptionStatus; started_at: string } | null;
  events: GroupEvent[];
}

export const PAGE_SIZE = 25;

/** One page of groups, searched, filtered and sorted by the server. */
export function groupsQuery(list: GroupList) {
  return queryOptions({
    queryKey: ['console', 'groups', list] as const,
    queryFn: async ({ signal }) =>
      unwrap<GroupPage>(
        await getSupabase()
          .rpc('list_school_groups', {
            p_search: list.search || null,
            p_plan: list.plan,
            p_state: list.state,
            p_sort: list.sort,
            p_descending: list.descending,
            p_limit: PAGE_SIZE,
            p_offset: list.page * PAGE_SIZE,
          })
          .abortSignal(signal),
      ),
    // Danger: what has not changed must stay the same object, or a page that stands in for the next renders for ever.
    structuralSharing: (held, arriving) => {
      const page = arriving as GroupPage;
      const groups = newestRows((held as GroupPage | undefined)?.groups, page.groups);
      return replaceEqualDeep(held, { ...page, groups });
    },
    placeholderData: keepPreviousData,
  });
}

/** A group's identity and the newest events of its subscription. */
export function groupQuery(groupId: string) {
  return queryOptions({
    queryKey: ['console', 'group', groupId] as const,
    queryFn: async ({ signal }) =>
      unwrap<GroupDetail>(
        await getSupabase().rpc('get_school_group', { p_school_group_id: groupId }).abortSignal(signal),
      ),
  });
}

/** What a change to a plan would do. Never kept: a preview is read to decide, so it must be of now. */
export function previewQuery(groupId: string, plan: string) {
  return queryOptions({
    queryKey: ['console', 'preview', groupId, plan] as const,
    queryFn: async ({ signal }) =>
      unwrap<PlanChangePreview>(
        await getSupabase()
          .rpc('preview_plan_change', { p_plan_slug: plan, p_school_group_id: groupId })
          .abortSignal(signal),
      ),
    staleTime: 0,
    gcTime: 0,
  });
}

export interface PlanChange {
  groupId: string;
  plan: string;
  reason: string;
  /** Revision of the preview that was read; the server refuses another. */
  expectedRev: number;
}

/** Changes a group's plan now. @throws ApiError, `stale_revision` when the group changed after the preview. */
export async function changePlan({
  groupId,
  plan,
  reason,
  expectedRev,
}: PlanChange): Promise<PlanChangeResult> {
  return unwrap<PlanChangeResult>(
    await getSupabase().rpc('change_plan', {
      p_school_group_id: groupId,
      p_plan_slug: plan,
      p_reason: reason,
      p_expected_rev: expectedRev,
    }),
  );
}
