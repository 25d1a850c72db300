import { ErrorState } from '@/components/ErrorState.tsx';
import { useI18n } from '@/i18n/i18n.ts';
import { ApiError, errorText } from '@/lib/apiError.ts';

/** The page could not start: the server gave no configuration, or the session could not be read. */
export function StartFailed({ error, onRetry }: { error: unknown; onRetry: () => void }) {
  const { t } = useI18n();
  const message = error instanceof ApiError ? errorText(error, t) : t.errors.codes.network;
  return (
    <main className="grid min-h-dvh place-items-center">
      <ErrorState message={message} onRetry={onRetry} />
    </main>
  );
}
