import { getRouteApi, Link } from '@tanstack/react-router';
import { buttonVariants } from '@/components/ui/button.tsx';
import { DashboardPage } from '@/features/dashboard/DashboardPage.tsx';
import { useI18n } from '@/i18n/i18n.ts';

const route = getRouteApi('/shell/tableau-de-bord');

/** The group admin's start. */
export function DashboardRoute() {
  const { profile, groupId } = route.useRouteContext();
  const { t } = useI18n();
  return (
    <DashboardPage
      groupId={groupId}
      firstName={profile.first_name}
      modulesLink={
        <Link to="/modules" className={buttonVariants()}>
          {t.dashboard.modulesLink}
        </Link>
      }
    />
  );
}
