import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  redirect,
} from '@tanstack/react-router';
import { lazy, Suspense } from 'react';
import { currentSession, useSession } from '@/lib/session.ts';
import { groupOf, homeOf, requireProfile, requireRole, safePath } from './guards.ts';
import { AppShell } from './layout/AppShell.tsx';
import { CrashPage, NotFoundPage } from './layout/Fallbacks.tsx';
import { DashboardRoute } from './routes/dashboard.tsx';
import {
  groupsOf,
  schoolsOf,
  writeGroups,
  writeSchools,
  type GroupsSearch,
  type SchoolsSearch,
} from './search.ts';

const SessionExpiredDialog = lazy(() => import('@/features/auth/SessionExpiredDialog.tsx'));

const rootRoute = createRootRoute({ component: Outlet });

const signInRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/connexion',
  validateSearch: (search: Record<string, unknown>): { suite?: string | undefined } => ({
    suite: safePath(search['suite']),
  }),
  beforeLoad: ({ search }) => {
    const session = currentSession();
    if (session.status === 'signed_in') {
      throw redirect({ href: search.suite ?? homeOf(session.profile.role) });
    }
  },
  component: lazyRouteComponent(() => import('./routes/signIn.tsx'), 'SignInRoute'),
});

/** Everything behind the sign-in; `profile` reaches each page through the route's context. */
const shellRoute = createRoute({
  getParentRoute: () => rootRoute,
  id: 'shell',
  beforeLoad: ({ location }) => ({ profile: requireProfile(location.href) }),
  component: Shell,
  notFoundComponent: NotFoundPage,
});

function Shell() {
  const { profile } = shellRoute.useRouteContext();
  const session = useSession();
  return (
    <>
      <AppShell profile={profile} />
      {session.status === 'signed_in' && session.ended && (
        <Suspense>
          <SessionExpiredDialog reason={session.ended} />
        </Suspense>
      )}
    </>
  );
}

const homeRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/',
  beforeLoad: ({ context }) => {
    throw redirect({ to: homeOf(context.profile.role), replace: true });
  },
});

const dashboardRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/tableau-de-bord',
  beforeLoad: ({ location }) => ({ groupId: groupOf(requireRole(location.href, 'admin_groupe')) }),
  component: DashboardRoute,
});

const schoolsRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/ecoles',
  validateSearch: (search: Record<string, unknown>): Partial<SchoolsSearch> =>
    writeSchools(schoolsOf(search)),
  beforeLoad: ({ location }) => ({ groupId: groupOf(requireRole(location.href, 'admin_groupe')) }),
  component: lazyRouteComponent(() => import('./routes/schools.tsx'), 'SchoolsRoute'),
});

const modulesRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/modules',
  beforeLoad: ({ location }) => ({
    groupId: groupOf(requireRole(location.href, 'admin_groupe', 'personnel')),
  }),
  component: lazyRouteComponent(() => import('./routes/modules.tsx'), 'ModulesRoute'),
});

const groupsRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/console/groupes',
  validateSearch: (search: Record<string, unknown>): Partial<GroupsSearch> => writeGroups(groupsOf(search)),
  beforeLoad: ({ location }) => {
    requireRole(location.href, 'super_admin');
  },
  component: lazyRouteComponent(() => import('./routes/groups.tsx'), 'GroupsRoute'),
});

const groupRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/console/groupes/$groupId',
  beforeLoad: ({ location }) => {
    requireRole(location.href, 'super_admin');
  },
  component: lazyRouteComponent(() => import('./routes/group.tsx'), 'GroupRoute'),
});

const accountRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/compte',
  component: lazyRouteComponent(() => import('./routes/account.tsx'), 'AccountRoute'),
});

/** Any other address, inside the shell: who is not signed in is asked to, like everywhere. */
const unknownRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '$',
  component: NotFoundPage,
});

const routeTree = rootRoute.addChildren([
  signInRoute,
  shellRoute.addChildren([
    homeRoute,
    dashboardRoute,
    schoolsRoute,
    modulesRoute,
    groupsRoute,
    groupRoute,
    accountRoute,
    unknownRoute,
  ]),
]);

/** The app's addresses. One router a page; made once the session is known, since the guards read it. */
export function createAppRouter() {
  return createRouter({
    routeTree,
    defaultPreload: 'intent',
    scrollRestoration: true,
    defaultNotFoundComponent: NotFoundPage,
    defaultErrorComponent: CrashPage,
  });
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof createAppRouter>;
  }
}
