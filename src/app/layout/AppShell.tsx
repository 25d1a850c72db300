import { useQuery } from '@tanstack/react-query';
import { Link, Outlet } from '@tanstack/react-router';
import { CircleUser } from 'lucide-react';
import { lazy, Suspense, useState } from 'react';
import { ConnectionStatus } from '@/components/ConnectionStatus.tsx';
import { useI18n } from '@/i18n/i18n.ts';
import { entitlementsQuery } from '@/lib/queries/entitlements.ts';
import { useConnection } from '@/lib/realtime/connection.ts';
import type { Profile } from '@/lib/session.ts';
import { Identity } from './Identity.tsx';
import { NAVIGATION, type NavItem } from './navigation.ts';
import { Preferences } from './Preferences.tsx';

const AccountSheet = lazy(() => import('./AccountSheet.tsx'));

/** Navigation, connection state and the page of the person signed in. On a phone the navigation is at the thumb. */
export function AppShell({ profile }: { profile: Profile }) {
  const { t } = useI18n();
  const items = NAVIGATION[profile.role];
  return (
    <div className="min-h-dvh lg:grid lg:grid-cols-[13.5rem_minmax(0,1fr)]">
      <a
        href="#contenu"
        className="fixed top-2 left-2 z-50 -translate-y-20 rounded-lg bg-card px-4 py-2 font-semibold text-ink shadow-lg focus:translate-y-0"
      >
        {t.app.skip}
      </a>
      <SideBar items={items} profile={profile} />
      <TopBar />
      <main
        id="contenu"
        tabIndex={-1}
        className="min-w-0 px-4 pt-4 pb-24 outline-none sm:px-6 lg:px-7 lg:py-6"
      >
        <Status className="float-right mt-1 ml-4 max-lg:hidden" />
        <Outlet />
      </main>
      <BottomBar items={items} profile={profile} />
    </div>
  );
}

function Status({ className, short = false }: { className?: string; short?: boolean }) {
  const { connection, confirmedAt } = useConnection();
  return (
    <ConnectionStatus
      connection={connection}
      confirmedAt={confirmedAt}
      short={short}
      {...(className && { className })}
    />
  );
}

function Brand() {
  return (
    <p className="flex items-center gap-2.5 text-base font-semibold text-white">
      <img src="/favicon.svg" alt="" width={26} height={26} />
      E-Pilot
    </p>
  );
}

function SideBar({ items, profile }: { items: readonly NavItem[]; profile: Profile }) {
  const { t } = useI18n();
  return (
    <header className="bg-nav text-nav-ink max-lg:hidden">
      <div className="sticky top-0 flex h-dvh flex-col overflow-y-auto px-3 py-4.5">
        <div className="px-2 pb-4.5">
          <Brand />
        </div>
        <nav aria-label={t.app.navigation} className="grid gap-0.5">
          {items.map((item) => (
            <Link
              key={item.to}
              to={item.to}
              className="flex min-h-9 items-center justify-between rounded-lg px-2.5 py-1.5 hover:bg-white/10 focus-visible:outline-white aria-[current=page]:bg-white/15 aria-[current=page]:font-semibold aria-[current=page]:text-white"
            >
              {t.app.nav[item.label]}
              <Count item={item} groupId={profile.school_group_id} />
            </Link>
          ))}
        </nav>
        <div className="mt-auto grid gap-3 border-t border-white/15 px-2.5 pt-3">
          <Identity profile={profile} nameClass="text-white" />
          <Link
            to="/compte"
            className="inline-flex min-h-8 w-fit items-center gap-2 rounded-md text-[0.8125rem] font-medium hover:text-white hover:underline focus-visible:outline-white aria-[current=page]:text-white aria-[current=page]:underline"
          >
            <CircleUser aria-hidden className="size-4" />
            {t.app.myAccount}
          </Link>
          <Preferences ground="nav" />
        </div>
      </div>
    </header>
  );
}

function Count({ item, groupId }: { item: NavItem; groupId: string | null }) {
  const { formats } = useI18n();
  const { data } = useQuery({ ...entitlementsQuery(groupId ?? ''), enabled: groupId !== null });
  if (!item.count || !data) return null;
  return <span className="tabular">{formats.number(item.count(data))}</span>;
}

function TopBar() {
  return (
    <header className="sticky top-0 z-30 flex items-center justify-between gap-3 bg-nav px-4 py-2.5 lg:hidden">
      <Brand />
      <Status short className="text-nav-ink!" />
    </header>
  );
}

const TAB =
  'flex min-h-14 flex-1 flex-col items-center justify-center gap-0.5 px-1 text-xs font-medium text-muted aria-[current=page]:text-blue aria-[current=page]:font-semibold -outline-offset-2 [&_svg]:size-5';

function BottomBar({ items, profile }: { items: readonly NavItem[]; profile: Profile }) {
  const { t } = useI18n();
  const [open, setOpen] = useState(false);
  return (
    <>
      <nav
        aria-label={t.app.navigation}
        className="fixed inset-x-0 bottom-0 z-30 flex border-t border-line bg-card pb-[env(safe-area-inset-bottom)] lg:hidden"
      >
        {items.map((item) => (
          <Link key={item.to} to={item.to} className={TAB}>
            <item.icon aria-hidden />
            {t.app.tabs[item.label]}
          </Link>
        ))}
        <button type="button" aria-haspopup="dialog" onClick={() => setOpen(true)} className={TAB}>
          <CircleUser aria-hidden />
          {t.app.account}
        </button>
      </nav>
      {open && (
        <Suspense>
          <AccountSheet profile={profile} onClose={() => setOpen(false)} />
        </Suspense>
      )}
    </>
  );
}
