import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { PlanChangePreview } from '@/core/entitlements.ts';
import { currentI18n, type I18n } from '@/i18n/i18n.ts';
import { ApiError } from '@/lib/apiError.ts';
import { toast } from '@/lib/toasts.ts';
import { changePlan, groupQuery, previewQuery, type GroupDetail } from '../queries.ts';

interface ChangePlanControl {
  /** Applies the previewed change with a reason; a second call while one is under way does nothing. */
  apply: (reason: string) => void;
  isPending: boolean;
  /** The group changed after the preview, which has been computed again: it must be read again. */
  isStale: boolean;
  /** Any other refusal. */
  error: Error | null;
}

/** Confirms a previewed change of plan against the very revision that was read. */
export function useChangePlan(
  group: GroupDetail,
  preview: PlanChangePreview,
  onDone: () => void,
): ChangePlanControl {
  const queryClient = useQueryClient();
  const { mutate, isPending, error } = useMutation({
    mutationFn: (reason: string) =>
      changePlan({ groupId: group.id, plan: preview.to_plan.slug, reason, expectedRev: preview.rev }),
    onSuccess: () => {
      const i18n = currentI18n();
      toast.success(i18n.t.console.change.done(group.name, preview.from_plan.name, preview.to_plan.name), {
        description: difference(i18n, preview),
      });
      void queryClient.invalidateQueries({ queryKey: groupQuery(group.id).queryKey });
      onDone();
    },
    onError: (failure) => {
      if (!isStaleRevision(failure)) return undefined;
      // The error shows once the new preview is there, so that the sentence is true when it is read.
      return queryClient.invalidateQueries({
        queryKey: previewQuery(group.id, preview.to_plan.slug).queryKey,
      });
    },
  });
  const isStale = isStaleRevision(error);
  return {
    apply: (reason) => {
      if (!isPending) mutate(reason);
    },
    isPending,
    isStale,
    error: isStale ? null : error,
  };
}

function isStaleRevision(error: Error | null): boolean {
  return error instanceof ApiError && error.code === 'stale_revision';
}

/** What the change gave and took: a toast that only says “success” says nothing. */
function difference({ t, formats }: I18n, preview: PlanChangePreview): string {
  const signed = (sign: string, n: number, word: (n: number, text: string) => string) =>
    n > 0 && `${sign}\u00a0${word(n, formats.number(n))}`;
  const parts = [
    signed('+', preview.modules_gained.length, t.plan.modules),
    signed('−', preview.modules_lost.length, t.plan.modules),
    signed('+', preview.categories_gained.length, t.plan.categories),
    signed('−', preview.categories_lost.length, t.plan.categories),
  ].filter((part) => part !== false);
  return parts.join(', ') || t.console.change.nothing;
}
