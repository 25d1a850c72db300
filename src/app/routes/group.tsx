import { getRouteApi, Link } from '@tanstack/react-router';
import { ArrowLeft } from 'lucide-react';
import { GroupPage } from '@/features/console/group/GroupPage.tsx';
import { useI18n } from '@/i18n/i18n.ts';

const route = getRouteApi('/shell/console/groupes/$groupId');

/** One group; another group is another page, with its own choices and its own focus. */
export function GroupRoute() {
  const { groupId } = route.useParams();
  const { t } = useI18n();
  return (
    <GroupPage
      key={groupId}
      groupId={groupId}
      backLink={
        <Link
          to="/console/groupes"
          className="inline-flex min-h-6 items-center gap-1 rounded text-[0.8125rem] font-medium text-blue hover:underline"
        >
          <ArrowLeft aria-hidden className="size-3.5" />
          {t.console.back}
        </Link>
      }
    />
  );
}
