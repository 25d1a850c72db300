import { LogOut } from 'lucide-react';
import { LanguageSwitch } from '@/components/LanguageSwitch.tsx';
import { ThemeToggle } from '@/components/ThemeToggle.tsx';
import { cn } from '@/components/ui/cn.ts';
import { signOut } from '@/features/auth/authSession.ts';
import { useI18n } from '@/i18n/i18n.ts';

/** Language, theme and the way out; at the foot of the navigation, or in the phone's account sheet. */
export function Preferences({ ground }: { ground: 'nav' | 'card' }) {
  const { t } = useI18n();
  return (
    <div className="grid gap-3">
      <div className="flex flex-wrap gap-2">
        <LanguageSwitch ground={ground} />
        <ThemeToggle ground={ground} />
      </div>
      <button
        type="button"
        onClick={() => void signOut()}
        className={cn(
          'inline-flex min-h-8 w-fit items-center gap-2 rounded-md text-[0.8125rem] font-medium hover:underline',
          ground === 'nav' && 'text-nav-ink hover:text-white focus-visible:outline-white',
        )}
      >
        <LogOut aria-hidden className="size-4" />
        {t.app.signOut}
      </button>
    </div>
  );
}
