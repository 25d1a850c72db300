import { Plus } from 'lucide-react';
import { lazy, Suspense, useState } from 'react';
import { Button } from '@/components/ui/button.tsx';
import { useI18n } from '@/i18n/i18n.ts';
import { PlanRestrictionGuard } from '../components/restrictions/PlanRestrictionGuard.tsx';

const SchoolDialog = lazy(() => import('./SchoolDialog.tsx'));

/** The button that adds a school, open only while the plan has room for one more. */
export function CreateSchool({ groupId, onUpgradeClick }: { groupId: string; onUpgradeClick: () => void }) {
  const { t } = useI18n();
  const [open, setOpen] = useState(false);
  return (
    <>
      <PlanRestrictionGuard restrictionType="schools" onUpgradeClick={onUpgradeClick}>
        <Button variant="primary" aria-haspopup="dialog" onClick={() => setOpen(true)}>
          <Plus aria-hidden />
          {t.schools.create}
        </Button>
      </PlanRestrictionGuard>
      {open && (
        <Suspense>
          <SchoolDialog groupId={groupId} onClose={() => setOpen(false)} onUpgradeClick={onUpgradeClick} />
        </Suspense>
      )}
    </>
  );
}
