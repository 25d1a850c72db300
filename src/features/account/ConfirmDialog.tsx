import { useRef } from 'react';
import { Button } from '@/components/ui/button.tsx';
import { Dialog } from '@/components/ui/dialog.tsx';
import { Notice } from '@/components/ui/notice.tsx';
import { useI18n } from '@/i18n/i18n.ts';

interface ConfirmDialogProps {
  title: string;
  detail: string;
  /** What the button that does it says. */
  action: string;
  error: string | null;
  isPending: boolean;
  onConfirm: () => void;
  onClose: () => void;
}

/** Asks before an act that cannot be undone. The way back has the focus. */
export function ConfirmDialog(props: ConfirmDialogProps) {
  const { t } = useI18n();
  const cancel = useRef<HTMLButtonElement>(null);
  return (
    <Dialog
      open
      onOpenChange={props.onClose}
      title={props.title}
      description={props.detail}
      closeLabel={t.app.close}
      initialFocus={cancel}
    >
      <div className="grid gap-4 pb-1">
        {props.error && (
          <Notice tone="danger" role="alert">
            {props.error}
          </Notice>
        )}
        <div className="flex flex-wrap justify-end gap-2">
          <Button ref={cancel} onClick={props.onClose}>
            {t.app.cancel}
          </Button>
          <Button
            variant="primary"
            aria-disabled={props.isPending || undefined}
            onClick={() => {
              if (!props.isPending) props.onConfirm();
            }}
          >
            {props.action}
          </Button>
        </div>
      </div>
    </Dialog>
  );
}
