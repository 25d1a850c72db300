import { useIsFetching } from '@tanstack/react-query';
import { useEffect, useSyncExternalStore, type CSSProperties, type ReactNode } from 'react';
import { useRealtimePlanUpdates } from '../features/dashboard/hooks/useRealtimePlanUpdates.ts';
import { useToastLabels } from '../features/dashboard/hooks/useToastLabels.ts';
import { attachToastHost, loadToasts, toastLibrary, watchToasts } from '../lib/toasts.ts';

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

/** After this long without a read in flight, the screen is taken to be at rest. */
const REST_MS = 2_000;

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
 * The library of toasts, once it is loaded. It is loaded as soon as the screen is at rest, before anything is announced:
 * so that a line that breaks later costs no toast, and the live region stands before it is filled.
 */
function useToastLibrary() {
  const library = useSyncExternalStore(watchToasts, toastLibrary);
  const isAtRest = useIsFetching() === 0;
  useEffect(() => {
    if (library || !isAtRest) return undefined;
    const timer = setTimeout(() => void loadToasts(), REST_MS);
    return () => clearTimeout(timer);
  }, [isAtRest, library]);
  // Effects of children run first: by now the host listens.
  useEffect(() => (library ? attachToastHost(library) : undefined), [library]);
  return library;
}

/**
 * Makes everything below it live: put it once, inside `QueryClientProvider`, around the app. It also holds
 * the host of all toasts: announcements wait until it is mounted, so that none can be sent to a host that never was.
 */
export function RealtimePlanProvider({ children }: { children: ReactNode }) {
  useRealtimePlanUpdates();
  const labels = useToastLabels();
  const isPhone = useIsPhone();
  const library = useToastLibrary();
  return (
    <>
      {children}
      {library && (
        <library.Toaster
          position={isPhone ? 'top-center' : 'bottom-right'}
          // Below the bar that holds the connection state.
          mobileOffset={{ top: 56 }}
          closeButton
          containerAriaLabel={labels.region}
          toastOptions={{ closeButtonAriaLabel: labels.close, classNames: { title: 'font-semibold!' } }}
          style={TOAST_LOOKS}
        />
      )}
    </>
  );
}
