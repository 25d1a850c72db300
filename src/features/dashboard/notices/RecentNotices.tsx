import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useId, useTransition, type ReactNode } from 'react';
import { ErrorState } from '@/components/ErrorState.tsx';
import { Badge } from '@/components/ui/badge.tsx';
import { Button } from '@/components/ui/button.tsx';
import { Card, CardHeader, CardTitle } from '@/components/ui/card.tsx';
import { cn } from '@/components/ui/cn.ts';
import { Skeleton } from '@/components/ui/skeleton.tsx';
import { useI18n } from '@/i18n/i18n.ts';
import { errorText } from '@/lib/apiError.ts';
import { catalogueQuery } from '@/lib/queries/catalogue.ts';
import { getRegistry } from '@/lib/supabase.ts';
import { toast } from '@/lib/toasts.ts';
import { NoticeIcon } from './NoticeIcon.tsx';
import { describeNotice, type NoticeRoute } from './noticeKinds.ts';
import { markNoticesRead, noticesQuery, outdateNotices, refreshNotices } from './queries.ts';

/** Events after which the list is read again: a notice came, rose or fell. */
const REFRESHING = new Set(['notification', 'notice_changed']);

interface RecentNoticesProps {
  groupId: string;
  /** The way to where a notice can be acted on; the routes know the addresses. */
  linkTo: (route: NoticeRoute, text: string) => ReactNode;
}

/** The newest warnings and answers of a group, live; what was not read yet is marked, what is over says so. */
export function RecentNotices({ groupId, linkTo }: RecentNoticesProps) {
  const i18n = useI18n();
  const { t, formats } = i18n;
  const titleId = useId();
  const queryClient = useQueryClient();
  const { data: catalogue } = useQuery(catalogueQuery);
  const notices = useQuery(noticesQuery(groupId));
  const [isMarking, startMarking] = useTransition();
  const markRead = (turn: number) =>
    startMarking(async () => {
      await markNoticesRead(turn).catch((error: unknown) => toast.error(errorText(error, t)));
      await refreshNotices(queryClient, groupId);
    });

  useEffect(() => {
    const refresh = () => void refreshNotices(queryClient, groupId);
    return getRegistry().acquire(`group:${groupId}`, {
      onEvent: (event) => {
        if (REFRESHING.has(event)) refresh();
        // Its notice says what the screen shows already: it is there the next time the list is read.
        else if (event === 'plan_changed') void outdateNotices(queryClient, groupId);
      },
      onJoined: refresh,
    });
  }, [groupId, queryClient]);

  const newest = notices.data?.[0];
  const hasUnread = notices.data?.some(({ unread }) => unread) ?? false;
  return (
    <Card aria-labelledby={titleId} className="px-4.5 py-4">
      <CardHeader>
        <CardTitle id={titleId}>{t.notices.title}</CardTitle>
        {hasUnread && newest && (
          <Button size="sm" disabled={isMarking} onClick={() => markRead(newest.turn)}>
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
            const { title, detail, icon, colour, route } = describeNotice(i18n, notice, catalogue);
            const { unread, resolved_at: resolvedAt } = notice;
            return (
              <li
                key={notice.id}
                className="grid grid-cols-[auto_1fr_auto] items-baseline gap-x-2.5 gap-y-0.5 py-2.5 text-[0.8125rem]"
              >
                <NoticeIcon
                  name={icon}
                  className={cn('size-4 self-start mt-0.5', resolvedAt ? 'text-muted' : colour)}
                />
                <span className={cn(unread && 'font-semibold', resolvedAt && 'text-muted')}>
                  {route === null ? title : linkTo(route, title)}
                </span>
                <span>
                  {unread && <Badge>{t.notices.unread}</Badge>}
                  {resolvedAt && <span className="text-muted">{t.notices.resolved}</span>}
                </span>
                <span className="col-span-2 col-start-2 text-muted sm:flex sm:justify-between sm:gap-x-3">
                  <span className="max-sm:block">{detail}</span>
                  <time dateTime={notice.raised_at} className="shrink-0 tabular">
                    {formats.dateTime(notice.raised_at)}
                  </time>
                </span>
              </li>
            );
          })}
        </ul>
      )}
    </Card>
  );
}
