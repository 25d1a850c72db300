import { useI18n } from '@/i18n/i18n.ts';
import type { Credentials } from './SignInForm.tsx';

const PASSWORD = 'Demo-epilot-2025';

const ACCOUNTS = [
  { email: 'superadmin@epilot.demo', role: 'superadmin' },
  { email: 'vianney@lamarelle.demo', role: 'pro' },
  { email: 'admin@ngongo.demo', role: 'free' },
  { email: 'admin@edja.demo', role: 'premium' },
  { email: 'secretariat@lamarelle.demo', role: 'staff' },
] as const;

/** The demo accounts; shown only where the server says that they exist. */
export function DemoAccounts({ onPick }: { onPick: (credentials: Credentials) => void }) {
  const { t } = useI18n();
  return (
    <section aria-labelledby="demo-accounts" className="border-t border-line pt-4">
      <h2 id="demo-accounts" className="font-semibold">
        {t.auth.demo}
      </h2>
      <p className="text-[0.8125rem] text-muted">{t.auth.demoDetail}</p>
      <ul className="mt-2 grid gap-1.5">
        {ACCOUNTS.map(({ email, role }) => (
          <li key={email}>
            <button
              type="button"
              onClick={() => onPick({ email, password: PASSWORD })}
              className="w-full rounded-lg border border-line px-3 py-1.5 text-left hover:bg-blue-tint"
            >
              <span className="block font-medium">{t.auth.demoRoles[role]}</span>
              <span className="block text-[0.8125rem] break-all text-muted">{email}</span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
