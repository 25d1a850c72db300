import { useState } from 'react';
import { Dialog } from '@/components/ui/dialog.tsx';
import { useI18n } from '@/i18n/i18n.ts';
import { signOut } from './authSession.ts';
import { SignInForm } from './SignInForm.tsx';

/** Asks for the password over the screen, which stays as it was. Closing it means signing out. */
export default function SessionExpiredDialog() {
  const { t } = useI18n();
  const [credentials, setCredentials] = useState({ email: '', password: '' });
  return (
    <Dialog
      open
      onOpenChange={() => void signOut().finally(() => location.assign('/connexion'))}
      title={t.connection.sessionExpired}
      description={t.connection.sessionExpiredDetail}
      closeLabel={t.app.signOut}
    >
      <SignInForm value={credentials} onChange={setCredentials} onSignedIn={() => undefined} />
    </Dialog>
  );
}
