import { Link, type ErrorComponentProps } from '@tanstack/react-router';
import { Compass } from 'lucide-react';
import { EmptyState } from '@/components/EmptyState.tsx';
import { ErrorState } from '@/components/ErrorState.tsx';
import { PageHeader } from '@/components/PageHeader.tsx';
import { buttonVariants } from '@/components/ui/button.tsx';
import { useI18n } from '@/i18n/i18n.ts';

/** An address that leads nowhere, or to a page of another role. */
export function NotFoundPage() {
  const { t } = useI18n();
  return (
    <>
      <PageHeader title={t.app.notFound} />
      <EmptyState
        icon={Compass}
        title={t.app.notFound}
        detail={t.app.notFoundDetail}
        action={
          <Link to="/" className={buttonVariants({ variant: 'primary' })}>
            {t.app.home}
          </Link>
        }
      />
    </>
  );
}

/** A page whose code failed; the rest of the app stays. A part of the app that a new release removed lands here too. */
export function CrashPage({ error }: ErrorComponentProps) {
  const { t } = useI18n();
  return (
    <>
      <PageHeader title={t.app.crashed} />
      <ErrorState
        message={error instanceof Error ? error.message : t.errors.codes.unknown}
        onRetry={() => location.reload()}
      />
    </>
  );
}
