import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useId, useTransition } from 'react';
import { toast } from 'sonner';
import { ErrorState } from '@/components/ErrorState.tsx';
import { Button } from '@/components/ui/button.tsx';
import { Card, CardHeader, CardTitle } from '@/components/ui/card.tsx';
import { Skeleton } from '@/components/ui/skeleton.tsx';
import { useI18n } from '@/i18n/i18n.ts';
import { errorText } from '@/lib/apiError.ts';
import { catalogueQuery } from '@/lib/queries/catalogue.ts';
import { getRegistry } from '@/lib/supabase.ts';
import { noticeText } from './noticeText.ts';
import { markNoticesRead, noticesQuery, refreshNotices } from './queries.ts';

/** The newest warnings and answers of a group, live; what was not read yet is marked. */
export function RecentNotices({ groupId }: { groupId: string }) {
  const i18n = useI18n();
  const { t, formats } = i18n;
  const titleId = useId();
  const queryClient = useQueryClient();
  const { data: catalogue } = useQuery(catalogueQuery);
  const notices = useQuery(noticesQuery(groupId));
  const [isMarking, startMarking] = useTransition();
  const markRead = (id: number) =>
    startMarking(async () => {
      await markNoticesRead(id).catch((error: unknown) => toast.error(errorText(error, t)));
      await refreshNotices(queryClient, groupId);
    });

  useEffect(() => {
    const refresh = () => void refreshNotices(queryClient, groupId);
    return getRegistry().acquire(`group:${groupId}`, {
      onEvent: (event) => {
        if (event === 'notification' || event === 'request_changed') refresh();
      },
      onJoined: refresh,
    });
  }, [groupId, queryClient]);

  const newest = notices.data?.[0];
  const hasUnread = notices.data?.some(({ notification_reads }) => notification_reads.length === 0) ?? false;
  return (
    <Card aria-labelledby={titleId} className="px-4.5 py-4">
      <CardHeader>
        <CardTitle id={titleId}>{t.notices.title}</CardTitle>
        {hasUnread && newest && (
          <Button size="sm" disabled={isMarking} onClick={() => markRead(newest.id)}>
            {t.notices.markRead}
          </Button>
        )}
      </CardHeader>
      {notices.isError && !notices.data ? (
        <ErrorState message={errorText(notices.error, t)} onRetry={() => void notices.refetch()} />
      ) : !notices.data ? (
        <Skeleton className="mt-2 h-9" />
      ) : notices.data.length === 0 ? (
        <p className="mt-2 text-[0.8125rem] text-muted">{t.notices.none}</p>
      ) : (
        <ul aria-live="polite" className="mt-2 divide-y divide-line">
          {notices.data.map((notice) => {
            const { title, detail } = noticeText(i18n, notice, catalogue);
            const isUnread = notice.notification_reads.length === 0;
            return (
              <li key={notice.id} className="grid gap-0.5 py-2 text-[0.8125rem]">
                <span className="flex items-baseline justify-between gap-3">
                  <span className={isUnread ? 'font-semibold' : undefined}>
                    {title}
                    {isUnread && <span className="ml-2 text-gold-ink">{t.notices.unread}</span>}
                  </span>
                  <time dateTime={notice.created_at} className="shrink-0 text-muted tabular">
                    {formats.dateTime(notice.created_at)}
                  </time>
                </span>
                {detail && <span className="text-muted">{detail}</span>}
              </li>
            );
          })}
        </ul>
      )}
    </Card>
  );
}
