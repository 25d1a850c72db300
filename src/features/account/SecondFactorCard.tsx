import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { ShieldCheck, ShieldOff } from 'lucide-react';
import { useState } from 'react';
import { ErrorState } from '@/components/ErrorState.tsx';
import { Badge } from '@/components/ui/badge.tsx';
import { Button } from '@/components/ui/button.tsx';
import { Card, CardHeader, CardTitle } from '@/components/ui/card.tsx';
import { Notice } from '@/components/ui/notice.tsx';
import { Skeleton } from '@/components/ui/skeleton.tsx';
import { useI18n } from '@/i18n/i18n.ts';
import { toast } from '@/lib/toasts.ts';
import { CodeStep } from './CodeStep.tsx';
import { EnrolSecondFactor } from './EnrolSecondFactor.tsx';
import {
  beginSecondFactor,
  confirmSecondFactor,
  failureOf,
  removeSecondFactor,
  secondFactorQuery,
} from './queries.ts';
import { useAccountWords } from './words.ts';

/** The second factor of a super admin: set up, in use, removed. */
export function SecondFactorCard() {
  const { t } = useI18n();
  const all = useAccountWords();
  const words = all.factor;
  const queryClient = useQueryClient();
  const { data: factorId, error, refetch } = useQuery(secondFactorQuery);
  const [isRemoving, setRemoving] = useState(false);
  const begin = useMutation({ mutationFn: beginSecondFactor });
  const changed = () =>
    Promise.all([
      queryClient.invalidateQueries({ queryKey: secondFactorQuery.queryKey }),
      queryClient.invalidateQueries({ queryKey: ['own-sessions'] }),
    ]);

  async function onConfirmed(): Promise<void> {
    await changed();
    begin.reset();
    toast.success(words.enabledToast);
  }

  async function onRemoved(): Promise<void> {
    await changed();
    setRemoving(false);
    toast.success(words.removedToast);
  }

  return (
    <Card aria-labelledby="account-factor" className="grid gap-4 p-5">
      <CardHeader>
        <CardTitle id="account-factor">{words.title}</CardTitle>
        {factorId !== undefined && (
          <Badge tone={factorId ? 'green' : 'gold'}>{factorId ? words.on : words.off}</Badge>
        )}
      </CardHeader>
      {error && factorId === undefined ? (
        <ErrorState message={all.failures[failureOf(error)]} onRetry={() => void refetch()} />
      ) : factorId === undefined ? (
        <div role="status">
          <span className="sr-only">{t.app.loading}</span>
          <Skeleton className="h-16" />
        </div>
      ) : factorId === null ? (
        <>
          <p className="text-muted">{words.offDetail}</p>
          {begin.error && (
            <Notice tone="danger" role="alert">
              {all.failures[failureOf(begin.error)]}
            </Notice>
          )}
          {begin.data ? (
            <EnrolSecondFactor
              enrolment={begin.data}
              confirm={(code) => confirmSecondFactor(begin.data.id, code)}
              onConfirmed={onConfirmed}
              onCancel={begin.reset}
            />
          ) : (
            <Button
              variant="primary"
              className="justify-self-start"
              aria-disabled={begin.isPending || undefined}
              onClick={() => {
                if (!begin.isPending) begin.mutate();
              }}
            >
              <ShieldCheck aria-hidden />
              {words.begin}
            </Button>
          )}
        </>
      ) : (
        <>
          <p className="text-muted">{words.onDetail}</p>
          {isRemoving ? (
            <CodeStep
              hint={words.removeHint}
              action={words.removeConfirm}
              submit={(code) => removeSecondFactor(factorId, code)}
              onDone={onRemoved}
              onCancel={() => setRemoving(false)}
            />
          ) : (
            <Button className="justify-self-start" onClick={() => setRemoving(true)}>
              <ShieldOff aria-hidden />
              {words.remove}
            </Button>
          )}
        </>
      )}
    </Card>
  );
}
