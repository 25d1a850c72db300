import { CircleAlert, RotateCw } from 'lucide-react';
import { useI18n } from '../i18n/i18n.ts';
import { Button } from './ui/button.tsx';

interface ErrorStateProps {
  /** A sentence for a person, see `errorText`. */
  message: string;
  onRetry: () => void;
}

/** What a list or a page shows when its data could not be had: the reason, and a way to try again. */
export function ErrorState({ message, onRetry }: ErrorStateProps) {
  const { t } = useI18n();
  return (
    <div role="alert" className="grid justify-items-center gap-2 px-6 py-12 text-center">
      <span className="grid size-11 place-items-center rounded-full bg-red-tint text-red-ink">
        <CircleAlert aria-hidden className="size-5" />
      </span>
      <p className="font-semibold">{t.errors.title}</p>
      <p className="max-w-md text-muted">{message}</p>
      <Button className="mt-2" onClick={onRetry}>
        <RotateCw aria-hidden />
        {t.errors.retry}
      </Button>
    </div>
  );
}
