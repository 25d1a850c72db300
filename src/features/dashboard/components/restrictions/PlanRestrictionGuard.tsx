import { useId, useLayoutEffect, useRef, useState, type ReactNode, type RefObject } from 'react';
import { cn } from '../../../../components/ui/cn.ts';
import type { Resource } from '../../../../core/entitlements.ts';
import { useCheckRestriction } from '../../hooks/usePlanRestrictionsRealtime.ts';
import { GuardNotice } from './GuardNotice.tsx';
import { guardView } from './guardView.ts';

interface PlanRestrictionGuardProps {
  restrictionType: Resource;
  /** Leads to the way out; without it no upgrade action is shown. */
  onUpgradeClick?: () => void;
  /** Per cent of the limit from which this guard warns; what is stored and notified does not depend on it. */
  showWarningAt?: number;
  /** How many the action would add: rows, or bytes for storage. */
  requested?: number;
  children: ReactNode;
}

/** Whether the guard has opened after having been closed by a decision: worth saying aloud. */
function useHasReopened(isOpen: boolean, isClosed: boolean): boolean {
  const [wasClosed, setWasClosed] = useState(false);
  if (isClosed && !wasClosed) setWasClosed(true);
  return isOpen && wasClosed;
}

/**
 * When the guard closes over the field that has the focus, gives it back once the guard opens: whoever was
 * typing goes on typing.
 */
function useReturnedFocus(content: RefObject<HTMLDivElement | null>, isOpen: boolean): void {
  const left = useRef<HTMLElement | null>(null);
  useLayoutEffect(() => {
    const active = document.activeElement;
    if (!isOpen) {
      if (active instanceof HTMLElement && content.current?.contains(active)) {
        left.current = active;
        active.blur();
      }
      return;
    }
    if (active === document.body) left.current?.focus();
    left.current = null;
  }, [content, isOpen]);
}

/**
 * Lets its children act only while the group's plan has room for it, and says why when it has not. The
 * children stay mounted and keep what was typed; closed, they are inert: no click and no key reaches them.
 * It is a courtesy to the person. The law is in the database, which refuses the row whatever a screen does.
 */
export function PlanRestrictionGuard({
  restrictionType,
  onUpgradeClick,
  showWarningAt = 80,
  requested = 1,
  children,
}: PlanRestrictionGuardProps) {
  const check = useCheckRestriction(restrictionType, requested);
  const view = guardView(check, showWarningAt);
  const isOpen = view.kind === 'open' || view.kind === 'warning';
  const hasReopened = useHasReopened(isOpen, view.kind === 'closed');
  const content = useRef<HTMLDivElement>(null);
  useReturnedFocus(content, isOpen);
  const titleId = useId();
  return (
    <div className={cn(view.kind === 'open' ? 'contents' : 'grid gap-3')} data-guard={view.kind}>
      <GuardNotice
        view={view}
        titleId={titleId}
        hasReopened={hasReopened}
        onUpgradeClick={onUpgradeClick}
        onRetry={check.retry}
      />
      <div
        ref={content}
        className={isOpen ? 'contents' : 'opacity-45'}
        inert={!isOpen}
        {...(isOpen ? {} : { role: 'group', 'aria-disabled': true, 'aria-labelledby': titleId })}
      >
        {children}
      </div>
    </div>
  );
}
