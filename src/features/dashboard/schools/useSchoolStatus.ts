import { useMutation, useQueryClient } from '@tanstack/react-query';
import { currentI18n, useI18n } from '@/i18n/i18n.ts';
import { errorText } from '@/lib/apiError.ts';
import { toast } from '@/lib/toasts.ts';
import { schoolsKey, setSchoolStatus, type School, type SchoolStatus } from './queries.ts';

/** Long enough to read the toast and to find the button by keyboard. */
const UNDO_MS = 12_000;

interface Change {
  school: School;
  status: SchoolStatus;
}

/** Archives a school or takes it back, and offers to undo it. A refusal says why. */
export function useSchoolStatus(groupId: string) {
  const queryClient = useQueryClient();
  const { t } = useI18n();
  const { mutate, variables, isPending } = useMutation({
    mutationFn: ({ school, status }: Change) => setSchoolStatus(school.id, status),
    onSuccess: (_data, { school, status }) => {
      const archived = status === 'archived';
      const words = currentI18n().t;
      toast(archived ? words.schools.archivedToast(school.name) : words.schools.restoredToast(school.name), {
        id: `school-${school.id}`,
        duration: UNDO_MS,
        action: {
          label: words.app.undo,
          onClick: () => mutate({ school, status: archived ? 'active' : 'archived' }),
        },
      });
    },
    onError: (error) => toast.error(errorText(error, t)),
    onSettled: () => queryClient.invalidateQueries({ queryKey: schoolsKey(groupId) }),
  });
  return {
    change: (school: School, status: SchoolStatus) => mutate({ school, status }),
    /** Id of the school whose change is under way. */
    changing: isPending ? variables.school.id : null,
  };
}
