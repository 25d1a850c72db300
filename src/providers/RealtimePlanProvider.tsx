import type { CSSProperties, ReactNode } from 'react';
import { Toaster } from 'sonner';
import { useRealtimePlanUpdates } from '../features/dashboard/hooks/useRealtimePlanUpdates.ts';
import { useToastLabels } from '../features/dashboard/hooks/useToastLabels.ts';

/** Sonner's own variables, set to our tokens: light and dark follow the page. */
const TOAST_COLOURS = {
  '--normal-bg': 'var(--card)',
  '--normal-text': 'var(--ink)',
  '--normal-border': 'var(--line)',
} as CSSProperties;

/**
 * Makes everything below it live: put it once, inside `QueryClientProvider`, around the app. It also holds
 * the host of all toasts, so that no announcement can be sent to a host that was never mounted.
 */
export function RealtimePlanProvider({ children }: { children: ReactNode }) {
  useRealtimePlanUpdates();
  const labels = useToastLabels();
  return (
    <>
      {children}
      <Toaster
        position="bottom-right"
        closeButton
        containerAriaLabel={labels.region}
        toastOptions={{ closeButtonAriaLabel: labels.close }}
        style={TOAST_COLOURS}
      />
    </>
  );
}
