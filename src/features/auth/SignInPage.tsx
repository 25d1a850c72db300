import { Check } from 'lucide-react';
import { useState } from 'react';
import { LanguageSwitch } from '@/components/LanguageSwitch.tsx';
import { PageHeader } from '@/components/PageHeader.tsx';
import { ThemeToggle } from '@/components/ThemeToggle.tsx';
import { Card } from '@/components/ui/card.tsx';
import { Notice } from '@/components/ui/notice.tsx';
import { useI18n } from '@/i18n/i18n.ts';
import { shownEnd } from '@/lib/endNote.ts';
import { useSession } from '@/lib/session.ts';
import { getConfig } from '@/lib/supabase.ts';
import { DemoAccounts } from './DemoAccounts.tsx';
import { SignInForm, type Credentials } from './SignInForm.tsx';
import { useAuthWords } from './words.ts';

/** The door: sign-in, with language and theme for who is not yet known. */
export function SignInPage({ onSignedIn }: { onSignedIn: () => void }) {
  const { t } = useI18n();
  const words = useAuthWords().ended;
  const { status } = useSession();
  const ended = shownEnd();
  const [credentials, setCredentials] = useState<Credentials>({ email: '', password: '' });
  return (
    <div className="grid min-h-dvh lg:grid-cols-[minmax(20rem,26rem)_1fr]">
      <aside className="flex flex-col gap-3 bg-nav px-6 py-6 text-nav-ink lg:justify-between lg:px-10 lg:py-10">
        <p className="flex items-center gap-2.5 text-base font-semibold text-white">
          <img src="/favicon.svg" alt="" width={28} height={28} />
          E-Pilot
        </p>
        <div className="max-w-80 max-lg:hidden">
          <p className="text-2xl leading-snug font-semibold text-balance text-white">{t.auth.lead}</p>
          <ul className="mt-6 grid gap-3">
            {t.auth.points.map((point) => (
              <li key={point} className="flex gap-2.5">
                <Check aria-hidden className="mt-0.5 size-4 shrink-0 text-green" />
                {point}
              </li>
            ))}
          </ul>
        </div>
      </aside>
      <main id="contenu" className="flex flex-col items-center px-4 py-6 sm:px-8">
        <div className="flex w-full max-w-md flex-wrap justify-end gap-2">
          <LanguageSwitch />
          <ThemeToggle />
        </div>
        <div className="my-auto w-full max-w-md py-6">
          <PageHeader title={t.auth.welcome} documentTitle={t.auth.title} />
          {ended && (
            <Notice tone="warning" role="status" className="mb-4">
              {words.before[ended]}
            </Notice>
          )}
          <Card className="grid gap-5 p-5">
            <SignInForm value={credentials} onChange={setCredentials} onSignedIn={onSignedIn} />
            {getConfig().demo && status !== 'second_factor' && <DemoAccounts onPick={setCredentials} />}
          </Card>
        </div>
      </main>
    </div>
  );
}
