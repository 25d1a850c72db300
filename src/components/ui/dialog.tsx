import { Dialog as BaseDialog } from '@base-ui/react/dialog';
import { X } from 'lucide-react';
import type { ReactNode, RefObject } from 'react';
import { buttonVariants } from './button.tsx';
import { cn } from './cn.ts';

interface DialogProps {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: string;
  description?: ReactNode;
  closeLabel: string;
  /** `side` slides in from the right on a wide screen, for what is read beside the page. */
  placement?: 'center' | 'side';
  /** What takes the focus at the opening; without it the button that closes. */
  initialFocus?: RefObject<HTMLElement | null>;
  children: ReactNode;
}

/** A modal window: focus stays inside, Escape closes, focus returns to what opened it. Full width on a phone. */
export function Dialog({
  open,
  onOpenChange,
  title,
  description,
  closeLabel,
  placement = 'center',
  initialFocus,
  children,
}: DialogProps) {
  return (
    <BaseDialog.Root open={open} onOpenChange={onOpenChange}>
      <BaseDialog.Portal>
        <BaseDialog.Backdrop className="fixed inset-0 z-40 bg-[#0b1426]/50 transition-opacity duration-150 data-[ending-style]:opacity-0 data-[starting-style]:opacity-0" />
        <BaseDialog.Popup
          {...(initialFocus && { initialFocus })}
          className={cn(
            'fixed z-50 flex flex-col border border-line bg-card text-ink shadow-2xl transition-[opacity,transform] duration-150 data-[ending-style]:opacity-0 data-[starting-style]:opacity-0',
            'inset-x-0 bottom-0 max-h-[92dvh] rounded-t-2xl',
            placement === 'center'
              ? 'sm:inset-x-auto sm:bottom-auto sm:top-1/2 sm:left-1/2 sm:w-[30rem] sm:max-w-[calc(100vw-2rem)] sm:-translate-x-1/2 sm:-translate-y-1/2 sm:rounded-card'
              : 'sm:inset-y-0 sm:right-0 sm:left-auto sm:max-h-none sm:w-[46rem] sm:max-w-[calc(100vw-3rem)] sm:rounded-none sm:data-[ending-style]:translate-x-6 sm:data-[starting-style]:translate-x-6',
          )}
        >
          <header className="flex items-start justify-between gap-4 border-b border-line px-5 py-4">
            <div>
              <BaseDialog.Title className="text-base font-semibold">{title}</BaseDialog.Title>
              {description && (
                <BaseDialog.Description className="mt-0.5 text-[0.8125rem] text-muted">
                  {description}
                </BaseDialog.Description>
              )}
            </div>
            <BaseDialog.Close
              aria-label={closeLabel}
              className={buttonVariants({ variant: 'ghost', size: 'icon', className: '-mt-1.5 -mr-2' })}
            >
              <X aria-hidden />
            </BaseDialog.Close>
          </header>
          <div className="overflow-y-auto overscroll-contain px-5 py-4">{children}</div>
        </BaseDialog.Popup>
      </BaseDialog.Portal>
    </BaseDialog.Root>
  );
}
