import { lazy, Suspense, useState, type ReactNode } from 'react';

const UpgradeDialog = lazy(() => import('./UpgradeDialog.tsx'));

/** The comparison of plans as a window over the present page: what opens it, and where to draw it. */
export function useUpgradeDialog(): { openUpgrade: () => void; upgradeDialog: ReactNode } {
  const [open, setOpen] = useState(false);
  return {
    openUpgrade: () => setOpen(true),
    upgradeDialog: open && (
      <Suspense>
        <UpgradeDialog onClose={() => setOpen(false)} />
      </Suspense>
    ),
  };
}
