import { useRef, useState } from 'react';
import { Dialog } from '@/components/ui/dialog.tsx';
import { useI18n } from '@/i18n/i18n.ts';
import { lastEmail, signOut } from './authSession.ts';
import { SignInForm } from './SignInForm.tsx';

/** Asks for the password over the screen, which stays as it was. Closing it means signing out. */
export default function SessionExpiredDialog() {
  const { t } = useI18n();
  const [credentials, setCredentials] = useState({ email: lastEmail(), password: '' });
  const password = useRef<HTMLInputElement>(null);
  return (
    <Dialog
      open
      onOpenChange={() => void signOut().finally(() => location.assign('/connexion'))}
      title={t.connection.sessionExpired}
      description={t.connection.sessionExpiredDetail}
      closeLabel={t.app.signOut}
      initialFocus={password}
    >
      <SignInForm
        value={credentials}
        onChange={setCredentials}
        onSignedIn={() => undefined}
        passwordRef={password}
      />
    </Dialog>
  );
}
