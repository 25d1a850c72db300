import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Laptop, MonitorSmartphone, Smartphone } from 'lucide-react';
import { useState } from 'react';
import { EmptyState } from '@/components/EmptyState.tsx';
import { ErrorState } from '@/components/ErrorState.tsx';
import { Badge } from '@/components/ui/badge.tsx';
import { Button } from '@/components/ui/button.tsx';
import { Card, CardHeader, CardTitle } from '@/components/ui/card.tsx';
import { Skeleton } from '@/components/ui/skeleton.tsx';
import { useI18n } from '@/i18n/i18n.ts';
import { errorText } from '@/lib/apiError.ts';
import { ConfirmDialog } from './ConfirmDialog.tsx';
import { deviceOf } from './device.ts';
import { endOtherSessions, endSession, failureOf, sessionsQuery, type OwnSession } from './queries.ts';
import { useAccountWords, type AccountWords } from './words.ts';

function deviceText(words: AccountWords['sessions'], { user_agent }: OwnSession): string {
  const { browser, system } = deviceOf(user_agent);
  if (browser && system) return words.on(browser, system);
  return browser ?? system ?? words.unknownDevice;
}

/** Where one is signed in: to see what is not one's own, and to end it. */
export function SessionsCard() {
  const { t } = useI18n();
  const all = useAccountWords();
  const words = all.sessions;
  const queryClient = useQueryClient();
  const { data, error, refetch } = useQuery(sessionsQuery);
  const [asked, setAsked] = useState<OwnSession | 'others' | null>(null);
  const ending = useMutation({
    mutationFn: (which: OwnSession | 'others') =>
      which === 'others' ? endOtherSessions() : endSession(which.id),
    onSuccess: () => setAsked(null),
    onSettled: () => queryClient.invalidateQueries({ queryKey: sessionsQuery.queryKey }),
  });
  const others = data?.filter(({ current }) => !current).length ?? 0;
  const ask = (which: OwnSession | 'others') => {
    ending.reset();
    setAsked(which);
  };

  return (
    <Card aria-labelledby="account-sessions" className="grid gap-3 p-5">
      <CardHeader>
        <CardTitle id="account-sessions">{words.title}</CardTitle>
        {others > 1 && (
          <Button size="sm" onClick={() => ask('others')}>
            {words.endOthers}
          </Button>
        )}
      </CardHeader>
      <p className="text-[0.8125rem] text-muted">{words.lead}</p>
      {error && !data ? (
        <ErrorState message={errorText(error, t)} onRetry={() => void refetch()} />
      ) : !data ? (
        <Loading label={t.app.loading} />
      ) : data.length === 0 ? (
        <EmptyState icon={MonitorSmartphone} title={words.none} />
      ) : (
        <ul className="grid divide-y divide-line">
          {data.map((session) => (
            <SessionRow key={session.id} session={session} onEnd={() => ask(session)} />
          ))}
        </ul>
      )}
      {asked && (
        <ConfirmDialog
          title={asked === 'others' ? words.askOthers : words.askOne(deviceText(words, asked))}
          detail={words.askDetail}
          action={ending.isPending ? words.ending : words.end}
          error={ending.error && all.failures[failureOf(ending.error)]}
          isPending={ending.isPending}
          onConfirm={() => ending.mutate(asked)}
          onClose={() => setAsked(null)}
        />
      )}
    </Card>
  );
}

function Loading({ label }: { label: string }) {
  return (
    <div role="status" className="grid gap-3 py-2">
      <span className="sr-only">{label}</span>
      <Skeleton className="h-12" />
      <Skeleton className="h-12" />
    </div>
  );
}

function SessionRow({ session, onEnd }: { session: OwnSession; onEnd: () => void }) {
  const { formats } = useI18n();
  const words = useAccountWords().sessions;
  const Icon = deviceOf(session.user_agent).isPhone ? Smartphone : Laptop;
  const device = deviceText(words, session);
  return (
    <li data-session={session.current ? 'current' : 'other'} className="flex items-start gap-3 py-3">
      <Icon aria-hidden className="mt-0.5 size-5 shrink-0 text-muted" />
      <div className="min-w-0 flex-1">
        <p className="flex flex-wrap items-center gap-x-2 gap-y-1 font-medium">
          {device}
          {session.current && <Badge tone="green">{words.current}</Badge>}
        </p>
        <p className="text-[0.8125rem] break-words text-muted">
          {words.used(formats.dateTime(session.refreshed_at ?? session.created_at))}
        </p>
        <p className="text-[0.8125rem] break-all text-muted">
          {session.ip ? words.from(session.ip) : words.unknownPlace}
        </p>
      </div>
      {!session.current && (
        <Button size="sm" aria-label={words.endNamed(device)} onClick={onEnd}>
          {words.end}
        </Button>
      )}
    </li>
  );
}
