import { getRouteApi, Link } from '@tanstack/react-router';
import { buttonVariants } from '@/components/ui/button.tsx';
import { DashboardPage, type DashboardPageProps } from '@/features/dashboard/DashboardPage.tsx';
import { useI18n } from '@/i18n/i18n.ts';

const api = getRouteApi('/shell/tableau-de-bord');

const linkTo: DashboardPageProps['linkTo'] = (route, text) => (
  <Link to={route} className="underline underline-offset-2">
    {text}
  </Link>
);

/** The group admin's start. */
export function DashboardRoute() {
  const { profile, groupId } = api.useRouteContext();
  const { t } = useI18n();
  return (
    <DashboardPage
      groupId={groupId}
      firstName={profile.first_name}
      linkTo={linkTo}
      modulesLink={
        <Link to="/modules" className={buttonVariants()}>
          {t.dashboard.modulesLink}
        </Link>
      }
    />
  );
}
