import { PageHeader } from '@/components/PageHeader.tsx';
import { PasswordCard } from './PasswordCard.tsx';
import { SecondFactorCard } from './SecondFactorCard.tsx';
import { SessionsCard } from './SessionsCard.tsx';
import { useAccountWords } from './words.ts';

/** One's own account: password, sessions, and for super admins the second factor. */
export function AccountPage({ canHaveSecondFactor }: { canHaveSecondFactor: boolean }) {
  const words = useAccountWords();
  return (
    <>
      <PageHeader title={words.title}>{words.lead}</PageHeader>
      <div className="grid max-w-6xl items-start gap-4 xl:grid-cols-2">
        <div className="grid gap-4">
          <PasswordCard />
          {canHaveSecondFactor && <SecondFactorCard />}
        </div>
        <SessionsCard />
      </div>
    </>
  );
}
