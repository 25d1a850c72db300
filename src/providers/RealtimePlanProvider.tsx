import { useSyncExternalStore, type CSSProperties, type ReactNode } from 'react';
import { Toaster } from 'sonner';
import { useRealtimePlanUpdates } from '../features/dashboard/hooks/useRealtimePlanUpdates.ts';
import { useToastLabels } from '../features/dashboard/hooks/useToastLabels.ts';

/** Sonner's own variables, set to our tokens: light and dark follow the page. */
const TOAST_LOOKS = {
  '--normal-bg': 'var(--card)',
  '--normal-text': 'var(--ink)',
  '--normal-border': 'var(--line)',
  // The button that closes a toast sits where windows have theirs.
  '--toast-close-button-start': 'unset',
  '--toast-close-button-end': '0',
  '--toast-close-button-transform': 'translate(35%, -35%)',
} as CSSProperties;

const PHONE = '(max-width: 639px)';

function watchPhone(onChange: () => void): () => void {
  const query = matchMedia(PHONE);
  query.addEventListener('change', onChange);
  return () => query.removeEventListener('change', onChange);
}

/** Whether the screen is as narrow as a phone's: its bottom belongs to the thumb, so toasts come from the top. */
function useIsPhone(): boolean {
  return useSyncExternalStore(watchPhone, () => matchMedia(PHONE).matches);
}

/**
 * Makes everything below it live: put it once, inside `QueryClientProvider`, around the app. It also holds
 * the host of all toasts, so that no announcement can be sent to a host that was never mounted.
 */
export function RealtimePlanProvider({ children }: { children: ReactNode }) {
  useRealtimePlanUpdates();
  const labels = useToastLabels();
  const isPhone = useIsPhone();
  return (
    <>
      {children}
      <Toaster
        position={isPhone ? 'top-center' : 'bottom-right'}
        // Below the bar that holds the connection state.
        mobileOffset={{ top: 56 }}
        closeButton
        containerAriaLabel={labels.region}
        toastOptions={{ closeButtonAriaLabel: labels.close, classNames: { title: 'font-semibold!' } }}
        style={TOAST_LOOKS}
      />
    </>
  );
}
