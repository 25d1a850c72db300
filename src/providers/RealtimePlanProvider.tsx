import { useEffect, type CSSProperties, type ReactNode } from 'react';
import { toast, Toaster } from 'sonner';
import { useRealtimePlanUpdates } from '../features/dashboard/hooks/useRealtimePlanUpdates.ts';
import { useI18n } from '../i18n/i18n.ts';
import { useSession } from '../lib/session.ts';

const EXPIRED_TOAST = 'session-expired';

/** Sonner's own variables, set to our tokens: light and dark follow the page. */
const TOAST_COLOURS = {
  '--normal-bg': 'var(--card)',
  '--normal-text': 'var(--ink)',
  '--normal-border': 'var(--line)',
} as CSSProperties;

/** Says that the session expired, and takes it back when the person has signed in again. */
function useExpiredSessionNotice(): void {
  const session = useSession();
  const { t } = useI18n();
  const isExpired = session.status === 'signed_in' && session.expired;
  useEffect(() => {
    if (!isExpired) return undefined;
    toast.warning(t.connection.sessionExpired, {
      id: EXPIRED_TOAST,
      description: t.connection.sessionExpiredDetail,
      duration: Infinity,
    });
    return () => {
      toast.dismiss(EXPIRED_TOAST);
    };
  }, [isExpired, t]);
}

/**
 * Makes everything below it live: put it once, inside `QueryClientProvider`, around the app. It also holds
 * the host of all toasts, so that no announcement can be sent to a host that was never mounted.
 */
export function RealtimePlanProvider({ children }: { children: ReactNode }) {
  useRealtimePlanUpdates();
  useExpiredSessionNotice();
  return (
    <>
      {children}
      <Toaster position="bottom-right" closeButton style={TOAST_COLOURS} />
    </>
  );
}
