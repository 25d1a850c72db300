import { Link } from '@tanstack/react-router';
import { UserCog } from 'lucide-react';
import { Dialog } from '@/components/ui/dialog.tsx';
import { buttonVariants } from '@/components/ui/button.tsx';
import { useI18n } from '@/i18n/i18n.ts';
import type { Profile } from '@/lib/session.ts';
import { Identity } from './Identity.tsx';
import { Preferences } from './Preferences.tsx';

/** The phone's way to one's account: who one is, password and sessions, language, theme, sign-out. */
export default function AccountSheet({ profile, onClose }: { profile: Profile; onClose: () => void }) {
  const { t } = useI18n();
  return (
    <Dialog open onOpenChange={onClose} title={t.app.account} closeLabel={t.app.close}>
      <div className="grid gap-4 pb-4">
        <Identity profile={profile} />
        <Link to="/compte" onClick={onClose} className={buttonVariants({ className: 'w-fit' })}>
          <UserCog aria-hidden />
          {t.app.myAccount}
        </Link>
        <Preferences ground="card" />
      </div>
    </Dialog>
  );
}
