import { getRouteApi } from '@tanstack/react-router';
import { ModulesPage } from '@/features/dashboard/modules/ModulesPage.tsx';

const route = getRouteApi('/shell/modules');

/** The modules of the group, for its admin and for school staff. */
export function ModulesRoute() {
  const { groupId, profile } = route.useRouteContext();
  return <ModulesPage groupId={groupId} canCompare={profile.role === 'admin_groupe'} />;
}
