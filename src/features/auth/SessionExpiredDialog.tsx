import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { Button } from '@/components/ui/button.tsx';
import { Dialog } from '@/components/ui/dialog.tsx';
import { useI18n } from '@/i18n/i18n.ts';
import type { EndReason } from '@/lib/session.ts';
import { getRegistry } from '@/lib/supabase.ts';
import { lastEmail, signOut } from './authSession.ts';
import { SignInForm } from './SignInForm.tsx';
import { useAuthWords } from './words.ts';

/** Of these a password changes nothing. */
const isFinal = (reason: EndReason) => reason === 'disabled' || reason === 'archived';

/**
 * Says why the session is over and asks for the password, over the screen, which stays as it was. Closing it means
 * signing out.
 */
export default function SessionExpiredDialog({ reason }: { reason: EndReason }) {
  const { t } = useI18n();
  const words = useAuthWords().ended;
  const queryClient = useQueryClient();
  const [credentials, setCredentials] = useState({ email: lastEmail(), password: '' });
  const password = useRef<HTMLInputElement>(null);
  const leave = () => void signOut().finally(() => location.assign('/connexion'));

  // Back in the session: what was refused meanwhile is asked for again, and the line is tried at once.
  useEffect(
    () => () => {
      void queryClient.invalidateQueries();
      getRegistry().wake();
    },
    [queryClient],
  );

  return (
    <Dialog
      open
      onOpenChange={leave}
      title={words.title}
      description={words.over[reason]}
      closeLabel={t.app.signOut}
      {...(!isFinal(reason) && { initialFocus: password })}
    >
      {isFinal(reason) ? (
        <Button variant="primary" onClick={leave} className="w-full">
          {words.leave}
        </Button>
      ) : (
        <SignInForm
          value={credentials}
          onChange={setCredentials}
          onSignedIn={() => undefined}
          passwordRef={password}
        />
      )}
    </Dialog>
  );
}
