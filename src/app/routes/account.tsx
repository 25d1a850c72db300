import { getRouteApi } from '@tanstack/react-router';
import { AccountPage } from '@/features/account/AccountPage.tsx';

const route = getRouteApi('/shell/compte');

/** One's own account, for every role. */
export function AccountRoute() {
  const { profile } = route.useRouteContext();
  return <AccountPage canHaveSecondFactor={profile.role === 'super_admin'} />;
}
